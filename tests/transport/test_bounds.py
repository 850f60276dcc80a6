"""What a hostile store sends is bounded where it arrives, whatever a parser makes of it."""

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from storelink.client.session import StoreSession, session_for
from storelink.errors import Sent, Unavailable
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store
from storelink.transport import http
from tests.raw_store import Pours, listening, raw_response, says

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MAX_BYTES = 100_000
MAX_PEAK = 5_000_000
"""Bytes of memory that a call to a flood may take."""
MEMORY = 512 * 1024 * 1024
"""MemorySize of the functions that call stores, in bytes."""

FLOODS = {
    "a chunk of -1 bytes": (CHUNKED + b"-1\r\n", b"x"),
    "a chunk of -5 bytes": (CHUNKED + b"-5\r\n", b"x"),
    "a chunk of 16 EiB": (CHUNKED + b"f" * 16 + b"\r\n", b"x"),
    "a chunk whose size has 4,000 digits": (CHUNKED + b"f" * 4000 + b"\r\n", b"x"),
    "extensions of a chunk": (CHUNKED + b"1;", b"x"),
    "extensions of many chunks": (CHUNKED, b"1;" + b"x" * 8000 + b"\r\na\r\n"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-More: x\r\n"),
    "one header": (OK + b"X-More: ", b"x"),
    "many headers": (OK, b"X-More: " + b"x" * 60_000 + b"\r\n"),
    "the status line": (b"HTTP/1.1 200 ", b"x"),
    "answers that say to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers of answers that say to go on": (b"HTTP/1.1 100 Continue\r\n", b"X: x\r\n"),
    "a body without a length": (OK + b"\r\n", b"x"),
    "a body of a negative length": (OK + b"Content-Length: -5\r\n\r\n", b"x"),
    "a body of two lengths": (OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n", b"x"),
    "a body whose length has 5,000 digits": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"x"),
    "no HTTP": (b"", b"x"),
}
"""What comes first, and what then comes without end."""


@pytest.fixture(autouse=True)
def _rules(private_allowed: None) -> None:
    """Stores on loopback are called."""


def session(url: str, max_bytes: int = MAX_BYTES) -> StoreSession:
    known = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
    made = session_for(Store.from_url(url), known, patience=0)
    made.max_bytes = max_bytes
    return made


def get(url: str, max_bytes: int = MAX_BYTES) -> Any:
    return http.get(url, "OAuth x", 20.0, max_bytes).body


def read(url: str, max_bytes: int = MAX_BYTES) -> Any:
    return session(url, max_bytes).get("V1/products").content


def stream(url: str, max_bytes: int = MAX_BYTES) -> Any:
    return list(session(url, max_bytes).get("V1/products", stream=True).iter_content(8192))


def stream_as_it_comes(url: str, max_bytes: int = MAX_BYTES) -> Any:
    return list(session(url, max_bytes).get("V1/products", stream=True).iter_content(None))


def stream_lines(url: str, max_bytes: int = MAX_BYTES) -> Any:
    return list(session(url, max_bytes).get("V1/products", stream=True).iter_lines())


WAYS = [get, read, stream, stream_as_it_comes, stream_lines]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@each_way
@pytest.mark.parametrize(("before", "drop"), FLOODS.values(), ids=list(FLOODS))
def test_no_more_arrives_than_the_caller_allows(way: Any, before: bytes, drop: bytes) -> None:
    peaks: list[int] = []
    while not peaks or (peaks[-1] >= MAX_PEAK and len(peaks) < 3):  # other threads of the test process are counted, too
        pours = Pours(before=before or drop, drop=drop)
        with listening(pours) as shop:
            tracemalloc.start()
            with pytest.raises(Unavailable) as refused:
                way(shop.url)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        peaks.append(peak)
        # What lies in the buffers of both sockets has been sent, and was not read.
        assert pours.sent < 20_000_000
        assert refused.value.sent is Sent.LOST
    assert min(peaks) < MAX_PEAK


@each_way
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_nothing_is_unpacked_beyond_the_limit(way: Any, encoding: str) -> None:
    packed = gzip.compress(bytes(30_000_000))
    bomb = raw_response(gzip.compress(packed) if "," in encoding else packed, Content_Encoding=encoding)
    with listening(says(bomb)) as shop:
        tracemalloc.start()
        with pytest.raises(Unavailable):
            way(shop.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MAX_PEAK


@each_way
@pytest.mark.parametrize("size", [32, 4096, MAX_BYTES])
def test_a_body_as_long_as_allowed_is_read_however_it_is_cut(way: Any, size: int) -> None:
    part = f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"
    last = MAX_BYTES % size
    rest = f"{last:x}\r\n".encode() + b"x" * last + b"\r\n" if last else b""
    answer = CHUNKED + part * (MAX_BYTES // size) + rest + b"0\r\n\r\n"
    with listening(says(answer)) as shop:
        body = way(shop.url)
    assert len(body if isinstance(body, bytes) else b"".join(body)) == MAX_BYTES


def test_a_connection_that_is_used_again_counts_anew() -> None:
    def serve(connection: Any) -> None:
        for number in range(5):
            connection.sendall(raw_response(b"x" * 90_000, Connection="keep-alive"))
            if number < 4:
                connection.recv(65536)

    with listening(serve) as shop:
        calling = session(shop.url)
        assert [len(calling.get("V1/products").content) for _ in range(5)] == [90_000] * 5
    assert len(shop.requests) == 1


PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
from storelink.errors import Unavailable
{call}
"""
CALLS = {
    "a function": """
from storelink.transport import http
try:
    http.post(sys.argv[1], "OAuth x", 60.0)
except Unavailable as error:
    print(error.problem)
""",
    "a session with the default limits": """
from storelink.client.session import session_for
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store
known = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
shop = session_for(Store.from_url(sys.argv[1]), known, patience=0)
try:
    shop.get("V1/products", stream=sys.argv[2] == "stream").content
except Unavailable as error:
    print(error.problem)
""",
}


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_a_process_with_a_functions_memory_survives_a_chunk_of_minus_one_byte(call: str, how: str) -> None:
    """The process may have 512 MB of address space (RLIMIT_AS), a function's MemorySize; up to 3 GB are sent."""
    pours = Pours(before=CHUNKED + b"-1\r\n", most=3_000_000_000)
    environment = {
        "PYTHONPATH": str(Path(http.__file__).parents[2]),
        "STORELINK_ALLOW_PRIVATE_STORES": "true",
        "PATH": "",
    }
    with listening(pours) as shop:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(memory=MEMORY, call=call), shop.url, how],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert "longer than" in done.stdout
