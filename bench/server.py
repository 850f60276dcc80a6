"""AWS and the sandbox stores in a process of their own, so that what is measured does not share one with them.

    python -m bench.server [execute]

says in one line of JSON where they are, and ends with its input. execute: the state machine runs its executions.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local import aws as local_aws
from local import sandbox
from local.template import ROOT


@dataclass(frozen=True)
class Served:
    """What runs there. stores: the sandbox' URL. variables: of each function, by logical id. names: theirs in AWS."""

    aws: str
    stack: str
    stores: str
    variables: dict[str, dict[str, str]]


@contextlib.contextmanager
def serving(template: Path | None = None, execute: bool = False) -> Iterator[Served]:
    """Start it, with this template if one is given, and end it. execute: run the state machine."""
    given = {"TEMPLATE": str(template)} if template else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server", *(["execute"] if execute else [])],
        cwd=ROOT,
        env={**os.environ, **given},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin
        assert process.stdout
        yield Served(**json.loads(process.stdout.readline()))
    finally:
        process.communicate()


def main() -> None:
    """Serve until the input ends."""
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(local_aws.running(0, "http://127.0.0.1:3000", logs, execute="execute" in sys.argv))
        stores = stack.enter_context(sandbox.serve())
        variables = {name: function.variables for name, function in aws.functions.items()}
        told = {"aws": aws.url, "stack": aws.stack, "stores": stores.url, "variables": variables}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
