"""Magento's integrations and their tokens."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any, Literal

KEY_LENGTH = 32
ACTIVATE, REAUTHORIZE = "Activate", "Reauthorize"


@dataclass(frozen=True)
class Token:
    token: str
    secret: str = field(repr=False)


@dataclass
class TokenRow:
    """One row of Magento's oauth_token: a verifier that becomes a request token, then an access token."""

    verifier: str = field(repr=False)
    token: Token = field(repr=False)
    kind: Literal["verifier", "request", "access"] = "verifier"


@dataclass
class Integration:
    """One integration of the grid. callback_url, identity_url: its two URLs, "" where they are not set."""

    name: str
    consumer_id: int
    consumer_key: str
    consumer_secret: str = field(repr=False)
    callback_url: str = ""
    identity_url: str = ""
    active: bool = False
    activated_at: float = 0.0
    rows: list[TokenRow] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set, repr=False)

    @property
    def row(self) -> TokenRow | None:
        """The row that Magento works with: the oldest. A later one waits until that is deleted."""
        return self.rows[0] if self.rows else None

    @property
    def link(self) -> str:
        """The one link that the grid shows (Magento_Integration's renderer Link\\Activate)."""
        return REAUTHORIZE if self.active else ACTIVATE

    @property
    def exchanges_tokens(self) -> bool:
        """Whether a click posts to the callback URL; else Magento shows the four values."""
        return bool(self.callback_url and self.identity_url)

    def waiting_verifier(self) -> str:
        """Return the verifier that was not exchanged yet, a new one when there is none."""
        waiting = [row for row in self.rows if row.kind == "verifier"]
        if not waiting:
            waiting = [TokenRow(new_key(), new_token())]
            self.rows += waiting
        return waiting[0].verifier

    def four_values(self) -> dict[str, str]:
        """Replace the tokens by an access token, and return the values that Magento shows for copying."""
        row = TokenRow(new_key(), new_token(), "access")
        self.rows, self.active = [row], True
        return {
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "access_token": row.token.token,
            "access_token_secret": row.token.secret,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything about the integration, secrets included."""
        row = self.row
        waiting = [one.verifier for one in self.rows if one.kind == "verifier"]
        return {
            "name": self.name,
            "consumer_id": self.consumer_id,
            "consumer_key": self.consumer_key,
            "status": "active" if self.active else "inactive",
            "link": self.link,
            "row": row.kind if row else None,
            "callback_url": self.callback_url,
            "identity_url": self.identity_url,
            "activated_at": self.activated_at,
            "secrets": {
                "consumer_secret": self.consumer_secret,
                "verifier": row.verifier if row else None,
                "waiting_verifier": waiting[0] if waiting else None,
                "token": row.token.token if row else None,
                "token_secret": row.token.secret if row else None,
            },
        }


@dataclass(frozen=True)
class Activation:
    """What one click does.

    form: what is posted to the callback URL, {} without token exchange. values: what Magento shows instead.
    """

    integration: str
    callback_url: str
    identity_url: str
    form: dict[str, str] = field(default_factory=dict, repr=False)
    values: dict[str, str] = field(default_factory=dict, repr=False)


def new_key() -> str:
    """Return a key, secret, token or verifier: 32 characters of a-z and 0-9."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(KEY_LENGTH))


def new_token() -> Token:
    return Token(new_key(), new_key())
