"""Fixtures: a server of sandbox stores, a store of the test's own, and an app."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import pytest

from storelink.testing.sandbox import Sandbox, serve
from tests.testing.sandbox.shop import App, Shop

NUMBERS = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


@pytest.fixture
def shop(server: Sandbox) -> Shop:
    """A store of the test's own, with nothing in it."""
    return Shop(server.store(f"shop-{next(NUMBERS)}"))


@pytest.fixture
def app() -> Iterator[App]:
    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.headers.append(dict(self.headers))
            taken.forms.append(dict(parse_qsl(body)))
            taken.answering.wait(10)
            self.send_response(taken.status)
            if taken.status == 302:
                self.send_header("Location", f"{taken.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    taken = App(f"http://127.0.0.1:{receiver.server_port}/callback")
    taken.answering.set()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield taken
    taken.answering.set()
    receiver.shutdown()
    receiver.server_close()
    thread.join()
