"""Who may log in to a sandbox store: customers and admins, with Magento's locks, second factor and tokens.

The passwords stand in the code: they open a store that is not one.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from local.sandbox.refusal import Refused

Kind = Literal["customer", "admin"]

LIFETIMES: dict[Kind, int] = {"customer": 3600, "admin": 4 * 3600}  # seconds: oauth/access_token_lifetime/*
MOST_FAILURES = 6  # oauth/authentication_lock/max_failures_count
LOCKED = 1800  # seconds: oauth/authentication_lock/timeout

SIGN_IN = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
USE_PROVIDER = "Please use the 2fa provider-specific endpoints to obtain a token."
INVALID_CODE = "Invalid code."

PASSWORD = "Sandbox-pass-1"
OTP = "904117"


@dataclass
class Account:
    """One user. second_factor: whether logging in takes the one-time password, too."""

    username: str
    kind: Kind
    second_factor: bool = False
    failures: int = 0
    locked_until: float = 0.0


@dataclass
class Accounts:
    """A store's users and the tokens that they have. now: the store's time. opaque: tokens as before Magento 2.4.4."""

    now: Callable[[], float]
    opaque: bool = False
    _tokens: dict[str, tuple[Kind, float]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known = [
            Account("customer@shop.example", "customer"),
            Account("admin", "admin"),
            Account("careful", "admin", second_factor=True),
        ]
        self._accounts = {(account.kind, account.username): account for account in known}

    def log_in(self, kind: Kind, username: str, password: str, otp: str | None = None) -> str:
        """A token. otp: as the endpoint of the second factor takes it; None at the plain one. Raises Refused."""
        account = self._accounts.get((kind, username))
        if account is None:
            raise Refused(401, SIGN_IN)
        if self.now() < account.locked_until:
            raise Refused(401, SIGN_IN)
        if not secrets.compare_digest(password.encode(), PASSWORD.encode()):
            account.failures += 1
            if account.failures >= MOST_FAILURES:
                account.failures, account.locked_until = 0, self.now() + LOCKED
            raise Refused(401, SIGN_IN)
        if account.second_factor and otp is None:
            raise Refused(400, USE_PROVIDER, {"active_providers": ["google"]})
        if account.second_factor and otp != OTP:
            raise Refused(401, INVALID_CODE)
        account.failures = 0
        expires_at = self.now() + LIFETIMES[kind]
        token = _opaque() if self.opaque else _jwt(kind, int(self.now()), int(expires_at))
        self._tokens[token] = (kind, expires_at)
        return token

    def kind_of(self, token: str) -> Kind | None:
        """Whose token it is; None where it is none, or over."""
        kind, expires_at = self._tokens.get(token, (None, 0.0))
        return kind if self.now() < expires_at else None

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)


def _opaque() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(32))


def _jwt(kind: Kind, issued_at: int, expires_at: int) -> str:
    """In the form of a JWT (RFC 7519); the signature is noise, for nobody but the store looks at it."""
    header = {"kid": "1", "alg": "HS256"}
    payload = {
        "uid": secrets.randbelow(1000),
        "utypid": 3 if kind == "customer" else 2,
        "iat": issued_at,
        "exp": expires_at,
    }
    return (
        ".".join(_part(json.dumps(part).encode()) for part in (header, payload)) + "." + _part(secrets.token_bytes(32))
    )


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
