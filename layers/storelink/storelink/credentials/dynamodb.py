"""Credentials on the connections' rows, encrypted by KMS: they are written with the connection, in one transaction."""

from storelink.aws import kms
from storelink.aws.dynamodb import Row
from storelink.credentials.backend import DYNAMODB, StoredCredentials
from storelink.store import Store

PURPOSE = "connection"
"""Of the encryption context, beside the connection's id."""


def find(store: Store, version: str) -> None:
    """None: what is stored is connected, too."""


def save(store: Store, version: str, text: str) -> StoredCredentials:
    """Encrypt credentials for the store's connection, which is still to be written. Raises Unavailable."""
    encrypted = kms.encrypt(text.encode(), PURPOSE, connection_id=store.connection_id)
    changes = {"backend": DYNAMODB, "encrypted_credentials": encrypted}
    return StoredCredentials(store, version, is_durable=False, current_version=version, row_changes=changes)


def save_beside(row: Row, version: str, text: str) -> StoredCredentials:
    """Encrypt credentials for a connection; the write of its row makes them current. Raises Unavailable."""
    return save(Store.from_url(row["store"]), version, text)


def discard(stored: StoredCredentials) -> None:
    """Nothing to do: nothing was written."""


def promote(stored: StoredCredentials) -> None:
    """Nothing to do: the connection's write makes them current, and its condition says whether they may be."""


def restore(stored: StoredCredentials, row: Row) -> None:
    """Nothing to do: nothing was written."""


def reencrypt(row: Row) -> Row:
    """The changes that encrypt a row's credentials with the stack's key; {} when they are. Raises Unavailable."""
    connection_id = Store.from_url(row["store"]).connection_id
    encrypted = kms.reencrypt(row["encrypted_credentials"], PURPOSE, connection_id=connection_id)
    return {"encrypted_credentials": encrypted} if encrypted else {}


def read(row: Row) -> str:
    """What is encrypted on a connection's row. Raises Unavailable."""
    connection_id = Store.from_url(row["store"]).connection_id
    return kms.decrypt(row["encrypted_credentials"], PURPOSE, connection_id=connection_id).decode()
