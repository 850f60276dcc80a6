"""The working credentials of a store, in one of two backends.

New ones go where the parameter CredentialStore says: into a secret of their own (`secretsmanager`), or encrypted onto
the connection's row (`dynamodb`). Where those of a connected store are, its row says (`backend`), so both are found
while they are migrated from one backend to the other.
"""

import os

from storelink.aws.dynamodb import Row, get
from storelink.config import config
from storelink.credentials import dynamodb as dynamodb_backend
from storelink.credentials import secretsmanager
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER, Backend, StoredCredentials
from storelink.errors import Invalid
from storelink.oauth.credentials import Credentials
from storelink.store import Store

BACKENDS: dict[str, Backend] = {SECRETS_MANAGER: secretsmanager, DYNAMODB: dynamodb_backend}


def find(store: Store, version: str) -> StoredCredentials | None:
    """A stored version of the credentials, if there is one. version: the activation's id. Raises Unavailable."""
    return BACKENDS[config.credential_store].find(store, version)


def save(store: Store, version: str, credentials: Credentials) -> StoredCredentials:
    """Store credentials beside the current ones. Raises Unavailable."""
    return BACKENDS[config.credential_store].save(store, version, credentials.to_text())


def discard(stored: StoredCredentials) -> None:
    """Delete what is stored of a store that has no connection. Raises Unavailable."""
    BACKENDS[stored.row_changes["backend"]].discard(stored)


def promote(stored: StoredCredentials) -> None:
    """Make the version current, if the version that was current still is. Raises Unavailable."""
    BACKENDS[stored.row_changes["backend"]].promote(stored)


def restore(stored: StoredCredentials, row: Row) -> None:
    """Undo `promote` in favour of what a newer connection's row names. Raises Unavailable."""
    BACKENDS[stored.row_changes["backend"]].restore(stored, row)


def read(stack: str, store: Store, row: Row | None = None) -> Credentials:
    """A store's current credentials, from either backend.

    row: the connection's, if it was just read. Otherwise it is read when the environment names this stack's table;
    without it, the secret alone is read. Raises Invalid when the store is not connected, Unavailable.
    """
    row = _row(stack, store) if row is None else row
    if "encrypted_credentials" in row:
        return Credentials.from_text(dynamodb_backend.read(row))
    is_on_row = row.get("backend") == DYNAMODB
    found = None if is_on_row else secretsmanager.read(secretsmanager.secret_name(stack, store))
    if found is None:
        raise Invalid({"store_url": f"{store.url} is not connected to {stack}"}, "not-connected")
    return Credentials.from_text(found[0])


def _row(stack: str, store: Store) -> Row:
    table = os.environ.get("STORELINK_CONNECTIONS_TABLE")
    if not table or os.environ.get("STORELINK_STACK", stack) != stack:
        return {}
    return get(table, {"connection_id": store.connection_id})


def secret_arn(row: Row) -> str | None:
    """The secret that holds a connection's credentials, for apps that read it themselves; None when none does."""
    return None if row.get("backend") == DYNAMODB else row["secret_arn"]


def delete(row: Row) -> None:
    """Delete a connection's secret, if it has one. What is encrypted on the row, the row's own update removes.

    Raises Unavailable.
    """
    if "secret_arn" in row:
        secretsmanager.delete(row["secret_arn"])
