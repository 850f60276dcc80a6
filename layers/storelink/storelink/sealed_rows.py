"""Credentials on the connections' rows, sealed by KMS: they are written with the connection, in one transaction."""

from storelink import sealing
from storelink.keeping import ON_ROWS, Place
from storelink.stores import Store
from storelink.tables import Row


def find(store: Store, version: str) -> None:
    """Nowhere: what is kept is connected, too."""


def keep(store: Store, version: str, text: str) -> Place:
    """Seal credentials for the store's connection, which is still to be written. Raises Unavailable."""
    sealed = sealing.encrypt(text.encode(), _context(store))
    told = {"kept_in": ON_ROWS, "sealed": sealed}
    return Place(store, version, kept=False, current=version, changes=told)


def let_go(place: Place) -> None:
    """Nothing: what was not written is nowhere."""


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
