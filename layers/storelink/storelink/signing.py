"""How a request is signed (RFC 5849 section 3), as Magento verifies it."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client

from storelink.errors import Invalid

DEFAULT_METHOD: str = SIGNATURE_HMAC_SHA256
"""Works on every Magento 2; the only one since 2.4.4."""

FALLBACK_METHOD: str = SIGNATURE_HMAC_SHA1
"""For stores that answer that the default is not supported."""


@dataclass(frozen=True)
class Token:
    """A token with its secret: temporary credentials or token credentials (RFC 5849 section 1.1)."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Consumer:
    """Client credentials (RFC 5849 section 1.1), and the method they sign with."""

    key: str
    secret: str = field(repr=False)
    signature_method: str = DEFAULT_METHOD


def authorization(
    method: str, url: str, consumer: Consumer, token: Token | None = None, verifier: str | None = None
) -> str:
    """The Authorization header for a request without form body (RFC 5849 section 3.5.1), with a new nonce and the time.

    url: as sent, its query written by `verifiable`.
    """
    client = Client(
        consumer.key,
        client_secret=consumer.secret,
        resource_owner_key=token.key if token else None,
        resource_owner_secret=token.secret if token else None,
        verifier=verifier,
        signature_method=consumer.signature_method,
    )
    _, headers, _ = client.sign(url, http_method=method)  # type: ignore[arg-type]  # any method can be signed
    header: str = headers["Authorization"]
    return header


def verifiable(url: str) -> str:
    """Write a URL's query so that Magento verifies the signature over it: spaces as %20, brackets encoded.

    Raises Invalid for the parameters on which Magento's own check fails: without "=", twice the same name, a number
    or one of the protocol's own for a name, what is not UTF-8.
    """
    parts = urlsplit(url)
    if not parts.query:
        return url
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
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in written.items())
    return urlunsplit(parts._replace(query=query))


def _encoded(text: str) -> str:
    """Percent-encoding of RFC 5849 section 3.6."""
    return quote(text, safe="~")
