"""What an integration signs with: consumer key and secret, tokens, and the signature method (RFC 5849 section 1.1)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Self

DEFAULT_METHOD = "HMAC-SHA256"
"""Works on every Magento 2; the only one since 2.4.4."""

LEGACY_METHOD = "HMAC-SHA1"
"""For stores that answer that the default is not supported."""

TOKEN_PATTERN = re.compile(r"[a-z0-9]{32}")
"""Magento's keys, secrets, verifiers and tokens (Magento\\Framework\\Oauth\\Helper\\Oauth)."""


class Secret:
    """Not to be pickled: what is pickled ends up in caches, queues and files. A copy is the same object."""

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is secret and cannot be pickled; read it anew where it is needed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self


@dataclass(frozen=True)
class Token(Secret):
    """A token with its secret: temporary credentials or token credentials (RFC 5849 section 1.1)."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Consumer(Secret):
    """Client credentials (RFC 5849 section 1.1), and the method they sign with."""

    key: str
    secret: str = field(repr=False)
    signature_method: str = DEFAULT_METHOD


@dataclass(frozen=True)
class Credentials(Secret):
    """All that signing for a store takes.

    basic_auth: "user:password" of the web server in front of the store, None where it asks for none. dialects: keys of
    `signature.DIALECTS` that the store may speak, by earlier calls; empty where nothing is known.
    """

    consumer: Consumer
    access_token: Token
    basic_auth: str | None = field(default=None, repr=False)
    dialects: tuple[str, ...] = field(default=(), compare=False)

    def to_text(self) -> str:
        """JSON, as it is stored; without `dialects`, which are no secret."""
        return json.dumps(
            {
                "consumer_key": self.consumer.key,
                "consumer_secret": self.consumer.secret,
                "access_token": self.access_token.key,
                "access_token_secret": self.access_token.secret,
                "signature_method": self.consumer.signature_method,
                **({"basic_auth": self.basic_auth} if self.basic_auth else {}),
            }
        )

    @classmethod
    def from_secrets(cls, consumer_key: str, secrets: Mapping[str, str]) -> "Credentials":
        """Those among an activation's secrets."""
        return cls(
            Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
            Token(secrets["access_token"], secrets["access_token_secret"]),
            secrets.get("basic_auth"),
        )

    @classmethod
    def from_text(cls, text: str) -> "Credentials":
        """Read what was kept."""
        told = json.loads(text)
        return cls(
            Consumer(told["consumer_key"], told["consumer_secret"], told["signature_method"]),
            Token(told["access_token"], told["access_token_secret"]),
            told.get("basic_auth"),
        )
