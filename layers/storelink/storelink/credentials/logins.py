"""Customer and admin tokens of POST /logins: one secret for each user in Secrets Manager. Never the password."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from storelink.config import config
from storelink.credentials import secretsmanager
from storelink.errors import Invalid, Rejected
from storelink.magento import login as magento_login
from storelink.magento.login import Login
from storelink.store import Store

MAX_LENGTH = 512
"""Characters that a user name, a password or a one-time password may have."""


@dataclass(frozen=True)
class LoginRequest:
    """Who wants to log in where. username, password, otp: as `magento.login.log_in` takes them."""

    store: Store
    username: str = field(repr=False)
    password: str = field(repr=False)
    customer: bool
    otp: str | None = field(repr=False)

    @classmethod
    def from_request(cls, told: dict[str, Any]) -> "LoginRequest":
        """Read {"store_url", "username", "password", "customer"?, "otp"?}. Raises Invalid, naming every wrong field.

        A name that is not known is refused: a misspelt one would send the password to the other endpoint.
        """
        wrong = {name: f"is not known; give {', '.join(_FIELDS)}" for name in told if name not in _FIELDS}
        store = None
        try:
            store = Store.from_url(str(told.get("store_url", "")))
        except Invalid as invalid:
            wrong |= invalid.fields
        for name in ("username", "password", *(["otp"] if told.get("otp") is not None else [])):
            if not isinstance(told.get(name), str) or not 0 < len(told[name]) <= MAX_LENGTH:
                wrong[name] = f"must be text of 1 to {MAX_LENGTH} characters"
        if not isinstance(told.get("customer", False), bool):
            wrong["customer"] = "must be true for a customer, false for an admin"
        if wrong or store is None:
            raise Invalid(wrong)
        return cls(store, told["username"], told["password"], told.get("customer", False), told.get("otp"))


_FIELDS = ("store_url", "username", "password", "customer", "otp")


def create(request: LoginRequest) -> dict[str, Any]:
    """Log in and keep the token. Where it is, and until when it lasts (seconds since 1970): never the token.

    Raises Invalid, LoginRefused, Rejected, CallFailed, Unavailable.
    """
    login = magento_login.log_in(request.store, request.username, request.password, request.customer, request.otp)
    return {
        "store_url": request.store.url,
        "kind": login.kind,
        "secret_arn": save(config.stack, request.store, request.username, login),
        "expires_at": login.expires_at,
    }


def save(stack: str, store: Store, username: str, login: Login) -> str:
    """Keep a user's token in the place of the one before. Its secret's ARN. Raises Unavailable."""
    name = secret_name(stack, store, username, login.kind)
    text = json.dumps({"token": login.token, "kind": login.kind, "expires_at": login.expires_at})
    return secretsmanager.put(name, f"The login of a user at {store.url}", text)


def read(stack: str, store: Store, username: str, customer: bool = False) -> Login:
    """The login that is kept for a user.

    Raises Invalid where there is none, Rejected where it is over, Unavailable.
    """
    kind = magento_login.login_kind(customer)
    found = secretsmanager.read(secret_name(stack, store, username, kind))
    if found is None:
        raise Invalid({"username": f"has no login as {kind} kept for {store.url}"}, "not-logged-in")
    told = json.loads(found[0])
    login = Login(told["token"], told["kind"], told["expires_at"])
    if login.is_over:
        raise Rejected("login-expired", f"the {login.kind}'s login at {store.host}")
    return login


def secret_name(stack: str, store: Store, username: str, kind: str) -> str:
    """A login's secret. The user is in it by a digest: names stand in logs, and user names are often addresses."""
    user = hashlib.sha256(f"{kind}:{username}".encode()).hexdigest()[:32]
    return f"{stack}/logins/{store.connection_id}/{user}"
