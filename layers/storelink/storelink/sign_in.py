"""The vendor's own login (`SignInUrl`): where the merchant goes once the store is connected, and what comes back.

Both ways a JSON Web Token (RFC 7519, signed by HMAC-SHA256, RFC 7515) that the vendor and this stack can sign alone.
docs/sign-in.md tells the format. The *state* names the connection and a digest of a secret that only the merchant's
browser has, in a cookie; the *answer* names the tenant. The way back to Magento stays in that cookie.
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
from botocore.exceptions import BotoCoreError, ClientError

from storelink import activations, aws, connections, popup
from storelink.activation import TOKEN, ActivationId
from storelink.errors import Invalid, Unavailable
from storelink.observing import logger
from storelink.pages import View, WayBack, way_back
from storelink.settings import required, settings
from storelink.stores import Store
from storelink.tables import Conflict

LIFETIME = 600
"""Seconds that the merchant has for the vendor's login."""

CLOCKS = 60
"""Seconds by which the vendor's clock may differ from ours."""

_ALGORITHM = "HS256"

Claims = dict[str, Any]


def begin(consumer_key: str, success_call_back: str, return_url: str) -> dict[str, Any] | None:
    """The answer that sends a merchant to the vendor's login; None where there is nothing to sign in for.

    Raises Unavailable.
    """
    row = popup.newest(consumer_key, way_back(success_call_back, None)) if TOKEN.fullmatch(consumer_key) else None
    if row is None or not popup.signs_in(row):
        return None
    store, began = Store.from_url(row["store"]), int(time.time())
    browser, token_id = secrets.token_urlsafe(32), secrets.token_hex(16)
    state = {
        "iss": required("STORELINK_STACK"),
        "aud": settings().sign_in_url,
        "sub": store.connection_id,
        "iat": began,
        "exp": began + LIFETIME,
        "jti": token_id,
        "activation_id": str(activations.id_of(row)),
        "store_url": store.url,
        "return_url": return_url,
        "browser": _digest(browser),
    }
    query = urlencode({"state": jwt.encode(state, _secret(), _ALGORITHM)})
    url = settings().sign_in_url
    kept = f"{browser}.{base64.urlsafe_b64encode(success_call_back.encode()).decode().rstrip('=')}"
    return {
        "statusCode": 303,
        "headers": {
            "Location": f"{url}{'&' if '?' in url else '?'}{query}",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
        "cookies": [f"{_cookie_name(token_id)}={kept}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFETIME}"],
        "body": "",
    }


def finish(state: str, answer: str, cookies: list[str]) -> tuple[View, WayBack | None]:
    """Claim the connection for the tenant that the vendor's answer names; what the page shows then.

    cookies: as API Gateway hands them over, NAME=VALUE each. The same answer again changes nothing.
    """
    try:
        key = _secret()
        told = _verified(state, key, issuer=required("STORELINK_STACK"), audience=settings().sign_in_url)
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
    return _claimed(view, told, answer, key), way_back(success_call_back, store)


def _claimed(view: View, told: Claims, answer: str, key: str) -> View:
    if not answer:
        return _unclaimed(view, "declined")
    try:
        said = _verified(answer, key, issuer=settings().sign_in_url, audience=required("STORELINK_STACK"))
        if said["jti"] != told["jti"]:
            return _unclaimed(view, "expired")
        activations.note_sign_in(ActivationId.from_text(told["activation_id"]), told["jti"])
        connections.claim(told["sub"], said["sub"])
    except (jwt.InvalidTokenError, Conflict):
        return _unclaimed(view, "expired")
    except Invalid as invalid:
        logger.warning("a sign-in was refused", problem=str(invalid))
        return _unclaimed(view, "taken" if invalid.reason == "claimed" else "declined")
    except Unavailable as unavailable:
        logger.warning("a sign-in has to wait", problem=unavailable.problem)
        return _unclaimed(view, "not-now")
    return view


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
        leeway=CLOCKS,
        options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
    )
    return claims


def _secret() -> str:
    """The key that signs both ways. Raises Unavailable."""
    name = f"{required('STORELINK_STACK')}/sign-in"
    try:
        return str(aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None


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
