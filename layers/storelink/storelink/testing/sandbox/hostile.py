"""Answers that do harm: they have no end, or cost more to read than to send. They are written past the web server."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache

MOST = 100_000_000
"""Bytes of an answer without an end that are sent at most."""

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\n"
_WHOLE_HEAD = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_EXPANDED = json.dumps({"message": "%1" * 16_000, "parameters": ["x" * 32_000]}).encode()

ENDLESS = {
    "endless_headers": (_HEAD, b"X-More: x\r\n"),
    "endless_body": (_HEAD + b"\r\n", b"x"),
    "endless_chunks": (_CHUNKED, b"1\r\nx\r\n"),
    "negative_chunk": (_CHUNKED + b"-1\r\n", b"x"),
}
"""What is sent first, and then without an end."""

SILENT = {"tarpit": (b"", b""), "trickle": (_HEAD + b"Content-Length: 9999\r\n\r\n", b"x")}
"""What is sent first, and then every half second."""


@cache
def _bomb() -> bytes:
    """Zeros, of which a thousand fit in a byte. Made when it is first sent, as that takes a while."""
    return gzip.compress(bytes(MOST))


WHOLE: dict[str, tuple[int, bytes, Callable[[], bytes]]] = {
    "bomb": (200, b"gzip", _bomb),
    "expansion": (400, b"identity", lambda: _EXPANDED),
}
"""Status, encoding and body: the zeros, and a message of 500 MB in 64 kB."""

HOSTILE = (*SILENT, *ENDLESS, *WHOLE)


def answer(kind: str, connection: socket.socket, closing: threading.Event) -> None:
    """Answer until the client hangs up or `closing` is set."""
    with suppress(OSError):
        if kind in WHOLE:
            status, encoding, body_of = WHOLE[kind]
            body = body_of()
            connection.sendall(_WHOLE_HEAD % (status, encoding, len(body)) + body)
        elif kind in ENDLESS:
            _pour(*ENDLESS[kind], connection, closing)
        else:
            _wait(*SILENT[kind], connection, closing)


def _pour(first: bytes, more: bytes, connection: socket.socket, closing: threading.Event) -> None:
    connection.sendall(first)
    many = more * (65536 // len(more))
    for _ in range(MOST // len(many)):
        if closing.is_set():
            return
        connection.sendall(many)


def _wait(first: bytes, more: bytes, connection: socket.socket, closing: threading.Event) -> None:
    connection.sendall(first)
    while not closing.wait(0.5):
        with suppress(BlockingIOError):
            if not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return
        connection.sendall(more)
