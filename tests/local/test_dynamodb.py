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
