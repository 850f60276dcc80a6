"""The vendor's own login: the merchant goes there once the store is connected, comes back, and confirms the account.

The *state* is a JSON Web Token (RFC 7519, signed by HMAC-SHA256, RFC 7515) that names the connection and a digest of a
secret that only the merchant's browser has, in a cookie. The way back to Magento stays in that cookie. What comes back
with the state names the tenant: an *answer*, signed like the state, of the vendor's own login (`SignInUrl`); or a code
of its OpenID provider (`OidcIssuer`), which openid.py turns into a tenant. docs/sign-in.md has the format.

Then a page shows the store's host and the account, and its button posts a *claim token*, signed like the state and
bound to the same browser. Nothing is assigned before that: who opens a stranger's link sees a store that they do not
know.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, replace
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
from storelink.popup import identity
from storelink.popup.return_link import ReturnLink, return_link
from storelink.popup.view import Claim, View, store_label
from storelink.state import activations, attempts, connections, events
from storelink.store import Store

LIFETIME = 600
"""Seconds that the merchant has for the vendor's login, and then for the confirmation."""

CLOCK_SKEW = 60
"""Seconds by which the vendor's clock may differ from ours."""

_ALGORITHM = "HS256"
_CLAIM_AUDIENCE = "storelink:claim"

Claims = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What the page shows, where it may go back to, and the cookies that it sets."""

    view: View
    back: ReturnLink | None = None
    cookies: tuple[str, ...] = ()


def render(shown: Shown, accept_language: str) -> dict[str, Any]:
    """The answer that shows this, in the language that the browser asks for."""
    return identity.render(shown.view, shown.back, accept_language) | {"cookies": list(shown.cookies)}


def start(consumer_key: str, success_call_back: str, return_url: str, accept_language: str) -> dict[str, Any]:
    """The answer that sends a merchant to the vendor's login; where that is not possible, a page."""
    back = return_link(success_call_back, None)
    try:
        row = identity.find_activation(consumer_key, back) if TOKEN_PATTERN.fullmatch(consumer_key) else None
        if row is None or not identity.needs_sign_in(row):
            return identity.render(*identity.find_view(consumer_key, success_call_back), accept_language)
        return _redirect(row, back.url if back else "", return_url)
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return identity.render(View("unclaimed", reason="not-now"), back, accept_language)


def _redirect(row: Row, success_call_back: str, return_url: str) -> dict[str, Any]:
    store, key = Store.from_url(row["store"]), _secret()
    browser, token_id = secrets.token_urlsafe(32), secrets.token_hex(16)
    claims = {
        "sub": store.connection_id,
        "jti": token_id,
        "activation_id": str(activations.id_of(row)),
        "store_url": store.url,
        "return_url": return_url,
        "browser": _digest(browser),
    }
    state = _signed(claims, key, audience=config.login)
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
        "cookies": [_cookie(_browser_cookie(token_id), kept)],
        "body": "",
    }


def finish(returned: dict[str, str], cookies: list[str]) -> Shown:
    """What the page shows when the merchant comes back from the login: the account, to be confirmed by a click.

    returned: the query: state, and the vendor's answer or its provider's code. cookies: as API Gateway gives them,
    NAME=VALUE each. Nothing is written; a reload shows the same.
    """
    try:
        key = _secret()
        claims = _verified(returned.get("state", ""), key, issuer=config.stack, audience=config.login)
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return Shown(View("unclaimed", reason="not-now"))
    except jwt.InvalidTokenError:
        return Shown(View("unclaimed", reason="expired"))
    view, browser, back = _of_browser(claims, cookies)
    if not browser:
        return Shown(view)
    given = returned.get("code" if config.oidc_issuer else "answer", "")
    seen, cookie = {"jti": claims["jti"], "given": _digest(given)}, f"{_browser_cookie(claims['jti'])}-claim"
    try:
        tenant = _named_before(_value(cookies, cookie), seen, key) or _tenant(claims, given, browser, key)
    except (jwt.InvalidTokenError, Invalid, Unavailable) as error:
        return Shown(_unclaimed(view, error), back)
    kept = {name: claims[name] for name in ("sub", "activation_id", "store_url", "browser")}
    token = _signed(kept | seen | {"tenant": tenant}, key, audience=_CLAIM_AUDIENCE)
    return Shown(replace(view, state="claim", claim=Claim(token, tenant)), None, (_cookie(cookie, token),))


def confirm(token: str, cookies: list[str], same_origin: bool) -> Shown:
    """Assign the connection to the account that the merchant has confirmed; what the page shows then.

    token: the one in the form of finish's page. same_origin: whether a page of ours sent it. The same once more changes
    nothing.
    """
    try:
        claims = _verified(token, _secret(), issuer=config.stack, audience=_CLAIM_AUDIENCE)
    except Unavailable as unavailable:
        logger.warning("a claim has to wait", problem=unavailable.problem)
        return Shown(View("unclaimed", reason="not-now"))
    except jwt.InvalidTokenError:
        return Shown(View("unclaimed", reason="expired"))
    view, browser, back = _of_browser(claims, cookies)
    if not browser:
        return Shown(view)
    if not same_origin:
        logger.warning("a claim from another origin was refused")
        return Shown(replace(view, state="unclaimed", reason="elsewhere"))
    try:
        attempts.record_sign_in(ActivationId.from_text(claims["activation_id"]), claims["jti"], claims["tenant"])
        events.try_publish_changes(connections.claim(claims["sub"], claims["tenant"], "the merchant, by sign-in"))
    except (Conflict, Invalid, Unavailable) as error:
        return Shown(_unclaimed(view, error), back)
    return Shown(view, back)


def _of_browser(claims: Claims, cookies: list[str]) -> tuple[View, str, ReturnLink | None]:
    """The connected store, this browser's secret and its way back; "elsewhere" where another browser began."""
    store = Store.from_url(claims["store_url"])
    view = View("connected", store_label(store), claims["activation_id"], "connected")
    browser, success_call_back = _kept(_value(cookies, _browser_cookie(claims["jti"])))
    if not hmac.compare_digest(_digest(browser), claims["browser"]):
        return replace(view, state="unclaimed", reason="elsewhere"), "", None
    return view, browser, return_link(success_call_back, store)


def _unclaimed(view: View, error: Exception) -> View:
    """The page of a connected store whose sign-in came to nothing, and why."""
    problem = error.problem if isinstance(error, Invalid | Unavailable) else type(error).__name__
    logger.warning("a sign-in was refused", problem=problem)
    reason = "expired"  # a token is not valid, or another sign-in of this activation was confirmed
    if isinstance(error, Unavailable):
        reason = "not-now"
    elif isinstance(error, Invalid):
        reason = "taken" if error.reason == "claimed" else "declined"
    return replace(view, state="unclaimed", reason=reason)


def _tenant(claims: Claims, given: str, browser: str, key: str) -> str:
    """The tenant that the login names by its answer or code. Raises jwt.InvalidTokenError, Invalid, Unavailable."""
    if not given:
        raise Invalid({"sign-in": "came back without an account"})
    if config.oidc_issuer:
        from storelink.popup import openid

        code_verifier = _code_verifier(browser, key)
        return validate_tenant(openid.tenant(given, claims["jti"], code_verifier, claims["return_url"], CLOCK_SKEW))
    answer = _verified(given, key, issuer=config.sign_in_url, audience=config.stack)
    if answer["jti"] != claims["jti"]:
        raise jwt.InvalidTokenError("jti")
    return validate_tenant(answer["sub"])


def _named_before(token: str, seen: Claims, key: str) -> str:
    """The tenant of a claim token for the same answer or code, "" for none: a code cannot be used again."""
    try:
        claims = _verified(token, key, issuer=config.stack, audience=_CLAIM_AUDIENCE)
    except jwt.InvalidTokenError:
        return ""
    return str(claims["tenant"]) if seen.items() <= claims.items() else ""


def _code_verifier(browser: str, key: str) -> str:
    """PKCE's (RFC 7636), which neither the browser nor the provider can make: 43 characters, one a sign-in."""
    made = hmac.digest(key.encode(), f"code_verifier:{browser}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _signed(claims: Claims, key: str, audience: str) -> str:
    now = int(time.time())
    standard = {"iss": config.stack, "aud": audience, "iat": now, "exp": now + LIFETIME}
    return jwt.encode(standard | claims, key, _ALGORITHM)


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


def _browser_cookie(token_id: str) -> str:
    """One cookie a sign-in, so that two windows do not meet. `__Host-`: of this host alone, by TLS (RFC 6265bis)."""
    return f"__Host-storelink-{token_id[:16]}"


def _cookie(name: str, value: str) -> str:
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFETIME}"


def _value(cookies: list[str], name: str) -> str:
    """A cookie's value, "" where it is not there."""
    return next((cookie.partition("=")[2] for cookie in cookies if cookie.partition("=")[0] == name), "")


def _kept(value: str) -> tuple[str, str]:
    """What the browser kept of a sign-in: its secret, and the way back to Magento; empty where it kept nothing."""
    browser, _, way = value.partition(".")
    try:
        return browser, base64.urlsafe_b64decode(way + "=" * (-len(way) % 4)).decode()
    except (binascii.Error, ValueError):
        return browser, ""
