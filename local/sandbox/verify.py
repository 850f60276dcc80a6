"""How the sandbox store reads a signed request and proves its signature (RFC 5849 sections 3.2 and 3.4).

oauthlib's server side makes the base string and compares; what is read into it follows Magento, whose reading
of a query string is narrower than the RFC's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature, utils

HMAC_SHA1 = "HMAC-SHA1"
HMAC_SHA256 = "HMAC-SHA256"


@dataclass(frozen=True)
class SignedRequest:
    """One request as the store sees it.

    `url` is absolute, on the scheme, host and port the store believes in; `protocol` holds the decoded
    `oauth_…` parameters of the Authorization header, empty where there was none; `form` the fields of a
    form-encoded body.
    """

    method: str
    url: str
    protocol: dict[str, str] = field(repr=False)
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def from_http(cls, method: str, url: str, authorization: str | None, form: str = "") -> SignedRequest:
        """Read a request: its Authorization header and, if it is form-encoded, its body, both as sent."""
        fields = parse_qsl(form, keep_blank_values=True)
        return cls(method, url, protocol_parameters(authorization), tuple(fields))

    @property
    def signature_method(self) -> str | None:
        return self.protocol.get("oauth_signature_method")

    def is_signed_with(self, consumer_secret: str, token_secret: str = "") -> bool:
        """Whether `oauth_signature` is what these secrets give for this request (RFC 5849 section 3.2)."""
        query = query_parameters(urlsplit(self.url).query)
        verify = {HMAC_SHA1: signature.verify_hmac_sha1, HMAC_SHA256: signature.verify_hmac_sha256}.get(
            self.signature_method or ""
        )
        if query is None or verify is None:
            return False
        protocol = [(name, value) for name, value in self.protocol.items() if name != "oauth_signature"]
        form = [(name, value) for name, value in self.form if not name.startswith("oauth_")]
        claim = _Claim(self.url, self.method, protocol + query + form, self.protocol["oauth_signature"])
        return bool(verify(cast(Request, claim), consumer_secret, token_secret))


@dataclass(frozen=True)
class _Claim:
    """The four things oauthlib's verifiers read of a request."""

    uri: str
    http_method: str
    params: list[tuple[str, str]] = field(repr=False)
    signature: str = field(repr=False)


def protocol_parameters(authorization: str | None) -> dict[str, str]:
    """The `oauth_…` parameters of an `Authorization: OAuth …` header, decoded (RFC 5849 section 3.5.1).

    Empty where the header is missing, of another scheme, or unreadable.
    """
    try:
        pairs = utils.parse_authorization_header(authorization or "")
    except ValueError:
        return {}
    return {utils.unescape(name): utils.unescape(value) for name, value in pairs if name.startswith("oauth_")}


def query_parameters(query: str) -> list[tuple[str, str]] | None:
    """The query's parameters as Magento signs them, or None where no client's signature can agree with it.

    Magento 2.4.6 was seen to fail on `+` for a space, on `[` and `]` as they are, on a name without `=`, on a
    name given twice and on names that are numbers. `oauth_…` is protocol, and read from the header only.
    """
    if any(mark in query for mark in "+[]"):
        return None
    parameters: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, *values = part.split("=")
        name = unquote(name)
        if len(values) != 1 or name in parameters or name.isdigit():
            return None
        if not name.startswith("oauth_"):
            parameters[name] = unquote(values[0])
    return list(parameters.items())
