"""`storelink logs`."""

import json
import time
from typing import Any

import pytest

from local.stack import Stack
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, fail_to_connect, parsed, refused


def write(running: Stack, *lines: dict[str, Any] | str) -> None:
    """Write log lines as a function does."""
    logs, group = running.aws.client("logs"), running.aws.outputs["FunctionLogsName"]
    stream = f"test-{time.time_ns()}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    at = int(time.time() * 1000)
    events = [
        {"timestamp": at + nth, "message": line if isinstance(line, str) else json.dumps(line)}
        for nth, line in enumerate(lines)
    ]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def line(message: str, **fields: str) -> dict[str, Any]:
    ours = {"level": "WARNING", "location": "f:1", "service": "storelink", "cold_start": False, "function_name": "F"}
    return {**ours, "message": message, **fields}


def test_the_lines_of_an_activation_are_found_by_its_reference(running: Stack, local: Storelink) -> None:
    _, activation_id = fail_to_connect(running, "logged")
    write(
        running,
        "START RequestId: 1",
        line("first", activation_id=activation_id, reason="header-lost"),
        line("another", activation_id="0" * 32 + "-" + "0" * 12),
        line("second", activation_id=activation_id),
        json.dumps({"_aws": {}, "message": "a metric", "activation_id": activation_id}),
    )
    result = local("logs", activation_id[:8])
    titles, *rows = (row.split("\t") for row in result.out.splitlines())
    assert titles == ["Time", "Level", "Function", "Message", "Activation", "Fields"]
    written = [row for row in rows if row[2] == "F"]
    assert [row[3] for row in written] == ["first", "second"]
    assert written[0][4:] == [activation_id[:8], "reason=header-lost"]
    assert all(row[4] == activation_id[:8] for row in rows)
    assert f"filter activation_id like /^{activation_id}/" in result.err
    assert "aws logs start-query" in result.err


def test_the_lines_of_an_activation_outlive_its_row(running: Stack, local: Storelink) -> None:
    write(running, line("old", activation_id="feedc0de" + "1" * 24 + "-" + "2" * 12))
    (found,) = parsed(local("logs", "feedc0de", "--json"))["lines"]
    assert found["message"] == "old"


def test_without_a_reference_the_newest_lines_are_printed(running: Stack, local: Storelink) -> None:
    write(running, line("one"), line("two"))
    assert [found["message"] for found in parsed(local("logs", "--limit", "2", "--json"))["lines"]] == ["one", "two"]
    unknown = local("logs", "--since", "1s", "cafe0000")
    assert unknown.code == Exit.NOT_FOUND
    assert "No log lines" in unknown.err


def test_a_line_is_printed_escaped(running: Stack, local: Storelink) -> None:
    write(running, line("evil\x1b[2J", activation_id="eeeeeeee" + "1" * 24 + "-" + "2" * 12))
    result = local("logs", "eeeeeeee")
    assert "\x1b" not in result.out
    assert "evil\\u001b[2J" in result.out


def test_the_local_stack_delivers_its_functions_lines(running: Stack, local: Storelink) -> None:
    _, activation_id = fail_to_connect(running, "delivered")
    end = time.monotonic() + 20
    expected = ("activation accepted", "activation failed")  # of two functions, delivered one after the other
    while not all(message in (result := local("logs", activation_id)).out for message in expected):
        assert time.monotonic() < end, result
    rows = [line.split("\t") for line in result.out.splitlines()[1:]]
    assert [row[2:4] for row in rows][:1] == [["Callback", "activation accepted"]]
    assert ["RequestToken", "activation failed"] in [row[2:4] for row in rows]


@pytest.mark.parametrize("since", ["7", "soon"])
def test_a_time_without_unit_is_refused(storelink: Storelink, since: str) -> None:
    refused(storelink("logs", "--since", since), Exit.USAGE, "--since")
