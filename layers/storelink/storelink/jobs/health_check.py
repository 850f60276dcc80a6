"""The check: one signed call for each connection when it is due, so that who lost a store hears of it.

A store that refuses is disconnected at once; one that does not answer, after `MISSES` times in a row. Both come back by
the next check that goes well, and by a reauthorization.

Who checks a row moves its `due_at` first, and writes what came of it only while it finds that `due_at` again: so of two
checks, a newer activation and an operator who forgets the store, none overwrites another.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from random import SystemRandom

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import required
from storelink.errors import Invalid, Rejected, StorelinkError, Unavailable
from storelink.jobs.batch import Counts, process, record_counts, rotate
from storelink.magento import ping
from storelink.observability import logger
from storelink.state import activations, connections
from storelink.state.activations import SHARDS
from storelink.store import Store

MAX_MISSES = 3
"""Calls in a row that a store may leave unanswered before it is disconnected."""

RETRY_INTERVAL = 3600
"""Seconds after which a store is asked again that did not answer, for a day; after that at its usual time."""

LEASE_SECONDS = 60
"""Seconds for which a row is left to the one who checks it."""

CONCURRENCY = 16
"""Connections that are checked at the same time."""

MIN_REMAINING = 15_000
"""Milliseconds before the function's timeout at which no further check is begun."""

COUNTS = ("checked", "missed", "disconnected", "recovered", "trouble", "overdue")
"""What is counted: checks that were made, those of them to which the store did not answer, stores that were lost and
stores that came back, rows or parts of the index with which the check itself had trouble, and the seconds by which the
latest check was late."""

_LOST = frozenset({"revoked", "integration-deleted", "forbidden", "secret-gone"})
"""Reasons for which a store is disconnected at once."""

_CLOSED = _LOST - {"secret-gone"}
"""Reasons after which only a call that the store takes proves that it is back."""


def run(remaining: Callable[[], int]) -> Counts:
    """Check the connections that are due, a part of them, while there is time. How much was done, by `COUNTS`.

    remaining: gives the milliseconds that are left. No row's trouble keeps it from the others.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    share = max(int(required("STORELINK_CHECKS_PER_RUN")) // len(SHARDS), 1)
    late: list[int] = []

    def due(shard: str) -> Iterator[Row]:
        table = required("STORELINK_CONNECTIONS_TABLE")
        for row in islice(dynamodb.older_than(table, "due", "due", shard, "due_at", at), share):
            late.append(at - row["due_at"])
            yield row

    if not process(
        ((due(shard), _check_row) for shard in rotate(SHARDS, at)), counts, remaining, MIN_REMAINING, CONCURRENCY
    ):
        logger.warning("the next run goes on with the check")
    counts["overdue"] = max(late, default=0) // 1000
    logger.info("checked", extra=counts)
    record_counts(counts, {"trouble": "CheckTrouble"})  # the sweep's has an alarm of its own
    return counts


def _check_row(found: Row) -> list[str]:
    try:
        row = _taken(found)
        return _written(row, _seen(row))[1]
    except Conflict:  # another check, a newer activation or an operator was first
        return []


def check_now(connection_id: str) -> tuple[Row, StorelinkError | None]:
    """Check one connection now. Its row afterwards, and what keeps the store from taking our calls, None for nothing.

    Raises Invalid where there is none, Unavailable.
    """
    row = connections.find(connection_id)
    try:
        row = _taken(row)
        error = _seen(row)
        row, done = _written(row, error)
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    record_counts(Counter(done), {})
    return row, error


def _taken(row: Row) -> Row:
    """Take a row for `LEASE` seconds, if it is as it was seen, and read it. Raises Conflict, Unavailable."""
    at, seen = activations.now(), row.get("due_at")
    as_seen = "attribute_not_exists(#due_at)" if seen is None else "#due_at = :seen"
    return dynamodb.update(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": row["connection_id"]},
        # While it is being forgotten, its secret can still be read and is about to go.
        condition=f"{as_seen} AND (attribute_not_exists(#gone_at) OR #gone_at < :now)",
        values={"now": at} | ({} if seen is None else {"seen": seen}),
        changes={
            "due": connections.shard(row["connection_id"]),
            "due_at": max(at + LEASE_SECONDS * 1000, (seen or 0) + 1),
        },
    )


def _seen(row: Row) -> StorelinkError | None:
    """What keeps a store from taking our calls; None where it took one. Raises Unavailable where AWS was the cause."""
    store = Store.from_url(row["store"])
    try:
        ping.ping(store, credentials.read(required("STORELINK_STACK"), store, row))
    except Invalid:
        return Rejected("secret-gone")
    except StorelinkError as error:
        if error.reason == "aws":
            raise
        return error
    return None


def _written(row: Row, error: StorelinkError | None) -> tuple[Row, list[str]]:
    """Write what a check saw, tell what it changed, and count it. Raises Conflict, Unavailable."""
    at, reason = activations.now(), error.reason if error else ""
    was, before = row["state"], row.get("reason")
    # It was never allowed to make this call, so that it is not allowed tells nothing.
    as_ever = reason == "forbidden" and "allowed" not in row and (was == "connected" or before not in _CLOSED)
    well, lost = error is None or as_ever, reason in _LOST
    misses = 0 if well or lost else row.get("misses", 0) + 1
    state = "connected" if well else "disconnected" if lost or misses >= MAX_MISSES else was
    done = ["checked", *(["missed"] if misses else [])]
    changes: Row = {"checked_at": at, "misses": misses}
    append: Row = {}
    if state != was:
        what = "recovered" if well else "disconnected"
        more, append = connections.state_attributes(
            row, state, connections.new_change(what, **({} if well else _why(error)))
        )
        changes |= more
        done.append(what)
    remove: tuple[str, ...] = () if error else ("reason", "problem")
    if before == "forgotten" and not well:
        remove = ("due", "due_at")
    else:
        changes |= {"due_at": _next(at, misses), **({} if error else {"allowed": True})}
        if not (misses and was == "disconnected" and before in _CLOSED):
            changes |= _why(error)
    row = dynamodb.update(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": row["connection_id"]},
        condition="#due_at = :mine",
        values={"mine": row["due_at"]},
        changes=changes,
        remove=remove,
        append=append,
    )
    if append:
        logger.info(f"store {done[-1]}", store=Store.from_url(row["store"]).host, reason=reason)
        with contextlib.suppress(Unavailable):  # the sweep tells it
            connections.publish(row)
    return row, done


def _why(error: StorelinkError | None) -> dict[str, str]:
    return {"reason": error.reason, "problem": error.problem} if error else {}


def _next(at: int, misses: int) -> int:
    """When a connection is due again: ms since 1970, with some jitter, so that what came together does not stay so."""
    wait = float(required("STORELINK_CHECK_INTERVAL")) * 3600
    if 0 < misses < 24 * 3600 // RETRY_INTERVAL:
        wait = min(wait, RETRY_INTERVAL)
    spread = float(required("STORELINK_CHECK_JITTER")) / 100
    return at + int(wait * 1000 * (1 + SystemRandom().uniform(-spread, spread)))
