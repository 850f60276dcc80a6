"""The sweep: finds what was left undone, and has it done. Run each minute; running it more often does no harm.

It looks into two indexes that hold only what is unfinished, so it costs the same however many rows there are, and then
at each of these rows itself. What it does is what a step would have done, under the same conditions.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from storelink.aws import dynamodb, stepfunctions
from storelink.aws.dynamodb import Row
from storelink.config import required
from storelink.jobs.batch import Counts, process, record_counts, rotate
from storelink.models import EXPIRATION_PERIOD
from storelink.observability import logger
from storelink.state import activations, connections
from storelink.state.activations import SWEEP_SHARDS

MIN_AGE = 30
"""Seconds for which a row is left to those who are at it."""

EXECUTION_SECONDS = 330
"""Seconds after its last change by which an activation's execution has ended: no request token is asked for later than
300 s after the post, and the access step is given up after 131 s."""

MIN_REMAINING = 5000
"""Milliseconds before the function's timeout at which no further row is begun."""

COUNTS = ("started", "moved", "ended", "told", "trouble")
"""What is counted: executions started again, tokens that are moved, activations ended as `unfinished`, events told
again, and rows or parts of an index with which the sweep itself had trouble."""


def run(remaining: Callable[[], int]) -> Counts:
    """Go over all that is unfinished, while there is time. How much was done, by `COUNTS`.

    remaining: gives the milliseconds that are left. No row's trouble keeps it from the others.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    parts = (
        part
        for shard in rotate(SWEEP_SHARDS, at)
        for part in ((_unfinished(shard, at), _finish), (_untold(shard, at), _tell))
    )
    if not process(parts, counts, remaining, MIN_REMAINING):
        logger.warning("the next run goes on with the sweep")
    logger.info("swept", extra=counts)
    record_counts(counts, {})
    return counts


def _unfinished(shard: str, at: int) -> Iterator[Row]:
    table = required("STORELINK_ACTIVATIONS_TABLE")
    return dynamodb.older_than(table, "unfinished", "unfinished", shard, "updated_at", at - MIN_AGE * 1000)


def _untold(shard: str, at: int) -> Iterator[Row]:
    table = required("STORELINK_CONNECTIONS_TABLE")
    return dynamodb.older_than(table, "untold", "untold", shard, "changed_at", at - MIN_AGE * 1000)


def _finish(found: Row) -> list[str]:
    """Do what an activation still lacks, by its row as it is now. What was done."""
    row = dynamodb.get(required("STORELINK_ACTIVATIONS_TABLE"), {"line": found["line"]})
    if "unfinished" not in row:
        return []
    at, activation_id = activations.now(), activations.id_of(row)
    over = at - row["updated_at"] > EXECUTION_SECONDS * 1000
    done = []
    if activations.has_pending_token(row):
        if over and stepfunctions.start_access_step(
            activation_id, turn=f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d%H}"
        ):
            done.append("moved")
    elif row["state"] in ("pending", "requested") and over:
        suspicious = connections.is_suspicious(row, "unfinished")
        activations.abandon(activation_id, "unfinished", "", suspicious)
        return ["ended"]
    elif row["state"] == "pending" and at - row["received_at"] < EXPIRATION_PERIOD * 1000:
        stepfunctions.start_execution(activation_id)
        done.append("started")
    if "unannounced" in row:
        activations.publish_failure(row)
        done.append("told")
    return done


def _tell(found: Row) -> list[str]:
    return ["told"] if connections.publish_pending(found["connection_id"]) else []
