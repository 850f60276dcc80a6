"""What docs/operations.md says about a lost secret and a lost table works."""

from collections.abc import Iterator
from typing import Any

import pytest

import storelink
from storelink.aws import dynamodb
from storelink.client import session as client_session
from storelink.credentials.secretsmanager import secret_name
from tests.world import World

CONFIGS = "rest/V1/store/storeConfigs"
RESTORED = "ConnectionsTable-restored"


@pytest.fixture(params=["scheduled", "gone"])
def deleted(request: pytest.FixtureRequest, world: World) -> str:
    """How the secret of a connected store was deleted."""
    world.connect()
    client_session._kept.cache_clear()
    name = secret_name(world.aws.stack, world.store)
    at_once = {"ForceDeleteWithoutRecovery": True} if request.param == "gone" else {}
    world.aws.client("secretsmanager").delete_secret(SecretId=name, **at_once)
    return str(request.param)


def test_an_app_whose_stores_secret_is_gone_is_told_what_to_do(world: World, deleted: str) -> None:
    with pytest.raises(storelink.Invalid) as refused:
        storelink.connect(world.url, stack=world.aws.stack)
    assert refused.value.reason == "not-connected"
    assert world.url in refused.value.problem
    assert "Activate" in refused.value.advice


def test_a_reauthorization_heals_a_deleted_secret(world: World, deleted: str) -> None:
    assert world.run(world.click_reauthorize())["state"] == "connected"
    assert storelink.connect(world.url, stack=world.aws.stack).get(CONFIGS).status_code == 200
    name = secret_name(world.aws.stack, world.store)
    assert "DeletedDate" not in world.aws.client("secretsmanager").describe_secret(SecretId=name)


@pytest.fixture
def restored(world: World) -> Iterator[str]:
    """A connected store, and the table of connections restored into another one."""
    world.connect()
    world.events()
    client = world.aws.client("dynamodb")
    client.restore_table_to_point_in_time(
        SourceTableName=world.aws.outputs["ConnectionsTableName"],
        TargetTableName=RESTORED,
        UseLatestRestorableTime=True,
    )
    client.get_waiter("table_exists").wait(TableName=RESTORED)
    yield RESTORED
    client.delete_table(TableName=RESTORED)


def connection_in(world: World, table: str) -> dict[str, Any]:
    return dynamodb.get(table, {"connection_id": world.store.connection_id})


def test_the_functions_go_on_with_a_restored_table(
    world: World, restored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = connection_in(world, restored)
    assert before == world.connection()
    monkeypatch.setenv("STORELINK_CONNECTIONS_TABLE", restored)
    activation_id = world.click_reauthorize()
    assert world.run(activation_id)["state"] == "connected"
    assert connection_in(world, restored)["activation_id"] == activation_id
    assert world.connection() == before
    assert [kind for kind, _ in world.events()] == ["Store Connected"]
    assert world.credentials_work()


def test_rows_that_were_lost_are_copied_back_and_others_stay(world: World, restored: str) -> None:
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ConnectionsTableName"]
    key = dynamodb.item({"connection_id": world.store.connection_id})
    item = client.get_item(TableName=restored, Key=key)["Item"]
    put = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(connection_id)"}
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.put_item(**put)
    client.delete_item(TableName=table, Key=key)
    assert world.connection() == {}
    client.put_item(**put)
    assert world.connection() == connection_in(world, restored)
    assert world.run(world.click_reauthorize())["state"] == "connected"


def test_a_store_whose_row_is_lost_still_works_and_is_written_anew_by_a_reauthorization(world: World) -> None:
    world.connect()
    key = dynamodb.item({"connection_id": world.store.connection_id})
    world.aws.client("dynamodb").delete_item(TableName=world.aws.outputs["ConnectionsTableName"], Key=key)
    assert world.credentials_work()
    activation_id = world.click_reauthorize()
    assert world.run(activation_id)["state"] == "connected"
    assert world.connection()["activation_id"] == activation_id
