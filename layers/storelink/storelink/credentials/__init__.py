"""The working credentials of a store, wherever they are kept.

New ones go where the stack's parameter CredentialStore says: into a secret of their own (`secrets_manager`), or sealed
onto the connection's row (`sealed_rows`). Where those of a connected store are, its row says: `kept_in`. So both are
found while they are moved from one home to the other.
"""

import os

from storelink.aws.dynamodb import Row, get
from storelink.credentials import dynamodb as dynamodb_backend
from storelink.credentials import secretsmanager
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER, Backend, StoredCredentials
from storelink.errors import Invalid
from storelink.oauth.credentials import Credentials
from storelink.store import Store

BACKENDS: dict[str, Backend] = {SECRETS_MANAGER: secretsmanager, DYNAMODB: dynamodb_backend}


def current_backend() -> str:
    """Where this deployment keeps credentials: a key of `HOMES`."""
    return os.environ.get("STORELINK_CREDENTIAL_STORE", SECRETS_MANAGER)


def find(store: Store, version: str) -> StoredCredentials | None:
    """Where a version of the credentials is kept, if it is. version: the activation's id. Raises Unavailable."""
    return BACKENDS[current_backend()].find(store, version)


def save(store: Store, version: str, credentials: Credentials) -> StoredCredentials:
    """Keep credentials beside the current ones. Raises Unavailable."""
    return BACKENDS[current_backend()].save(store, version, credentials.to_text())


def discard(place: StoredCredentials) -> None:
    """Give up what is kept of a store that has no connection. Raises Unavailable."""
    BACKENDS[place.changes["kept_in"]].discard(place)


def promote(place: StoredCredentials) -> None:
    """Make what is kept current, if what was current still is. Raises Unavailable."""
    BACKENDS[place.changes["kept_in"]].promote(place)


def restore(place: StoredCredentials, row: Row) -> None:
    """Undo `make_current` for what a newer connection's row names. Raises Unavailable."""
    BACKENDS[place.changes["kept_in"]].restore(place, row)


def read(stack: str, store: Store, row: Row | None = None) -> Credentials:
    """A store's current credentials, in whichever home they are. Raises Invalid where it is not connected, Unavailable.

    row: the connection's, where it was just read. Else the rows are looked at where the environment names the table of
    this stack; without it, the secrets alone.
    """
    row = _row(stack, store) if row is None else row
    if "sealed" in row:
        return Credentials.from_text(dynamodb_backend.read(row))
    found = None if row.get("kept_in") == DYNAMODB else secretsmanager.read(secretsmanager.secret_name(stack, store))
    if found is None:
        raise Invalid({"store_url": f"{store.url} is not connected to {stack}"}, "not-connected")
    return Credentials.from_text(found[0])


def _row(stack: str, store: Store) -> Row:
    table = os.environ.get("STORELINK_CONNECTIONS_TABLE")
    if not table or os.environ.get("STORELINK_STACK", stack) != stack:
        return {}
    return get(table, {"connection_id": store.connection_id})


def secret_arn(row: Row) -> str | None:
    """The secret that holds a connection's credentials, for those who read it themselves; None where none does."""
    return None if row.get("kept_in") == DYNAMODB else row["secret_arn"]


def delete(row: Row) -> None:
    """Have a connection's secret deleted, if it has one; what is sealed, the row's own write takes away.

    Raises Unavailable.
    """
    if "secret_arn" in row:
        secretsmanager.delete(row["secret_arn"])
