"""The sweep finds what was left undone and does it. It runs every minute; running it more often does no harm.

It queries indexes by time that hold only what is unfinished or unclaimed, so its cost does not grow with the tables,
and then reads each row that it finds. It does what a step would have done, under the same conditions.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from storelink.aws import dynamodb, stepfunctions
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.jobs.batch import Counts, process, record_counts, rotate
from storelink.models import EXPIRATION_PERIOD
from storelink.observability import logger
from storelink.state import activations, connections, events, failures, step_retry
from storelink.state.activations import SWEEP_SHARDS

EXECUTION_SECONDS = 330
"""Seconds after a row's last change, or after the try that it names, by which its execution has ended."""

MIN_REMAINING = 5000
"""Milliseconds before the function's timeout at which no further row is begun."""

COUNTS = ("started", "moved", "ended", "published", "unclaimed", "trouble")
"""The counts: executions started again, access steps started again, activations ended as `unfinished`, events
published, connections forgotten that nobody claimed in time, and rows or parts of an index that failed."""


def run(remaining: Callable[[], int]) -> Counts:
    """Process all that is unfinished, while there is time. How much was done, by `COUNTS`.

    remaining: gives the milliseconds that are left.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    parts = (
        part
        for shard in rotate(SWEEP_SHARDS, at)
        for part in (
            (_unfinished_activations(shard, at), _finish),
            (_pending_events(shard, at), _publish),
            (_unclaimed(shard, at), _forget),
        )
    )
    if not process(parts, counts, remaining, MIN_REMAINING):
        logger.warning("the next run continues the sweep")
    logger.info("swept", extra=counts)
    record_counts(counts, {})
    return counts


def _unfinished_activations(shard: str, at: int) -> Iterator[Row]:
    return dynamodb.older_than(config.activations_table, "unfinished", "sweep_shard", shard, "sweep_at", at)


def _pending_events(shard: str, at: int) -> Iterator[Row]:
    before = at - activations.SWEEP_DELAY * 1000
    table = config.connections_table
    return dynamodb.older_than(table, "pending_events", "pending_events_shard", shard, "changed_at", before)


def _unclaimed(shard: str, at: int) -> Iterator[Row]:
    if not config.unclaimed_days:
        return iter(())
    before = at - config.unclaimed_days * 24 * 3600 * 1000
    table = config.connections_table
    return dynamodb.older_than(table, "unclaimed", "unclaimed_shard", shard, "connected_at", before)


def _finish(found: Row) -> list[str]:
    """Do what an activation still lacks, by its row as it is now. What was done."""
    row = dynamodb.get(config.activations_table, {"integration_key": found["integration_key"]})
    if "sweep_shard" not in row:
        return []
    at, activation_id = activations.now(), activations.id_of(row)
    is_over = at - max(row["updated_at"], row.get("next_try_at", 0)) > EXECUTION_SECONDS * 1000
    waits_for_store = "next_try_at" in row and row["state"] == "requested" and step_retry.delay(row) is not None
    done = []
    if activations.has_pending_token(row) or waits_for_store:
        turn = f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d%H}"
        if is_over and stepfunctions.start_access_step(activation_id, turn):
            done.append("moved")
    elif row["state"] in ("pending", "requested") and is_over:
        failures.abandon(row, activation_id, "unfinished", "")
        return ["ended"]
    elif row["state"] == "pending" and at - row["received_at"] < EXPIRATION_PERIOD * 1000:
        stepfunctions.start_execution(activation_id)
        done.append("started")
    if "needs_publish" in row:
        events.publish_failure(row)
        done.append("published")
    return done


def _publish(found: Row) -> list[str]:
    row = connections.get(found["connection_id"])
    if "pending_events" not in row:  # published meanwhile
        return []
    return ["published"] if events.publish_changes(row) else []


def _forget(found: Row) -> list[str]:
    row = connections.get(found["connection_id"])
    until = connections.unclaimed_until(row)
    if until is None or until > activations.now():  # claimed, forgotten or connected anew meanwhile
        return []
    events.publish_changes(connections.forget_unclaimed(row))
    return ["unclaimed"]
