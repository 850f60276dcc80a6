"""How a request is signed so that Magento accepts it: OAuth 1.0a (RFC 5849 section 3) in the dialects of its releases.

1. `normalize_url` writes the URL, so that the dialects agree on it wherever that is possible.
2. The base string URI is the URL without its query, its path by the dialect's rule (RFC 5849 section 3.4.1.2).
3. The parameters are those of the query and of the header, in the dialect's order, values by its rule (3.4.1.3).
4. The signature is an HMAC over both (3.4.2). `dialects` names those whose base strings differ, to sign again by.
"""

import base64
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from storelink.errors import Invalid
from storelink.oauth.credentials import DEFAULT_METHOD, LEGACY_METHOD, Consumer, Credentials, Token
from storelink.store import DEFAULT_PORTS

_DIGESTS = {DEFAULT_METHOD: "sha256", LEGACY_METHOD: "sha1"}
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
_Pairs = list[tuple[str, str]]


def authorization_header(
    method: str,
    url: str,
    consumer: Consumer,
    token: Token | None = None,
    verifier: str | None = None,
    *,
    dialect: str = "laminas",
    basic_auth: str | None = None,
) -> str:
    """The Authorization header for a request without form body (RFC 5849 section 3.5.1), with a new nonce and the time.

    url: as sent, written by `normalize_url`. dialect: a key of `DIALECTS`. basic_auth: "user:password" of the web
    server in front of the store (RFC 7617). Magento ignores what stands before "OAuth".
    """
    protocol = {
        "oauth_consumer_key": consumer.key,
        "oauth_nonce": nonce(),
        "oauth_signature_method": consumer.signature_method,
        "oauth_timestamp": timestamp(),
        "oauth_version": "1.0",
    }
    if token is not None:
        protocol["oauth_token"] = token.key
    if verifier is not None:
        protocol["oauth_verifier"] = verifier
    header = [(name, percent_encode(value)) for name, value in protocol.items()]
    base_string = f"{method.upper()}&{_base_string(url, header, DIALECTS[dialect])}"
    key = f"{percent_encode(consumer.secret)}&{percent_encode(token.secret) if token else ''}"
    digest = hmac.digest(key.encode(), base_string.encode(), _DIGESTS[consumer.signature_method])
    header.append(("oauth_signature", percent_encode(base64.b64encode(digest).decode())))
    signed = "OAuth " + ", ".join([f'{name}="{value}"' for name, value in header])
    return f"Basic {base64.b64encode(basic_auth.encode()).decode()}, {signed}" if basic_auth else signed


def sign(method: str, url: str, credentials: Credentials, dialect: str) -> str:
    """The Authorization header of a REST call, as `authorization_header` writes it."""
    consumer, token, basic_auth = credentials.consumer, credentials.access_token, credentials.basic_auth
    return authorization_header(method, url, consumer, token, dialect=dialect, basic_auth=basic_auth)


def nonce() -> str:
    """128 random bits, so that no two requests of a consumer share one (RFC 5849 section 3.3)."""
    return secrets.token_hex(16)


def timestamp() -> str:
    """Seconds since 1970 (RFC 5849 section 3.3)."""
    return str(int(time.time()))


def percent_encode(text: str) -> str:
    """Percent-encoding of RFC 5849 section 3.6."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="~")


def dialects(url: str, known: Sequence[str] = ()) -> Iterator[str]:
    """The dialects to sign a request for this URL by, one after the other: each has another base string.

    known: those that the store may speak, by what was seen of it; they come first. The others are the likeliest first.
    """
    seen: set[str] = set()
    for dialect in dict.fromkeys([*known, *DIALECTS]):
        if not seen:
            yield dialect  # most requests end here, so its base string is made for the comparison only afterwards
        elif _compared(url, dialect) not in seen:
            yield dialect
        seen.add(_compared(url, dialect))


def narrowed(url: str, accepted: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """The dialects that a store may speak after it refused this URL by others and accepted it by this one."""
    base_string = _compared(url, accepted)
    agreeing = [dialect for dialect in DIALECTS if _compared(url, dialect) == base_string]
    return tuple([dialect for dialect in known if dialect in agreeing] or agreeing)


def _compared(url: str, dialect: str) -> str:
    return _base_string(url, _PROTOCOL, DIALECTS[dialect])


def _base_string(url: str, protocol: _Pairs, dialect: "Dialect") -> str:
    """The signature base string without its method (RFC 5849 section 3.4.1). protocol: percent-encoded."""
    address, _, query = url.partition("?")
    given = [pair.partition("=") for pair in query.split("&")] if query else []
    parameters = dialect.order(protocol + [(name, value) for name, _, value in given])
    normalized = "&".join([f"{name}={value}" for name, value in dialect.values(parameters)])
    encoded = normalized.replace("%", "%25").replace("&", "%26").replace("=", "%3D")  # it holds nothing else to encode
    return f"{percent_encode(_base_uri(address, dialect.path))}&{encoded}"


def _base_uri(address: str, path_rule: Callable[[str], str]) -> str:
    """The base string URI (RFC 5849 section 3.4.1.2): host in lower case, without the scheme's own port."""
    scheme, authority, path, _, _ = urlsplit(address)
    authority = authority.lower().removesuffix(f":{DEFAULT_PORTS.get(scheme)}")
    return f"{scheme}://{authority}{path_rule(path) or '/'}"


_DIGITS = re.compile(r"^0+(?=[0-9])|[0-9]{2,}")


def _natural(pairs: _Pairs) -> _Pairs:
    """Order by PHP's strnatcmp over encoded names."""
    return sorted(pairs, key=lambda pair: _DIGITS.sub(_natural_number, pair[0]))


def _natural_number(digits: re.Match[str]) -> str:
    """Digits written so that a comparison of strings is strnatcmp's: of two numbers the longer one is greater.

    One that begins with 0 is less than any other and is compared digit by digit. An encoded name holds none of the
    characters between "9" and "A".
    """
    text = digits[0]
    if text[0] != "0":
        return f"{chr(ord('8') + len(text))}{text}" if len(text) < 8 else f"@{len(text):06}{text}"
    return f"0\x7f{text[1:]}/" if digits.start() else ""


def _decoded(pairs: _Pairs) -> _Pairs:
    """Order by PHP's ksort over decoded names, where a[b] takes the part of an `a` before it, as in parse_str."""
    names = [unquote(name) for name, _ in pairs]
    lists = {name.partition("[")[0]: position for position, name in enumerate(names) if "[" in name}
    named = [
        (name, pair)
        for position, (name, pair) in enumerate(zip(names, pairs, strict=True))
        if position >= lists.get(name, 0)
    ]
    return [pair for _, pair in sorted(named, key=lambda one: one[0])]


_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_TO_ENCODE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~()/:@&=+$,;%-]+")
"""What is encoded in a path (Laminas\\Uri\\Uri::encodePath)."""


def _path_rule(reserved: str) -> Callable[[str], str]:
    """The rule that decodes escapes of unreserved characters and of these, and writes the others in capitals."""

    def write(escape: re.Match[str]) -> str:
        character = chr(int(escape[0][1:], 16))
        return character if character in _UNRESERVED or character in reserved else escape[0].upper()

    def normalize(path: str) -> str:
        path = _ESCAPE.sub(write, path) if "%" in path else path
        return _TO_ENCODE.sub(lambda found: quote(found[0], safe=""), path)

    return normalize


def _twice(pairs: _Pairs) -> _Pairs:
    return [(name, value.replace("%", "%25")) for name, value in pairs]


def _lists_twice(pairs: _Pairs) -> _Pairs:
    return [(name, value.replace("%", "%25") if "%5B" in name else value) for name, value in pairs]


def _once(pairs: _Pairs) -> _Pairs:
    return pairs


@dataclass(frozen=True)
class Dialect:
    """How a verifier makes the base string. order, values: rules for encoded parameters. path: for the URL's path."""

    order: Callable[[_Pairs], _Pairs]
    path: Callable[[str], str]
    values: Callable[[_Pairs], _Pairs]


_wide, _narrow, _written = _path_rule(":@&=+$,/;%"), _path_rule(""), _path_rule(":@&=$,;")

DIALECTS = {
    "laminas": Dialect(_natural, _wide, _once),
    "native": Dialect(_decoded, str, _once),
    "zend": Dialect(_natural, str, _once),
    "magento_uri": Dialect(_natural, _narrow, _once),
    "double": Dialect(_natural, _narrow, _twice),
    "native_double": Dialect(_decoded, str, _lists_twice),
}
"""Magento's verifiers by name, the likeliest first.

laminas: 2.4.6 and part of 2.4.7. native: 2.4.8 and later. zend: to 2.4.5. magento_uri: patches of 2.4.6 and 2.4.7;
double: those with the composer patch for SKUs with slashes. native_double: read in the source, in no release so far.
"""

_PROTOCOL = [(f"oauth_{name}", "") for name in ("consumer_key", "nonce", "signature_method", "timestamp", "version")]
"""Stands for the header's parameters where two dialects are compared."""


def normalize_url(url: str) -> str:
    """Write a URL as it is sent, so that all dialects agree on it where they can.

    In the path escapes of unreserved characters and of ":@&=$,;" are decoded, what needs it is encoded, escapes are in
    capitals; "+", "%2B", "%2F" and "%25" stay as they are. For the query see `normalize_query`.
    """
    parts = urlsplit(url)
    query = normalize_query(parts.query) if parts.query else ""
    return urlunsplit(parts._replace(path=_written(parts.path), query=query))


def normalize_query(query: str) -> str:
    """Write a query with spaces as %20 and brackets encoded.

    Raises Invalid, naming the parameter, for what some verifier leaves out or PHP reads by another name: without "=",
    twice the same name, a number or a name of the protocol's own, "." or a space in a name; for what is not UTF-8.
    """
    written: dict[str, str] = {}
    for parameter in query.split("&"):
        name, equals, value = parameter.partition("=")
        try:
            encoded = _encoded_name(name)
            value = value if _PLAIN.fullmatch(value) else percent_encode(unquote_plus(value, errors="strict"))
        except UnicodeDecodeError:
            raise Invalid({parameter: "is not UTF-8, percent-encoded"}, "bad-parameter") from None
        if not equals:
            raise _bad(unquote(encoded), 'has no "="; write name=value')
        if encoded in written:
            raise _bad(unquote(encoded), "is given twice; number it, as in name[0]=…&name[1]=…")
        written[encoded] = value
    return "&".join([f"{name}={value}" for name, value in written.items()])


_PROTOCOL_NAME = re.compile("oauth_[a-z_-]")
"""Magento\\Framework\\Oauth\\Helper\\Request::_isProtocolParameter looks for it anywhere in a name."""
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?\s*", re.IGNORECASE)
"""What PHP takes for a number (is_numeric)."""
_RENAMED = re.compile(r"[^\[]*[ .\0]|\[|[^\[]+\[[^\]]*$")
"""A name that PHP's parse_str reads as another one: "." and spaces become "_", as does a "[" without its "]"."""


@lru_cache(maxsize=2048)
def _encoded_name(text: str) -> str:
    """A parameter's name, percent-encoded. text: as it stands in the query. Raises Invalid, UnicodeDecodeError."""
    name = unquote_plus(text, errors="strict")
    if _PROTOCOL_NAME.search(name):
        raise _bad(name, 'holds "oauth_", which Magento takes for a parameter of OAuth; give it another name')
    if not name or _NUMBER.fullmatch(name.partition("[")[0]):
        raise _bad(name, "is not a name; give the parameter one that is no number")
    if _RENAMED.match(name):
        raise _bad(name, 'is a name that PHP changes; use letters, digits, "_" and "-", and close each "["')
    return percent_encode(name)


def _bad(name: str, wrong: str) -> Invalid:
    return Invalid({name: wrong}, "bad-parameter")
