"""The doors to AWS: one client a service, made at first use, with timeouts that fit a step."""

import os
import sys
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

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
    return _make(service, config=config, endpoint_url=endpoint)


def _make(service: str, **parameters: Any) -> Any:
    """A client of botocore's own: boto3 beside it would make each cold start longer.

    Where the process has boto3 and set up a default session, as with a profile, it is that session's.
    """
    chosen = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    return chosen.client(service, **parameters) if chosen else _session().create_client(service, **parameters)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def secret_text(secret_id: str) -> str:
    """What a secret of Secrets Manager holds. secret_id: its name or ARN. Raises Unavailable."""
    try:
        return str(client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"])
    except (ClientError, BotoCoreError) as error:
        raise unavailable(error, "Secrets Manager") from None


def code(error: ClientError) -> str:
    """AWS' name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def unavailable(error: ClientError | BotoCoreError, service: str) -> Unavailable:
    """What to raise when AWS refused: its code, and never the text, which can repeat what was sent."""
    return Unavailable("aws", f"{service}: {code(error) if isinstance(error, ClientError) else type(error).__name__}")
