"""The sweep: finds what was left undone, and has it done. Run each minute; running it more often does no harm.

It looks into two indexes that hold only what is unfinished, so it costs the same however many rows there are, and then
at each of these rows itself. What it does is what a step would have done, under the same conditions.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from aws_lambda_powertools.metrics import MetricUnit

from storelink import activations, connections, executions, tables
from storelink.activation import LIFETIME
from storelink.errors import Unavailable
from storelink.observing import logger, metrics
from storelink.settings import required
from storelink.tables import Row

YOUNG = 30
"""Seconds for which a row is left to those who are at it."""

OVER = 330
"""Seconds after its last change by which an activation's execution has ended: no request token is asked for later than
300 s after the post, and the access step is given up after 131 s."""

ENOUGH = 5000
"""Milliseconds before the function's timeout at which no further row is begun."""

COUNTS = ("started", "moved", "ended", "told", "trouble")
"""What is counted: executions started again, tokens that are moved, activations ended as `unfinished`, events told
again, and rows or parts of an index with which the sweep itself had trouble."""

Counts = dict[str, int]


def sweep(remaining: Callable[[], int]) -> Counts:
    """Go over all that is unfinished, while there is time. How much was done, by `COUNTS`.

    remaining: gives the milliseconds that are left. No row's trouble keeps it from the others.
    """
    counts = dict.fromkeys(COUNTS, 0)
    at = activations.now()
    for shard in _shards(at):
        for found, mend in ((_unfinished(shard, at), _finish), (_untold(shard, at), _tell)):
            if not _gone_over(found, mend, counts, remaining):
                logger.warning("the next run goes on with the sweep")
                return _told(counts)
    return _told(counts)


def _shards(at: int) -> str:
    """All parts of an index, each minute from another one on, so that a run that is cut short neglects none."""
    digits = "0123456789abcdef"
    first = at // 60_000 % len(digits)
    return digits[first:] + digits[:first]


def _unfinished(shard: str, at: int) -> Iterator[Row]:
    table = required("STORELINK_ACTIVATIONS_TABLE")
    return tables.older(table, "unfinished", "unfinished", shard, "updated_at", at - YOUNG * 1000)


def _untold(shard: str, at: int) -> Iterator[Row]:
    table = required("STORELINK_CONNECTIONS_TABLE")
    return tables.older(table, "untold", "untold", shard, "changed_at", at - YOUNG * 1000)


def _gone_over(
    found: Iterator[Row], mend: Callable[[Row], list[str]], counts: Counts, remaining: Callable[[], int]
) -> bool:
    """Mend these rows, and say whether there was time for it."""
    if remaining() < ENOUGH:
        return False
    try:
        for row in found:
            if remaining() < ENOUGH:
                return False
            _mended(row, mend, counts)
    except Unavailable as unavailable:
        counts["trouble"] += 1
        logger.warning("the sweep left a part of an index", problem=unavailable.problem)
    return True


def _mended(row: Row, mend: Callable[[Row], list[str]], counts: Counts) -> None:
    try:
        for done, times in Counter(mend(row)).items():
            counts[done] += times
    except Exception:
        counts["trouble"] += 1
        # Its text can tell no secret: the sweep reads sealed ones only, and may not open them.
        logger.exception("the sweep left a row", activation_id=_activation_of(row))


def _activation_of(row: Row) -> str:
    return str(row.get("activation_id") or f"{row.get('line')}-{row.get('attempt')}")


def _finish(found: Row) -> list[str]:
    """Do what an activation still lacks, by its row as it is now. What was done."""
    row = tables.get(required("STORELINK_ACTIVATIONS_TABLE"), {"line": found["line"]})
    if "unfinished" not in row:
        return []
    at, activation_id = activations.now(), activations.id_of(row)
    over = at - row["updated_at"] > OVER * 1000
    done = []
    if activations.has_token_to_move(row):
        if over and executions.move(activation_id, turn=f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d%H}"):
            done.append("moved")
    elif row["state"] in ("pending", "requested") and over:
        activations.fail(activation_id, "unfinished", "", resumable=True)
        return ["ended"]
    elif row["state"] == "pending" and at - row["received_at"] < LIFETIME * 1000:
        executions.start(activation_id)
        done.append("started")
    if "unannounced" in row:
        activations.tell_failure(row)
        done.append("told")
    return done


def _tell(found: Row) -> list[str]:
    return ["told"] if connections.tell_again(found["connection_id"]) else []


def _told(counts: Counts) -> Counts:
    """Log and measure what was done."""
    logger.info("swept", extra=counts)
    metrics.add_dimension("stack", required("STORELINK_STACK"))
    for name, count in counts.items():
        metrics.add_metric(name.capitalize(), MetricUnit.Count, count)
    return counts
