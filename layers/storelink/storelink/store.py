"""What a store is: one base URL, written in one way."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from storelink.errors import Invalid

MAX_URL_LENGTH = 512
"""Characters a store URL may have. Magento's own configuration holds 255."""

DEFAULT_PORTS = {"http": 80, "https": 443}

UNSAFE = re.compile(r"[\x00-\x20\x7f\\<>\"`{}|^]")
"""Characters that no URL holds, and that parsers read in different ways."""

_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)
"""What clients resolve before they send: a path with one ends elsewhere than it says."""


@dataclass(frozen=True)
class Store:
    """A Magento store, named by its base URL.

    url: normalised: lower-case scheme and IDNA host, no default port, a path that ends in "/", upper-case escapes.
    host: as in the URL, an IPv6 address without its brackets. port: always a number.
    """

    url: str
    scheme: str
    host: str
    port: int

    @classmethod
    def from_url(cls, url: str, field: str = "store_url") -> "Store":
        """Read a base URL as Magento sends it (RFC 3986, host by UTS 46).

        Raises Invalid, naming `field`, for anything but http(s)://host[:port][/path].
        """
        try:
            return cls._read(url)
        except ValueError as wrong:
            raise Invalid({field: str(wrong)}) from None

    @classmethod
    def _read(cls, url: str) -> "Store":
        if len(url) > MAX_URL_LENGTH:
            raise ValueError(f"is longer than {MAX_URL_LENGTH} characters")
        if UNSAFE.search(url):
            raise ValueError("holds a character that no URL has: a space, a backslash, a quote or the like")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("is not a URL: its host or port cannot be read") from None
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError("must begin with https:// (or http://)")
        if "?" in url or "#" in url:
            raise ValueError("must be the base URL alone, without ? or #")
        if port == 0:
            raise ValueError("has port 0; write a port from 1 to 65535")
        host = normalize_host(parts)
        # Percent-encodings in upper case (RFC 3986 section 6.2.2.1), as urllib3 sends them.
        path = _ESCAPE.sub(lambda escape: escape[0].upper(), parts.path.removesuffix("/") + "/")
        if not _PATH.fullmatch(path):
            raise ValueError("has a path with characters that must be percent-encoded")
        if DOT_SEGMENT.search(path) or "//" in path:
            raise ValueError('has a path with "//" or with dots for a segment')
        default = DEFAULT_PORTS[parts.scheme]
        authority = f"[{host}]" if ":" in host else host
        if port not in (None, default):
            authority += f":{port}"
        normal = f"{parts.scheme}://{authority}{path}"
        if len(normal) > MAX_URL_LENGTH:
            raise ValueError(f"is longer than {MAX_URL_LENGTH} characters, written in full")
        return cls(normal, parts.scheme, host, port or default)

    @property
    def connection_id(self) -> str:
        """The id of this store's one connection: its host, to be read, and a digest of its URL, to be unique."""
        return f"{self.host.replace(':', '-')}-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    def __str__(self) -> str:
        return self.host


def normalize_host(parts: SplitResult) -> str:
    """A URL's host as it is resolved and compared: an IP address in its short form, or an IDNA name (RFC 5891, UTS 46).

    Raises ValueError, saying why, where there is none or parsers could find different ones.
    """
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    host = parts.hostname
    if not host:
        raise ValueError("has no host: write https://host/")
    if "[" in parts.netloc or "]" in parts.netloc:
        if not _IPV6.fullmatch(parts.netloc):
            raise ValueError(
                "has a host that cannot be read; brackets hold an IPv6 address, and nothing stands beside them"
            )
        address = ipaddress.IPv6Address(host)
        return str(address.ipv4_mapped or address.compressed)
    try:
        name = idna.encode(host, uts46=True, std3_rules=True).decode().lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("has a host that is not a valid domain name") from None
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        pass
    # Resolvers read such names as IPv4 addresses (127.1, 0x7f.1, 2130706433).
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.rpartition(".")[2]):
        raise ValueError("has a number for a host; write an address as four numbers with dots")
    return name
