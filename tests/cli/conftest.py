"""The command line tool, run in this process against a local stack: what it prints, and how it ends."""

import functools
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import botocore.session
import pytest
import requests

from local.stack import Stack
from storelink import aws
from storelink.client import session as client_session
from storelink_cli.errors import Exit
from storelink_cli.main import main
from tests.stacks import activated, ended

SCRIPT = Path(sys.executable).parent / "storelink"

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
class Result:
    """How a command ended: its exit code, and its two streams."""

    code: int
    out: str
    err: str


Storelink = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def botocore_reads_once() -> Iterator[None]:
    """Each command makes a session of its own; all of them share what botocore reads from its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture
def storelink(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Storelink]:
    """`storelink` with these arguments, in an environment of its own. Its streams are pipes."""
    for name in SET:
        monkeypatch.setenv(name, "")  # so that it is set back at the end
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(*arguments: Any) -> Result:
        code = main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return Result(code, streams.out, streams.err)

    yield run
    boto3.DEFAULT_SESSION = None
    for cached in (aws.client, client_session._kept):
        cached.cache_clear()


@pytest.fixture(scope="session")
def shop(running: Stack) -> str:
    """The URL of a connected store, for tests that do not change it."""
    return connect(running, "everyday")


@pytest.fixture
def local(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> Storelink:
    """`storelink`, about the local stack."""
    monkeypatch.setenv("AWS_PORT", running.aws.url.rpartition(":")[2])
    monkeypatch.setenv("STORELINK_LOCAL", "1")
    return storelink


def connect(running: Stack, name: str) -> str:
    """The URL of a store of this name, connected."""
    assert ended(running, activated(running, f"stores/{name}/")["consumer_key"])["state"] == "connected"
    return f"{running.store_url}stores/{name}/"


def fail_to_connect(running: Stack, name: str) -> tuple[str, str]:
    """The URL of a store whose activation failed, and the activation's id."""
    url = f"{running.store_url}stores/{name}/"
    trouble = {"kind": "header_lost", "endpoint": "request"}
    requests.post(f"{url}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    row = ended(running, activated(running, f"stores/{name}/")["consumer_key"])
    assert row["state"] == "failed"
    return url, f"{row['integration_key']}-{row['attempt']}"


def parsed(result: Result) -> Any:
    """The JSON that a successful command printed."""
    assert result.code == Exit.DONE, result.err
    return json.loads(result.out)


def refused(result: Result, code: Exit, problem: str) -> str:
    """Check that a command ended with this code and one line that has this problem. Returns the hint."""
    lines = result.err.splitlines()
    assert (result.code, result.out) == (code, ""), result
    assert problem in lines[0]
    assert len(lines) == 2
    return lines[1]


def shell(line: str) -> str:
    """What a line prints that someone pastes into a shell."""
    done = subprocess.run(["sh", "-c", f"{line} --silent"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def integration(running: Stack, name: str) -> tuple[str, dict[str, str]]:
    """A store that has posted its four values where nothing listens: its URL, and the variables that hold them."""
    url = f"{running.store_url}stores/{name}/"
    requests.post(f"{url}sandbox/activate", json={"callback_url": "http://127.0.0.1:1/"}, timeout=10)
    made = requests.get(f"{url}sandbox/state", timeout=5).json()["integrations"]["storelink"]
    return url, {
        "STORELINK_CONSUMER_KEY": made["consumer_key"],
        "STORELINK_CONSUMER_SECRET": made["secrets"]["consumer_secret"],
        "STORELINK_VERIFIER": made["secrets"]["verifier"],
    }


def handshake(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """Do a handshake by two cURL lines; the store's URL. The variables hold the four values then."""
    url, values = integration(running, name)
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    printed = storelink("curl", url, "--request-token")
    assert values["STORELINK_CONSUMER_SECRET"] not in printed.out + printed.err
    token = parse_qs(shell(printed.out.strip()))
    monkeypatch.setenv("STORELINK_REQUEST_TOKEN", token["oauth_token"][0])
    monkeypatch.setenv("STORELINK_REQUEST_TOKEN_SECRET", token["oauth_token_secret"][0])
    token = parse_qs(shell(storelink("curl", url, "--access-token").out.strip()))
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN", token["oauth_token"][0])
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", token["oauth_token_secret"][0])
    return url
