"""moto's CloudWatch, with what it lacks: percentiles, and the metrics that log lines hold."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any
from unittest import mock

from moto.cloudwatch.models import Statistics

AT_ONCE = 1000
"""Values that one call of PutMetricData takes."""


@contextlib.contextmanager
def with_percentiles() -> Iterator[None]:
    """Make moto calculate percentiles, such as p95, while the context lasts."""
    others: Any = Statistics.get_statistics_for_type

    def statistic(statistics: Statistics, stat: str) -> Any:
        if not (stat.startswith("p") and stat[1:].isdigit()):
            return others(statistics, stat)
        values = statistics.metric_single_values_list
        return quantiles(values * 2, n=100, method="inclusive")[int(stat[1:]) - 1] if values else None

    with mock.patch.object(Statistics, "get_statistics_for_type", statistic):
        yield


def put_embedded(client: Any, messages: list[str]) -> None:
    """Put the metrics that lines in the embedded metric format hold, as CloudWatch does with a function's log.

    client: boto3's, of CloudWatch. A line that is not in this format is only a line, as there.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            for namespace, datum in _metrics(json.loads(message)):
                found.setdefault(namespace, []).append(datum)
    for namespace, data in found.items():
        for start in range(0, len(data), AT_ONCE):
            client.put_metric_data(Namespace=namespace, MetricData=data[start : start + AT_ONCE])


def _metrics(line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The namespace and the value of each metric of a line, for each set of its dimensions."""
    at = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": line[name]} for name in names]
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    datum = {"MetricName": metric["Name"], "Value": float(value), "Unit": metric["Unit"]}
                    yield directive["Namespace"], datum | {"Dimensions": dimensions, "Timestamp": at}
