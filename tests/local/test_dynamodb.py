"""moto's DynamoDB, as `local.dynamodb` has it answer one call at a time."""

import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
import pytest

from local.aws import LocalAws, access

CLIENTS = 8
ROUNDS = 40


@pytest.fixture
def table(aws: LocalAws) -> Any:
    """An empty table with the key `id`; its values are Python's."""
    return boto3.resource("dynamodb", **access(aws.url)).create_table(  # type: ignore[call-overload]
        TableName=uuid.uuid4().hex,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns every microsecond, so that two calls meet in the middle."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def update(table: Any, key: str, **more: Any) -> dict[str, Any]:
    """A transaction's update that sets `a` to 2."""
    values = {"UpdateExpression": "SET a = :two", "ExpressionAttributeValues": {":two": 2}}
    return {"Update": {"TableName": table.name, "Key": {"id": key}, **values, **more}}


@pytest.mark.usefixtures("eager_threads")
def test_one_of_many_conditional_writes_at_once_succeeds(table: Any) -> None:
    client = table.meta.client
    start = Barrier(CLIENTS)

    def claim(key: str) -> bool:
        start.wait(10)
        try:
            client.transact_write_items(
                TransactItems=[update(table, key, ConditionExpression="attribute_not_exists(id)")]
            )
        except client.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            assert sum(pool.map(claim, [f"row {number}"] * CLIENTS)) == 1


def test_a_transaction_that_is_refused_leaves_every_row_as_it_was(table: Any) -> None:
    before = {"id": "known", "a": 1}
    table.put_item(Item=before)
    known, unknown = update(table, "known"), update(table, "unknown")
    refused = update(table, "refused", ConditionExpression="attribute_exists(id)")
    for others in ([known, unknown], [unknown, known]):
        with pytest.raises(table.meta.client.exceptions.TransactionCanceledException):
            table.meta.client.transact_write_items(TransactItems=[*others, refused])
        assert table.scan()["Items"] == [before]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("SET a = :two, a = :two", "overlap"),
        ("SET a = :two SET b = :two", "SET"),
        ("SET id = :two", "part of the key"),
        ("SET a = :three", ":three"),
        ("SET a = b", "does not exist"),
    ],
)
def test_an_update_that_aws_would_refuse_is_refused(table: Any, expression: str, words: str) -> None:
    values = {"ExpressionAttributeValues": {":two": 2}} if ":two" in expression else {}
    for _ in range(2):
        with pytest.raises(table.meta.client.exceptions.ClientError, match=words):
            table.update_item(Key={"id": "row"}, UpdateExpression=expression, **values)
    assert "Item" not in table.get_item(Key={"id": "row"})


def test_one_expression_sets_the_values_of_each_call(table: Any) -> None:
    for number in range(3):
        table.update_item(
            Key={"id": "row"}, UpdateExpression="SET a = :new ADD b :new", ExpressionAttributeValues={":new": number}
        )
    assert table.get_item(Key={"id": "row"})["Item"] == {"id": "row", "a": 2, "b": 3}


def test_values_of_every_type_are_answered_as_they_were_written(table: Any) -> None:
    values: list[Any] = ["a", 1, b"\0\xff", True, None, {"a", "b"}, {1, 2}, {b"\0", b"b"}, "", {}, []]
    row = {"id": "row", "list": [*values, values], "map": {"deep": {"list": values}}}
    row |= {f"v{number}": value for number, value in enumerate(values)}
    table.put_item(Item=row)
    assert table.get_item(Key={"id": "row"})["Item"] == row
    assert table.scan()["Items"] == [row]
    changed = table.update_item(
        Key={"id": "row"},
        UpdateExpression="SET a = :two",
        ExpressionAttributeValues={":two": 2},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"] == row | {"a": 2}
