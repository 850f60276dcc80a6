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

from storelink import activations, connections, credentials, probe, tables
from storelink.activations import SHARDS
from storelink.errors import Invalid, Rejected, StorelinkError, Unavailable
from storelink.observing import logger
from storelink.rounds import Counts, go_over, in_turns, measure
from storelink.settings import required
from storelink.showing import Shown, connection
from storelink.stores import Store
from storelink.tables import Conflict, Row

MISSES = 3
"""Calls in a row that a store may leave unanswered before it is disconnected."""

AGAIN = 3600
"""Seconds after which a store is asked again that did not answer, for a day; after that at its usual time."""

LEASE = 60
"""Seconds for which a row is left to the one who checks it."""

AT_ONCE = 16
"""Connections that are checked at the same time."""

ENOUGH = 15_000
"""Milliseconds before the function's timeout at which no further check is begun."""

COUNTS = ("checked", "missed", "disconnected", "recovered", "trouble", "overdue")
"""What is counted: checks that were made, those of them to which the store did not answer, stores that were lost and
stores that came back, rows or parts of the index with which the check itself had trouble, and the seconds by which the
latest check was late."""

_LOST = frozenset({"revoked", "integration-deleted", "forbidden", "secret-gone"})
"""Reasons for which a store is disconnected at once."""

_CLOSED = _LOST - {"secret-gone"}
"""Reasons after which only a call that the store takes proves that it is back."""


def check(remaining: Callable[[], int]) -> Counts:
    """Check the connections that are due, a part of them, while there is time. How much was done, by `COUNTS`.

    remaining: gives the milliseconds that are left. No row's trouble keeps it from the others.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    share = max(int(required("STORELINK_CHECKS_PER_RUN")) // len(SHARDS), 1)
    late: list[int] = []

    def due(shard: str) -> Iterator[Row]:
        table = required("STORELINK_CONNECTIONS_TABLE")
        for row in islice(tables.older(table, "due", "due", shard, "due_at", at), share):
            late.append(at - row["due_at"])
            yield row

    if not go_over(((due(shard), _check) for shard in in_turns(SHARDS, at)), counts, remaining, ENOUGH, AT_ONCE):
        logger.warning("the next run goes on with the check")
    counts["overdue"] = max(late, default=0) // 1000
    logger.info("checked", extra=counts)
    measure(counts, {"trouble": "CheckTrouble"})  # the sweep's has an alarm of its own
    return counts


def _check(found: Row) -> list[str]:
    try:
        row = _taken(found)
        return _written(row, _seen(row))[1]
    except Conflict:  # another check, a newer activation or an operator was first
        return []


def test(connection_id: str) -> Shown:
    """Check one connection now: {ok, reason?, problem?, advice?, connection}, of what was seen and how it stands then.

    Raises Invalid where there is none, Unavailable.
    """
    row = connections.find(connection_id)
    try:
        row = _taken(row)
        error = _seen(row)
        row, done = _written(row, error)
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    measure(Counter(done), {})
    seen = {"reason": error.reason, "problem": error.problem, "advice": error.advice} if error else {}
    return {"ok": error is None, **{name: text for name, text in seen.items() if text}, "connection": connection(row)}


def _taken(row: Row) -> Row:
    """Take a row for `LEASE` seconds, if it is as it was seen, and read it. Raises Conflict, Unavailable."""
    at, seen = activations.now(), row.get("due_at")
    as_seen = "attribute_not_exists(#due_at)" if seen is None else "#due_at = :seen"
    return tables.update(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": row["connection_id"]},
        # While it is being forgotten, its secret can still be read and is about to go.
        condition=f"{as_seen} AND (attribute_not_exists(#gone_at) OR #gone_at < :now)",
        values={"now": at} | ({} if seen is None else {"seen": seen}),
        changes={
            "due": connections.shard_of(row["connection_id"]),
            "due_at": max(at + LEASE * 1000, (seen or 0) + 1),
        },
    )


def _seen(row: Row) -> StorelinkError | None:
    """What keeps a store from taking our calls; None where it took one. Raises Unavailable where AWS was the cause."""
    store = Store.from_url(row["store"])
    try:
        probe.ask(store, credentials.read(required("STORELINK_STACK"), store, row))
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
    state = "connected" if well else "disconnected" if lost or misses >= MISSES else was
    done = ["checked", *(["missed"] if misses else [])]
    changes: Row = {"checked_at": at, "misses": misses}
    append: Row = {}
    if state != was:
        what = "recovered" if well else "disconnected"
        more, append = connections.moved(row, state, connections.entry(what, **({} if well else _why(error))))
        changes |= more
        done.append(what)
    remove: tuple[str, ...] = () if error else ("reason", "problem")
    if before == "forgotten" and not well:
        remove = ("due", "due_at")
    else:
        changes |= {"due_at": _next(at, misses), **({} if error else {"allowed": True})}
        if not (misses and was == "disconnected" and before in _CLOSED):
            changes |= _why(error)
    row = tables.update(
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
            connections.tell(row)
    return row, done


def _why(error: StorelinkError | None) -> dict[str, str]:
    return {"reason": error.reason, "problem": error.problem} if error else {}


def _next(at: int, misses: int) -> int:
    """When a connection is due again: ms since 1970, with some jitter, so that what came together does not stay so."""
    wait = float(required("STORELINK_CHECK_INTERVAL")) * 3600
    if 0 < misses < 24 * 3600 // AGAIN:
        wait = min(wait, AGAIN)
    spread = float(required("STORELINK_CHECK_JITTER")) / 100
    return at + int(wait * 1000 * (1 + SystemRandom().uniform(-spread, spread)))
