"""An activation: the values that Magento posts or an operator enters, and the id of an attempt to connect with them."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from storelink.errors import Invalid
from storelink.oauth.credentials import DEFAULT_METHOD, TOKEN_PATTERN
from storelink.store import Store

EXPIRATION_PERIOD = 300
"""Seconds after Activate in which Magento gives the request token (oauth/consumer/expiration_period)."""

_ID = re.compile(r"(?P<integration_key>[0-9a-f]{32})-(?P<attempt>[0-9a-f]{12})")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")


@dataclass(frozen=True)
class Integration:
    """An integration of a store, by its consumer key and secret."""

    consumer_key: str
    store: Store
    consumer_secret: str = field(repr=False)

    @property
    def integration_key(self) -> str:
        """The key of the one row of this integration at this store.

        The secret is part of it: a post with a guessed secret or another store gets a row of its own and cannot touch
        the attempt of a store that knows the secret.
        """
        return digest("integration", self.consumer_key, self.consumer_secret, self.store.url)

    @property
    def credentials_digest(self) -> str:
        """Stands for consumer key and secret: one integration has the same under every base URL of its store."""
        return digest("credentials", self.consumer_key, self.consumer_secret)


@dataclass(frozen=True)
class Activation(Integration):
    """What Magento posts when a merchant clicks Activate."""

    verifier: str = field(repr=False)

    reached = "pending"
    """The state in which its attempt begins."""

    @classmethod
    def from_form(cls, form: dict[str, str]) -> "Activation":
        """Read the form of Magento's POST. Other fields than the four are ignored.

        Raises Invalid, naming every wrong field at once.
        """
        wrong = _wrong_tokens(form, ("oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier"))
        store = _store(form.get("store_base_url"), "store_base_url", wrong)
        if wrong or store is None:
            raise Invalid(wrong)
        return cls(form["oauth_consumer_key"], store, form["oauth_consumer_secret"], form["oauth_verifier"])

    @property
    def fingerprint(self) -> str:
        """Distinguishes a repeated post from a new one, without the verifier."""
        return digest("verifier", self.integration_key, self.verifier)

    @property
    def secrets(self) -> dict[str, str]:
        """What its first step needs."""
        return {"consumer_secret": self.consumer_secret, "verifier": self.verifier}


@dataclass(frozen=True)
class ManualActivation(Integration):
    """The four values of an integration without a callback URL, as Magento shows them and an operator enters them."""

    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)
    tenant: str | None = None
    signature_method: str = DEFAULT_METHOD
    basic_auth: str | None = field(default=None, repr=False)

    reached = "exchanged"
    """The state in which its attempt begins: the token is there and has to be stored."""

    @classmethod
    def from_request(cls, body: Mapping[str, object]) -> "ManualActivation":
        """Read {"store_url", "consumer_key", "consumer_secret", "access_token", "access_token_secret", "tenant"?}.

        Raises Invalid, naming every wrong field at once.
        """
        wrong = {name: f"is not known; give {', '.join(_FIELDS)}" for name in body if name not in _FIELDS}
        wrong |= _wrong_tokens(body, _VALUES)
        store, tenant = _store(body.get("store_url"), "store_url", wrong), None
        if body.get("tenant") is not None:
            try:
                tenant = validate_tenant(body["tenant"])
            except Invalid as invalid:
                wrong |= invalid.fields
        if wrong or store is None:
            raise Invalid(wrong)
        key, secret, token, token_secret = (str(body[name]) for name in _VALUES)
        return cls(key, store, secret, token, token_secret, tenant)

    @property
    def fingerprint(self) -> str:
        """Distinguishes a repeated entry from a new one, without the token."""
        return digest("manual", self.integration_key, self.access_token, self.access_token_secret)

    @property
    def secrets(self) -> dict[str, str]:
        """What the step that stores them needs."""
        return {
            "consumer_secret": self.consumer_secret,
            "signature_method": self.signature_method,
            "access_token": self.access_token,
            "access_token_secret": self.access_token_secret,
            **({"basic_auth": self.basic_auth} if self.basic_auth else {}),
        }


_VALUES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_FIELDS = ("store_url", *_VALUES, "tenant")


def _wrong_tokens(fields: Mapping[str, object], names: tuple[str, ...]) -> dict[str, str]:
    """What is wrong with each of these fields that is no key, secret or token of Magento's."""
    values = {name: fields.get(name) for name in names}
    return {
        name: "must be 32 characters of a-z and 0-9" if value else "is missing"
        for name, value in values.items()
        if not (isinstance(value, str) and TOKEN_PATTERN.fullmatch(value))
    }


def _store(url: object, field_name: str, wrong: dict[str, str]) -> Store | None:
    """The store of a base URL; None when it is none, and then `wrong` says why."""
    if not url:
        wrong[field_name] = "is missing"
        return None
    try:
        return Store.from_url(str(url), field=field_name)
    except Invalid as invalid:
        wrong |= invalid.fields
    return None


def validate_tenant(name: object) -> str:
    """A tenant's name. Raises Invalid."""
    if not isinstance(name, str) or not _TENANT.fullmatch(name):
        raise Invalid({"tenant": "must be 1 to 128 of letters, digits and . _ : @ / -"})
    return name


@dataclass(frozen=True)
class ActivationId:
    """The id of one attempt: the row it lives in, and the attempt that owns the row. Also its execution's name."""

    integration_key: str
    attempt: str

    @classmethod
    def new(cls, integration_key: str) -> "ActivationId":
        """The id of a new attempt in this row."""
        return cls(integration_key, secrets.token_hex(6))

    @classmethod
    def from_text(cls, text: object) -> "ActivationId":
        """Read an id as logs and events show it. Raises Invalid."""
        match = _ID.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            is_missing = text in (None, "")
            wrong = (
                "is missing" if is_missing else "is not an activation's id: 32 and 12 hex digits with a dash between"
            )
            raise Invalid({"activation_id": wrong})
        return cls(match["integration_key"], match["attempt"])

    def __str__(self) -> str:
        return f"{self.integration_key}-{self.attempt}"


def digest(*parts: str) -> str:
    """128 bits that stand for the parts, for names that must not reveal them (SHA-256, first half)."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
