"""What CloudWatch counted of a stack's activations: how many connected and failed, why, and how long they took."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storelink_cli.stack import Stack

NAMESPACE = "Storelink"
SERVICE = {"Name": "service", "Value": "storelink"}


@dataclass(frozen=True)
class Span:
    """A time until now. period: seconds of one bar. bars: how many. format: of a bar's time."""

    name: str
    period: int
    bars: int
    format: str

    @property
    def seconds(self) -> int:
        """The whole span."""
        return self.period * self.bars


SPANS = {
    "hour": Span("hour", 300, 12, "%H:%M"),
    "day": Span("day", 3600, 24, "%H:%M"),
    "week": Span("week", 6 * 3600, 28, "%a %H:%M"),
}


@dataclass(frozen=True)
class Bar:
    """The activations of one period."""

    start: datetime
    connected: int
    failed: int


@dataclass(frozen=True)
class Activity:
    """The activations of a span.

    reasons: how many failed for each. median, p95: seconds of a handshake, None where there is none.
    """

    span: Span
    bars: list[Bar]
    reasons: list[tuple[str, int]]
    median: float | None
    p95: float | None

    @property
    def connected(self) -> int:
        """How many connected."""
        return sum(bar.connected for bar in self.bars)

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(bar.failed for bar in self.bars)

    @property
    def most(self) -> int:
        """The activations of the highest bar, at least 1."""
        return max(1, *(bar.connected + bar.failed for bar in self.bars))


def read(stack: Stack, span: Span) -> Activity:
    """The activations of a span that ends with the current period. Raises ClientError, BotoCoreError."""
    end = (int(time.time()) // span.period + 1) * span.period
    start = end - span.seconds
    client, stack_ = stack.client("cloudwatch"), {"Name": "stack", "Value": stack.name}
    reasons = _reasons(client, stack_)
    wanted = {
        "connected": _query("Connected", "Sum", span.period, stack_),
        "median": _query("HandshakeTime", "p50", span.seconds, stack_),
        "p95": _query("HandshakeTime", "p95", span.seconds, stack_),
    }
    for nth, reason in enumerate(reasons):
        wanted[f"failed{nth}"] = _query("Failed", "Sum", span.period, stack_, {"Name": "reason", "Value": reason})
    found = _values(client, wanted, start, end)
    failed: Counter[int] = Counter()
    by_reason: Counter[str] = Counter()
    for nth, reason in enumerate(reasons):
        counted = {at: int(count) for at, count in found[f"failed{nth}"].items()}
        failed.update(counted)
        by_reason[reason] = sum(counted.values())
    connected = found["connected"]
    times = [start + nth * span.period for nth in range(span.bars)]
    bars = [Bar(datetime.fromtimestamp(at, UTC), int(connected.get(at, 0)), failed[at]) for at in times]
    median, p95 = (max(found[name].values(), default=None) for name in ("median", "p95"))
    return Activity(span, bars, [one for one in by_reason.most_common() if one[1]], median, p95)


def _reasons(client: Any, stack: dict[str, str]) -> list[str]:
    """The reasons for which activations of this stack failed in the last two weeks."""
    pages = client.get_paginator("list_metrics").paginate(
        Namespace=NAMESPACE, MetricName="Failed", Dimensions=[stack, {"Name": "reason"}]
    )
    return sorted(set(pages.search("Metrics[].Dimensions[?Name=='reason'][].Value")))


def _query(name: str, statistic: str, period: int, *dimensions: dict[str, str]) -> dict[str, Any]:
    metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [SERVICE, *dimensions]}
    return {"MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


def _values(client: Any, queries: dict[str, dict[str, Any]], start: int, end: int) -> dict[str, dict[int, float]]:
    """The values of each query by the start of their period, in seconds since 1970."""
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[{"Id": name} | query for name, query in queries.items()],
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
    )
    found: dict[str, dict[int, float]] = {name: {} for name in queries}
    for page in pages:
        for result in page["MetricDataResults"]:
            times = [int(at.timestamp()) for at in result["Timestamps"]]
            found[result["Id"]] |= dict(zip(times, result["Values"], strict=True))
    return found
