"""How rows are written: every write says what the row must be before it (DynamoDB UpdateItem)."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws

Row = dict[str, Any]

PAGE = 100
"""Rows that one query gives."""

_write = TypeSerializer().serialize
_read = TypeDeserializer().deserialize


class Conflict(Exception):
    """The row was not as the write said. row: as it is, {} where there is none."""

    def __init__(self, row: Row) -> None:
        self.row = row
        super().__init__("the row has changed")


def update(
    table: str, key: Row, condition: str, values: Row, changes: Row | None = None, remove: tuple[str, ...] = ()
) -> Row:
    """Change one row and return it as it is then.

    condition: an expression in which `#name` is an attribute and `:name` one of `values`.
    Raises Conflict where the condition does not hold, Unavailable where DynamoDB did not take the write.
    """
    try:
        answer = aws.client("dynamodb").update_item(
            **expression(table, key, condition, values, changes, remove), ReturnValues="ALL_NEW"
        )
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.code(error) == "ConditionalCheckFailedException":
            raise Conflict(row(error.response.get("Item", {}))) from None  # type: ignore[arg-type]
        raise aws.unavailable(error, "DynamoDB") from None
    return row(answer["Attributes"])


def expression(
    table: str, key: Row, condition: str, values: Row, changes: Row | None = None, remove: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The parameters of an update, alone or in a transaction."""
    changes = changes or {}
    parts = [
        "SET " + ", ".join(f"#{name} = :new_{name}" for name in changes) if changes else "",
        "REMOVE " + ", ".join(f"#{name}" for name in remove) if remove else "",
    ]
    text = " ".join(filter(None, parts))
    all_values = values | {f"new_{name}": value for name, value in changes.items()}
    names = set(re.findall(r"#\w+", f"{text} {condition}"))
    return {
        "TableName": table,
        "Key": item(key),
        "UpdateExpression": text,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {name: name[1:] for name in sorted(names)},
        **({"ExpressionAttributeValues": item(all_values, ":")} if all_values else {}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def get(table: str, key: Row) -> Row:
    """One row, read consistently; {} where there is none. Raises Unavailable."""
    try:
        answer = aws.client("dynamodb").get_item(TableName=table, Key=item(key), ConsistentRead=True)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "DynamoDB") from None
    return row(answer.get("Item", {}))


def find(table: str, index: str, name: str, value: str) -> list[Row]:
    """The rows of an index with this value, one page of them. Raises Unavailable."""
    try:
        answer = aws.client("dynamodb").query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=item({":value": value}),
            Limit=PAGE,
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "DynamoDB") from None
    return [row(found) for found in answer["Items"]]


def older(table: str, index: str, name: str, value: str, time: str, before: int) -> Iterator[Row]:
    """The rows of an index with this value whose `time` (ms) lies before, oldest first, page by page.

    What is done to a row meanwhile does no harm to those that follow. Raises Unavailable.
    """
    start: dict[str, Any] = {}
    while True:
        try:
            answer = aws.client("dynamodb").query(
                TableName=table,
                IndexName=index,
                KeyConditionExpression="#name = :value AND #time < :before",
                ExpressionAttributeNames={"#name": name, "#time": time},
                ExpressionAttributeValues=item({":value": value, ":before": before}),
                Limit=PAGE,
                **start,
            )
        except (ClientError, BotoCoreError) as error:
            raise aws.unavailable(error, "DynamoDB") from None
        yield from map(row, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def item(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A row as DynamoDB's API writes it."""
    return {prefix + name: _write(value) for name, value in values.items()}


def row(found: Mapping[str, Any]) -> Row:
    """A row as Python reads it: whole numbers as int, binary as bytes."""
    return {name: _plain(_read(value)) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Binary):
        return bytes(value.value)  # type: ignore[attr-defined]  # the stubs do not know it
    return int(value) if isinstance(value, Decimal) else value
