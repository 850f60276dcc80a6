"""moto's DynamoDB, with indexes.

To query an index, moto sorts the whole table and copies each row that it finds once for each attribute: half a second
at 10,000 rows.
"""

import contextlib
import copy
import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table


@contextlib.contextmanager
def used() -> Iterator[None]:
    """Make moto sort only the rows that a query of an index is about while the context lasts."""
    slow: Any = Table.query

    def query(table: Table, *arguments: Any, **named: Any) -> Any:
        conditions = named.get("hash_key_conditions")
        index = inspect.signature(slow).bind(table, *arguments, **named).arguments.get("index_name")
        if not (conditions and index) or table.range_key_attr:
            return slow(table, *arguments, **named)
        rows: Any = table.items.values()
        found = [row for row in rows if all(_has(row, name, value) for name, value in conditions)]
        sorting = mock.patch.multiple(table, all_items=lambda: found, sorted_items=_sorted)
        with sorting, _without_copies(), mock.patch.object(Item, "project", _projected):
            return slow(table, *arguments, **named)

    def _sorted(hash_attributes: list[str], range_attributes: list[str | None], rows: list[Item]) -> list[Item]:
        names = [name for name in (*range_attributes, *hash_attributes) if name]
        return sorted(rows, key=lambda row: [row.attrs[name].cast_value for name in names])

    with mock.patch.object(Table, "query", query):
        yield


def _without_copies() -> Any:
    """Have moto's table make no deep copies: an index copies what it projects."""
    return mock.patch("moto.dynamodb.models.table.copy", SimpleNamespace(copy=copy.copy, deepcopy=lambda rows: rows))


def _projected(row: Item, expressions: list[list[str]]) -> Item:
    """A row with some of its attributes, as an index has it."""
    made = copy.copy(row)
    made.attrs = type(row.attrs)()
    for (name,) in expressions:
        if name in row.attrs:
            made.attrs[name] = row.attrs[name]
    return made


def _has(row: Any, name: str, value: Any) -> bool:
    attribute = row.attrs.get(name)
    return attribute is not None and attribute.value == value.value
