"""AWS clients: one for each service, made at first use, with timeouts that fit a step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from storelink.aws.loader import SlimSession
from storelink.config import LOCAL_REGION, is_local, local_endpoint
from storelink.errors import Invalid, Unavailable

RETRIES = {"secretsmanager": 1}
"""Retries of a call by service, where they are not 3. Secrets Manager has a fallback: if it hangs, the step that waits
for it needs time to encrypt the answer onto the activation."""

_SETUP: dict[type[BotoCoreError], str] = {
    NoRegionError: "has no region: set AWS_REGION, or a region in the profile",
    NoCredentialsError: "has no credentials: sign in, or set AWS_PROFILE",
    PartialCredentialsError: "has credentials that are incomplete: both the key's id and its secret are needed",
    ProfileNotFound: "has no profile of the name in AWS_PROFILE",
}

_LOCK = Lock()
"""A session makes one client at a time."""


@cache
def client(service: str) -> Any:
    """The client of an AWS service. Raises Invalid when no region is set.

    Environment: AWS_REGION, and STORELINK_AWS_ENDPOINT for another endpoint than AWS; or STORELINK_LOCAL for the stack
    of `make serve`, whatever the others say.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "max_attempts": RETRIES.get(service, 3)},
        user_agent_extra="storelink",
    )
    endpoint = os.environ.get("STORELINK_AWS_ENDPOINT") or None
    region = os.environ.get("AWS_REGION")
    with _LOCK, errors(service):
        if is_local():
            return _create(_local_session(), service, LOCAL_REGION, local_endpoint(), config)
        if boto3.DEFAULT_SESSION is not None:  # the process has chosen one, such as for a profile
            return _create(boto3.DEFAULT_SESSION, service, None, endpoint, config)
        try:
            return _create(_slim_session(), service, region, endpoint, config)
        except Exception:  # a botocore that the slim loader does not fit, or an error that the plain session repeats
            return _create(boto3.Session(), service, region, endpoint, config)


def _create(session: Any, service: str, region: str | None, endpoint: str | None, config: Config) -> Any:
    return session.client(service, region_name=region, endpoint_url=endpoint, config=config)


@cache
def _slim_session() -> boto3.Session:
    return boto3.Session(botocore_session=SlimSession())


@cache
def _local_session() -> boto3.Session:
    """A session whose keys the local AWS accepts, and that reads no profile: the one of AWS_PROFILE is for AWS."""
    session = SlimSession()
    session.session_var_map["profile"] = (None, None, None, None)
    session.set_credentials("local", "local")
    return boto3.Session(botocore_session=session)


@contextmanager
def errors(service: str) -> Iterator[None]:
    """Turn errors of AWS' client into ours: Unavailable, or Invalid when region or credentials are not set up.

    service: its name as a person reads it. The error carries AWS' code and never its text, which can repeat what was
    sent.
    """
    try:
        yield
    except tuple(_SETUP) as error:
        raise Invalid({"AWS": _SETUP[type(error)]}, "aws-setup") from None
    except ClientError as error:
        code = error_code(error)
        raise Unavailable("aws", f"{service}: {code}{_KEY_HINT if code in _KEY_CODES else ''}") from None
    except BotoCoreError as error:
        raise Unavailable("aws", f"{service}: {type(error).__name__}") from None


_KEY_CODES = frozenset(
    {"AccessDeniedException", "EncryptionFailure", "DecryptionFailure", "DisabledException", "KMSInvalidStateException"}
)
"""Codes of KMS, and of Secrets Manager when KMS refuses it the secret's key ("Access to KMS is not allowed")."""
_KEY_HINT = (
    "; if the KMS key was changed or disabled: docs/operations.md, Keys (FormerKmsKeyArns, MigrateCredentialsFunction)"
)


def error_code(error: ClientError) -> str:
    """AWS' name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def secret_text(secret_id: str, stage: str = "AWSCURRENT") -> str:
    """The text of a secret in Secrets Manager. secret_id: its name or ARN. stage: the version's. Raises Unavailable."""
    with errors("Secrets Manager"):
        answer = client("secretsmanager").get_secret_value(SecretId=secret_id, VersionStage=stage)
        return str(answer["SecretString"])
