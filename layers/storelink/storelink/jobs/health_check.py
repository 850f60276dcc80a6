"""The health check: one signed call to each connected store when it is due, and an event when a store is lost.

A store that refuses the call is disconnected at once; a store that does not answer, after `MAX_MISSES` times in a row.
Both recover by the next call that succeeds, and by a reauthorization.

A check first moves the row's `next_check_at`, and writes its result only while it finds that value again. So of two
checks, a newer activation and an operator who forgets the store, none overwrites another.

Each store has a budget of its own: the call's time and bytes. A store that did not answer its last check, and one whose
last check did not end, because its run died, is checked after all others: it can delay none that answers.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from random import SystemRandom

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Invalid, Rejected, StorelinkError, Unavailable
from storelink.jobs.batch import Counts, process, record_counts, rotate
from storelink.magento import ping
from storelink.observability import logger
from storelink.state import activations, connections, events
from storelink.state.activations import SHARDS
from storelink.store import Store

MAX_MISSES = 3
"""Calls in a row that a store may leave unanswered before it is disconnected."""

RETRY_INTERVAL = 3600
"""Seconds until the next check of a store that did not answer, for a day; after that its usual interval."""

LEASE_SECONDS = 60
"""Seconds for which a run keeps a row that it checks from other runs."""

CONCURRENCY = 16
"""Connections that are checked at the same time."""

MIN_REMAINING = 15_000
"""Milliseconds before the function's timeout at which no further check is begun."""

UNANSWERED = "unanswered"
"""The part of the index with the connections whose last check has no answer; it is processed after the others."""

COUNTS = ("checked", "missed", "disconnected", "recovered", "trouble", "overdue")
"""The counts: checks made, checks that the store did not answer, stores lost, stores recovered, rows or parts of the
index that failed, and the seconds by which the latest check was late."""

_LOST = frozenset({"revoked", "integration-deleted", "forbidden", "secret-gone"})
"""Reasons for which a store is disconnected at once."""

_CLOSED = _LOST - {"secret-gone"}
"""Reasons after which only a call that succeeds proves that the store has recovered."""


def run(remaining: Callable[[], int]) -> Counts:
    """Check the connections that are due, up to this run's share, while there is time. How many, by `COUNTS`.

    remaining: gives the milliseconds that are left. A row that fails does not keep the others from being checked.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    share = max(config.health_checks_per_run // len(SHARDS), 1)
    late: list[int] = []

    def due(shard: str) -> Iterator[Row]:
        rows = dynamodb.older_than(
            config.connections_table, "next_check", "health_check_shard", shard, "next_check_at", at
        )
        rest = config.health_checks_per_run - len(late)
        for row in islice(rows, max(rest, share) if shard == UNANSWERED else share):
            late.append(at - row["next_check_at"])
            yield row

    parts = ((due(shard), _check) for shard in (*rotate(SHARDS, at), UNANSWERED))
    if not process(parts, counts, remaining, MIN_REMAINING, CONCURRENCY):
        logger.warning("the next run continues the health check")
    counts["overdue"] = max(late, default=0) // 1000
    logger.info("checked", extra=counts)
    record_counts(counts, {"trouble": "CheckTrouble"})  # the sweep's has an alarm of its own
    return counts


def _check(found: Row) -> list[str]:
    try:
        row = _acquire(found)
        return _write(row, _call(row))[1]
    except Conflict:  # another check, a newer activation or an operator was first
        return []


def check_now(connection_id: str) -> tuple[Row, StorelinkError | None]:
    """Check one connection now. Its row afterwards, and what keeps the store from taking our calls, None for nothing.

    Raises Invalid when there is none, Unavailable.
    """
    row = connections.find(connection_id)
    try:
        row = _acquire(row)
        error = _call(row)
        row, done = _write(row, error)
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    record_counts(Counter(done), {})
    return row, error


def _acquire(row: Row) -> Row:
    """Take a row for `LEASE_SECONDS`, if it is unchanged, and read it. Raises Conflict, Unavailable."""
    at, seen = activations.now(), row.get("next_check_at")
    unchanged = "attribute_not_exists(#next_check_at)" if seen is None else "#next_check_at = :seen"
    return dynamodb.update(
        config.connections_table,
        {"connection_id": row["connection_id"]},
        # While it is being forgotten, its secret can still be read and is about to be deleted.
        condition=f"{unchanged} AND (attribute_not_exists(#forgotten_at) OR #forgotten_at < :now)",
        values={"now": at} | ({} if seen is None else {"seen": seen}),
        changes={
            "health_check_shard": UNANSWERED,
            "next_check_at": max(at + LEASE_SECONDS * 1000, (seen or 0) + 1),
        },
    )


def _call(row: Row) -> StorelinkError | None:
    """Why a store does not take our call; None when it takes it. Raises Unavailable when AWS is the cause."""
    store = Store.from_url(row["store"])
    try:
        known = credentials.read(config.stack, store, row)
        dialects = ping.ping(store, known)
        if dialects != known.dialects:
            credentials.save_dialects(config.stack, store, dialects)
    except Invalid:
        return Rejected("secret-gone")
    except StorelinkError as error:
        if error.reason == "aws":
            raise
        return error
    return None


def _verdict(row: Row, error: StorelinkError | None) -> tuple[bool, int, str]:
    """Whether a check succeeded, how many in a row were missed, and the connection's state then."""
    was = row["state"]
    # The call was never allowed, so that it is not allowed now says nothing.
    was_never_allowed = error is not None and error.reason == "forbidden" and "ping_allowed" not in row
    if error is None or (was_never_allowed and (was == "connected" or row.get("reason") not in _CLOSED)):
        return True, 0, "connected"
    if error.reason in _LOST:
        return False, 0, "disconnected"
    missed = row.get("missed_checks", 0) + 1
    return False, missed, "disconnected" if missed >= MAX_MISSES else was


def _write(row: Row, error: StorelinkError | None) -> tuple[Row, list[str]]:
    """Write what a check found and publish what it changed; the row, and counts. Raises Conflict, Unavailable."""
    at, reason = activations.now(), error.reason if error else ""
    was, before = row["state"], row.get("reason")
    succeeded, missed, state = _verdict(row, error)
    done = ["checked", *(["missed"] if missed else [])]
    changes: Row = {"checked_at": at, "missed_checks": missed}
    append: Row = {}
    if state != was:
        what = "recovered" if succeeded else "disconnected"
        change = connections.new_change(what, by="the health check", **({} if succeeded else _cause(error)))
        more, append = connections.state_attributes(row, state, change)
        changes |= more
        done.append(what)
    remove: tuple[str, ...] = () if error else ("reason", "problem")
    remove += ("expires_at",) if succeeded and state != was else ()  # it was to expire, and is connected again
    if before == "forgotten" and not succeeded:
        remove = ("health_check_shard", "next_check_at")
    else:
        shard = UNANSWERED if missed else connections.shard(row["connection_id"])
        changes |= {"health_check_shard": shard, "next_check_at": _next_check(at, missed)}
        changes |= {} if error else {"ping_allowed": True}
        if not (missed and was == "disconnected" and before in _CLOSED):
            changes |= _cause(error)
    row = dynamodb.update(
        config.connections_table,
        {"connection_id": row["connection_id"]},
        condition="#next_check_at = :mine",
        values={"mine": row["next_check_at"]},
        changes=changes,
        remove=remove,
        append=append,
    )
    if append:
        logger.info(f"store {done[-1]}", store=Store.from_url(row["store"]).host, reason=reason)
        events.try_publish_changes(row)
    return row, done


def _cause(error: StorelinkError | None) -> dict[str, str]:
    return {"reason": error.reason, "problem": error.problem} if error else {}


def _next_check(at: int, missed: int) -> int:
    """When a connection is due again: ms since 1970, with jitter, so that stores connected together spread out."""
    seconds = config.health_check_interval * 3600
    if 0 < missed < 24 * 3600 // RETRY_INTERVAL:
        seconds = min(seconds, RETRY_INTERVAL)
    spread = config.health_check_jitter / 100
    return at + int(seconds * 1000 * (1 + SystemRandom().uniform(-spread, spread)))
