"""Processing the rows of an index part by part, several rows at once, while there is time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from aws_lambda_powertools.metrics import MetricUnit

from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Unavailable
from storelink.observability import logger, metrics

Counts = dict[str, int]
Part = tuple[Iterator[Row], Callable[[Row], list[str]]]
"""Rows, and the function for each of them. It returns what was done, by the names of the counts."""


def rotate(parts: str, at: int) -> str:
    """The parts of an index, each minute from another one on, so that a run that is cut short neglects none. at: ms."""
    first = at // 60_000 % len(parts)
    return parts[first:] + parts[:first]


def process(
    parts: Iterable[Part], counts: Counts, remaining: Callable[[], int], min_remaining: int, concurrency: int = 1
) -> bool:
    """Process all rows, add up what was done, and return whether there was time for it.

    A row or part that fails does not keep the others from being processed; it is counted as `trouble`. remaining: gives
    the milliseconds that are left; below `min_remaining` no further row is begun.
    """
    free = BoundedSemaphore(concurrency)
    with ThreadPoolExecutor(concurrency) as threads:
        begun = []
        try:
            for rows, function in parts:
                if remaining() < min_remaining:
                    return False
                try:
                    for row in rows:
                        free.acquire()
                        if remaining() < min_remaining:
                            return False
                        begun.append(threads.submit(_process_row, row, function))
                        begun[-1].add_done_callback(lambda _: free.release())
                except Unavailable as unavailable:
                    counts["trouble"] += 1
                    logger.warning("a part of an index was skipped", problem=unavailable.problem)
        finally:
            for done in begun:
                for name, times in done.result().items():
                    counts[name] += times
    return True


def _process_row(row: Row, function: Callable[[Row], list[str]]) -> Counter[str]:
    try:
        return Counter(function(row))
    except Exception:
        # Its text holds no secret: rows hold encrypted ones only, and our errors hold none.
        logger.exception("a row was skipped", activation_id=_activation_id(row))
        return Counter(["trouble"])


def _activation_id(row: Row) -> str:
    return str(row.get("activation_id") or f"{row.get('integration_key')}-{row.get('attempt')}")


def record_counts(counts: Counts, names: dict[str, str]) -> None:
    """Write counts as metrics. names: the metric's name, when it is not the count's own."""
    metrics.add_dimension("stack", config.stack)
    for name, count in counts.items():
        metrics.add_metric(names.get(name, name.capitalize()), MetricUnit.Count, count)
    metrics.flush_metrics()
