"""`make smoke` is green on a stack that works, and red for each fault that is put into it."""

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import requests
from moto.backends import get_backend
from rich.console import Console

from local import smoke
from local.api_gateway import Api
from local.aws import LocalAws
from local.smoke import Target
from local.stack import Stack
from local.template import ACCOUNT, REGION, Route, Template

Behind = Callable[[list[Route]], Target]


@pytest.fixture
def target(running: Stack, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("AWS_PORT", running.aws.url.rpartition(":")[2])
    return Target.of_stage("local")


@pytest.fixture
def store(running: Stack) -> str:
    """The URL of a store."""
    return f"{running.store_url}stores/smoke/"


@pytest.fixture
def behind(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behind]:
    """Makes a target of the functions behind these routes. Their AWS is in this process."""
    monkeypatch.setenv("AWS_PORT", aws.url.rpartition(":")[2])
    with contextlib.ExitStack() as ending:

        def make(routes: list[Route]) -> Target:
            api = Api("127.0.0.1", 0, routes)
            ending.callback(api.close)
            ending.enter_context(api.serving(aws.functions))
            target = Target.of_stage("local")
            urls = {"CallbackUrl": f"{api.url}/callback", "IdentityLinkUrl": f"{api.url}/identity"}
            return replace(target, outputs=target.outputs | urls)

        yield make


def failing(target: Target, store: str | None) -> set[str]:
    """The titles of the checks that fail."""
    printed = io.StringIO()
    succeeded = smoke.run(target, store, Console(file=printed, width=500, highlight=False))
    lines = printed.getvalue().splitlines()
    failed = {line.split("  ", 1)[1].partition(".")[0] for line in lines if line.startswith("FAILED")}
    assert succeeded == (not failed)
    assert len(lines) == len(smoke.CHECKS) + bool(store) + 1
    return failed


ACTIVATION = "A sandbox store is activated and connected"


def test_a_stack_that_works_is_green(target: Target, store: str) -> None:
    assert failing(target, store) == set()
    assert failing(target, None) == set()


def test_an_address_that_is_not_the_stacks_is_red(target: Target, store: str) -> None:
    elsewhere = {name: f"{store}{name}" for name in ("CallbackUrl", "IdentityLinkUrl")}
    found = failing(replace(target, outputs=target.outputs | elsewhere), None)
    assert found == {
        "A signed operator call is answered",
        "An unsigned operator call is refused",
        "A post that is no activation is refused",
        "The popup's page is shown",
    }


def test_an_operators_route_that_is_open_is_red(behind: Behind) -> None:
    target = behind([replace(route, iam=False) for route in Template.read().routes])
    assert failing(target, None) == {"An unsigned operator call is refused"}


def test_a_handshake_that_fails_is_red(target: Target, store: str) -> None:
    control = f"{store}sandbox/trouble"
    requests.post(control, json={"kind": "signature_invalid", "endpoint": "request"}, timeout=10).raise_for_status()
    assert failing(target, store) == {ACTIVATION}
    requests.delete(control, timeout=10).raise_for_status()
    assert failing(target, store) == set()


def test_a_function_that_is_gone_is_red(target: Target) -> None:
    gone = replace(target, outputs=target.outputs | {"HealthCheckFunctionName": "gone"})
    assert failing(gone, None) == {"The health check runs"}


def test_a_state_machine_that_is_gone_is_red(
    running: Stack, target: Target, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 3)
    states, arn = running.aws.client("stepfunctions"), target.outputs["StateMachineArn"]
    machine = states.describe_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)
    try:
        assert ACTIVATION in failing(target, store)
    finally:
        states.create_state_machine(**{name: machine[name] for name in ("name", "definition", "roleArn")})


def test_a_table_that_is_gone_is_red(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    target = behind(Template.read().routes)
    monkeypatch.delitem(get_backend("dynamodb")[ACCOUNT][REGION].tables, target.outputs["ConnectionsTableName"])
    found = failing(target, None)
    assert found >= {"A signed operator call is answered", "The sweep runs without trouble"}
