"""The host of each consumer key: a row of its own beside the connections, written with them."""

import contextlib
from typing import Any

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict
from storelink.config import config
from storelink.errors import Rejected
from storelink.state import activations
from storelink.store import Store


def other_host(consumer_key: str, store: Store) -> str | None:
    """The other host that this consumer key is known from, None when there is none. Raises Unavailable."""
    row = dynamodb.get(config.connections_table, _key(consumer_key))
    return host if (host := row.get("host", store.host)) != store.host else None


def another_store_error(host: str, store: Store) -> Rejected:
    """The error to raise when a consumer key of that host comes with this store."""
    return Rejected("another-store", f"known from {host}, came with {store.host}")


def remember(consumer_key: str, store: Store, *, moves: bool = False) -> dict[str, Any]:
    """The update, for a transaction, that writes a key's host and connection.

    Its condition fails when the key has another host, or another connection of this host unless it `moves`.
    """
    same_connection = "attribute_not_exists(#of_connection) OR #of_connection = :new_of_connection"
    return dynamodb.update_parameters(
        config.connections_table,
        _key(consumer_key),
        condition="attribute_not_exists(#host) OR #host = :new_host" + ("" if moves else f" AND ({same_connection})"),
        values={},
        changes={"host": store.host, "of_connection": store.connection_id},
        remove=("expires_at",),
    )


def release(consumer_key: str, store: Store) -> None:
    """Forget the host of a key, if it is this store's, and let its row expire. Raises Unavailable."""
    with contextlib.suppress(Conflict):
        dynamodb.update(
            config.connections_table,
            _key(consumer_key),
            condition="#host = :host",
            values={"host": store.host},
            changes={"expires_at": activations.now() // 1000},
            remove=("host", "of_connection"),
        )


def _key(consumer_key: str) -> dynamodb.Row:
    """No connection has such an id: theirs begin with a host."""
    return {"connection_id": f"consumer_key:{consumer_key}"}
