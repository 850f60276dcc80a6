"""What an activation is: the four values Magento posts, and the attempt they begin (Magento: Integration service)."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from storelink.errors import Invalid
from storelink.oauth.credentials import DEFAULT_METHOD, TOKEN_PATTERN
from storelink.store import Store

EXPIRATION_PERIOD = 300
"""Seconds from Activate within which Magento gives the request token (oauth/consumer/expiration_period)."""

_ID = re.compile(r"(?P<line>[0-9a-f]{32})-(?P<attempt>[0-9a-f]{12})")


@dataclass(frozen=True)
class Integration:
    """An integration of a store, by its key and secret. Its secrets are not in its repr."""

    consumer_key: str
    store: Store
    consumer_secret: str = field(repr=False)

    @property
    def line(self) -> str:
        """Names the one row of this integration at this store.

        The secret is part of it: a post with a guessed secret or another store gets a row of its own and cannot
        touch the attempt of one who knows the secret.
        """
        return digest("line", self.consumer_key, self.consumer_secret, self.store.url)


@dataclass(frozen=True)
class Activation(Integration):
    """What a merchant's click on Activate gave us."""

    verifier: str = field(repr=False)

    reached = "pending"
    """Where its attempt begins."""

    @classmethod
    def from_form(cls, form: dict[str, str]) -> "Activation":
        """Check the form of Magento's POST; more fields than the four are let be.

        Raises Invalid, naming every wrong field at once.
        """
        wrong = {
            name: "is missing" if not form.get(name) else "must be 32 characters of a-z and 0-9"
            for name in ("oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier")
            if not TOKEN_PATTERN.fullmatch(form.get(name, ""))
        }
        store = None
        if not form.get("store_base_url"):
            wrong["store_base_url"] = "is missing"
        else:
            try:
                store = Store.from_url(form["store_base_url"], field="store_base_url")
            except Invalid as invalid:
                wrong |= invalid.fields
        if wrong or store is None:
            raise Invalid(wrong)
        return cls(form["oauth_consumer_key"], store, form["oauth_consumer_secret"], form["oauth_verifier"])

    @property
    def verifier_digest(self) -> str:
        """Tells a repeated post from a new one, without the verifier."""
        return digest("verifier", self.line, self.verifier)

    @property
    def secrets(self) -> dict[str, str]:
        """What its first step needs."""
        return {"consumer_secret": self.consumer_secret, "verifier": self.verifier}


@dataclass(frozen=True)
class ManualActivation(Integration):
    """The four values of an integration without a callback URL, as its admin shows them and an operator enters them.

    tenant: whose the store is, if the operator says so.
    """

    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)
    tenant: str | None = None
    signature_method: str = DEFAULT_METHOD

    reached = "exchanged"
    """Where its attempt begins: the token is there, and has only to be kept."""

    @classmethod
    def from_request(cls, told: Mapping[str, object]) -> "ManualActivation":
        """Read {"store_url", "consumer_key", …, "tenant"?}. Raises Invalid, naming every wrong field at once."""
        wrong = {name: f"is not known; give {', '.join(_ENTERED)}" for name in told if name not in _ENTERED}
        for name in _VALUES:
            value = told.get(name)
            if not isinstance(value, str) or not TOKEN_PATTERN.fullmatch(value):
                wrong[name] = "must be 32 characters of a-z and 0-9" if value else "is missing"
        store, tenant = None, None
        try:
            store = Store.from_url(str(told.get("store_url") or ""))
        except Invalid as invalid:
            wrong |= invalid.fields
        if told.get("tenant") is not None:
            try:
                tenant = validate_tenant(told["tenant"])
            except Invalid as invalid:
                wrong |= invalid.fields
        if wrong or store is None:
            raise Invalid(wrong)
        key, secret, token, token_secret = (str(told[name]) for name in _VALUES)
        return cls(key, store, secret, token, token_secret, tenant)

    @property
    def verifier_digest(self) -> str:
        """Tells a repeated entry from a new one, without the token."""
        return digest("entry", self.line, self.access_token, self.access_token_secret)

    @property
    def secrets(self) -> dict[str, str]:
        """What the step that keeps them needs."""
        return {
            "consumer_secret": self.consumer_secret,
            "signature_method": self.signature_method,
            "access_token": self.access_token,
            "access_token_secret": self.access_token_secret,
        }


_VALUES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_ENTERED = ("store_url", *_VALUES, "tenant")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")


def validate_tenant(told: object) -> str:
    """A tenant's name as an operator writes it. Raises Invalid."""
    if not isinstance(told, str) or not _TENANT.fullmatch(told):
        raise Invalid({"tenant": "must be 1 to 128 of letters, digits and . _ : @ / -"})
    return told


@dataclass(frozen=True)
class ActivationId:
    """Names one attempt: the row it lives in and the attempt that owns the row. Also the execution's name."""

    line: str
    attempt: str

    @classmethod
    def fresh(cls, line: str) -> "ActivationId":
        """A new attempt in this row."""
        return cls(line, secrets.token_hex(6))

    @classmethod
    def from_text(cls, text: object) -> "ActivationId":
        """Read an id as it stands in logs and events. Raises Invalid."""
        match = _ID.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            wrong = (
                "is missing" if text in (None, "") else "is not an activation's id: 32 and 12 hex digits with a dash"
            )
            raise Invalid({"activation_id": wrong})
        return cls(match["line"], match["attempt"])

    def __str__(self) -> str:
        return f"{self.line}-{self.attempt}"


def digest(*parts: str) -> str:
    """128 bits that stand for the parts, for names that must not tell them (SHA-256, first half)."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
