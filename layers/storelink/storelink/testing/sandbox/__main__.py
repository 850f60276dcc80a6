"""Runs a sandbox store alone: `python -m storelink.testing.sandbox --port 8090 --dialect native`."""

from __future__ import annotations

import argparse
import os
import sys

from storelink.testing.sandbox import signals
from storelink.testing.sandbox.server import PortTaken, serve
from storelink.testing.sandbox.signature import DEFAULT_DIALECT, DIALECTS


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 0, or 1 when it cannot listen."""
    options = _options(arguments)
    wait_for_end = signals.taken()
    try:
        with serve(options.port, options.host, options.callback, options.identity, dialect=options.dialect) as sandbox:
            print(f"Sandbox store: {sandbox.url}", f"Admin:         {sandbox.url}admin", sep="\n", flush=True)
            wait_for_end()
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot listen on {options.host}, port {options.port}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m storelink.testing.sandbox", description="A Magento store to connect.")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--callback", metavar="URL", help="where Activate posts to by default")
    parser.add_argument("--identity", metavar="URL", help="the identity link URL that the popup opens")
    parser.add_argument(
        "--dialect",
        choices=list(DIALECTS),
        default=os.environ.get("STORE_DIALECT") or DEFAULT_DIALECT,
        help="how signatures are verified (default: STORE_DIALECT, else laminas)",
    )
    options = parser.parse_args(arguments)
    if options.dialect not in DIALECTS:  # argparse does not check a default
        parser.error(f"STORE_DIALECT is {options.dialect!r}; take one of {', '.join(DIALECTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
