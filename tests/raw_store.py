"""Stores of a test's own on loopback, which answer byte by byte what they are given to answer."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LATE = 1.2
"""Seconds that a slow store goes on for twice; what takes less counts as at once."""
TOKEN = b"oauth_token=" + b"t" * 32 + b"&oauth_token_secret=" + b"s" * 32


def silent(connection: socket.socket) -> None:
    """A server that hears all and answers nothing, TLS neither."""
    while connection.recv(65536):
        pass


silent.reads = False  # type: ignore[attr-defined]


@dataclass
class Listening:
    """A server on loopback that answers every connection by one function, and notes what it was sent.

    most_at_once: connections that were open at the same time.
    """

    port: int
    requests: list[bytes] = field(default_factory=list)
    open_connections: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


Reply = Callable[[socket.socket], None]


@contextmanager
def listening(
    reply: Reply, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Listening]:
    """Serve until the end of the block."""
    listener = socket.create_server((host, port))
    server = Listening(listener.getsockname()[1])

    def count(change: int) -> None:
        with server.lock:
            server.open_connections += change
            server.most_at_once = max(server.most_at_once, server.open_connections)

    def talk(connection: socket.socket) -> None:
        count(1)
        with connection:
            connection.settimeout(5)
            try:
                if tls:
                    connection = tls.wrap_socket(connection, server_side=True)
                request = b""
                while reads and b"\r\n\r\n" not in request:
                    got = connection.recv(65536)
                    if not got:
                        break
                    request += got
                server.requests.append(request)
                reply(connection)
            except OSError:
                pass
            finally:
                count(-1)
                connection.close()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=talk, args=[connection])
            thread.start()
            talking.append(thread)

    reads = getattr(reply, "reads", True)
    talking: list[threading.Thread] = []
    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        serving.join()
        for thread in talking:
            thread.join()


def says(answer: bytes) -> Reply:
    """Send this and close."""
    return lambda connection: connection.sendall(answer)


def raw_response(body: bytes = TOKEN, status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer."""
    given = {"Content-Length": str(len(body)), "Content-Type": "text/html; charset=UTF-8", "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def trickles(before: bytes, drop: bytes, seconds: float = 2 * LATE) -> Reply:
    """Send something at once and then a little every 20 ms, until they hang up or should have done so long ago."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(before)
        connection.settimeout(0.02)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                connection.sendall(drop)

    return reply


class Pours:
    """An answer without end; up to `most` bytes are sent. before: what comes first, by default a status and headers."""

    def __init__(
        self, status: str = "200 OK", before: bytes = b"", drop: bytes = b"x", most: int = 100_000_000
    ) -> None:
        head = f"HTTP/1.1 {status}\r\nLocation: https://elsewhere.example/\r\n\r\n"
        self.before = before or head.encode()
        self.drop = drop * (65536 // len(drop))
        self.most = most
        self.sent = 0

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.before)
        while self.sent < self.most:
            self.sent += connection.send(self.drop)


TRICKLES = {
    "status line": (b"", b"H"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n"),
    "go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "body, then close": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "chunks, then close": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "body to the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "body of HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    "half a secret": (b"HTTP/1.0 200 OK\r\n\r\n" + TOKEN[:-9], b""),
}


def says_in_turn(*answers: bytes) -> Reply:
    """Answer the first call by the first of these, the next by the next, and from then on by the last."""
    left = list(answers)

    def reply(connection: socket.socket) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return reply
