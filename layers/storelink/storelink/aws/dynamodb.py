"""How rows are written: every write says what the row must be before it (DynamoDB UpdateItem)."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws

Row = dict[str, Any]

PAGE_SIZE = 100
"""Rows that one query gives."""


class Conflict(Exception):
    """The row was not as the write said. row: as it is, {} where there is none."""

    def __init__(self, row: Row) -> None:
        self.row = row
        super().__init__("the row has changed")


class Conflicts(Exception):
    """Rows of a transaction were not as it said. rows: by its writes, such a row as it is, None where it was."""

    def __init__(self, rows: list[Row | None]) -> None:
        self.rows = rows
        super().__init__("rows have changed")


def update(
    table: str,
    key: Row,
    condition: str,
    values: Row,
    changes: Row | None = None,
    remove: tuple[str, ...] = (),
    append: Row | None = None,
    before: bool = False,
) -> Row:
    """Change one row and return it as it is then, or as it was before.

    condition: an expression in which `#name` is an attribute and `:name` one of `values`. append: what is put at the
    end of lists, which are made where they are not there.
    Raises Conflict where the condition does not hold, Unavailable where DynamoDB did not take the write.
    """
    try:
        answer = aws.client("dynamodb").update_item(
            **expression(table, key, condition, values, changes, remove, append),
            ReturnValues="ALL_OLD" if before else "ALL_NEW",
        )
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.error_code(error) == "ConditionalCheckFailedException":
            raise Conflict(row(error.response.get("Item", {}))) from None  # type: ignore[arg-type]
        raise aws.unavailable(error, "DynamoDB") from None
    return row(answer["Attributes"])


def expression(
    table: str,
    key: Row,
    condition: str,
    values: Row,
    changes: Row | None = None,
    remove: tuple[str, ...] = (),
    append: Row | None = None,
) -> dict[str, Any]:
    """The parameters of an update, alone or in a transaction."""
    changes, append = changes or {}, append or {}
    sets = [f"#{name} = :new_{name}" for name in changes]
    sets += [f"#{name} = list_append(if_not_exists(#{name}, :none), :more_{name})" for name in append]
    parts = ["SET " + ", ".join(sets) if sets else "", "REMOVE " + ", ".join(f"#{n}" for n in remove) if remove else ""]
    text = " ".join(filter(None, parts))
    all_values = (
        values
        | {f"new_{name}": value for name, value in changes.items()}
        | {f"more_{name}": [value] for name, value in append.items()}
        | ({"none": []} if append else {})
    )
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


def transact(*updates: dict[str, Any]) -> None:
    """Change rows, all or none, each by an `expression`.

    Raises Conflicts where a condition does not hold, Unavailable where DynamoDB did not take the writes.
    """
    try:
        aws.client("dynamodb").transact_write_items(TransactItems=[{"Update": update} for update in updates])
    except (ClientError, BotoCoreError) as error:
        reasons: list[Any] = getattr(error, "response", {}).get("CancellationReasons", [])
        rows = [row(why.get("Item", {})) if why.get("Code") == "ConditionalCheckFailed" else None for why in reasons]
        if any(found is not None for found in rows):
            raise Conflicts(rows) from None
        raise aws.unavailable(error, "DynamoDB") from None


def get(table: str, key: Row) -> Row:
    """One row, read consistently; {} where there is none. Raises Unavailable."""
    try:
        answer = aws.client("dynamodb").get_item(TableName=table, Key=item(key), ConsistentRead=True)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "DynamoDB") from None
    return row(answer.get("Item", {}))


def page(
    table: str,
    index: str,
    where: Row,
    most: int,
    after: Row | None = None,
    newest: bool = False,
    only: Row | None = None,
) -> tuple[list[Row], Row]:
    """At most so many rows of an index, and the keys to go on after; {} at the end. Raises Unavailable.

    where: the index' hash key. after: the keys of the row before the first. newest: the last rows first. only: what
    else the rows must have; those without it are left out after they were counted.
    """
    answer = _query(
        table,
        index,
        where | (only or {}),
        KeyConditionExpression=" AND ".join(f"#{name} = :{name}" for name in where),
        ScanIndexForward=not newest,
        Limit=most,
        **({"FilterExpression": " AND ".join(f"#{name} = :{name}" for name in only)} if only else {}),
        **({"ExclusiveStartKey": item(after)} if after else {}),
    )
    return [row(found) for found in answer["Items"]], row(answer.get("LastEvaluatedKey", {}))


def older_than(table: str, index: str, name: str, value: str, time: str, before: int) -> Iterator[Row]:
    """The rows of an index with this value whose `time` (ms) lies before, oldest first, page by page.

    What is done to a row meanwhile does no harm to those that follow. Raises Unavailable.
    """
    start: dict[str, Any] = {}
    while True:
        answer = _query(
            table,
            index,
            {name: value, time: before},
            KeyConditionExpression=f"#{name} = :{name} AND #{time} < :{time}",
            Limit=PAGE_SIZE,
            **start,
        )
        yield from map(row, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _query(table: str, index: str, values: Row, **parameters: Any) -> Any:
    """One query, in whose expressions `#name` is an attribute and `:name` one of `values`. Raises Unavailable."""
    try:
        return aws.client("dynamodb").query(
            TableName=table,
            IndexName=index,
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues=item(values, ":"),
            **parameters,
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "DynamoDB") from None


def iso8601(at: int) -> str:
    """A row's time (ms since 1970) as people are told it: UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def item(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A row as DynamoDB's API writes it."""
    return {prefix + name: _write(value) for name, value in values.items()}


def row(found: Mapping[str, Any]) -> Row:
    """A row as Python reads it: whole numbers as int, binary as bytes."""
    return {name: _read(value) for name, value in found.items()}


# As boto3's serializers, for what rows hold: with them, all of boto3 would be loaded at each cold start.


def _write(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [_write(inner) for inner in value]}
        case dict():
            return {"M": item(value)}
    raise TypeError(f"a row holds no {type(value).__name__}")


def _read(value: Mapping[str, Any]) -> Any:
    ((kind, told),) = value.items()
    match kind:
        case "N":
            return int(told)
        case "L":
            return [_read(inner) for inner in told]
        case "M":
            return row(told)
        case "B" | "BOOL" | "S":
            return told
    raise TypeError(f"a row holds no {kind}")
