"""Rows in DynamoDB. Every write names the state before it (UpdateItem and TransactWriteItems, conditional)."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any, ParamSpec

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from storelink import aws

P = ParamSpec("P")

Row = dict[str, Any]

Only = dict[Any, Any]
"""What rows must have: a value of an attribute, or, by several names, of any of these attributes."""

PAGE_SIZE = 100
"""Rows of one query."""


class Conflict(Exception):
    """Raised when a row is not as the write requires. row: as it is, {} when there is none."""

    def __init__(self, row: Row) -> None:
        self.row = row
        super().__init__("the row has changed")


class Conflicts(Exception):
    """Raised when rows of a transaction are not as it requires. rows: of each write, as it is; None when it fits."""

    def __init__(self, rows: list[Row | None]) -> None:
        self.rows = rows
        super().__init__("rows have changed")


def update_parameters(
    table: str,
    key: Row,
    condition: str,
    values: Row,
    changes: Row | None = None,
    remove: tuple[str, ...] = (),
    append: Row | None = None,
    copy: dict[str, tuple[str, Any]] | None = None,
    add: Row | None = None,
    delete: Row | None = None,
) -> dict[str, Any]:
    """The parameters of an update of one row, alone or in a transaction.

    condition: an expression in which `#name` is an attribute and `:name` one of `values`. append: items for the end of
    lists; a list that is missing is created. copy: attributes that take the value that another one had before, or a
    value when it had none. add: numbers to add, and items for sets. delete: items to take out of sets.
    """
    changes, append, copy, add, delete = changes or {}, append or {}, copy or {}, add or {}, delete or {}
    text = _expression(changes, remove, append, copy, add, delete)
    all_values = (
        values
        | {f"new_{name}": value for name, value in changes.items()}
        | {f"more_{name}": [value] for name, value in append.items()}
        | {f"add_{name}": value for name, value in add.items()}
        | {f"delete_{name}": value for name, value in delete.items()}
        | ({"none": []} if append else {})
        | {f"else_{name}": default for name, (_, default) in copy.items()}
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


def _expression(
    changes: Row, remove: tuple[str, ...], append: Row, copy: dict[str, tuple[str, Any]], add: Row, delete: Row
) -> str:
    sets = [f"#{name} = :new_{name}" for name in changes]
    sets += [f"#{name} = list_append(if_not_exists(#{name}, :none), :more_{name})" for name in append]
    sets += [f"#{name} = if_not_exists(#{source}, :else_{name})" for name, (source, _) in copy.items()]
    clauses = {
        "SET": sets,
        "REMOVE": [f"#{name}" for name in remove],
        "ADD": [f"#{name} :add_{name}" for name in add],
        "DELETE": [f"#{name} :delete_{name}" for name in delete],
    }
    return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)


CONFLICT_TRIES = 5
"""Tries of a write while transactions have one of its rows, with pauses of some 20 to 150 ms."""


def write(update: dict[str, Any], *, before: bool = False) -> Row:
    """Make an update and return the row, as it is afterwards or as it was `before`.

    Raises Conflict when its condition does not hold, Unavailable when DynamoDB did not write.
    """
    with aws.errors("DynamoDB"):
        try:
            answer = _write("update_item", **update, ReturnValues="ALL_OLD" if before else "ALL_NEW")
        except ClientError as error:
            if aws.error_code(error) == "ConditionalCheckFailedException":
                raise Conflict(row(error.response.get("Item", {}))) from None  # type: ignore[arg-type]
            raise
    return row(answer["Attributes"])


def _at_once(parameters: Callable[P, dict[str, Any]]) -> Callable[P, Row]:
    def update(*args: P.args, **kwargs: P.kwargs) -> Row:
        return write(parameters(*args, **kwargs))

    return update


update = _at_once(update_parameters)
"""Make an update by its parameters, as `write` does."""


def transact(*updates: dict[str, Any]) -> None:
    """Change rows, all or none. updates: of `update_parameters`.

    Raises Conflicts when a condition does not hold, Unavailable when DynamoDB did not write.
    """
    with aws.errors("DynamoDB"):
        try:
            _write("transact_write_items", TransactItems=[{"Update": update} for update in updates])
        except ClientError as error:
            rows = [
                row(one.get("Item", {})) if one["Code"] == "ConditionalCheckFailed" else None
                for one in _cancellation_reasons(error)
            ]
            if any(found is not None for found in rows):
                raise Conflicts(rows) from None
            raise


def _write(operation: str, **parameters: Any) -> Any:
    """Call DynamoDB, and again while a transaction that is under way has one of the rows."""
    call = getattr(aws.client("dynamodb"), operation)
    for nth in range(1, CONFLICT_TRIES):
        try:
            return call(**parameters)
        except ClientError as error:
            if not _is_under_way(error):
                raise
        time.sleep(SystemRandom().uniform(0.02, 0.04) * nth)
    return call(**parameters)


def _is_under_way(error: ClientError) -> bool:
    codes = {one["Code"] for one in _cancellation_reasons(error)}
    in_transaction = "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes
    return in_transaction or aws.error_code(error) == "TransactionConflictException"


def _cancellation_reasons(error: ClientError) -> list[Any]:
    reasons: list[Any] = error.response.get("CancellationReasons", [])
    return reasons


def get(table: str, key: Row) -> Row:
    """One row, read consistently; {} when there is none. Raises Unavailable."""
    with aws.errors("DynamoDB"):
        answer = aws.client("dynamodb").get_item(TableName=table, Key=item(key), ConsistentRead=True)
    return row(answer.get("Item", {}))


def page(
    table: str,
    index: str,
    where: Row,
    limit: int,
    after: Row | None = None,
    newest: bool = False,
    only: Only | None = None,
    between: tuple[str, Any, Any] | None = None,
) -> tuple[list[Row], Row]:
    """At most `limit` rows of an index, and the keys to continue after; {} at the end. Raises Unavailable.

    where: the index' hash key. after: the keys of the row before the first. newest: the last rows first. only: what
    else rows must have, None for an attribute that they must not have; rows that differ are counted, and left out.
    between: the index' range key, with its first and its last value.
    """
    answer = _query(
        table, index, where, only, between, ScanIndexForward=not newest, Limit=limit, ExclusiveStartKey=after
    )
    return [row(found) for found in answer["Items"]], row(answer.get("LastEvaluatedKey", {}))


MAX_COUNTED_PAGES = 20
"""Pages of an index that are counted, each of 1 MB."""


def count(table: str, index: str, where: Row, only: Only | None = None) -> tuple[int, bool]:
    """The number of rows of an index, and whether all were counted. where, only: as in `page`. Raises Unavailable."""
    counted, after = 0, None
    for _ in range(MAX_COUNTED_PAGES):
        answer = _query(table, index, where, only, Select="COUNT", ExclusiveStartKey=after)
        counted += answer["Count"]
        after = row(answer.get("LastEvaluatedKey", {}))
        if not after:
            return counted, True
    return counted, False


def older_than(table: str, index: str, name: str, value: str, time: str, before: int) -> Iterator[Row]:
    """The rows of an index with this value whose `time` (ms) is earlier, oldest first, page by page.

    Changes to a row meanwhile do not affect the rows after it. Raises Unavailable.
    """
    start: Row = {}
    while True:
        found, start = page(table, index, {name: value}, PAGE_SIZE, start, between=(time, 0, before - 1))
        yield from found
        if not start:
            return


def _query(
    table: str,
    index: str,
    where: Row,
    only: Only | None = None,
    between: tuple[str, Any, Any] | None = None,
    **parameters: Any,
) -> Any:
    """One query. Parameters that are None or {} are left out. Raises Unavailable."""
    conditions, values, names = [f"#{name} = :{name}" for name in where], dict(where), set(where)
    if between:
        name, values["first"], values["last"] = between
        conditions.append(f"#{name} BETWEEN :first AND :last")
        names.add(name)
    filters = []
    for key, value in (only or {}).items():
        any_of = (key,) if isinstance(key, str) else key
        names.update(any_of)
        values |= {} if value is None else {any_of[0]: value}
        test = "attribute_not_exists(#{})" if value is None else f"#{{}} = :{any_of[0]}"
        filters.append(f"({' OR '.join(test.format(name) for name in any_of)})")
    after = parameters.pop("ExclusiveStartKey", None)
    with aws.errors("DynamoDB"):
        return aws.client("dynamodb").query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression=" AND ".join(conditions),
            **({"FilterExpression": " AND ".join(filters)} if filters else {}),
            ExpressionAttributeNames={f"#{name}": name for name in sorted(names)},
            ExpressionAttributeValues=item(values, ":"),
            **({"ExclusiveStartKey": item(after)} if after else {}),
            **parameters,
        )


def iso8601(at: int) -> str:
    """A row's time (ms since 1970) as people read it: UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str) -> int:
    """A time in ISO 8601 with its zone as rows have it. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or at.year < 1970:
        raise ValueError(text)
    return int(at.timestamp() * 1000)


class _Serializer(TypeSerializer):
    """boto3's, for rows that are mostly text: it asks of each value first whether it is something else."""

    def serialize(self, value: Any) -> Any:
        return {"S": value} if type(value) is str else super().serialize(value)


class _Deserializer(TypeDeserializer):
    """boto3's, for rows that hold whole numbers and plain bytes: int instead of Decimal, bytes instead of Binary."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)

    def _deserialize_b(self, value: bytes) -> bytes:
        return value


_SERIALIZER = _Serializer()
_DESERIALIZER = _Deserializer()


def item(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A row as DynamoDB's API writes it."""
    return {prefix + name: _SERIALIZER.serialize(value) for name, value in values.items()}


def row(found: Mapping[str, Any]) -> Row:
    """A row as Python reads it: whole numbers as int, binary as bytes."""
    return {name: _DESERIALIZER.deserialize(value) for name, value in found.items()}
