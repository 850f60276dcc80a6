"""A botocore session that loads only what a client needs: less to do at each cold start."""

import gzip
import json
import os
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session


class SlimSession(Session):
    """botocore's session, without the handlers of events that its clients do not send."""

    def __init__(self) -> None:
        super().__init__()
        self.register_component("data_loader", SlimLoader(file_loader=PlainFiles()))

    def register(self, event_name: str, *arguments: Any, **options: Any) -> None:
        """Register a handler, unless it is one of S3 or of botocore's documentation: half of those that come with it.

        botocore inspects each handler's signature, and copies all of them for each client.
        """
        if not (event_name.startswith("docs.") or ".s3." in event_name):
            super().register(event_name, *arguments, **options)


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


class PlainFiles(JSONFileLoader):
    """botocore's files, read into plain dicts: to fill an OrderedDict, as botocore does, takes twice the time."""

    def load_file(self, file_path: str) -> Any:
        """The content of a file, which is compressed if botocore's wheel has it so. file_path: without extension."""
        packed = f"{file_path}.json.gz"
        if not os.path.isfile(packed):  # noqa: PTH113  a tenth of the time
            return super().load_file(file_path)
        with gzip.open(packed) as file:
            return json.loads(file.read())
