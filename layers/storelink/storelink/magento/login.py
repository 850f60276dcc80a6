"""Customer and admin tokens: the way in by user name and password, where no integration can be made.

They are sent as Bearer and have nothing to do with OAuth: neither is a verifier, whatever is said of it elsewhere.
"""

import base64
import json
import time
from dataclasses import dataclass, field

from storelink.errors import Invalid
from storelink.magento import errors as magento_errors
from storelink.store import Store
from storelink.transport import http

TIMEOUT = 10.0
"""How long a login may take in all."""

LIFETIMES = {"customer": 3600, "admin": 4 * 3600}
"""Seconds for which Magento's tokens last (`oauth/access_token_lifetime/*`), where the token itself does not say."""

REVOKE_PATH = "rest/V1/integration/customer/revoke-customer-token"
"""Where a customer's token is revoked. Magento has no such call for an admin's."""


@dataclass(frozen=True)
class Login:
    """A token, whose it is (a key of `LIFETIMES`), and until when it lasts (seconds since 1970)."""

    token: str = field(repr=False)
    kind: str
    expires_at: int

    @property
    def is_over(self) -> bool:
        """Whether the store takes it no more, by this machine's clock."""
        return time.time() >= self.expires_at


def login_kind(customer: bool) -> str:
    """Whose token it is."""
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
    answer = http.post_json(f"{store.url}rest/V1/{path}", body, TIMEOUT)
    token = magento_errors.login_token(answer, password, otp or "")
    return Login(token, login_kind(customer), _expiry(token) or began + LIFETIMES[login_kind(customer)])


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
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
