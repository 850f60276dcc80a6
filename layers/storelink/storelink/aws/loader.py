"""A loader for botocore that reads only what a client needs: less to parse at each cold start."""

import os
from typing import Any

from botocore.loaders import Loader


class SlimLoader(Loader):
    """botocore's data, without what takes long and says nothing about the services that are called."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  botocore's signature
        """The names of the services' folders. botocore looks into each of some hundreds for a file of this type."""
        folders = filter(os.path.isdir, self.search_paths)
        return sorted({service for folder in folders for service in os.listdir(folder)})  # noqa: PTH208  a tenth of the time

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """A file's content and its folder. The list of endpoints (1.2 MiB) is empty: each service has its own rules."""
        if name == "endpoints":
            return {"partitions": []}, self.BUILTIN_DATA_PATH
        return super().load_data_with_path(name)
