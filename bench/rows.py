"""What a read costs among many connections: the items that DynamoDB goes over, counted."""

import bisect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from storelink import aws
from storelink.api import queries
from storelink.aws.dynamodb import item
from storelink.jobs import sweep
from storelink.state import activations, connections
from storelink.state.activations import SWEEP_SHARDS

SIZES = (1_000, 100_000, 1_000_000)
UNFINISHED = 20
"""Activations that the sweep finds, however many rows there are beside them."""

Item = dict[str, Any]

KEYS = {
    "by_state": ("state", "connection_id"),
    "pending_events": ("pending_events_shard", "changed_at"),
    "unfinished": ("sweep_shard", "sweep_at"),
}


class Tables:
    """DynamoDB in memory, as far as these reads ask it. read: items gone over since it was last set to 0.

    It knows GetItem and Query alone, so a Scan ends the run.
    """

    def __init__(self, rows: dict[str, list[Item]]) -> None:
        self.read = 0
        key_of = {"connections": "connection_id", "activations": "integration_key"}
        self._rows = {table: {row[key_of[table]]["S"]: row for row in rows[table]} for table in rows}
        self._indexes: dict[tuple[str, str, str], list[tuple[Any, str]]] = defaultdict(list)
        for table, found in self._rows.items():
            for key, row in found.items():
                for name, (hashed, ranged) in KEYS.items():
                    if hashed in row and ranged in row:
                        self._indexes[table, name, row[hashed]["S"]].append((_plain(row[ranged]), key))
        for entries in self._indexes.values():
            entries.sort()

    def get_item(self, **asked: Any) -> dict[str, Any]:
        """One item, by its key."""
        self.read += 1
        (key,) = asked["Key"].values()
        row = self._rows[asked["TableName"]].get(key["S"])
        return {"Item": row} if row else {}

    def query(self, **asked: Any) -> dict[str, Any]:
        """The items of an index with one hash key, from a place on, up to the limit."""
        hashed, ranged = KEYS[asked["IndexName"]]
        values = asked["ExpressionAttributeValues"]
        entries = self._indexes[asked["TableName"], asked["IndexName"], values[f":{hashed}"]["S"]]
        start, end = 0, len(entries)
        if before := re.search(rf"#{ranged} < (:\w+)", asked["KeyConditionExpression"]):
            end = bisect.bisect_left(entries, (_plain(values[before[1]]),))
        if "ExclusiveStartKey" in asked:
            start = bisect.bisect_right(entries, (_plain(asked["ExclusiveStartKey"][ranged]), "\uffff"))
        taken = entries[start : min(end, start + asked["Limit"])]
        self.read += max(1, len(taken))
        found = [self._rows[asked["TableName"]][key] for _, key in taken]
        more = start + len(taken) < end
        last = {name: found[-1][name] for name in {hashed, ranged}} if more else None
        return {"Items": found, **({"LastEvaluatedKey": last} if last else {})}


def _plain(value: Item) -> Any:
    ((kind, told),) = value.items()
    return int(told) if kind == "N" else told


def _connections(count: int) -> list[Item]:
    shared = item({"state": "connected", "store": "https://shop.example/", "connected_at": 1, "changed_at": 1})
    return [{"connection_id": {"S": f"shop{n}.example-{n:016x}"}, **shared} for n in range(count)]


def _activations(count: int) -> list[Item]:
    now = activations.now()
    done = item({"state": "connected", "reached": "connected", "attempt": "0" * 12, "received_at": 1, "updated_at": 1})
    rows = [{"integration_key": {"S": f"{n:032x}"}, **done} for n in range(count)]
    for n in range(UNFINISHED):
        waiting = {
            "state": "requested",
            "updated_at": now - 60_000,
            "sweep_at": now - 60_000,
            "sweep_shard": SWEEP_SHARDS[n % len(SWEEP_SHARDS)],
        }
        rows[n] |= item(waiting)
    return rows


@contextmanager
def _standing_in(tables: Tables) -> Iterator[None]:
    real = aws.client
    aws.client = lambda service: tables if service == "dynamodb" else real(service)  # type: ignore[assignment]
    try:
        yield
    finally:
        aws.client = real


def read(count: int) -> dict[str, int]:
    """The items that each of the three reads goes over, among so many connections and activations."""
    tables = Tables({"connections": _connections(count), "activations": _activations(count)})
    reads: dict[str, Callable[[], object]] = {
        "one connection looked up": lambda: connections.find(f"shop{count // 2}.example-{count // 2:016x}"),
        "one page listed": lambda: queries.list_connections({"limit": "50"}),
        "one sweep slice": lambda: sweep.run(lambda: 50_000),
    }
    counted = {}
    with _standing_in(tables):
        for name, work in reads.items():
            tables.read = 0
            work()
            counted[name] = tables.read
    return counted
