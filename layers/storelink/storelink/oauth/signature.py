"""How a request is signed (RFC 5849 section 3), as Magento verifies it."""

import base64
import hmac
import secrets
import time
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from storelink.errors import Invalid
from storelink.oauth.credentials import DEFAULT_METHOD, LEGACY_METHOD, Consumer, Token
from storelink.store import DEFAULT_PORTS, normalize_path

_DIGESTS = {DEFAULT_METHOD: "sha256", LEGACY_METHOD: "sha1"}


def authorization_header(
    method: str, url: str, consumer: Consumer, token: Token | None = None, verifier: str | None = None
) -> str:
    """The Authorization header for a request without form body (RFC 5849 section 3.5.1), with a new nonce and the time.

    url: as sent, its query written by `verifiable`.
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
    base_string = _base_string(method, url, header)
    key = f"{percent_encode(consumer.secret)}&{percent_encode(token.secret) if token else ''}"
    digest = hmac.digest(key.encode(), base_string.encode(), _DIGESTS[consumer.signature_method])
    header.append(("oauth_signature", percent_encode(base64.b64encode(digest).decode())))
    return "OAuth " + ", ".join(f'{name}="{value}"' for name, value in header)


def nonce() -> str:
    """128 random bits, so that no two requests of a consumer share one (RFC 5849 section 3.3)."""
    return secrets.token_hex(16)


def timestamp() -> str:
    """Seconds since 1970 (RFC 5849 section 3.3)."""
    return str(int(time.time()))


def _base_string(method: str, url: str, protocol: list[tuple[str, str]]) -> str:
    """The signature base string (RFC 5849 section 3.4.1). protocol: percent-encoded, as the query is."""
    address, _, query = url.partition("?")
    given = [pair.partition("=") for pair in query.split("&")] if query else []
    parameters = sorted([(name, value) for name, _, value in given] + protocol)
    normalized = "&".join(f"{name}={value}" for name, value in parameters)
    return f"{method.upper()}&{percent_encode(_base_uri(address))}&{percent_encode(normalized)}"


def _base_uri(address: str) -> str:
    """The base string URI (RFC 5849 section 3.4.1.2): host in lower case, without the scheme's own port."""
    scheme, authority, path, _, _ = urlsplit(address)
    authority = authority.lower().removesuffix(f":{DEFAULT_PORTS.get(scheme)}")
    return f"{scheme}://{authority}{path or '/'}"


def normalize_url(url: str) -> str:
    """Write a URL as it is sent, and its query so that Magento verifies it: spaces as %20, brackets encoded.

    Raises Invalid for the parameters on which Magento's own check fails: without "=", twice the same name, a number
    or one of the protocol's own for a name, what is not UTF-8.
    """
    parts = urlsplit(url)
    parts = parts._replace(path=normalize_path(parts.path))
    if not parts.query:
        return urlunsplit(parts)
    written: dict[str, str] = {}
    for parameter in parts.query.split("&"):
        try:
            name, equals, value = (unquote_plus(part, errors="strict") for part in parameter.partition("="))
        except UnicodeDecodeError:
            raise Invalid({parameter: "is not UTF-8, percent-encoded"}, "bad-parameter") from None
        if not equals:
            raise Invalid({name: 'has no "="; write name=value'}, "bad-parameter")
        if name in written:
            raise Invalid({name: "stands twice; number it as name[0]=…&name[1]=…"}, "bad-parameter")
        if name.isdigit():
            raise Invalid({name: "is a number; give the parameter a name"}, "bad-parameter")
        if name.startswith("oauth_"):
            raise Invalid({name: "is a name of the protocol's own; give the parameter another one"}, "bad-parameter")
        written[name] = value
    query = "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in written.items())
    return urlunsplit(parts._replace(query=query))


def percent_encode(text: str) -> str:
    """Percent-encoding of RFC 5849 section 3.6."""
    return quote(text, safe="~")
