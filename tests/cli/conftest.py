"""The command line tool, run in this process: what it says, and how it ends."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from storelink import aws
from storelink.client import session as client_session
from storelink_cli.app import main

SET = (
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "STORELINK_ALLOWED_PORTS",
    "STORELINK_ALLOW_PRIVATE_STORES",
    "STORELINK_AWS_ENDPOINT",
    "STORELINK_CONNECTIONS_TABLE",
    "STORELINK_LOCAL",
    "STORELINK_KMS_KEY",
    "STORELINK_STACK",
)
"""Variables that a command sets, or that would change what it does."""


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and its two streams."""

    code: int
    out: str
    err: str


Storelink = Callable[..., Said]


@pytest.fixture
def storelink(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Storelink]:
    """`storelink` with these arguments, in an environment of its own."""
    for name in SET:
        monkeypatch.setenv(name, "")  # so that it is set back at the end
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(*arguments: Any) -> Said:
        code = main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return Said(code, streams.out, streams.err)

    yield run
    boto3.DEFAULT_SESSION = None
    for kept in (aws.client, client_session._kept):
        kept.cache_clear()
