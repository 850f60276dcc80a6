"""How a command ends: its exit code and, if it failed, the reason and a hint."""

import traceback
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from storelink import __version__, aws
from storelink.config import local_endpoint
from storelink.errors import Invalid, StorelinkError, Unavailable


class Exit(IntEnum):
    """Exit codes, and the meaning of each in one sentence. docs/cli.md lists them."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Exit":
        made = int.__new__(cls, code)
        made._value_, made.meaning = code, meaning
        return made

    DONE = 0, "Success."
    TROUBLE = 1, "The check found a problem: a finding of `doctor`, or a store that refuses its credentials."
    USAGE = 2, "The command line or one of its values is wrong."
    NOT_FOUND = 3, "There is no such store, connection, activation or invitation."
    REFUSED = 4, "The store or the stack refused, or the store must not be called."
    UNAVAILABLE = 5, "No answer now."
    AWS = 6, "The AWS region, credentials, permissions or the stack are missing, or packages of the tool."
    FAULT = 70, "An error in this tool."
    INTERRUPTED = 130, "Stopped by Ctrl-C, or a question was answered with no."


def to_install(extra: str) -> str:
    """A hint for who lacks an extra. It names the wheel, for the project is not on PyPI."""
    return f'Install the wheel with its extra: pip install "dist/storelink-{__version__}-py3-none-any.whl[{extra}]".'


@dataclass(eq=False)
class Failure(Exception):
    """A command that failed.

    reason: a stable name, one of the layer's reasons where the failure is one of those. problem: what is wrong, on one
    line. hint: what to do.
    """

    code: Exit
    reason: str
    problem: str
    hint: str

    @classmethod
    def of(cls, error: StorelinkError | ClientError | BotoCoreError) -> "Failure":
        """Convert an error of the layer or of AWS."""
        if not isinstance(error, StorelinkError):
            return _of_aws(error)
        code = Exit.REFUSED
        if isinstance(error, Invalid):
            code = Exit.NOT_FOUND if error.reason in ("not-connected", "not-found") else Exit.USAGE
        elif isinstance(error, Unavailable):
            code = Exit.AWS if error.reason == "aws" else Exit.UNAVAILABLE
        return cls(code, error.reason, error.problem or error.reason, error.advice)


CONVERTED = (StorelinkError, ClientError, BotoCoreError)
"""The errors that `Failure.of` converts."""


def fault(error: Exception) -> Failure:
    """A bug in this tool. The text of its exception is left out, as it may hold a secret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    problem = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    return Failure(Exit.FAULT, "fault", problem, "This is a bug in the tool. Report it with this line.")


def bad_input(problem: str, hint: str) -> Failure:
    """A command line that is wrong."""
    return Failure(Exit.USAGE, "bad-input", problem, hint)


_SETUP = (
    (
        NoRegionError,
        "no-region",
        "No AWS region is set: give --region, or set AWS_REGION",
        "`aws configure list` shows what is set. --local uses the stack of `make serve`.",
    ),
    (
        (NoCredentialsError, PartialCredentialsError),
        "no-credentials",
        "No AWS credentials are set: run `aws configure`, or give --profile",
        "`aws configure list` shows what is set. --local uses the stack of `make serve`.",
    ),
    (
        ProfileNotFound,
        "no-profile",
        "There is no such AWS profile: give another --profile, or set AWS_PROFILE",
        "`aws configure list-profiles` lists the profiles.",
    ),
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def _is_of_local_stack(error: Exception) -> bool:
    """Whether the AWS of `make serve` was called, and does not answer."""
    if not isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return False
    return str(error.kwargs["endpoint_url"]).startswith(local_endpoint())


def _of_aws(error: ClientError | BotoCoreError) -> Failure:
    if _is_of_local_stack(error):
        hint = "Start it with `make serve`; AWS_PORT is the port of its AWS."
        return Failure(Exit.AWS, "no-local-stack", "the local stack does not answer", hint)
    for kind, reason, problem, hint in _SETUP:
        if isinstance(error, kind):
            return Failure(Exit.AWS, reason, problem, hint)
    if not isinstance(error, ClientError):
        return Failure(Exit.AWS, "aws", type(error).__name__, "Check the network, the credentials and the region.")
    code, action = aws.error_code(error), error.operation_name
    if code in _DENIED:
        hint = "docs/cli.md lists the permissions that the commands need."
        return Failure(Exit.AWS, "no-permission", f"AWS does not allow {action}", hint)
    return Failure(Exit.AWS, "aws", f"{action}: {code}", "Check the credentials and the region.")
