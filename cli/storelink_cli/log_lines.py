"""Log lines of the functions, from CloudWatch Logs."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from storelink_cli.stack import Stack

Line = dict[str, Any]


def search(stack: Stack, wanted: str, start: int, end: int | None = None) -> list[Line]:
    """The lines of a time, the oldest first. wanted: an activation's id or its beginning, "" for all lines.

    start, end: seconds since 1970. Raises Failure, ClientError, BotoCoreError.
    """
    pattern: dict[str, Any] = {"filterPattern": f'{{ $.activation_id = "{wanted}*" }}'} if wanted else {}
    pattern |= {"endTime": end * 1000} if end else {}
    pages = stack.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=stack.outputs["FunctionLogsName"], startTime=start * 1000, **pattern)
    lines = sorted(_lines(event for page in found for event in page["events"]), key=lambda line: str(line["timestamp"]))
    return [line for line in lines if str(line.get("activation_id", "")).startswith(wanted)]


def _lines(events: Iterable[dict[str, Any]]) -> Iterator[Line]:
    """The lines that Storelink wrote, by their fields: not those of Lambda itself, and no metrics."""
    for event in events:
        try:
            line = json.loads(event["message"])
        except ValueError:
            continue
        if isinstance(line, dict) and "message" in line and "_aws" not in line:
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
            yield line | {"timestamp": at}
