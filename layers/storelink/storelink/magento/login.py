"""Customer and admin tokens: the way in by user name and password, where no integration can be made.

They are sent as Bearer and have nothing to do with OAuth: neither is a verifier, whatever is said of it elsewhere.
"""

import base64
import json
import time
from dataclasses import dataclass, field

from storelink.errors import Invalid, Unavailable
from storelink.magento import errors as magento_errors
from storelink.oauth.credentials import TOKEN_PATTERN, Secret
from storelink.store import Store
from storelink.transport import http

TIMEOUT = 10.0
"""How long a login may take in all."""

LIFETIME = 3600
"""Seconds for which a token lasts that does not say (`webapi/jwtauth/*_expiration`, 2.4.4 on; customers' before)."""

OPAQUE_ADMIN_LIFETIME = 4 * 3600
"""The same of an admin's token before 2.4.4 (`oauth/access_token_lifetime/admin`), which has 32 characters."""

MAX_LIFETIME = 10 * 366 * 86400
"""Seconds that a token's own word is taken for."""

REVOKE_PATH = "rest/V1/integration/customer/revoke-customer-token"
"""Where a customer's token is revoked. Magento has no such call for an admin's."""


@dataclass(frozen=True)
class Login(Secret):
    """A token, the kind of its user ("customer" or "admin"), and when it expires (seconds since 1970)."""

    token: str = field(repr=False)
    kind: str
    expires_at: int

    @property
    def is_over(self) -> bool:
        """Whether the store takes it no more, by this machine's clock."""
        return time.time() >= self.expires_at


def login_kind(customer: bool) -> str:
    """Return the kind of a user: "customer" or "admin"."""
    return "customer" if customer else "admin"


def log_in(store: Store, username: str, password: str, customer: bool = False, otp: str | None = None) -> Login:
    """A token for a user, by one call that is never repeated: Magento locks the account after 6 failures.

    otp: what Google Authenticator shows, for an admin with two-factor authentication. Nothing of this is kept.
    Raises Invalid, LoginRefused (TwoFactorNeeded where only that is missing), Rejected, CallFailed, Unavailable.
    """
    if customer and otp is not None:
        raise Invalid({"otp": "is for admins; customers have no second factor"})
    began = int(time.time())
    path = "tfa/provider/google/authenticate" if otp else f"integration/{login_kind(customer)}/token"
    body = {"username": username, "password": password, **({"otp": otp} if otp else {})}
    try:
        answer = http.post_json(f"{store.url}rest/V1/{path}", json.dumps(body).encode(), TIMEOUT)
    except Unavailable as error:
        raise magento_errors.no_answer(error, "GET") from None  # a token more changes nothing
    token = magento_errors.login_token(answer, password, otp or "")
    return Login(token, login_kind(customer), _expires_at(token, customer, began))


def _expires_at(token: str, customer: bool, began: int) -> int:
    """Until when a token lasts that was asked for at `began`, in seconds since 1970."""
    if (told := _expiry(token)) is not None:
        return max(0, min(told, began + MAX_LIFETIME))
    opaque = TOKEN_PATTERN.fullmatch(token) is not None
    return began + (OPAQUE_ADMIN_LIFETIME if opaque and not customer else LIFETIME)


def _expiry(token: str) -> int | None:
    """A JWT's `exp` (RFC 7519 section 4.1.4), None where the token is not one or does not say.

    The signature is the store's own and cannot be checked here. Nothing is granted by it: the store looks again.
    """
    _, _, rest = token.partition(".")
    payload, dot, _ = rest.partition(".")
    if not dot:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return int(told["exp"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
