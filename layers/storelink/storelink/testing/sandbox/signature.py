"""Verifies a request's OAuth 1.0a signature as Magento's versions do, each in its own dialect.

Magento does not follow RFC 5849: a dialect differs in the order of the parameters, in the path and in the values that
its base string has. It shares no code with the signer in the layer. The steps of `is_valid`:

1. `parameters` reads the Authorization header, the form and the query into one array, as Magento's request helper does.
2. The dialect makes the pairs, in its order, and the base string URI (RFC 5849 section 3.4.1).
3. HMAC-SHA256 or HMAC-SHA1 of the base string, with both secrets as the key, is compared with `oauth_signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storelink.testing.sandbox import php

HMAC_SHA1 = "HMAC-SHA1"
HMAC_SHA256 = "HMAC-SHA256"
PORTS = {"http": "80", "https": "443"}
UNRESERVED = r"A-Za-z0-9_.~\-"

Parameters = dict[str, str]


class Fault(Exception):
    """The verifier itself fails, which Magento answers with status 500."""


@dataclass(frozen=True)
class Dialect:
    """What one verifier does. longest_query: characters, None for any length.

    sorted_names: the names in the order of the base string. uri: the base string URI of a URL.
    decode: reads a name or a value of the query. encodes_first: whether values are percent-encoded once beforehand.
    reads_query_again: whether parse_str's parameters of the URL replace those of the same name.
    """

    name: str
    sorted_names: Callable[[Iterable[str]], list[str]]
    uri: Callable[[str], str]
    decode: Callable[[str], str] = php.rawurldecode
    encodes_first: bool = False
    reads_query_again: bool = False
    checks_url: bool = False
    longest_query: int | None = None


# Order


def natural(names: Iterable[str]) -> list[str]:
    """Sort by the encoded names in natural order (Laminas\\OAuth\\Signature\\AbstractSignature)."""
    return sorted(names, key=lambda name: php.natural_key(php.rawurlencode(name)))


def by_decoded_name(names: Iterable[str]) -> list[str]:
    """Sort by the names themselves (Magento\\Framework\\Oauth\\Helper\\Signature\\Hmac)."""
    return sorted(names, key=php.ksort_key)


# Base string URI


def as_received(url: str) -> str:
    """Return the URL without its query, otherwise as parse_url splits it."""
    scheme, authority, path, _ = _split(url)
    return f"{scheme}://{authority}{path}"


def without_default_port(url: str) -> str:
    """Return the URL without query and default port, with the path as it was received (Zend_Uri_Http)."""
    scheme, authority, path, _ = _split(url)
    return _origin(scheme, authority) + path


def normalized_wide(url: str) -> str:
    """Return the URL normalised by Laminas\\Uri\\Http, which decodes reserved characters in the path, too."""
    return _normalized(url, rf"[{UNRESERVED}:@&=+$,/;%]")


def normalized_narrow(url: str) -> str:
    """Return the URL normalised by Magento\\Framework\\Oauth\\Helper\\Uri\\Http: it decodes unreserved characters."""
    return _normalized(url, rf"[{UNRESERVED}]")


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("zend", natural, without_default_port, checks_url=True, longest_query=8000),
        Dialect("laminas", natural, normalized_wide),
        Dialect("magento_uri", natural, normalized_narrow, decode=php.urldecode),
        Dialect("double", natural, normalized_narrow, decode=php.urldecode, encodes_first=True),
        Dialect("native", by_decoded_name, as_received, reads_query_again=True),
        Dialect("native_double", by_decoded_name, as_received, reads_query_again=True, encodes_first=True),
    )
}
DEFAULT_DIALECT = "laminas"


def is_valid(
    dialect: Dialect,
    method: str,
    url: str,
    authorization: str | None,
    consumer_secret: str,
    token_secret: str = "",
    form: str = "",
) -> bool:
    """Return whether a request's signature is what the dialect computes.

    url: absolute, as the store sees it. form: the body, if it is form-encoded. Raises Fault.
    """
    given = parameters(dialect, url, authorization, form)
    algorithm = hashlib.sha1 if given.get("oauth_signature_method") == HMAC_SHA1 else hashlib.sha256
    key = "&".join(php.rawurlencode(php.to_bytes(secret)) for secret in (consumer_secret, token_secret))
    base = base_string(dialect, method, url, given)
    computed = base64.b64encode(hmac.digest(key.encode(), base.encode(), algorithm))
    return hmac.compare_digest(computed, given.get("oauth_signature", "").encode("latin-1"))


def base_string(dialect: Dialect, method: str, url: str, given: Parameters) -> str:
    """Return the signature base string (RFC 5849 section 3.4.1.1). Raises Fault."""
    url = php.to_bytes(url)
    values = {name: value for name, value in given.items() if name != "oauth_signature"}
    if dialect.encodes_first:
        values = {name: php.rawurlencode(value) for name, value in values.items()}
    if dialect.reads_query_again:
        values = _with_query_again(values, _split(url)[3])
    pairs = [f"{php.rawurlencode(name)}={php.rawurlencode(values[name])}" for name in dialect.sorted_names(values)]
    parts = (dialect.uri(url), "&".join(pairs))
    return "&".join([method.upper(), *(php.rawurlencode(part) for part in parts)])


def parameters(dialect: Dialect, url: str, authorization: str | None, form: str = "") -> Parameters:
    """Return all parameters as Magento's request helper reads them; {} without an OAuth header. Raises Fault."""
    url = php.to_bytes(url)
    if dialect.checks_url:
        _check(url)
    found = _from_header(php.to_bytes(authorization or ""))
    if found is None:
        return {}
    has_protocol = bool(found)
    for name, value in php.parse_str(php.to_bytes(form)).items():
        if value is None:
            raise Fault(f"The form's parameter {name} is an array.")
        if not (has_protocol and _is_protocol(name)):
            found[name] = value
    for pair in _split(url)[3].split("&"):
        name, *values = pair.split("=")
        if len(values) == 1 and not _is_protocol(name):
            found[dialect.decode(name)] = dialect.decode(values[0])
    return found


def _is_protocol(name: str) -> bool:
    return re.search(r"oauth_[a-z_-]+", name) is not None


def _from_header(header: str) -> Parameters | None:
    """Return the parameters behind the header's first `oauth `, in any case. None when it has none."""
    scheme = re.search("oauth ", header, re.IGNORECASE | re.ASCII)
    if not scheme:
        return None
    found = {}
    for part in header[scheme.end() :].split(","):
        name, equals, value = part.strip(" \t\n\r\0\v").partition("=")
        if equals and _is_protocol(name):
            found[php.rawurldecode(name)] = php.rawurldecode(value.strip('"'))
    return found


def _with_query_again(values: Parameters, query: str) -> Parameters:
    """Merge the query as parse_str reads it, then drop the arrays that parameters with brackets stand for.

    Raises Fault when a name is an integer: Hmac's functions take strings only.
    """
    merged: dict[str, str | None] = {**values, **php.parse_str(query)}
    if any(php.is_integer_key(name) for name in merged):
        raise Fault("A parameter's name is a number.")
    return {name: value for name, value in merged.items() if value is not None}


def _split(url: str) -> tuple[str, str, str, str]:
    """Return scheme, authority, path and query."""
    found = re.match(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", url, re.IGNORECASE)
    if not found:
        raise Fault("The URL is not valid.")
    scheme, authority, path, query = found.groups(default="")
    return scheme, authority, path, query


def _origin(scheme: str, authority: str) -> str:
    scheme, authority = scheme.lower(), authority.lower()
    return f"{scheme}://{authority.removesuffix(':' + PORTS[scheme])}"


def _check(url: str) -> None:
    """Raise Fault where Zend_Uri_Http finds a URL invalid."""
    _, _, path, query = _split(url)
    escaped, mark = "%[0-9A-Fa-f]{2}", r"A-Za-z0-9\-_.!~*'()\[\]|"
    if not re.fullmatch(rf"(?:{escaped}|[{mark}:@&=+$,;/])*", path):
        raise Fault("The URL's path is not valid.")
    if not re.fullmatch(rf"(?:{escaped}|[{mark};/?:@&=+$,])*", query):
        raise Fault("The URL's query is not valid.")


def _normalized(url: str, decoded: str) -> str:
    """Normalise a URL as Laminas\\Uri does. decoded: a pattern of the characters whose escapes it decodes."""
    scheme, authority, path, _ = _split(url)

    def decode(escape: re.Match[str]) -> str:
        character = php.rawurldecode(escape[0])
        return character if re.fullmatch(decoded, character) else escape[0].upper()

    path = re.sub(r"%[A-Fa-f0-9]{2}", decode, _without_dot_segments(path or "/"))
    not_allowed = rf"[^{UNRESERVED})(:@&=+$,/;%]+|%(?![A-Fa-f0-9]{{2}})"
    return _origin(scheme, authority) + re.sub(not_allowed, lambda part: php.rawurlencode(part[0]), path)


def _without_dot_segments(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 section 5.2.4). Raises Fault for a last `..` above the root, as strrpos does."""
    output: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments, start=1):
        is_last = number == len(segments)
        if segment == ".." and not output and is_last:
            raise Fault("The path ends above the root.")
        if segment == "..":
            del output[-1:]
        if segment not in (".", ".."):
            output.append(segment)
        elif is_last:
            output.append("")
    return "/" + "/".join(output)
