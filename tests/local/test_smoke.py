"""`make smoke` is green on a stack that works, and red for each fault that is put into it."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from rich.console import Console

from local import smoke
from local.api_gateway import Api
from local.aws import LocalAws
from local.smoke import Target
from local.stack import Stack
from local.template import Template
from tests.stacks import serving


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with serving() as stack:
        yield stack


@pytest.fixture
def target(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("AWS_PORT", stack.aws.url.rpartition(":")[2])
    return Target.of_stage("local")


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

# The tests below follow each other on one stack: what one breaks stays broken.


def test_a_stack_that_works_is_green(stack: Stack, target: Target) -> None:
    assert failing(target, stack.store_url) == set()
    assert failing(target, None) == set()


def test_an_address_that_is_not_the_stacks_is_red(stack: Stack, target: Target) -> None:
    elsewhere = {name: f"{stack.store_url}{name}" for name in ("CallbackUrl", "IdentityLinkUrl")}
    found = failing(replace(target, outputs=target.outputs | elsewhere), None)
    assert found == {
        "A signed operator call is answered",
        "An unsigned operator call is refused",
        "A post that is no activation is refused",
        "The popup's page is shown",
    }


def test_an_operators_route_that_is_open_is_red(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", aws.url.rpartition(":")[2])
    target = Target.of_stage("local")
    api = Api("127.0.0.1", 0, [replace(route, iam=False) for route in Template.read().routes])
    urls = {"CallbackUrl": f"{api.url}/callback", "IdentityLinkUrl": f"{api.url}/identity"}
    with api.serving(aws.functions):
        found = failing(replace(target, outputs=target.outputs | urls), None)
    api.close()
    assert found == {"An unsigned operator call is refused"}


def test_a_handshake_that_fails_is_red(stack: Stack, target: Target) -> None:
    control = f"{stack.store_url}sandbox/trouble"
    requests.post(control, json={"kind": "signature_invalid", "endpoint": "request"}, timeout=10).raise_for_status()
    assert failing(target, stack.store_url) == {ACTIVATION}
    requests.delete(control, timeout=10).raise_for_status()
    assert failing(target, stack.store_url) == set()


def test_a_function_that_is_gone_is_red(stack: Stack, target: Target) -> None:
    stack.aws.client("lambda").delete_function(FunctionName=target.outputs["HealthCheckFunctionName"])
    assert failing(target, None) == {"The health check runs"}


def test_a_state_machine_that_is_gone_is_red(stack: Stack, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 3)
    stack.aws.client("stepfunctions").delete_state_machine(stateMachineArn=target.outputs["StateMachineArn"])
    assert ACTIVATION in failing(target, stack.store_url)


def test_a_table_that_is_gone_is_red(stack: Stack, target: Target) -> None:
    stack.aws.client("dynamodb").delete_table(TableName=target.outputs["ConnectionsTableName"])
    found = failing(target, None)
    assert found >= {"A signed operator call is answered", "The sweep runs without trouble"}
