"""Credentials on the connections' rows, sealed by KMS: they are written with the connection, in one transaction."""

from storelink.aws import kms
from storelink.aws.dynamodb import Row
from storelink.credentials.backend import DYNAMODB, StoredCredentials
from storelink.store import Store


def find(store: Store, version: str) -> None:
    """Nowhere: what is kept is connected, too."""


def save(store: Store, version: str, text: str) -> StoredCredentials:
    """Seal credentials for the store's connection, which is still to be written. Raises Unavailable."""
    sealed = kms.encrypt(text.encode(), _context(store))
    told = {"kept_in": DYNAMODB, "sealed": sealed}
    return StoredCredentials(store, version, kept=False, current=version, changes=told)


def discard(place: StoredCredentials) -> None:
    """Nothing: what was not written is nowhere."""


def promote(place: StoredCredentials) -> None:
    """Nothing: being written makes them current, and the connection's own condition says whether they may."""


def restore(place: StoredCredentials, row: Row) -> None:
    """Nothing: what was not written has changed nothing."""


def read(row: Row) -> str:
    """What is sealed on a connection's row. Raises Unavailable."""
    return kms.decrypt(row["sealed"], _context(Store.from_url(row["store"]))).decode()


def _context(store: Store) -> dict[str, str]:
    """KMS opens it for this connection alone; a policy can tell it from what is pending by its one name."""
    return {"connection_id": store.connection_id}
