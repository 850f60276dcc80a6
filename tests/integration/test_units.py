"""What a call costs in DynamoDB's units is counted by the rules that AWS publishes."""

import uuid
from typing import Any

import pytest

from bench.units import Index, Meter, size, written
from storelink import aws
from storelink.aws import dynamodb
from tests.world import World

ENTRY = {"state": {"S": "connected"}, "connection_id": {"S": "a"}, "store": {"S": "b"}}


@pytest.fixture
def meter(world: World) -> Meter:
    """Counts nothing yet."""
    return Meter(aws.client.__wrapped__("dynamodb"))


@pytest.fixture
def table(world: World) -> str:
    """The connections' table, whose indexes are by_state, due and others."""
    return str(world.aws.outputs["ConnectionsTableName"])


def key() -> dict[str, Any]:
    return {"connection_id": {"S": uuid.uuid4().hex}}


def update(table: str, row: dict[str, Any], **changes: object) -> dict[str, Any]:
    """An update that sets what is given."""
    return dynamodb.update_parameters(table, dynamodb.row(row), "attribute_not_exists(#never)", {}, dict(changes))


def test_a_row_is_as_large_as_its_names_and_values() -> None:
    assert size({"name": {"S": "ä"}}) == 4 + 2
    assert size({"n": {"N": "1795571706208"}}) == 1 + 7 + 1
    assert size({"b": {"BOOL": True}}) == 1 + 1
    assert size({"l": {"L": [{"S": "a"}, {"M": {"k": {"S": "vv"}}}]}}) == 1 + 3 + (1 + 1) + (1 + 3 + (1 + 1 + 2))
    with pytest.raises(TypeError, match="NULL"):
        size({"n": {"NULL": True}})


def test_a_write_takes_a_unit_for_each_kilobyte_begun_of_the_larger_row() -> None:
    kilobyte = {"t": {"S": "x" * 1023}}
    assert written({}, kilobyte) == 1
    assert written(kilobyte, {"t": {"S": "x" * 1024}}) == 2
    assert written({"t": {"S": "x" * 2048}}, {}) == 3


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, ENTRY, 1),
        (ENTRY, {**ENTRY, "state": {"S": "disconnected"}}, 2),
        (ENTRY, {"connection_id": {"S": "a"}}, 1),
        ({"connection_id": {"S": "a"}}, {"connection_id": {"S": "a"}, "store": {"S": "c"}}, 0),
        (ENTRY, {**ENTRY, "store": {"S": "c"}}, 1),
        (ENTRY, {**ENTRY, "encrypted_credentials": {"B": b"c"}}, 0),
    ],
    ids=["put", "its key moves", "taken out", "never in it", "what it shows changes", "what it does not show changes"],
)
def test_an_index_takes_units_where_its_entry_changes(before: Any, after: Any, units: int) -> None:
    index = Index(("state", "connection_id"), frozenset(["state", "connection_id", "store"]))
    assert index.written(before, after) == units


def test_a_transaction_takes_twice_for_each_row_and_once_for_their_indexes(meter: Meter, table: str) -> None:
    made, checked = key(), key()
    check = {"TableName": table, "Key": checked, "ConditionExpression": "attribute_not_exists(connection_id)"}
    client = aws.client("dynamodb")
    with meter.counting(client):
        client.transact_write_items(
            TransactItems=[{"Update": update(table, made, state="connected")}, {"ConditionCheck": check}]
        )
    assert meter.write == 2 + 1 + 2
    assert meter.rows == [(table, made), (table, checked)]


def test_an_update_takes_two_units_of_an_index_in_which_the_row_moves(meter: Meter, table: str) -> None:
    row, client = key(), aws.client("dynamodb")
    client.update_item(**update(table, row, due="0", due_at=1))
    with meter.counting(client):
        client.update_item(**update(table, row, due_at=2))
    client.update_item(**update(table, row, due_at=3))
    assert meter.write == 1 + 2


def test_reads_take_a_half_of_a_unit_where_they_need_not_be_consistent(meter: Meter, table: str) -> None:
    client = aws.client("dynamodb")
    with meter.counting(client):
        client.get_item(TableName=table, Key=key(), ConsistentRead=True)
        assert meter.read == 1
        client.get_item(TableName=table, Key=key())
        dynamodb.page(table, "by_state", {"state": uuid.uuid4().hex}, 1)
    assert meter.read == 2
    assert meter.write == 0


def test_a_call_without_a_rule_is_not_left_out_in_silence(meter: Meter, table: str) -> None:
    client = aws.client("dynamodb")
    with meter.counting(client), pytest.raises(NotImplementedError, match="DeleteItem"):
        client.delete_item(TableName=table, Key=key())
