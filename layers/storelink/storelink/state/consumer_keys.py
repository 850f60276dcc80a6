"""The host of each consumer key: a row of its own beside the connections, written with them."""

from typing import Any

from storelink.aws import dynamodb
from storelink.config import config
from storelink.errors import Rejected
from storelink.store import Store


def other_host(consumer_key: str, store: Store) -> str | None:
    """The other host that this consumer key is known from, None when there is none. Raises Unavailable."""
    row = dynamodb.get(config.connections_table, _key(consumer_key))
    return host if (host := row.get("host", store.host)) != store.host else None


def another_store_error(host: str, store: Store) -> Rejected:
    """The error to raise when a consumer key of that host comes with this store."""
    return Rejected("another-store", f"known from {host}, came with {store.host}")


def remember(consumer_key: str, store: Store) -> dict[str, Any]:
    """The update, for a transaction, that writes a key's host. Its condition fails when the key has another host."""
    return dynamodb.update_parameters(
        config.connections_table,
        _key(consumer_key),
        condition="attribute_not_exists(#host) OR #host = :new_host",
        values={},
        changes={"host": store.host},
    )


def _key(consumer_key: str) -> dynamodb.Row:
    """No connection has such an id: theirs begin with a host."""
    return {"connection_id": f"consumer_key:{consumer_key}"}
