"""The main job, against AWS over loopback and a store that verifies every signature."""

import json

import pytest

from storelink.aws import dynamodb
from storelink.errors import Unavailable
from tests.world import World, in_both_stores

pytestmark = in_both_stores


def test_an_activation_ends_connected(world: World) -> None:
    activation_id = world.click()
    assert world.row(activation_id)["state"] == "pending"
    assert world.run(activation_id)["state"] == "connected"
    assert world.row(activation_id)["state"] == "connected"
    assert world.connection()["state"] == "connected"
    assert world.credentials_work()


def test_the_app_hears_of_it_without_a_secret(world: World, credential_store: str) -> None:
    activation_id = world.connect()
    ((kind, detail),) = world.events()
    assert kind == "Store Connected"
    assert detail.pop("at").startswith("20")
    assert detail == {
        "connection_id": world.store.connection_id,
        "store_url": world.url,
        "activation_id": activation_id,
        **({"secret_arn": world.connection()["secret_arn"]} if credential_store == "secretsmanager" else {}),
    }


def test_credentials_are_kept_where_the_parameter_says_and_nowhere_else(world: World, credential_store: str) -> None:
    world.connect()
    connection = world.connection()
    assert connection["backend"] == credential_store
    assert ("encrypted_credentials" in connection, "secret_arn" in connection) == (
        (True, False) if credential_store == "dynamodb" else (False, True)
    )
    secret = world.credentials().access_token.secret
    assert secret not in repr(connection)


def test_sealed_credentials_open_for_their_own_connection_alone(world: World, credential_store: str) -> None:
    world.connect()
    if credential_store == "secretsmanager":
        return
    table, key = world.aws.outputs["ConnectionsTableName"], {"connection_id": world.store.connection_id}
    moved = {"store": "https://elsewhere.example/"}
    dynamodb.update(table, key, "attribute_exists(#encrypted_credentials)", {}, changes=moved)
    with pytest.raises(Unavailable, match="InvalidCiphertext"):
        world.credentials()


def test_the_callback_asks_nothing_of_the_store(world: World) -> None:
    world.click()
    assert world.shop.state()["log"] == []


def test_pending_secrets_lie_sealed_and_vanish_at_the_end(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form)["activation_id"]
    pending = repr(world.row(activation_id))
    assert form["oauth_consumer_secret"] not in pending
    assert form["oauth_verifier"] not in pending
    world.run(activation_id)
    assert "encrypted_secrets" not in world.row(activation_id)


def test_a_second_post_joins_the_attempt_under_way(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    first, second = world.post(form), world.post(form)
    assert first["activation_id"] == second["activation_id"]
    assert second["status"] == 200


def test_a_post_that_comes_again_after_the_request_step_joins_too(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form)["activation_id"]
    world.step("RequestTokenFunction", activation_id)
    assert world.post(form)["activation_id"] == activation_id
    assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"


def test_a_post_that_comes_again_after_a_failure_is_a_new_attempt(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    first = world.post(form)["activation_id"]
    world.shop.trouble("unknown_key", times=1)
    assert world.run(first)["state"] == "failed"
    second = world.post(form)["activation_id"]
    assert second != first
    assert world.run(second)["state"] == "connected"


def test_a_new_verifier_supersedes_the_attempt_under_way(world: World) -> None:
    first = world.click()
    second = world.click_reauthorize()
    assert first != second
    assert world.run(first)["state"] == "superseded"
    assert world.run(second)["state"] == "connected"


def test_an_attempt_that_is_superseded_between_its_steps_leaves_the_newer_one_alone(world: World) -> None:
    first = world.click()
    world.step("RequestTokenFunction", first)
    second = world.click_reauthorize()
    assert world.step("AccessTokenFunction", first)["state"] == "superseded"
    assert world.run(second)["state"] == "connected"
    assert world.credentials_work()


def test_reauthorizing_replaces_the_credentials_and_keeps_the_connection(world: World) -> None:
    world.connect()
    before, credentials = world.connection(), world.credentials()
    activation_id = world.click_reauthorize()
    assert world.run(activation_id)["state"] == "connected"
    after = world.connection()
    assert after["connection_id"] == before["connection_id"]
    assert after.get("secret_arn") == before.get("secret_arn")
    assert after["activation_id"] == activation_id
    assert world.credentials().access_token != credentials.access_token
    assert world.credentials_work()


def test_a_failed_reauthorization_keeps_the_connection_and_its_credentials(world: World) -> None:
    world.connect()
    before, credentials = world.connection(), world.credentials()
    activation_id = world.click_reauthorize()
    world.shop.trouble("signature_invalid", times=1)
    assert world.run(activation_id)["state"] == "failed"
    assert world.connection() == before
    assert world.credentials() == credentials


def test_a_step_that_is_done_only_says_so(world: World) -> None:
    activation_id = world.click()
    first = world.step("RequestTokenFunction", activation_id)
    again = world.step("RequestTokenFunction", activation_id, holder="an operator")
    assert first == again
    assert first["state"] == "requested"
    world.step("AccessTokenFunction", activation_id)
    kept = world.credentials()
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    assert world.step("RequestTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    assert world.credentials() == kept
    asked = [entry["endpoint"] for entry in world.shop.state()["log"]]
    assert asked == ["request", "access"]


def test_a_store_with_port_path_and_index_php_connects(world: World) -> None:
    assert "/stores/" in world.url
    world.connect()
    assert world.store.port != 80


def test_each_attempt_has_one_execution_named_after_it(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form)["activation_id"]
    world.post(form)
    machine = world.aws.outputs["StateMachineArn"]
    states = world.aws.client("stepfunctions")
    found = states.list_executions(stateMachineArn=machine)["executions"]
    (execution,) = [one for one in found if one["name"] == activation_id]
    told = states.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(told) == {"activation_id": activation_id}
