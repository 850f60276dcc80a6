"""Credentials on the connections' rows, sealed by KMS: they are written with the connection, in one transaction."""

from dataclasses import replace

from storelink import sealing
from storelink.keeping import ON_ROWS, Place
from storelink.stores import Store
from storelink.tables import Row


def prepare(store: Store, version: str) -> Place:
    """Where the store's credentials will be. The row takes them; that DynamoDB answers, the step's own hold shows."""
    return Place(store, version, kept=False, current=None, changes={"kept_in": ON_ROWS})


def keep(place: Place, text: str) -> Place:
    """Seal credentials for the store's connection, which is still to be written. Raises Unavailable."""
    sealed = sealing.encrypt(text.encode(), _context(place.store))
    return replace(place, changes={**place.changes, "sealed": sealed})


def let_go(place: Place) -> None:
    """Nothing: nothing was made."""


def make_current(place: Place) -> None:
    """Nothing: being written makes them current, and the connection's own condition says whether they may."""


def restore(place: Place, row: Row) -> None:
    """Nothing: what was not written has changed nothing."""


def read(row: Row) -> str:
    """What is sealed on a connection's row. Raises Unavailable."""
    return sealing.decrypt(row["sealed"], _context(Store.from_url(row["store"]))).decode()


def _context(store: Store) -> dict[str, str]:
    """KMS opens it for this connection alone; a policy can tell it from what is pending by its one name."""
    return {"connection_id": store.connection_id}
