"""A connection that nobody claims is forgotten after some days, where the operator wants that."""

import json
from typing import Any

import pytest

from storelink.aws import dynamodb
from storelink.config import config
from storelink.errors import Unavailable
from storelink.jobs import health_check
from storelink.state import activations, connections, events
from tests.jobs.test_sweep import nothing_left, swept  # noqa: F401  a fixture of this file, too
from tests.popup.test_sign_in import LOGIN
from tests.reliability.failures import popup
from tests.state.test_invitations import invite, knock
from tests.world import CLOCK, World, in_both_stores, merchants_sign_in, request

DAY = 24 * 3600
CALLBACK = "http://app.invalid/callback"

pytestmark = pytest.mark.usefixtures("nothing_left", "thirty_days")


@pytest.fixture
def thirty_days(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_UNCLAIMED_DAYS", "30")
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ConnectionsTableName"]
    for item in client.scan(TableName=table, IndexName="unclaimed")["Items"]:  # of other tests
        key = {"connection_id": item["connection_id"]}
        client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE unclaimed_shard")


def key_row(consumer_key: str) -> dict[str, Any]:
    return dynamodb.get(config.connections_table, {"connection_id": f"consumer_key:{consumer_key}"})


@in_both_stores
def test_it_is_forgotten_with_its_credentials_and_the_app_receives_the_event(world: World) -> None:
    world.connect()
    consumer_key, secret = world.connection()["consumer_key"], world.secret()
    world.events()
    CLOCK.wait(30 * DAY - 60)
    assert swept(world)["unclaimed"] == 0
    CLOCK.wait(120)
    assert swept(world)["unclaimed"] == 1
    row = world.connection()
    assert (row["state"], row["reason"]) == ("disconnected", "forgotten")
    assert "encrypted_credentials" not in row
    assert "DeletedDate" in world.secret() if secret else world.secret() == {}
    assert row["history"][-1]["by"] == "the sweep"
    ((kind, detail),) = world.events()
    assert (kind, detail["reason"]) == ("Store Disconnected", "forgotten")
    assert detail["problem"] == "not assigned to a tenant within 30 days"
    # Nothing of it is left for good: DynamoDB deletes both rows.
    seconds = activations.now() // 1000
    assert row["expires_at"] == pytest.approx(seconds + connections.HISTORY_DAYS * DAY, abs=5)
    assert key_row(consumer_key).keys() == {"connection_id", "expires_at"}
    assert swept(world)["unclaimed"] == 0


def test_a_store_that_connects_again_stays(world: World) -> None:
    world.connect()
    CLOCK.wait(31 * DAY)
    swept(world)
    world.connect_again()
    row = world.connection()
    assert row["state"] == "connected"
    assert "expires_at" not in row
    assert "expires_at" not in key_row(row["consumer_key"])
    CLOCK.wait(29 * DAY)
    assert swept(world)["unclaimed"] == 0


def test_one_that_recovers_after_its_secret_was_restored_stays(world: World) -> None:
    world.connect()
    CLOCK.wait(31 * DAY)
    swept(world)
    world.aws.client("secretsmanager").restore_secret(SecretId=world.connection()["secret_arn"])
    row, error = health_check.check_now(world.store.connection_id)
    assert error is None
    assert row["state"] == "connected"
    assert "expires_at" not in row


def test_a_claimed_an_invited_and_a_reauthorized_one_stay(world: World) -> None:
    world.connect()
    CLOCK.wait(29 * DAY)
    world.connect_again()
    CLOCK.wait(29 * DAY)
    assert swept(world)["unclaimed"] == 0
    events.publish_changes(connections.claim(world.store.connection_id, "acme", "an operator"))
    CLOCK.wait(99 * DAY)
    assert swept(world)["unclaimed"] == 0
    events.publish_changes(connections.forget(world.store.connection_id, "an operator"))
    posted = knock(world, dict(world.shop.reauthorize(CALLBACK).form), invite(world)["code"])
    assert world.run(posted["activation_id"])["state"] == "connected"
    CLOCK.wait(99 * DAY)
    assert swept(world)["unclaimed"] == 0


def test_a_store_that_changed_hands_has_to_be_claimed_again_in_time(world: World) -> None:
    world.connect()
    events.publish_changes(connections.claim(world.store.connection_id, "acme", "an operator"))
    world.shop.delete()
    world.connect()
    assert "tenant" not in world.connection()
    CLOCK.wait(31 * DAY)
    assert swept(world)["unclaimed"] == 1


def test_a_claim_that_comes_between_keeps_it(world: World) -> None:
    world.connect()
    row = world.connection()
    events.publish_changes(connections.claim(world.store.connection_id, "acme", "an operator"))
    with pytest.raises(Unavailable):
        connections.forget_unclaimed(row)
    assert world.connection()["state"] == "connected"
    assert world.credentials_work()


def test_nothing_is_forgotten_where_no_days_are_set(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_UNCLAIMED_DAYS", "0")
    world.connect()
    CLOCK.wait(9999 * DAY)
    assert swept(world)["unclaimed"] == 0
    assert world.credentials_work()


def test_the_operator_and_the_merchant_see_it_coming(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merchants_sign_in(world.aws, monkeypatch, LOGIN)
    form = dict(world.shop.activate(CALLBACK).form)
    world.run(world.post(form)["activation_id"])
    assert "If nobody signs in within 30 days, Storelink deletes this connection." in popup(world, form, "en")
    assert "innerhalb von 30 Tagen" in popup(world, form, "de")
    event = request("GET", f"/connections/{world.store.connection_id}")
    shown = json.loads(world.call("OperatorFunction", event)["body"])
    row = world.connection()
    assert shown["unclaimed_until"] == dynamodb.iso8601(row["connected_at"] + 30 * DAY * 1000)
    events.publish_changes(connections.claim(world.store.connection_id, "acme", "an operator"))
    shown = json.loads(world.call("OperatorFunction", event)["body"])
    assert "unclaimed_until" not in shown
    assert "30 days" not in popup(world, form, "en")
