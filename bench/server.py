"""AWS and the sandbox stores in a process of their own, so that what is measured does not share one with them.

It says in one line of JSON where they are, and ends with its input.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local import aws as local_aws
from local.template import ROOT
from storelink.testing import sandbox


@dataclass(frozen=True)
class Served:
    """What runs there. stores: the sandbox' URL. variables: of each function, by logical id."""

    stack: str
    stores: str
    variables: dict[str, dict[str, str]]


@contextlib.contextmanager
def serving(*mode: str) -> Iterator[Served]:
    """Start it, and end it. mode: "execute" runs the state machine."""
    command = [sys.executable, "-m", "bench.server", *mode]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        print(json.dumps({"stack": aws.stack, "stores": stores.url, "variables": variables}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
