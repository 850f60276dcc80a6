"""AWS and the sandbox stores in a process of their own, so that what is measured does not share one with them.

It says in one line of JSON where they are, and ends with its input.
"""

import contextlib
import json
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from local import aws as local_aws
from local.template import ROOT
from storelink.testing import sandbox


@dataclass(frozen=True)
class Served:
    """What runs there. stores: the sandbox' URL. catalogues: theirs. variables: of each function, by logical id."""

    stack: str
    stores: str
    catalogues: str
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


class _Catalogue(socketserver.StreamRequestHandler):
    """A store that checks nothing and costs next to nothing. Its base path: /products/those of a page/its seconds/."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request := self.rfile.readline():
            products, size, pause = request.split(b"/")[1:4]
            while self.rfile.readline().strip():
                pass  # headers
            time.sleep(float(pause))
            self.wfile.write(_page(int(products), int(size)))


@cache
def _page(products: int, size: int) -> bytes:
    """The answer with a page. All pages are alike."""
    texts = {"name": "A product of the catalogue", "description": "Sold by the piece. " * 30, "status": "1"}
    items = [{"id": number, "sku": f"SKU-{number}", "price": number / 100, **texts} for number in range(size)]
    body = json.dumps({"items": items, "total_count": products}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def main() -> None:
    """Serve until the input ends."""
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(local_aws.running(0, "http://127.0.0.1:3000", logs, execute="execute" in sys.argv))
        stores = stack.enter_context(sandbox.serve())
        catalogues = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Catalogue))
        catalogues.daemon_threads = True
        threading.Thread(target=catalogues.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{catalogues.server_address[1]}/"
        variables = {name: function.variables for name, function in aws.functions.items()}
        print(json.dumps(asdict(Served(aws.stack, stores.url, url, variables))), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
