"""Going over the rows of an index in parts, several rows at once, while there is time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from aws_lambda_powertools.metrics import MetricUnit

from storelink.aws.dynamodb import Row
from storelink.config import required
from storelink.errors import Unavailable
from storelink.observability import logger, metrics

Counts = dict[str, int]
Part = tuple[Iterator[Row], Callable[[Row], list[str]]]
"""Rows, and what is done to each; it says what was done, by the names of the counts."""


def rotate(parts: str, at: int) -> str:
    """The parts of an index, each minute from another one on, so that a run that is cut short neglects none. at: ms."""
    first = at // 60_000 % len(parts)
    return parts[first:] + parts[:first]


def process(
    parts: Iterable[Part], counts: Counts, remaining: Callable[[], int], enough: int, rows_at_once: int = 1
) -> bool:
    """Go over all rows, add up what was done, and say whether there was time for it.

    No row's trouble, and no part's, keeps it from the others; they are counted as `trouble`. remaining: gives the
    milliseconds that are left; where they are not `enough`, no further row is begun.
    """
    free = BoundedSemaphore(rows_at_once)
    with ThreadPoolExecutor(rows_at_once) as threads:
        begun = []
        try:
            for found, treat in parts:
                if remaining() < enough:
                    return False
                try:
                    for row in found:
                        free.acquire()
                        if remaining() < enough:
                            return False
                        begun.append(threads.submit(_treated, row, treat))
                        begun[-1].add_done_callback(lambda _: free.release())
                except Unavailable as unavailable:
                    counts["trouble"] += 1
                    logger.warning("a part of an index was left", problem=unavailable.problem)
        finally:
            for done in begun:
                for name, times in done.result().items():
                    counts[name] += times
    return True


def _treated(row: Row, treat: Callable[[Row], list[str]]) -> Counter[str]:
    try:
        return Counter(treat(row))
    except Exception:
        # Its text can tell no secret: rows hold sealed ones only, and errors of ours tell none.
        logger.exception("a row was left", activation_id=_activation_of(row))
        return Counter(["trouble"])


def _activation_of(row: Row) -> str:
    return str(row.get("activation_id") or f"{row.get('line')}-{row.get('attempt')}")


def record_counts(counts: Counts, names: dict[str, str]) -> None:
    """Write counts as metrics. names: those of the metrics, where it is not the count's own."""
    metrics.add_dimension("stack", required("STORELINK_STACK"))
    for name, count in counts.items():
        metrics.add_metric(names.get(name, name.capitalize()), MetricUnit.Count, count)
    metrics.flush_metrics()
