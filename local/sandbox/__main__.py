"""Run the sandbox store by itself: `python -m local.sandbox --port 8090`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from local.sandbox.web import PortTaken, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0 at a clean end, 1 where it cannot listen."""
    parser = argparse.ArgumentParser("python -m local.sandbox", description="A Magento store to connect.")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--callback", metavar="URL", help="where Activate posts to by default")
    parser.add_argument("--identity", metavar="URL", help="the identity link URL that the popup opens")
    options = parser.parse_args(arguments)

    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        with serve(options.port, options.host, options.callback, options.identity) as sandbox:
            print(f"Sandbox store: {sandbox.url}", f"Admin:         {sandbox.url}admin", sep="\n", flush=True)
            stop.wait()
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot listen on {options.host}, port {options.port}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
