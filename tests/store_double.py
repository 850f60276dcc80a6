"""A store on a socket of its own that answers as a test says, and verifies signatures in one of Magento's dialects."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests.structures import CaseInsensitiveDict

from storelink.client.session import StoreSession, session_for
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store
from storelink.testing.sandbox import signature

CREDENTIALS = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
INVALID = {"message": "The signature is invalid. Verify and try again."}
NONCE_USED = {"message": "The nonce is already being used by the consumer with ID %1", "parameters": ["1"]}


@dataclass(frozen=True)
class Call:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = b""

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def nonce(self) -> str:
        return self.authorization.partition('oauth_nonce="')[2].partition('"')[0]


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
"""Status, body (bytes as they are, all else as JSON) and headers."""


class StoreDouble:
    """The store. `answer` is asked for what becomes of a call whose signature is valid; `calls` are all that came."""

    def __init__(self) -> None:
        self.dialect: str | None = None
        self.credentials = CREDENTIALS
        self.base_path = "/"
        self.answer: Callable[[Call], Answer] = lambda call: (200, {"path": call.target})
        self.calls: list[Call] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{self.base_path}"

    @property
    def store(self) -> Store:
        return Store.from_url(self.url)

    def session(self, **options: Any) -> StoreSession:
        """A session with the store, by the right credentials."""
        return session_for(self.store, CREDENTIALS, **options)

    def answers(self, *answers: Answer) -> None:
        """Give these answers one after the other, and the last one from then on."""
        coming = list(answers)
        self.answer = lambda _: coming.pop(0) if len(coming) > 1 else coming[0]

    def hold(self) -> Callable[[], None]:
        """Answer nothing until the function that this returns is called."""
        released = threading.Event()
        answer = self.answer

        def wait(call: Call) -> Answer:
            released.wait(10)
            return answer(call)

        self.answer = wait
        return released.set

    def is_signed(self, call: Call) -> bool:
        """Whether the store accepts a call's signature."""
        if self.dialect is None:
            return True
        url = f"http://127.0.0.1:{self.server.server_port}{call.target}"
        secrets = self.credentials.consumer.secret, self.credentials.access_token.secret
        dialect = signature.DIALECTS[self.dialect]
        return signature.is_valid(dialect, call.method, url, call.authorization, *secrets)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = Call(self.command, self.path, CaseInsensitiveDict(self.headers.items()), body)
                double.calls.append(call)
                status, content, *headers = double.answer(call) if double.is_signed(call) else (401, INVALID)
                sent = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers[0] if headers else {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                with suppress(OSError):  # the caller may have gone
                    self.end_headers()
                    self.wfile.write(b"" if self.command == "HEAD" else sent)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
                """No access log."""

        return Handler


@contextmanager
def running() -> Iterator[StoreDouble]:
    """A store, while it runs."""
    double = StoreDouble()
    thread = threading.Thread(target=double.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield double
    finally:
        double.server.shutdown()
        double.server.server_close()
        thread.join()
