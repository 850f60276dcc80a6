"""The one way out to a store: to the address that was checked, bounded in time and size, no redirect, no proxy."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from functools import cache
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import certifi
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import IncompleteRead, ReadTimeoutError
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from storelink.config import config
from storelink.errors import Rejected, Sent, StorelinkError, Unavailable
from storelink.store import DEFAULT_PORTS

CONNECT_TIMEOUT = 3.0
"""Seconds to find a store's addresses, and to reach one of them."""

PART = 64 * 1024
"""Bytes that are read and unpacked at a time."""

_HEADERS = 64 * 1024
"""Bytes that the status line and the headers of an answer may take, beside what its body may."""

MAX_ADDRESSES = 3
"""Addresses of a host that are tried, one after the other."""

_SPECIAL = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
]
"""What IANA's registries say is special, in what is routed. Python's own list changes with its version."""
_ROUTED_IPV6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check(url: str) -> None:
    """Whether this deployment may call the URL's scheme and port. Raises Rejected."""
    if config.allow_private_stores:
        return
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS["https"]
    except ValueError:
        raise Rejected("host-unknown", "its URL cannot be read") from None
    if parts.scheme != "https":
        raise Rejected("insecure-store", f"{parts.scheme}://{parts.hostname}")
    if port not in config.allowed_ports:
        raise Rejected("port-not-allowed", f"port {port}")


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet (IANA's registries of special-purpose addresses).

    An IPv6 address that only wraps an IPv4 one is not, but for that of a mapped one and of NAT64's own prefix, which
    is what a network without IPv4 is given by its resolver: there the IPv4 address decides.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64 or address.ipv4_mapped is not None:
            return is_public(str(ipaddress.IPv4Address(address.packed[-4:])))
        if address not in _ROUTED_IPV6:
            return False
    return not any(address in network for network in _SPECIAL)


def _resolved(host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses of a host, each of them checked. Raises Rejected where one of them is not public, Unavailable."""
    try:
        addresses = [host] if _is_address(host) else _looked_up(host, port, seconds)
    except TimeoutError:
        raise Unavailable("unreachable", f"{host} could not be resolved in time") from None
    except socket.gaierror as error:
        if error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
            raise Unavailable("unreachable", f"{host} could not be resolved just now") from None
        raise Rejected("host-unknown", host) from None
    except UnicodeError:
        raise Rejected("host-unknown", host) from None
    if not addresses:
        raise Unavailable("unreachable", f"{host} has no address just now")
    if not config.allow_private_stores and not all(map(is_public, addresses)):
        raise Rejected("address-not-public", host)
    return addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _looked_up(host: str, port: int, seconds: float | None) -> list[str]:
    """What the resolver says in this time. It knows no timeout of its own, and a name's owner can make it wait."""
    answer: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer.result(seconds)))


class Limits:
    """What a call may take: `seconds` in all, and `max_bytes` of an answer.

    A context: what is called within it, in the same thread, is held to it. sent: whether any part of the request has
    been handed to the network; False means that the store cannot have done anything. wire_bytes: how many may arrive
    for one answer, its headers and the lines between its chunks included.
    """

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self._end = time.monotonic() + seconds
        self.max_bytes = max_bytes
        # A quarter more for the lines between chunks.
        self.wire_bytes = max_bytes + max_bytes // 4 + _HEADERS
        self.sent = False

    def __enter__(self) -> "Limits":
        self._outer = _LIMITS.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LIMITS.reset(self._outer)

    @property
    def left(self) -> float:
        """Seconds until the end; not above 0 when it is past."""
        return self._end - time.monotonic()


_LIMITS: ContextVar[Limits | None] = ContextVar("limits", default=None)


def _patience(timeout: float | None) -> float | None:
    """How long the next thing may take: its timeout, within what is left of the call. Raises TimeoutError."""
    limits = _LIMITS.get()
    if limits is None:
        return timeout
    left = limits.left
    if left <= 0:
        raise TimeoutError
    return left if timeout is None else min(timeout, left)


class _Bounded(socket.socket):
    """Waits for no part past the end of the call, and takes no more bytes than the call allows.

    A timeout alone is for each part, and begins anew with the next one. Bytes are counted here, before any parser sees
    them: of the status line, headers, chunk sizes and their extensions, too. The count begins anew with each request,
    and holds for an answer that is read after its call (a streamed one).
    """

    _limits: Limits | None = None
    _received = 0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        with self._in_time():
            count = super().recv_into(*args, **kwargs)
        self._received += count
        if self._limits is not None and self._received > self._limits.wire_bytes:
            raise too_large(self._limits.max_bytes)
        return count

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._limits, self._received = _LIMITS.get(), 0
        with self._in_time():
            if self._limits is not None:
                self._limits.sent = True
            super().sendall(*args, **kwargs)

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        timeout = self.gettimeout()
        self.settimeout(_patience(timeout))
        try:
            yield
        finally:
            self.settimeout(timeout)


def too_large(max_bytes: int) -> Unavailable:
    """The error for an answer that has more bytes than this."""
    return Unavailable("unreadable", f"longer than {max_bytes} bytes", sent=Sent.LOST, limit="bytes")


class _BoundedTLS(_Bounded, ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        with self._in_time():
            super().do_handshake(block)


class _Guarded(HTTPConnection):
    """Connects to an address that was checked; the host stays what TLS asks for and the certificate must name."""

    def _new_conn(self) -> socket.socket:
        problem = ""
        for address in _resolved(self.host, self.port, _patience(self.timeout))[:MAX_ADDRESSES]:
            try:
                made = create_connection(
                    (address, self.port), _patience(self.timeout), socket_options=self.socket_options
                )
            except OSError as error:
                problem = _problem(error)
                continue
            bounded = _Bounded(made.family, made.type, made.proto, made.detach())
            bounded.settimeout(self.timeout)
            return bounded
        raise Unavailable("unreachable", problem)


@cache
def trusted_context() -> ssl.SSLContext:
    """TLS with who is proven by an authority of certifi's, made once: to read them takes longer than a handshake.

    They come with the layer, so they are the same on every machine, and no variable of the environment adds to them.
    """
    context = _tls(ssl.CERT_REQUIRED)
    context.load_verify_locations(certifi.where())
    return context


def _tls(cert_reqs: int) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=cert_reqs)
    context.sslsocket_class = _BoundedTLS
    return context


class _GuardedTLS(_Guarded, HTTPSConnection):
    def connect(self) -> None:
        wanted = resolve_cert_reqs(self.cert_reqs)
        # What a session's caller trusts for one call is trusted for that alone.
        other = wanted != ssl.CERT_REQUIRED or self.ca_certs or self.ca_cert_dir or self.cert_file
        self.ssl_context = _tls(wanted) if other else trusted_context()
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


def guard_pools(pools: PoolManager) -> PoolManager:
    """The same, making guarded connections alone."""
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
    return pools


def failure(error: Exception) -> Rejected | Unavailable:
    """What it means that a call failed before an answer began.

    Rejected where the certificate was not accepted, Unavailable for anything else. The guard's own errors stay what
    they are.
    """
    if isinstance(error, Rejected | Unavailable):
        return error
    if problem := _certificate_problem(error):
        return Rejected("certificate-invalid", problem)
    limits = _LIMITS.get()
    if limits is None or not limits.sent:
        return Unavailable("unreachable", _problem(error))
    limit = "time" if limits.left <= 0 or _is_timeout(error) else ""
    return Unavailable("unreachable", _problem(error), sent=Sent.LOST, limit=limit)


def _problem(error: BaseException) -> str:
    """What went wrong on the network, in words; the name of an exception that is not expected."""
    if _is_timeout(error):
        return "no answer in time"
    if isinstance(error, RemoteDisconnected | IncompleteRead):
        return "the connection was closed before the answer ended"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    inner = (getattr(error, "reason", None), *error.args)
    return next((_problem(one) for one in inner if isinstance(one, BaseException)), type(error).__name__)


def _is_timeout(error: BaseException) -> bool:
    """Whether the store was silent for longer than the call waits."""
    inner = (getattr(error, "reason", None), *error.args)
    return isinstance(error, ReadTimeoutError | TimeoutError) or any(
        _is_timeout(one) for one in inner if isinstance(one, BaseException)
    )


def _certificate_problem(error: BaseException) -> str:
    """What the TLS library found wrong with a certificate, by its own words; "" where that was not it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    inner = (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args)
    return next((found for one in inner if isinstance(one, BaseException) and (found := _certificate_problem(one))), "")


def read(response: BaseHTTPResponse, limits: Limits, cut_at: int | None = None) -> bytes:
    """The body of an answer, unpacked.

    cut_at: bytes after which no more is read, and the connection is closed; None for a body that counts as a whole.
    Raises Unavailable.
    """
    parts, size = [], 0
    with reading(response.status, limits):
        for part in response.stream(min(PART, cut_at or PART), decode_content=True):
            parts.append(part)
            size += len(part)
            if cut_at is not None and size >= cut_at:
                response.close()
                break
            if size > limits.max_bytes:
                raise too_large(limits.max_bytes)
    return b"".join(parts)[:cut_at]


@contextlib.contextmanager
def reading(status: int, limits: Limits | None = None) -> Iterator[None]:
    """Turn whatever a library raises while an answer is read into Unavailable.

    Libraries raise more than they document: urllib3, for example, a ValueError for a chunk of -5 bytes.
    """
    try:
        yield
    except Unavailable as error:
        raise Unavailable("unreadable", f"HTTP {status}, {error.problem}", sent=Sent.LOST, limit=error.limit) from None
    except StorelinkError:
        raise
    except Exception as error:
        slow = (limits is not None and limits.left <= 0) or _is_timeout(error)
        problem = "too slow" if slow else _problem(error)
        limit = "time" if slow else ""
        raise Unavailable("unreadable", f"HTTP {status}, {problem}", sent=Sent.LOST, limit=limit) from None
