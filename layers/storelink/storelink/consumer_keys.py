"""From which host each consumer key is known: a row of its own beside the connections, written with them."""

from typing import Any

from storelink import tables
from storelink.errors import Rejected
from storelink.settings import required
from storelink.stores import Store


def known_elsewhere(consumer_key: str, store: Store) -> str | None:
    """The other host from which this consumer key is known. Raises Unavailable."""
    row = tables.get(required("STORELINK_CONNECTIONS_TABLE"), _key(consumer_key))
    return host if (host := row.get("host", store.host)) != store.host else None


def another_store(host: str, store: Store) -> Rejected:
    """What to raise where a key of that host comes with this store."""
    return Rejected("another-store", f"known from {host}, came with {store.host}")


def remembered(consumer_key: str, store: Store) -> dict[str, Any]:
    """The write that remembers a key, for a transaction; it fails where the key is known from another host."""
    return tables.expression(
        required("STORELINK_CONNECTIONS_TABLE"),
        _key(consumer_key),
        condition="attribute_not_exists(#host) OR #host = :new_host",
        values={},
        changes={"host": store.host},
    )


def _key(consumer_key: str) -> tables.Row:
    """No connection has such an id: theirs begin with a host."""
    return {"connection_id": f"consumer_key:{consumer_key}"}
