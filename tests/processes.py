"""Processes of tests: none of them outlives its test, and none can hold it up for good."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

PATIENCE = 30.0
"""Seconds in which a process has to end when its test is done with it."""


@contextlib.contextmanager
def started(command: Sequence[object], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process whose output is text. One that has not ended `PATIENCE` after the block is killed, with an error."""
    with subprocess.Popen([str(part) for part in command], text=True, **options) as process:
        try:
            yield process
            process.wait(PATIENCE)
        finally:
            process.kill()
