"""Who may log in to a sandbox store: customers and admins, with Magento's locks, second factor and tokens.

The passwords stand in the code: they open nothing but a sandbox store.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from storelink.testing.sandbox.integrations import new_key
from storelink.testing.sandbox.refusal import Refused

Kind = Literal["customer", "admin"]
Factor = Literal["none", "active", "to_configure", "no_mail", "no_provider"]

LIFETIMES: dict[Kind, int] = {"customer": 3600, "admin": 3600}  # seconds: webapi/jwtauth/*_expiration
OPAQUE_LIFETIMES: dict[Kind, int] = {"customer": 3600, "admin": 4 * 3600}  # seconds: oauth/access_token_lifetime/*
MAX_FAILURES = 6  # oauth/authentication_lock/max_failures_count
LOCKED = 1800  # seconds: oauth/authentication_lock/timeout

SIGN_IN = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
INVALID_CODE = "Invalid code."
NOT_CONFIGURED = "Provider is not configured."
TWO_FACTOR: dict[Factor, Refused] = {
    "active": Refused(
        400, "Please use the 2fa provider-specific endpoints to obtain a token.", {"active_providers": ["google"]}
    ),
    "to_configure": Refused(
        400,
        "You are required to configure personal Two-Factor Authorization in order to login. Please check your email.",
        {"providers": ["google"], "active_providers": []},
    ),
    "no_mail": Refused(400, "Failed to send the message. Please contact the administrator"),
    "no_provider": Refused(400, "Please ask an administrator with sufficient access to configure 2FA first"),
}
"""What the plain endpoint answers to an admin, by the state of the second factor."""

PASSWORD = "Sandbox-pass-1"
OTP = "904117"
STAGING_USER = "staging"
"""The user of the web server's own password (the trouble `password`); the password is PASSWORD."""


@dataclass
class Account:
    """One user. factor: the state of the second factor."""

    username: str
    kind: Kind
    factor: Factor = "none"
    failures: int = 0
    locked_until: float = 0.0


@dataclass(frozen=True)
class Login:
    """What a token stands for."""

    kind: Kind
    username: str
    expires_at: float


@dataclass
class Accounts:
    """A store's users and the tokens that they have. now: the store's time. opaque: tokens as before Magento 2.4.4."""

    now: Callable[[], float]
    opaque: bool = False
    _tokens: dict[str, Login] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known = [
            Account("customer@shop.example", "customer"),
            Account("second@shop.example", "customer"),
            Account("admin", "admin"),
            Account("careful", "admin", "active"),
            Account("unconfigured", "admin", "to_configure"),
            Account("undelivered", "admin", "no_mail"),
            Account("unassigned", "admin", "no_provider"),
        ]
        self._accounts = {(account.kind, account.username): account for account in known}

    def log_in(self, kind: Kind, username: str, password: str) -> str:
        """Return a token for a user name and password. Raises Refused, also where a second factor is needed."""
        account = self._authenticated(kind, username, password)
        if account.factor != "none":
            raise TWO_FACTOR[account.factor]
        return self._token(account)

    def log_in_with_otp(self, username: str, password: str, otp: str) -> str:
        """Return a token for an admin with a one-time password, from the endpoint of the second factor."""
        account = self._authenticated("admin", username, password)
        if account.factor not in ("none", "active"):
            raise Refused(400, NOT_CONFIGURED)
        if account.factor == "active" and otp != OTP:
            raise Refused(401, INVALID_CODE)
        return self._token(account)

    def kind_of(self, token: str) -> Kind | None:
        """Return whether a token is a customer's or an admin's, None where it is unknown or has expired."""
        login = self._tokens.get(token)
        return login.kind if login and self.now() < login.expires_at else None

    def revoke(self, token: str) -> None:
        """End all tokens of the user that a token belongs to (revokeCustomerAccessToken)."""
        if login := self._tokens.get(token):
            ended = [one for one, other in self._tokens.items() if other.username == login.username]
            for one in ended:
                del self._tokens[one]

    def _authenticated(self, kind: Kind, username: str, password: str) -> Account:
        account = self._accounts.get((kind, username))
        if account is None or self.now() < account.locked_until:
            raise Refused(401, SIGN_IN)
        if not secrets.compare_digest(password.encode(), PASSWORD.encode()):
            account.failures += 1
            if account.failures >= MAX_FAILURES:
                account.failures, account.locked_until = 0, self.now() + LOCKED
            raise Refused(401, SIGN_IN)
        account.failures = 0
        return account

    def _token(self, account: Account) -> str:
        lifetimes = OPAQUE_LIFETIMES if self.opaque else LIFETIMES
        expires_at = self.now() + lifetimes[account.kind]
        token = new_key() if self.opaque else _jwt(account.kind, int(self.now()), int(expires_at))
        self._tokens[token] = Login(account.kind, account.username, expires_at)
        return token


def _jwt(kind: Kind, issued_at: int, expires_at: int) -> str:
    """Return a token in the form of a JWT (RFC 7519); the signature is noise, as only the store reads it."""
    header = {"kid": "1", "alg": "HS256"}
    payload = {
        "uid": secrets.randbelow(1000),
        "utypid": 3 if kind == "customer" else 2,
        "iat": issued_at,
        "exp": expires_at,
    }
    parts = [_part(json.dumps(part).encode()) for part in (header, payload)]
    return ".".join([*parts, _part(secrets.token_bytes(32))])


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
