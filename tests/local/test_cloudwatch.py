"""What moto's CloudWatch is given: the metrics of log lines, and percentiles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import cloudwatch
from local.aws import LocalAws
from storelink import observability
from storelink.config import config
from storelink.store import Store
from storelink_cli.console import metrics
from tests.world import function_environment


def test_metrics_of_log_lines_are_counted_and_have_percentiles(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function_environment(aws, monkeypatch)
    monkeypatch.setenv("STORELINK_STACK", "counted")
    monkeypatch.setattr(observability.logger, "service", "storelink")
    store = Store.from_url("https://shop.example/")
    for seconds in (1.0, 2.0, 3.0, 40.0):
        observability.record_connected("an-id", store, seconds)
    observability.record_failed("an-id", store, "expired", "")
    client = aws.client("cloudwatch")
    cloudwatch.put_embedded(client, capsys.readouterr().out.splitlines())

    class Counted:
        name = config.stack

        def client(self, service: str) -> Any:
            return aws.client(service)

    activity = metrics.read(Counted(), metrics.SPANS["hour"])  # type: ignore[arg-type]
    assert (activity.connected, activity.failed, activity.reasons) == (4, 1, [("expired", 1)])
    assert activity.median == pytest.approx(2.5, abs=0.6)
    assert activity.p95 == pytest.approx(40, abs=20)
    assert activity.bars[-1].start <= datetime.now(UTC) < activity.bars[-1].start + timedelta(minutes=5)
