"""The one way out to a store: to the address that was checked, bounded in time and size, no redirect, no proxy."""

import contextlib
import ipaddress
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.connection import create_connection

from storelink.errors import Rejected, Unavailable
from storelink.magento import Answer
from storelink.settings import settings
from storelink.stores import DEFAULT_PORTS

CONNECT_TIMEOUT = 3.0
"""Seconds to reach one address of a store."""
READ_TIMEOUT = 8.0
"""Seconds of silence after which a store is given up."""
LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read in the handshake."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")


def check(url: str) -> None:
    """Whether this deployment may call the URL's scheme and port. Raises Rejected."""
    rules = settings()
    if rules.allow_private_stores:
        return
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise Rejected("insecure-store", f"{parts.scheme}://{parts.hostname}")
    port = parts.port or DEFAULT_PORTS["https"]
    if port not in rules.allowed_ports:
        raise Rejected("port-not-allowed", f"port {port}")


def is_public(text: str) -> bool:
    """Whether an address may be called: global, and so is every IPv4 address that it carries (IANA registries)."""
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if carried is None and any(address in network for network in (*_NAT64, _IPV4_COMPATIBLE)):
            carried = ipaddress.IPv4Address(address.packed[-4:])
        if carried is not None:
            return is_public(str(carried))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _resolved(host: str, port: int) -> list[str]:
    """Every address of a host. Raises Rejected where one of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
            raise Unavailable("unreachable", f"{host} could not be resolved just now") from None
        raise Rejected("host-unknown", host) from None
    except UnicodeError:
        raise Rejected("host-unknown", host) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings().allow_private_stores and not all(map(is_public, addresses)):
        raise Rejected("address-not-public", host)
    return addresses


class _Guarded(HTTPConnection):
    """Connects to an address that was checked; the host stays what TLS asks for and the certificate must name."""

    lifetime: float | None = None
    _end: threading.Timer | None = None

    def _new_conn(self) -> socket.socket:
        problem: OSError | None = None
        for address in _resolved(self.host, self.port):
            try:
                connected = create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                problem = error
                continue
            if self.lifetime is not None:
                self._end = threading.Timer(self.lifetime, _hang_up, [connected])
                self._end.daemon = True
                self._end.start()
            return connected
        raise Unavailable("unreachable", type(problem).__name__)

    def close(self) -> None:
        if self._end is not None:
            self._end.cancel()
        super().close()


class _GuardedTLS(_Guarded, HTTPSConnection):
    pass


def _hang_up(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was over already
        connected.shutdown(socket.SHUT_RDWR)


class GuardedAdapter(HTTPAdapter):
    """For a `requests.Session`: every connection is a checked one. lifetime: seconds a connection may last in all."""

    def __init__(self, lifetime: float | None = None, **kwargs: Any) -> None:
        self.lifetime = lifetime
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": self._kind(_Guarded)}),
            "https": type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": self._kind(_GuardedTLS)}),
        }
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = pools

    def _kind(self, connection: type[HTTPConnection]) -> type[HTTPConnection]:
        return type(connection.__name__, (connection,), {"lifetime": self.lifetime})

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises Rejected where the guard or the certificate says no, Unavailable where the connection failed."""
        check(str(request.url))
        try:
            return super().send(request, *args, **kwargs)
        except requests.exceptions.SSLError as error:
            raise Rejected("certificate-invalid", _certificate_problem(error)) from None
        except requests.exceptions.RequestException as error:
            raise Unavailable("unreachable", type(error).__name__) from None


def _certificate_problem(error: Exception) -> str:
    """What the TLS library found wrong, without addresses."""
    found: Any = error
    while found is not None and not hasattr(found, "verify_message"):
        found = found.__cause__ or found.__context__ or next((a for a in found.args if isinstance(a, Exception)), None)
        found = getattr(found, "reason", None) if isinstance(getattr(found, "reason", None), Exception) else found
    return getattr(found, "verify_message", "") or "TLS failed"


def post(url: str, authorization: str, seconds: float) -> Answer:
    """POST an empty body to a store's token endpoint and read what it answers, at most `LONGEST_ANSWER` bytes.

    seconds: how long it may take in all, however slowly the answer trickles.

    Raises Rejected where the store may not be called, Unavailable where no whole answer came.
    """
    headers = {
        "Authorization": authorization,
        "Accept": "*/*",
        "User-Agent": "Storelink",
        "Connection": "close",
    }
    with requests.Session() as session:
        session.trust_env = False
        adapter = GuardedAdapter(lifetime=seconds)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        response = session.post(
            url,
            headers=headers,
            timeout=(min(CONNECT_TIMEOUT, seconds), min(READ_TIMEOUT, seconds)),
            allow_redirects=False,
            stream=True,
        )
        try:
            body = response.raw.read(LONGEST_ANSWER + 1, decode_content=True)
        except (HTTPError, OSError) as error:
            raise Unavailable("unreadable", f"HTTP {response.status_code}, {type(error).__name__}") from None
    if len(body) > LONGEST_ANSWER:
        raise Unavailable("unreadable", f"HTTP {response.status_code}, longer than {LONGEST_ANSWER} bytes")
    return Answer(response.status_code, response.headers, body)
