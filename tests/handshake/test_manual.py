"""Tokens that an operator enters: tried at the store, then kept by the one step that keeps credentials."""

import json
from typing import Any

import pytest

from storelink.models import ManualActivation
from tests.jobs.test_sweep import refusing
from tests.world import World, request

VALUES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


def entered(world: World, **told: Any) -> tuple[int, dict[str, Any]]:
    """What the API answers to these values."""
    answer = world.call("ConnectManuallyFunction", request("POST", "/connections", body=json.dumps(told)))
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def values(world: World) -> dict[str, str]:
    """What the store's admin shows of an integration that is active, at a store of which nobody here has heard."""
    form = world.shop.activate("http://app.invalid/callback").form
    world.run(str(world.post(form)["activation_id"]))
    kept = world.credentials()
    client, key = world.aws.client("dynamodb"), {"connection_id": {"S": world.store.connection_id}}
    client.delete_item(TableName=world.aws.outputs["ConnectionsTableName"], Key=key)
    secret = f"{world.aws.stack}/connections/{world.store.connection_id}"
    world.aws.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    world.events()
    shown = (kept.consumer.key, kept.consumer.secret, kept.access_token.key, kept.access_token.secret)
    return {"store_url": world.url, **dict(zip(VALUES, shown, strict=True))}


def test_a_store_is_connected_by_the_four_values(world: World, values: dict[str, str]) -> None:
    asked = world.shop.state()["requests"]
    status, told = entered(world, **values, tenant="acme")
    assert (status, told["state"], told["connection_id"]) == (202, "exchanged", world.store.connection_id)
    assert world.step("AccessTokenFunction", told["activation_id"])["state"] == "connected"
    assert world.connection()["tenant"] == "acme"
    assert world.credentials_work()
    ((kind, detail),) = world.events()
    assert (kind, detail["activation_id"], detail["tenant"]) == ("Store Connected", told["activation_id"], "acme")
    assert "encrypted_secrets" not in world.row(told["activation_id"])
    assert world.shop.state()["requests"]["access"] == asked["access"]


def test_its_execution_begins_at_the_step_that_keeps_credentials(world: World, values: dict[str, str]) -> None:
    _, told = entered(world, **values)
    machine = world.aws.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    execution = world.aws.client("stepfunctions").describe_execution(executionArn=f"{machine}:{told['activation_id']}")
    assert json.loads(execution["input"]) == {"activation_id": told["activation_id"], "reached": "exchanged"}
    assert not set(values.values()) & set(json.loads(execution["input"]).values())


def test_the_same_values_once_more_join_the_attempt_under_way(world: World, values: dict[str, str]) -> None:
    first, second = (entered(world, **values)[1]["activation_id"] for _ in range(2))
    assert first == second
    assert world.step("AccessTokenFunction", first)["state"] == "connected"
    assert entered(world, **values)[1]["activation_id"] != first


def test_a_store_that_takes_sha1_only_is_signed_for_so(world: World, values: dict[str, str]) -> None:
    world.shop.trouble("sha1_only")
    _, told = entered(world, **values)
    assert world.step("AccessTokenFunction", told["activation_id"])["state"] == "connected"
    assert world.credentials().consumer.signature_method == "HMAC-SHA1"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"access_token": "x" * 32}, "revoked"),
        ({"access_token_secret": "x" * 32}, "signature-invalid"),
        ({"consumer_secret": "x" * 32}, "signature-invalid"),
        ({"consumer_key": "x" * 32}, "integration-deleted"),
    ],
)
def test_what_the_store_does_not_take_is_not_kept(
    world: World, values: dict[str, str], wrong: dict[str, str], reason: str
) -> None:
    status, told = entered(world, **(values | wrong))
    assert (status, told["error"]) == (422, reason)
    assert told["problem"]
    assert told["advice"]
    assert world.connection() == {}
    assert not set(values.values()) & set(told.values())


def test_a_store_that_does_not_answer_is_asked_again_later(world: World, values: dict[str, str]) -> None:
    world.shop.trouble("maintenance", endpoint="rest", times=1)
    assert entered(world, **values)[0] == 503
    assert entered(world, **values)[0] == 202


def test_a_start_that_was_lost_is_mended_by_the_same_values(world: World, values: dict[str, str]) -> None:
    with refusing("stepfunctions", "StartExecution"):
        assert entered(world, **values)[0] == 503
    status, told = entered(world, **values)
    assert status == 202
    assert world.step("AccessTokenFunction", told["activation_id"])["state"] == "connected"


def test_a_known_key_of_another_host_is_refused_before_any_call(world: World, values: dict[str, str]) -> None:
    _, told = entered(world, **values)
    assert world.step("AccessTokenFunction", told["activation_id"])["state"] == "connected"
    asked = world.shop.state()["requests"]["rest"]
    status, told = entered(world, **(values | {"store_url": "https://other.example/"}))
    assert (status, told["error"]) == (422, "another-store")
    assert world.shop.state()["requests"]["rest"] == asked


def test_every_wrong_field_is_named(world: World) -> None:
    status, told = entered(world, store_url="ftp://x", consumer_key="short", access_token=5, tenant="", more=1)
    assert status == 400
    assert set(told["fields"]) == {"store_url", *VALUES, "tenant", "more"}
    assert told["fields"]["consumer_secret"] == "is missing"


def test_what_was_entered_is_in_no_repr() -> None:
    told = {"store_url": "https://shop.example/"} | {name: name[-1] * 32 for name in VALUES}
    shown = repr(ManualActivation.from_request(told))
    for name in VALUES[1:]:
        assert str(told[name]) not in shown
