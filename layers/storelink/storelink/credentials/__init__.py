"""The working credentials of a store, in one of two backends.

New ones go where the parameter CredentialStore says: into a secret of their own (`secretsmanager`), or encrypted onto
the connection's row (`dynamodb`). Where merchants sign in or unclaimed connections end, those of a connection without a
tenant go onto its row in either case, and into a secret when it is claimed (`jobs/migrate_credentials.py`). Where those
of a connected store are, its row says (`backend`), so both are found.
"""

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import replace

from storelink.aws.dynamodb import Conflict, Row, get, update
from storelink.config import config, variable
from storelink.credentials import dynamodb as dynamodb_backend
from storelink.credentials import secretsmanager
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER, Backend, StoredCredentials
from storelink.errors import Invalid, StorelinkError, Unavailable
from storelink.oauth.credentials import Credentials
from storelink.store import Store

ENDED = ("forgotten", "superseded")
"""Why a connection is disconnected for good; its credentials are deleted then."""

BACKENDS: dict[str, Backend] = {SECRETS_MANAGER: secretsmanager, DYNAMODB: dynamodb_backend}


def find(store: Store, version: str) -> StoredCredentials | None:
    """A stored version of the credentials, if there is one. version: the activation's id. Raises Unavailable."""
    return BACKENDS[config.credential_store].find(store, version)


def save(store: Store, version: str, credentials: Credentials, backend: str) -> StoredCredentials:
    """Store credentials beside the current ones, in a backend of `BACKENDS`. Raises Unavailable."""
    return BACKENDS[backend].save(store, version, credentials.to_text())


def backend_for(connection: Row, is_claimed: bool) -> str:
    """The backend in which credentials of a connection, {} for none, belong. A secret that it has is used on."""
    has_secret = connection.get("backend") == SECRETS_MANAGER and connection.get("reason") not in ENDED
    return DYNAMODB if config.unclaimed_on_rows and not is_claimed and not has_secret else config.credential_store


def waits_for_secret(row: Row) -> bool:
    """Whether the credentials of a claimed connection are on its row, and belong in a secret."""
    return config.credential_store == SECRETS_MANAGER and "tenant" in row and "encrypted_credentials" in row


def change_basic_auth(store: Store, basic_auth: str | None) -> bool:
    """Put other Basic credentials into those of a store's connection, if it has any; whether they were changed.

    Raises Unavailable, also when the connection or its credentials change meanwhile.
    """
    row = get(config.connections_table, {"connection_id": store.connection_id})
    if not row or row.get("reason") in ENDED:
        return False
    if row["backend"] != backend_for(row, "tenant" in row):
        raise Unavailable("busy", "the credentials are still to be migrated to another backend")
    try:
        known = read(config.stack, store, row)
    except Invalid:  # the secret was deleted
        return False
    if known.basic_auth == basic_auth:
        return False
    _replace(row, replace(known, basic_auth=basic_auth))
    return True


def _replace(row: Row, credentials: Credentials) -> None:
    """Make other credentials of a connection current, in its backend. row: the connection's. Raises Unavailable."""
    backend = BACKENDS[row["backend"]]
    stored = backend.save_beside(row, uuid.uuid4().hex, credentials.to_text())
    seen = {name: row[name] for name in ("activation_id", "changed_at", *stored.row_changes) if name in row}
    key, unchanged = {"connection_id": row["connection_id"]}, " AND ".join(f"#{name} = :{name}" for name in seen)
    try:
        # The row first: when this run ends here, the next one knows both versions.
        update(config.connections_table, key, unchanged, seen, stored.row_changes)
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    backend.promote(stored)


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
    return replace(Credentials.from_text(_read_text(stack, store, row)), dialects=tuple(row.get("dialect", "").split()))


def _read_text(stack: str, store: Store, row: Row) -> str:
    if "encrypted_credentials" in row:
        return dynamodb_backend.read(row)
    is_on_row = row.get("backend") == DYNAMODB
    found = None if is_on_row else secretsmanager.read(secretsmanager.secret_name(stack, store))
    if found is None:
        unless = "" if row else ", or belongs to no tenant there yet"
        raise Invalid({"store_url": f"{store.url} is not connected to {stack}{unless}"}, "not-connected")
    return found[0]


def save_dialects(stack: str, store: Store, dialects: Sequence[str]) -> None:
    """Write the signature dialects that a store may speak onto its connection, for the next process.

    Nothing happens where the table is not known, this process may not write, or the store has no connection.
    """
    if table := _table(stack):
        with contextlib.suppress(Conflict, StorelinkError):
            key = {"connection_id": store.connection_id}
            update(table, key, "attribute_exists(#connection_id)", {}, {"dialect": " ".join(dialects)})


def _row(stack: str, store: Store) -> Row:
    table = _table(stack)
    return get(table, {"connection_id": store.connection_id}) if table else {}


def _table(stack: str) -> str | None:
    """This stack's table of connections, where the environment names it."""
    return variable("STORELINK_CONNECTIONS_TABLE") if variable("STORELINK_STACK", stack) == stack else None


def secret_arn(row: Row) -> str | None:
    """The secret that holds a connection's credentials, for apps that read it themselves; None when none does."""
    return None if row.get("backend") == DYNAMODB else row["secret_arn"]


def delete(row: Row) -> None:
    """Delete a connection's secret, if it has one. What is encrypted on the row, the row's own update removes.

    Raises Unavailable.
    """
    if "secret_arn" in row:
        secretsmanager.delete(row["secret_arn"])
