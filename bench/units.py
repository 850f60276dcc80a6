"""What DynamoDB bills for an activation and for a check: write and read units, and the bytes that stay.

By the rules that AWS publishes, for moto does not count them:

- A row is as large as its names and values.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
- A write takes a unit a KB, of the larger of the row before and after it; in a transaction twice that for each row,
  also for one that is only checked. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
- An index takes units of its own where its entry changes, and those of two entries where the entry's key does. It
  follows after a transaction, so these are not doubled.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.warm import STEPS, Handshakes
from storelink import aws
from storelink.aws import dynamodb
from storelink.config import config
from storelink.jobs import health_check
from storelink.state import connections
from storelink.store import Store

Item = dict[str, Any]
"""A row as DynamoDB's API writes it."""

OVERHEAD = 100
"""Bytes that are stored beside each row and each entry of an index."""

ENVELOPE = 100
"""Bytes by which KMS' own ciphertext is longer than moto's; counted for all that is binary, which is sealed."""

TENANT = "tenant-000001"

TOLD = 5
"""Changes that the history of a store tells beside its connecting, once it has been there for a while."""


def size(row: Item) -> int:
    """The bytes of a row."""
    return sum(len(name.encode()) + _size(value) for name, value in row.items())


def _size(value: Item) -> int:
    ((kind, told),) = value.items()
    match kind:
        case "S":
            return len(told.encode())
        case "N":
            return math.ceil(len(told) / 2) + 1
        case "B":
            return len(told) + ENVELOPE
        case "BOOL":
            return 1
        case "L":
            return 3 + sum(1 + _size(inner) for inner in told)
        case "M":
            return 3 + sum(1 + size({name: inner}) for name, inner in told.items())
    raise TypeError(f"a row holds no {kind}")


def written(before: Item, after: Item) -> int:
    """The units of writing a row or an entry."""
    return max(1, math.ceil(max(size(before), size(after)) / 1024))


def read(found: list[Item], consistent: bool) -> float:
    """The units of reading rows."""
    return max(1, math.ceil(sum(map(size, found)) / 4096)) * (1 if consistent else 0.5)


@dataclass(frozen=True)
class Index:
    """An index. key: the attributes that it is sorted by. kept: those that its entries have."""

    key: tuple[str, ...]
    kept: frozenset[str]

    def entry(self, row: Item) -> Item:
        """A row's entry; {} where it has none."""
        return {name: row[name] for name in self.kept if name in row} if all(name in row for name in self.key) else {}

    def written(self, before: Item, after: Item) -> int:
        """The units that a row's change takes here."""
        was, becomes = self.entry(before), self.entry(after)
        if was == becomes:
            return 0
        if was and becomes and any(was[name] != becomes[name] for name in self.key):
            return written(was, {}) + written({}, becomes)
        return written(was, becomes)


class Meter:
    """Counts the units of a client's calls: write, read. looking: another client, by which rows are looked at.

    rows: those that were written, by table and key.
    """

    def __init__(self, looking: Any) -> None:
        self.write, self.read = 0, 0.0
        self.rows: list[tuple[str, Item]] = []
        self._looking = looking
        self._tables: dict[str, Item] = {}
        self._under_way: list[tuple[str, Item, Item, int]] = []
        self._consistent = False

    @contextmanager
    def counting(self, client: Any) -> Iterator[None]:
        """Count what this client is asked for meanwhile, by one thread."""
        hooks: dict[str, Callable[..., None]] = {
            "provide-client-params.dynamodb": self._asked,
            "after-call.dynamodb": self._answered,
        }
        for event, hook in hooks.items():
            client.meta.events.register(event, hook)
        try:
            yield
        finally:
            for event, hook in hooks.items():
                client.meta.events.unregister(event, hook)

    def row(self, table: str, key: Item) -> Item:
        """A row as it is now; {} where there is none."""
        found: Item = self._looking.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return found

    def indexes(self, table: str) -> list[Index]:
        """The indexes of a table."""
        own = self._key(table)
        indexes = []
        for told in self._tables[table].get("GlobalSecondaryIndexes", []):
            key = tuple(part["AttributeName"] for part in told["KeySchema"])
            indexes.append(Index(key, frozenset([*own, *key, *told["Projection"].get("NonKeyAttributes", [])])))
        return indexes

    def _key(self, table: str) -> list[str]:
        if table not in self._tables:
            self._tables[table] = self._looking.describe_table(TableName=table)["Table"]
        return [part["AttributeName"] for part in self._tables[table]["KeySchema"]]

    def _asked(self, params: Item, model: Any, **_: Any) -> None:
        match model.name:
            case "UpdateItem":
                self._note(params, 1)
            case "TransactWriteItems":
                for action in params["TransactItems"]:
                    ((_kind, write),) = action.items()
                    self._note(write, 2)
            case "GetItem" | "Query":
                self._consistent = params.get("ConsistentRead", False)
            case other:
                raise NotImplementedError(f"no rule for the units of {other} stands here")

    def _note(self, write: Item, times: int) -> None:
        table = write["TableName"]
        key = write.get("Key") or {name: write["Item"][name] for name in self._key(table)}
        self._under_way.append((table, key, self.row(table, key), times))

    def _answered(self, parsed: Item, model: Any, **_: Any) -> None:
        if model.name in ("GetItem", "Query"):
            self.read += read(parsed.get("Items", [parsed.get("Item", {})]), self._consistent)
        for table, key, before, times in self._under_way:
            after = self.row(table, key)
            self.write += times * written(before, after)
            self.write += sum(index.written(before, after) for index in self.indexes(table))
            if (table, key) not in self.rows:
                self.rows.append((table, key))
        self._under_way.clear()


def counted(handshakes: Handshakes) -> dict[str, dict[str, float]]:
    """{write, read} of each function of an activation and of a check, and the {rows, indexes} that stay, in bytes.

    What stays and is checked is a store's part of the connections' table: a tenant's, with `TOLD` changes more.
    """
    client = aws.client("dynamodb")
    looking = aws.client.__wrapped__("dynamodb")
    meters = {name: Meter(looking) for name in ("callback", *STEPS, "check")}
    form = handshakes.post_of(handshakes.store())
    handshakes.connected(form, lambda part: meters[part].counting(client))
    connection_id = Store.from_url(form["store_base_url"]).connection_id
    _aged(connection_id)
    with meters["check"].counting(client):
        health_check.check_now(connection_id)
    units: dict[str, dict[str, float]] = {
        name: {"write": meter.write, "read": meter.read} for name, meter in meters.items()
    }
    return units | {"stored": _stored(meters["access_token"])}


def _aged(connection_id: str) -> None:
    connections.claim(connection_id, TENANT, "an operator")
    for _ in range(TOLD - 1):
        dynamodb.update(
            config.connections_table,
            connections.row_key(connection_id),
            condition="attribute_exists(#store)",
            values={},
            append={"history": connections.new_change("disconnected", reason="unreachable")},
        )


def _stored(meter: Meter) -> dict[str, float]:
    """What stays of the rows that were written. The activation's own is not counted: it vanishes after a day."""
    stored = {"rows": 0.0, "indexes": 0.0}
    for table, key in meter.rows:
        row = meter.row(table, key)
        if row and table != config.activations_table:
            entries = [entry for index in meter.indexes(table) if (entry := index.entry(row))]
            stored["rows"] += size(row) + OVERHEAD
            stored["indexes"] += sum(size(entry) + OVERHEAD for entry in entries)
    return stored
