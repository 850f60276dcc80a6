"""The functions' log files in CloudWatch Logs."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local import function_logs
from local.aws import LocalAws


def test_delivery_ends_without_an_error_when_the_stack_was_deleted(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_logs, "INTERVAL", 0.01)
    before = set(threading.enumerate())
    with function_logs.delivered(aws.client("logs"), aws.client("cloudwatch"), "/deleted", tmp_path):
        (delivering,) = set(threading.enumerate()) - before
        (tmp_path / "CallbackFunction.log").write_text('{"message": "after that"}\n')
        delivering.join(10)
        assert not delivering.is_alive()


LATER = '{"timestamp": 1}'
METRIC = json.dumps(
    {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Delivered",
                    "Dimensions": [[]],
                    "Metrics": [{"Name": "Connected", "Unit": "Count"}],
                }
            ],
        },
        "Connected": [1.0],
    }
)


def test_lines_of_two_environments_that_are_joined_and_lines_that_cannot_be_read_do_not_end_the_delivery(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_logs, "INTERVAL", 0.01)
    logs, metrics, group = aws.client("logs"), aws.client("cloudwatch"), aws.outputs["FunctionLogsName"]
    lines = ['{"_aws": 1}', '{"_aws"', METRIC + '{"message": "joined"}', "", LATER, "START", METRIC]

    def written() -> set[str]:
        return {one["message"] for one in logs.filter_log_events(logGroupName=group)["events"]}

    def count() -> float:
        now = datetime.now(UTC)
        span: dict[str, Any] = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}
        told = metrics.get_metric_statistics(
            Namespace="Delivered", MetricName="Connected", Period=7200, Statistics=["Sum"], **span
        )
        return float(sum(one["Sum"] for one in told["Datapoints"]))

    with function_logs.delivered(logs, metrics, group, tmp_path):
        for nth, line in enumerate(lines):
            (tmp_path / f"{nth}.log").write_text(f"{line}\n")
        end = time.monotonic() + 10
        while count() < 2 or not written() >= {'{"_aws": 1}', '{"_aws"', METRIC, '{"message": "joined"}', LATER}:
            assert time.monotonic() < end, written()
