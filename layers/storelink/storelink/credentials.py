"""The working credentials of a store, wherever they are kept.

New ones go where the stack's parameter CredentialStore says: into a secret of their own (`secrets_manager`), or sealed
onto the connection's row (`sealed_rows`). Where those of a connected store are, its row says: `kept_in`. So both are
found while they are moved from one home to the other.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from storelink import sealed_rows, secrets_manager, tables
from storelink.errors import Invalid
from storelink.keeping import IN_SECRETS_MANAGER, ON_ROWS, CredentialStore, Place
from storelink.signing import Consumer, Token
from storelink.stores import Store
from storelink.tables import Row

HOMES: dict[str, CredentialStore] = {IN_SECRETS_MANAGER: secrets_manager, ON_ROWS: sealed_rows}


@dataclass(frozen=True)
class Credentials:
    """All that signing for a store takes."""

    consumer: Consumer
    access_token: Token

    def to_text(self) -> str:
        """As it is kept."""
        return json.dumps(
            {
                "consumer_key": self.consumer.key,
                "consumer_secret": self.consumer.secret,
                "access_token": self.access_token.key,
                "access_token_secret": self.access_token.secret,
                "signature_method": self.consumer.signature_method,
            }
        )

    @classmethod
    def from_secrets(cls, consumer_key: str, secrets: Mapping[str, str]) -> "Credentials":
        """Those among an activation's secrets."""
        return cls(
            Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
            Token(secrets["access_token"], secrets["access_token_secret"]),
        )

    @classmethod
    def from_text(cls, text: str) -> "Credentials":
        """Read what was kept."""
        told = json.loads(text)
        return cls(
            Consumer(told["consumer_key"], told["consumer_secret"], told["signature_method"]),
            Token(told["access_token"], told["access_token_secret"]),
        )


def home() -> str:
    """Where this deployment keeps credentials: a key of `HOMES`."""
    return os.environ.get("STORELINK_CREDENTIAL_STORE", IN_SECRETS_MANAGER)


def find(store: Store, version: str) -> Place | None:
    """Where a version of the credentials is kept, if it is. version: the activation's id. Raises Unavailable."""
    return HOMES[home()].find(store, version)


def keep(store: Store, version: str, credentials: Credentials) -> Place:
    """Keep credentials beside the current ones. Raises Unavailable."""
    return HOMES[home()].keep(store, version, credentials.to_text())


def let_go(place: Place) -> None:
    """Give up what is kept of a store that has no connection. Raises Unavailable."""
    HOMES[place.changes["kept_in"]].let_go(place)


def make_current(place: Place) -> None:
    """Make what is kept current, if what was current still is. Raises Unavailable."""
    HOMES[place.changes["kept_in"]].make_current(place)


def restore(place: Place, row: Row) -> None:
    """Undo `make_current` for what a newer connection's row names. Raises Unavailable."""
    HOMES[place.changes["kept_in"]].restore(place, row)


def read(stack: str, store: Store, row: Row | None = None) -> Credentials:
    """A store's current credentials, in whichever home they are. Raises Invalid where it is not connected, Unavailable.

    row: the connection's, where it was just read. Else the rows are looked at where the environment names the table of
    this stack; without it, the secrets alone.
    """
    row = _row(stack, store) if row is None else row
    if "sealed" in row:
        return Credentials.from_text(sealed_rows.read(row))
    found = None if row.get("kept_in") == ON_ROWS else secrets_manager.read(secrets_manager.secret_name(stack, store))
    if found is None:
        raise Invalid({"store_url": f"{store.url} is not connected to {stack}"}, "not-connected")
    return Credentials.from_text(found[0])


def _row(stack: str, store: Store) -> Row:
    table = os.environ.get("STORELINK_CONNECTIONS_TABLE")
    if not table or os.environ.get("STORELINK_STACK", stack) != stack:
        return {}
    return tables.get(table, {"connection_id": store.connection_id})


def secret_arn(row: Row) -> str | None:
    """The secret that holds a connection's credentials, for those who read it themselves; None where none does."""
    return None if row.get("kept_in") == ON_ROWS else row["secret_arn"]


def forget(row: Row) -> None:
    """Have a connection's secret deleted, if it has one; what is sealed, the row's own write takes away.

    Raises Unavailable.
    """
    if "secret_arn" in row:
        secrets_manager.delete(row["secret_arn"])
