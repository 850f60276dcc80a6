"""Fixtures: the world that tests are played in."""

import gc
import os
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from moto.backends import get_backend

from local import aws as local_aws
from local.aws import LocalAws
from local.stack import Stack
from local.template import ACCOUNT, REGION
from storelink.testing import sandbox
from storelink.testing.sandbox import Sandbox
from tests.moto_calls import without_sockets
from tests.stacks import serving
from tests.world import World, function_environment

LONG = ("transport", "template", "security", "state", "reliability")
"""Folders whose files take long. At the end of a run, one of them would be left to one worker."""


def pytest_configure() -> None:
    """Take Ctrl-C, and so let what tests start take it: a shell that starts them in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: many tests wait for stacks and browsers."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those begin first; the others keep their order."""
    items.sort(key=lambda item: item.nodeid.split("/")[1] not in LONG)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end; the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def deployed_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """moto's server with the stack of template.yaml; its state machine takes executions and does not run them.

    Other processes call it. This one calls moto without it, which takes a third less time.
    """
    logs = tmp_path_factory.mktemp("logs")
    with local_aws.running(0, "http://127.0.0.1:3000", logs, execute=False) as running, without_sockets(running.url):
        yield running


@pytest.fixture(scope="module")
def aws(deployed_cloud: LocalAws) -> Iterator[LocalAws]:
    """The same, without data: moto goes through all that it holds, so that what others left would slow each call."""
    yield deployed_cloud
    for table in get_backend("dynamodb")[ACCOUNT][REGION].tables.values():
        table.items.clear()
    for machine in get_backend("stepfunctions")[ACCOUNT][REGION].state_machines:
        machine.executions.clear()
    get_backend("secretsmanager")[ACCOUNT][REGION].secrets.clear()


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    """`make serve`, for all tests that neither end it nor break it. Their stores are on one host."""
    with serving(LOG_LEVEL="DEBUG", PARAMETERS="UnclaimedConnectionsPerHost=999 AppName='Acme Sync'") as stack:
        yield stack


@pytest.fixture(scope="session")
def shops() -> Iterator[Sandbox]:
    """The server of the sandbox stores."""
    with sandbox.serve() as serving:
        yield serving


@pytest.fixture(scope="session", autouse=True)
def no_scans() -> Iterator[None]:
    """No client of ours may scan a table, in any test; the tests' own clients may."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, operation: str, parameters: Any) -> Any:
        ours = client.meta.config.user_agent_extra == "storelink"
        assert not (ours and operation == "Scan"), f"{parameters['TableName']} is scanned"
        return original(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", call)
        yield


@pytest.fixture
def credential_store() -> str:
    """Where credentials are kept, where a test does not say."""
    return "secretsmanager"


@pytest.fixture
def world(aws: LocalAws, shops: Sandbox, credential_store: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh store and the functions' own environment, as template.yaml gives it to them."""
    function_environment(aws, monkeypatch)
    monkeypatch.setenv("STORELINK_CREDENTIAL_STORE", credential_store)
    name = uuid.uuid4().hex[:12]
    return World(aws, shops.store(name), f"{shops.url}stores/{name}/")
