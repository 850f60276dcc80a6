"""Delivers the functions' log files to CloudWatch Logs, as Lambda does, and their metrics to CloudWatch."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from local import background, cloudwatch

INTERVAL = 1.0
"""Seconds between two looks at the files."""

_JSON = json.JSONDecoder()


def delivered(logs: Any, metrics: Any, group: str, folder: Path) -> AbstractContextManager[None]:
    """Deliver what is written to the folder's files (*.log) until the end.

    logs, metrics: boto3's clients of CloudWatch Logs and of CloudWatch.
    """
    positions = {file: file.stat().st_size for file in folder.glob("*.log")}

    def run(ended: threading.Event) -> None:
        while not ended.wait(INTERVAL):
            try:
                for file in folder.glob("*.log"):
                    positions[file], messages = _deliver(logs, group, file, positions.get(file, 0))
                    cloudwatch.put_embedded(metrics, messages)
            except logs.exceptions.ResourceNotFoundException:
                return  # the stack was deleted, and the group with it
            except BotoCoreError:
                if not ended.is_set():  # else AWS has ended before this delivery
                    raise

    return background.running(run, INTERVAL)  # what it has not delivered by then is in the files


def _deliver(client: Any, group: str, file: Path, position: int) -> tuple[int, list[str]]:
    """Deliver the lines of a file that are complete, from a position on. Returns the next position, and the lines."""
    with file.open("rb") as opened:
        opened.seek(position)
        lines = opened.read().rpartition(b"\n")[0]
    messages = [message for line in lines.decode(errors="replace").splitlines() for message in _messages(line)]
    if messages:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=group, logStreamName=file.stem)
        events = [{"timestamp": _timestamp(message), "message": message} for message in messages]
        events.sort(key=itemgetter("timestamp"))  # several environments write to one file
        client.put_log_events(logGroupName=group, logStreamName=file.stem, logEvents=events)
    return position + (len(lines) + 1 if lines else 0), messages


def _messages(line: str) -> Iterator[str]:
    """The JSON objects of a line; what cannot be read as one, as it is.

    A function prints a metric and the end of its line apart, so two environments can write to one line.
    """
    while line.startswith("{"):
        try:
            end = _JSON.raw_decode(line)[1]
        except ValueError:
            end = len(line)
        yield line[:end]
        line = line[end:]


def _timestamp(message: str) -> int:
    """When a line was written, by its own time: ms since 1970."""
    try:
        return int(datetime.fromisoformat(json.loads(message)["timestamp"]).timestamp() * 1000)
    except (ValueError, KeyError, TypeError):
        return int(time.time() * 1000)
