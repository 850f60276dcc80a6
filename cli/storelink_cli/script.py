"""The console script `storelink`. Where the extra `cli` is not installed, it says so."""

import json
import sys

from storelink_cli.errors import Exit, Failure, to_install

NEEDED = ("rich", "typer")
"""The packages of the extra `cli`."""


def run() -> None:
    """Run the tool, or end with `Exit.AWS` where the extra `cli` is not installed."""
    try:
        from storelink_cli import main
    except ModuleNotFoundError as missing:
        if missing.name not in NEEDED:
            raise
        sys.exit(_not_installed(Failure(Exit.AWS, "not-installed", f"{missing.name} is missing", HINT)))
    main.run()


HINT = f"{to_install('cli')} An app needs only `import storelink`, which works without."


def _not_installed(failure: Failure) -> int:
    """Print a failure as `Output` does, which needs rich. Returns the exit code."""
    if "--json" in sys.argv:
        shown = {"error": failure.reason, "problem": failure.problem, "hint": failure.hint}
        print(json.dumps(shown | {"exit": int(failure.code)}), file=sys.stderr)
    else:
        print(f"storelink: {failure.problem}\n  {failure.hint}", file=sys.stderr)
    return int(failure.code)
