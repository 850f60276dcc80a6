"""The vendor's OpenID provider (`OidcIssuer`): where it signs merchants in, and which tenant it names.

OpenID Connect Core 1.0, code flow, with PKCE (RFC 7636). The provider is reached as stores are: by the guard.
"""

import base64
import time
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

import jwt
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from storelink import aws
from storelink.config import config
from storelink.errors import Rejected, Unavailable
from storelink.transport import http

TIMEOUT = 5.0
"""Seconds that an answer of the provider may take."""

CACHE_SECONDS = 600
"""Seconds after which the provider's discovery document is read again, at the latest."""

_TOKEN_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""What a token endpoint may answer (RFC 6749 section 5.2); other words of its are not logged."""

Document = dict[str, Any]


def authorization_url(state: str, nonce: str, code_verifier: str, return_url: str) -> str:
    """Where the merchant's browser signs in. Raises Unavailable."""
    client = _client()
    try:
        url: str = client.prepare_request_uri(
            _provider()["authorization_endpoint"],
            redirect_uri=return_url,
            scope="openid",
            state=state,
            nonce=nonce,
            code_challenge=client.create_code_challenge(code_verifier, "S256"),
            code_challenge_method="S256",
        )
    except (OAuth2Error, ValueError) as error:  # it is not https, or no URL
        raise Unavailable("provider", f"authorization_endpoint: {type(error).__name__}") from None
    return url


def tenant(code: str, nonce: str, code_verifier: str, return_url: str, leeway: int) -> object:
    """What the claim `OidcTenantClaim` holds in the ID token that a code is worth; None where it is not there.

    leeway: seconds by which the provider's clock may differ from ours.
    Raises jwt.InvalidTokenError where the provider does not take the code, or the token is not right; Unavailable.
    """
    provider, secret = _provider(), _secret()
    basic = bool(secret) and _takes_basic(provider)
    form = _client().prepare_request_body(
        code=code,
        redirect_uri=return_url,
        code_verifier=code_verifier,
        include_client_id=not basic,
        client_secret=None if basic else secret or None,
    )
    status, document = _ask(provider["token_endpoint"], form, _basic(secret) if basic else "")
    if document.get("error") == "invalid_grant":
        raise jwt.InvalidTokenError("invalid_grant")
    if status != 200:
        raise _refused(status, document)
    return _claims(str(document.get("id_token")), nonce, leeway).get(config.oidc_tenant_claim)


def _claims(id_token: str, nonce: str, leeway: int) -> Document:
    """An ID token's claims, validated as section 3.1.3.7 says. Raises jwt.InvalidTokenError."""
    client_id = config.oidc_client_id
    claims: Document = jwt.decode(
        id_token,
        issuer=config.oidc_issuer,
        audience=client_id,
        leeway=leeway,
        options={
            # It came from the token endpoint itself: TLS proves who said it (rule 6).
            "verify_signature": False,
            "verify_iss": True,
            "verify_aud": True,
            "verify_exp": True,
            "verify_iat": True,
            "verify_nbf": True,
            "require": ["iss", "aud", "sub", "exp", "iat", "nonce"],
        },
    )
    alone = claims["aud"] in (client_id, [client_id])
    if claims.get("azp", client_id if alone else None) != client_id:
        raise jwt.InvalidAudienceError("azp")
    if claims["nonce"] != nonce:
        raise jwt.InvalidTokenError("nonce")
    return claims


def _client() -> WebApplicationClient:
    """oauthlib's client of the code flow: it writes requests, sends none and logs none."""
    return WebApplicationClient(config.oidc_client_id)


def _provider() -> Document:
    """Return the provider's discovery document. Raises Unavailable."""
    return _discovered(config.oidc_issuer, int(time.time()) // CACHE_SECONDS)


@lru_cache(maxsize=1)
def _discovered(issuer: str, period: int) -> Document:  # noqa: ARG001  it is part of the cache key
    """OpenID Connect Discovery 1.0, section 4. period: changes when it is to be read again."""
    status, document = _ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if status != 200:
        raise _refused(status, document)
    if document.get("issuer") != issuer:
        raise Unavailable("provider", "it calls itself by another issuer than OidcIssuer")
    for name in ("authorization_endpoint", "token_endpoint"):
        if not isinstance(document.get(name), str):
            raise Unavailable("provider", f"it has no {name}")
    return document


def _ask(url: str, form: str | None = None, authorization: str = "") -> tuple[int, Document]:
    """Status and JSON object that the provider answers. Raises Unavailable."""
    try:
        answer = http.request_json(url, TIMEOUT, form, authorization)
    except (Rejected, Unavailable) as error:
        raise Unavailable("provider", str(error)) from None
    try:
        document = http.read_json(answer.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unavailable("provider", f"HTTP {answer.status}, no JSON object")
    return answer.status, document


def _refused(status: int, document: Document) -> Unavailable:
    error = document.get("error")
    known = isinstance(error, str) and error in _TOKEN_ERRORS
    return Unavailable("provider", f"HTTP {status}, {error}" if known else f"HTTP {status}")


def _takes_basic(provider: Document) -> bool:
    """Whether the token endpoint takes the client's secret by HTTP Basic, which is what it does if it says nothing."""
    methods = provider.get("token_endpoint_auth_methods_supported")
    return not isinstance(methods, list) or "client_secret_basic" in methods


def _basic(secret: str) -> str:
    """RFC 6749 section 2.3.1: each part encoded as in a form, before they are joined."""
    pair = f"{quote_plus(config.oidc_client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _secret() -> str:
    """The client's secret, "" for a public client. Raises Unavailable."""
    arn = config.oidc_client_secret_arn
    return aws.secret_text(arn) if arn else ""
