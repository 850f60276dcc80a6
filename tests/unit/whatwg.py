"""Where a browser goes: the host of a URL by the rules of the WHATWG URL standard, apart from the code under test.

https://url.spec.whatwg.org/#url-parsing, for the special schemes http, https, ws, wss and ftp.
"""

import ipaddress
import re
from urllib.parse import unquote_to_bytes

import idna

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_SPECIAL = {"http", "https", "ws", "wss", "ftp"}


def host_of(url: str) -> str | None:
    """The host to which a browser goes from no page in particular; None where it goes to none."""
    url = url.strip("".join(map(chr, range(0x21))))
    url = re.sub(r"[\t\n\r]", "", url)
    scheme, colon, rest = url.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) or scheme.lower() not in _SPECIAL:
        return None
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    inside = re.match(r"\[[^\]]*\]", host)
    if inside and not re.fullmatch(r"(?::[0-9]*)?", host[inside.end() :]):
        return None
    name, _, port = (inside[0], "", host[inside.end() :].lstrip(":")) if inside else host.partition(":")
    if port and not (re.fullmatch("[0-9]+", port) and int(port) < 65536):
        return None
    return _host(name)


def _host(name: str) -> str | None:
    if name.startswith("["):
        try:
            return str(int(ipaddress.IPv6Address(_no_zone(name[1:-1])))) if name.endswith("]") else None
        except ValueError:
            return None
    decoded = unquote_to_bytes(name).decode("utf-8", "replace")
    try:
        mapped = idna.uts46_remap(decoded, std3_rules=False)
        labels = [
            label if label.isascii() else "xn--" + label.encode("punycode").decode()
            for label in re.split("[.\u3002\uff0e\uff61]", mapped)
        ]
    except (idna.IDNAError, UnicodeError):
        return None
    domain = ".".join(labels)
    if not domain or _FORBIDDEN.search(domain):
        return None
    last = labels[-2] if labels[-1] == "" and len(labels) > 1 else labels[-1]
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", last):
        return _ipv4(domain)
    return domain


def _no_zone(text: str) -> str:
    if "%" in text:
        raise ValueError("browsers know no zones")
    return text


def _ipv4(domain: str) -> str | None:
    parts = domain.removesuffix(".").split(".")
    if len(parts) > 4:
        return None
    numbers = []
    for part in parts:
        match = re.fullmatch(r"0[xX]([0-9A-Fa-f]*)|0([0-7]+)|(0|[1-9][0-9]*)", part)
        if not match:
            return None
        hexadecimal, octal, decimal = match.groups()
        numbers.append(int(decimal or octal or hexadecimal or "0", 10 if decimal else 8 if octal else 16))
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        return None
    value = sum(number * 256 ** (3 - index) for index, number in enumerate(numbers[:-1])) + numbers[-1]
    return str(ipaddress.IPv4Address(value))


def same_host(browsers: str | None, ours: str) -> bool:
    """Whether a browser's host is the one we know; a dot at the end names the same host in the DNS."""
    if browsers is None:
        return False
    if ":" in ours:
        return browsers == str(int(ipaddress.IPv6Address(ours)))
    return browsers.removesuffix(".") == ours
