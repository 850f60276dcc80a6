"""The functions' log files in CloudWatch Logs."""

import threading
from pathlib import Path

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
