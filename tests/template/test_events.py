"""The files of events/ are what the functions get, and run through the same handlers."""

import json
import re
from typing import Any

import pytest

from local.lambda_context import LambdaContext
from local.template import ROOT
from storelink.aws import eventbridge
from storelink.jobs import sweep
from storelink.testing.sandbox.accounts import OTP, PASSWORD
from tests.world import HANDLERS, TEMPLATE, World, function_environment, sample

FUNCTIONS = {
    "callback.json": "CallbackFunction",
    "identity.json": "IdentityFunction",
    "sign_in.json": "SignInFunction",
    "invitations.json": "OperatorFunction",
    "logins.json": "LoginsFunction",
    "basic_auth.json": "BasicAuthFunction",
    "request_token.json": "RequestTokenFunction",
    "access_token.json": "AccessTokenFunction",
    "request_token.step.json": "RequestTokenFunction",
    "access_token.step.json": "AccessTokenFunction",
    "record_failure.step.json": "RecordFailureFunction",
    "sweep.json": "SweepFunction",
    "activations.json": "OperatorFunction",
    "connect_manually.json": "ConnectManuallyFunction",
    "health_check.json": "HealthCheckFunction",
    "claim.json": "OperatorFunction",
    "connections.json": "OperatorFunction",
    "forget.json": "ForgetFunction",
    "test.json": "HealthCheckFunction",
    "migrate_credentials.json": "MigrateCredentialsFunction",
    "migrate_credentials.claim.json": "MigrateCredentialsFunction",
    "webhook.json": "WebhookFunction",
}


def test_every_event_and_every_function_is_covered() -> None:
    files = {path.name for path in (ROOT / "events").glob("*.json")} - {"env.json"}
    assert files == set(FUNCTIONS)
    assert set(FUNCTIONS.values()) == set(TEMPLATE.functions)


def test_the_callback_takes_its_event(world: World) -> None:
    answer = HANDLERS["CallbackFunction"](sample("callback.json"), LambdaContext())
    assert answer["statusCode"] == 200
    told = json.loads(answer["body"])
    assert told["store_url"] == "https://shop.example/"
    assert world.row(told["activation_id"])["state"] == "pending"


def test_the_popup_takes_its_event(world: World) -> None:
    HANDLERS["CallbackFunction"](sample("callback.json"), LambdaContext())
    answer = HANDLERS["IdentityFunction"](sample("identity.json"), LambdaContext())
    assert answer["statusCode"] == 200
    assert "shop.example" in answer["body"]


def test_the_return_from_the_vendors_login_takes_its_event(world: World) -> None:
    answer = HANDLERS["SignInFunction"](sample("sign_in.json"), LambdaContext())
    assert answer["statusCode"] == 200
    assert "not signed in" in answer["body"]


def test_an_invitation_is_made_by_its_event(world: World) -> None:
    answer = HANDLERS["OperatorFunction"](sample("invitations.json"), LambdaContext())
    assert answer["statusCode"] == 201
    assert json.loads(answer["body"])["tenant"] == "acme"


def test_a_login_takes_its_event(world: World) -> None:
    event = sample("logins.json")
    asked = json.loads(event["body"]) | {
        "store_url": world.url,
        "username": "careful",
        "password": PASSWORD,
        "otp": OTP,
    }
    answer = HANDLERS["LoginsFunction"](event | {"body": json.dumps(asked)}, LambdaContext())
    assert answer["statusCode"] == 201, answer["body"]
    assert json.loads(answer["body"])["kind"] == "admin"


def test_a_password_is_set_by_its_event(world: World) -> None:
    answer = HANDLERS["BasicAuthFunction"](sample("basic_auth.json"), LambdaContext())
    assert answer["statusCode"] == 200, answer["body"]
    assert json.loads(answer["body"])["is_set"] is True


@pytest.mark.parametrize("name", ["request_token.json", "access_token.json"])
def test_an_operators_event_names_an_activation_that_is_not_there(world: World, name: str) -> None:
    answer = HANDLERS[FUNCTIONS[name]](sample(name), LambdaContext())
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["error"] == "not-found"


def test_the_operators_events_do_the_steps_of_a_real_activation(world: World) -> None:
    activation_id = world.click()
    for name, state in {"request_token.json": "requested", "access_token.json": "connected"}.items():
        answer = HANDLERS[FUNCTIONS[name]](_naming(sample(name), activation_id), LambdaContext())
        assert (answer["statusCode"], json.loads(answer["body"])["state"]) == (200, state)


def test_the_state_machines_inputs_do_the_steps_of_a_real_activation(world: World) -> None:
    activation_id = world.click()
    for name, state in {"request_token.step.json": "requested", "access_token.step.json": "connected"}.items():
        assert HANDLERS[FUNCTIONS[name]](_naming(sample(name), activation_id), LambdaContext())["state"] == state


def test_the_state_machines_failure_ends_a_real_activation(world: World) -> None:
    activation_id = world.click()
    event = _naming(sample("record_failure.step.json"), activation_id)
    outcome = HANDLERS["RecordFailureFunction"](event, LambdaContext())
    assert (outcome["state"], outcome["reason"]) == ("failed", "maintenance")


def test_the_sweep_takes_its_event(world: World) -> None:
    assert HANDLERS["SweepFunction"](sample("sweep.json"), LambdaContext()).keys() == set(sweep.COUNTS)


def test_the_event_of_a_claim_is_the_one_that_the_rule_matches(world: World) -> None:
    event = sample("migrate_credentials.claim.json")
    assert HANDLERS["MigrateCredentialsFunction"](event, LambdaContext()) == {"done": True}
    rule = TEMPLATE.functions["MigrateCredentialsFunction"]["Events"]["Claim"]["Properties"]
    assert rule["Pattern"]["source"] == [event["source"]] == [eventbridge.INTERNAL_SOURCE]
    assert rule["Pattern"]["detail"].keys() <= event["detail"].keys()


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("request_token.step.json", "RequestToken"),
        ("access_token.step.json", "AccessToken"),
        ("record_failure.step.json", "RecordFailure"),
    ],
)
def test_the_inputs_are_those_that_the_state_machine_makes(name: str, state: str) -> None:
    parameters = TEMPLATE.state_machine["States"][state]["Parameters"]
    assert set(sample(name)) == {parameter.removesuffix(".$") for parameter in parameters}


def test_the_environment_for_sam_local_invoke_is_that_of_the_local_stack(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = sample("env.json")["Parameters"]
    for function in ("CallbackFunction", "RequestTokenFunction", "AccessTokenFunction"):
        assert set(told) >= set(TEMPLATE.functions[function]["Environment"]["Variables"])
    for name in told.keys() - {"STORELINK_AWS_ENDPOINT"}:  # the host as a container sees it
        monkeypatch.setenv(name, told[name])
    activation_id = world.click()
    function_environment(world.aws, monkeypatch)
    assert world.run(activation_id)["state"] == "connected"


def _naming(event: dict[str, Any], activation_id: str) -> dict[str, Any]:
    """The event with a real activation's id for the sample's."""
    text = re.sub(r"[0-9a-f]{32}-[0-9a-f]{12}", activation_id, json.dumps(event))
    changed: dict[str, Any] = json.loads(text)
    return changed
