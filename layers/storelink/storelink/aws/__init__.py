"""The doors to AWS: one client a service, made at first use, with timeouts that fit a step."""

import os
import sys
from functools import cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from storelink.errors import Unavailable

RETRIES = {"secretsmanager": 1}
"""How often a call is tried again, by service, where it is not 3 times. Secrets Manager is not the only place for what
it is given: if it hangs, the step that waits for it must have time to seal the answer onto the activation."""


@cache
def client(service: str) -> Any:
    """The client of an AWS service. STORELINK_AWS_ENDPOINT: another place than AWS, for work on one machine."""
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "max_attempts": RETRIES.get(service, 3)},
        user_agent_extra="storelink",
    )
    endpoint = os.environ.get("STORELINK_AWS_ENDPOINT") or None
    with _MAKING:
        return _make(service, config=config, endpoint_url=endpoint)


_MAKING = Lock()
"""A session of botocore's makes one client at a time."""


def _make(service: str, **parameters: Any) -> Any:
    """A client of botocore's own: boto3 beside it would make each cold start longer.

    Where the process has boto3 and set up a default session, as with a profile, it is that session's.
    """
    chosen = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    return chosen.client(service, **parameters) if chosen else _session().create_client(service, **parameters)


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Data())
    return session


class _Data(Loader):
    """What botocore knows of AWS, without what takes long and tells of no service that is called."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  botocore's signature
        """The names of the folders. botocore looks into each, of hundreds, for a file of this type."""
        folders = filter(os.path.isdir, self.search_paths)
        return sorted({service for folder in folders for service in os.listdir(folder)})  # noqa: PTH208  a tenth of the time

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """A file's content, and where it lies; of botocore's own list of endpoints (1.2 MiB), nothing.

        Calls go where the service's own rules say. The list is for what has none.
        """
        return (
            ({"partitions": []}, self.BUILTIN_DATA_PATH) if name == "endpoints" else super().load_data_with_path(name)
        )


def secret_text(secret_id: str) -> str:
    """What a secret of Secrets Manager holds. secret_id: its name or ARN. Raises Unavailable."""
    try:
        return str(client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"])
    except (ClientError, BotoCoreError) as error:
        raise unavailable(error, "Secrets Manager") from None


def error_code(error: ClientError) -> str:
    """AWS' name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def unavailable(error: ClientError | BotoCoreError, service: str) -> Unavailable:
    """What to raise when AWS refused: its code, and never the text, which can repeat what was sent."""
    return Unavailable(
        "aws", f"{service}: {error_code(error) if isinstance(error, ClientError) else type(error).__name__}"
    )
