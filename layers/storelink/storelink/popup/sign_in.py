"""The vendor's own login: where the merchant goes once the store is connected, and what comes back.

The *state* is a JSON Web Token (RFC 7519, signed by HMAC-SHA256, RFC 7515) that names the connection and a digest of a
secret that only the merchant's browser has, in a cookie. The way back to Magento stays in that cookie. What comes back
with the state names the tenant: an *answer*, signed as the state is, of the vendor's own login (`SignInUrl`); or a code
of its OpenID provider (`OidcIssuer`), which openid.py turns into a tenant. docs/sign-in.md tells the format.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import jwt

from storelink import aws
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Invalid, Unavailable
from storelink.models import ActivationId, validate_tenant
from storelink.oauth.credentials import TOKEN_PATTERN
from storelink.observability import logger
from storelink.popup import view as popup_view
from storelink.popup.page import ReturnLink, View, return_link
from storelink.state import activations, connections, events
from storelink.store import Store

LIFETIME = 600
"""Seconds that the merchant has for the vendor's login."""

CLOCK_SKEW = 60
"""Seconds by which the vendor's clock may differ from ours."""

_ALGORITHM = "HS256"

Claims = dict[str, Any]
Shown = tuple[View, ReturnLink | None]


def start(consumer_key: str, success_call_back: str, return_url: str) -> dict[str, Any] | Shown:
    """The answer that sends a merchant to the vendor's login; where that cannot be, what the page shows."""
    try:
        row = (
            popup_view.find_activation(consumer_key, return_link(success_call_back, None))
            if TOKEN_PATTERN.fullmatch(consumer_key)
            else None
        )
        if row is None or not popup_view.needs_sign_in(row):
            return popup_view.find_view(consumer_key, success_call_back)
        return _begun(row, success_call_back, return_url)
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return View("unclaimed", reason="not-now"), return_link(success_call_back, None)


def _begun(row: Row, success_call_back: str, return_url: str) -> dict[str, Any]:
    store, began, key = Store.from_url(row["store"]), int(time.time()), _secret()
    browser, token_id = secrets.token_urlsafe(32), secrets.token_hex(16)
    claims = {
        "iss": config.stack,
        "aud": config.login,
        "sub": store.connection_id,
        "iat": began,
        "exp": began + LIFETIME,
        "jti": token_id,
        "activation_id": str(activations.id_of(row)),
        "store_url": store.url,
        "return_url": return_url,
        "browser": _digest(browser),
    }
    state = jwt.encode(claims, key, _ALGORITHM)
    if config.oidc_issuer:
        from storelink.popup import openid

        location = openid.authorization_url(state, token_id, _code_verifier(browser, key), return_url)
    else:
        url = config.sign_in_url
        location = f"{url}{'&' if '?' in url else '?'}{urlencode({'state': state})}"
    kept = f"{browser}.{base64.urlsafe_b64encode(success_call_back.encode()).decode().rstrip('=')}"
    return {
        "statusCode": 303,
        "headers": {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        "cookies": [f"{_cookie_name(token_id)}={kept}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFETIME}"],
        "body": "",
    }


def finish(returned: dict[str, str], cookies: list[str]) -> Shown:
    """Claim the connection for the tenant that the vendor's login names; what the page shows then.

    returned: the query: state, and the vendor's answer or its provider's code. cookies: as API Gateway hands them over,
    NAME=VALUE each. The same once more changes nothing.
    """
    try:
        key = _secret()
        told = _verified(returned.get("state", ""), key, issuer=config.stack, audience=config.login)
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return View("unclaimed", reason="not-now"), None
    except jwt.InvalidTokenError:
        return View("unclaimed", reason="expired"), None
    store = Store.from_url(told["store_url"])
    view = View("connected", host=store.host, reference=told["activation_id"], reached="connected")
    browser, success_call_back = _kept(cookies, told["jti"])
    if not hmac.compare_digest(_digest(browser), told["browser"]):
        return _unclaimed(view, "elsewhere"), None
    return _claimed(view, told, returned, browser, key), return_link(success_call_back, store)


def _claimed(view: View, told: Claims, returned: dict[str, str], browser: str, key: str) -> View:
    if not returned.get("code" if config.oidc_issuer else "answer"):
        return _unclaimed(view, "declined")
    activation_id = ActivationId.from_text(told["activation_id"])
    try:
        if config.oidc_issuer:
            tenant = _of_the_provider(told, returned["code"], activation_id, _code_verifier(browser, key))
        else:
            tenant = _of_the_answer(told, returned["answer"], key)
        name = validate_tenant(tenant)
        activations.record_sign_in(activation_id, told["jti"], name)
        events.try_publish_changes(connections.claim(told["sub"], name))
    except (jwt.InvalidTokenError, Conflict) as refused:
        logger.warning("a sign-in was refused", problem=type(refused).__name__)
        return _unclaimed(view, "expired")
    except Invalid as invalid:
        logger.warning("a sign-in was refused", problem=str(invalid))
        return _unclaimed(view, "taken" if invalid.reason == "claimed" else "declined")
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return _unclaimed(view, "not-now")
    return view


def _of_the_answer(told: Claims, answer: str, key: str) -> object:
    """The tenant that a signed answer names. Raises jwt.InvalidTokenError."""
    said = _verified(answer, key, issuer=config.sign_in_url, audience=config.stack)
    if said["jti"] != told["jti"]:
        raise jwt.InvalidTokenError("jti")
    return said["sub"]


def _of_the_provider(told: Claims, code: str, activation_id: ActivationId, code_verifier: str) -> object:
    """The tenant that the OpenID provider names for a code. Raises jwt.InvalidTokenError, Unavailable."""
    spent = activations.spent_sign_in(activation_id, told["jti"])
    if spent is not None:  # a reload: the provider takes a code once
        return spent
    from storelink.popup import openid

    return openid.tenant(code, told["jti"], code_verifier, told["return_url"], CLOCK_SKEW)


def _code_verifier(browser: str, key: str) -> str:
    """PKCE's (RFC 7636), which neither the browser nor the provider can make: 43 characters, one a sign-in."""
    made = hmac.digest(key.encode(), f"code_verifier:{browser}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _unclaimed(view: View, reason: str) -> View:
    return View("unclaimed", host=view.host, reference=view.reference, reached=view.reached, reason=reason)


def _verified(token: str, key: str, issuer: str, audience: str) -> Claims:
    """A token's claims. Raises jwt.InvalidTokenError for whatever is wrong with it."""
    claims: Claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        issuer=issuer,
        audience=audience,
        leeway=CLOCK_SKEW,
        options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
    )
    return claims


def _secret() -> str:
    """The key that signs both ways. Raises Unavailable."""
    return aws.secret_text(f"{config.stack}/sign-in")


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def _cookie_name(token_id: str) -> str:
    """One cookie a sign-in, so that two windows do not meet. `__Host-`: of this host alone, by TLS (RFC 6265bis)."""
    return f"__Host-storelink-{token_id[:16]}"


def _kept(cookies: list[str], token_id: str) -> tuple[str, str]:
    """What the browser kept of this sign-in: its secret, and the way back to Magento; empty where it kept nothing."""
    name = _cookie_name(token_id)
    value = next((cookie.partition("=")[2] for cookie in cookies if cookie.partition("=")[0] == name), "")
    browser, _, way = value.partition(".")
    try:
        return browser, base64.urlsafe_b64decode(way + "=" * (-len(way) % 4)).decode()
    except (binascii.Error, ValueError):
        return browser, ""
