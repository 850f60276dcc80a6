"""How a command ends: its exit code, and what a person or a program is told of a failure."""

from enum import IntEnum

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

from storelink import aws
from storelink.errors import Invalid, StorelinkError, Unavailable


class Exit(IntEnum):
    """Exit codes. docs/cli.md has them as a table."""

    DONE = 0
    TROUBLE = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    AWS = 6
    FAULT = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.DONE: "Done.",
    Exit.TROUBLE: "The check found trouble: `doctor` a fault, `test` a store that does not take its credentials.",
    Exit.USAGE: "The command line or a value in it is wrong.",
    Exit.NOT_FOUND: "There is no such store, connection, activation or invitation.",
    Exit.REFUSED: "The store or the stack said no, or the store may not be called.",
    Exit.UNAVAILABLE: "No answer, or not now: safe to try again.",
    Exit.AWS: "AWS credentials, permissions or the stack are missing.",
    Exit.FAULT: "A fault of this tool.",
    Exit.INTERRUPTED: "Ended by Ctrl-C, or a question was answered with no.",
}


class Failure(Exception):
    """A command that did not do what it was asked to.

    reason: a stable name, one of `storelink.errors.ADVICE` where the failure is one of those. problem: what is wrong,
    on one line. hint: what to do.
    """

    def __init__(self, code: Exit, reason: str, problem: str, hint: str) -> None:
        self.code = code
        self.reason = reason
        self.problem = problem
        self.hint = hint
        super().__init__(f"{reason}: {problem}")

    @classmethod
    def of(cls, error: StorelinkError) -> "Failure":
        """An error of the layer's, as a command ends by it."""
        code = Exit.REFUSED
        if isinstance(error, Invalid):
            code = Exit.NOT_FOUND if error.reason in ("not-connected", "not-found") else Exit.USAGE
        elif isinstance(error, Unavailable):
            code = Exit.AWS if error.reason == "aws" else Exit.UNAVAILABLE
        return cls(code, error.reason, error.problem or error.reason, error.advice)


def aws_failure(error: ClientError | BotoCoreError, local: bool) -> Failure:
    """What AWS' refusal, or its absence, ends a command with. local: it is AWS on this machine that was asked."""
    if local and isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return Failure(
            Exit.AWS,
            "no-local-stack",
            "the local stack does not answer",
            "Start it with `make serve`; AWS_PORT says where.",
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Failure(
            Exit.AWS,
            "no-credentials",
            "there are no AWS credentials",
            "Set them up with `aws configure`, or --profile.",
        )
    if isinstance(error, NoRegionError):
        return Failure(Exit.AWS, "no-region", "no AWS region is set", "Name it: --region, or AWS_REGION.")
    if isinstance(error, ProfileNotFound):
        return Failure(
            Exit.AWS, "no-profile", "there is no such AWS profile", "`aws configure list-profiles` names them."
        )
    if isinstance(error, ClientError):
        code, action = aws.error_code(error), error.operation_name
        if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
            return Failure(
                Exit.AWS, "no-permission", f"AWS does not allow {action}", "docs/cli.md has the policy it takes."
            )
        return Failure(Exit.AWS, "aws", f"{action}: {code}", "Check the credentials and the region.")
    return Failure(Exit.AWS, "aws", type(error).__name__, "Check the network, the credentials and the region.")
