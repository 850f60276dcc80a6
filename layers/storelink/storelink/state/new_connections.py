"""The new connections of an hour, of all hosts together: a number on a row beside the activations.

It is counted in the transaction that connects a store. Where there are as many as there may be, the credentials wait.

Activations by an invitation or by an operator are not limited, nor is a connected store that reauthorizes.
"""

from typing import Any

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Unavailable
from storelink.state import activations, connections, hosts
from storelink.store import Store

HOURLY = "too-many-new-connections"
"""The reason for which an access step waits until the next hour."""

_HOUR = 3_600_000
_KEY = "hour:"
"""How the key of an hour's row begins. No activation has such a key."""

_full_hours: set[int] = set()
"""The last hour in which this environment has found no space."""


def check(row: Row, store: Store) -> None:
    """Make sure, before the store is called, that an activation may still connect it in this hour. row: its own.

    Only an environment that has met the limit in this hour asks whether the store is new. Raises Unavailable, with the
    reason `HOURLY` when it is.
    """
    if _hour() in _full_hours and hosts.is_limited(row) and _is_new(connections.of_store(store)):
        raise _full(row, store)


def counting_update(row: Row, connection: Row) -> list[dict[str, Any]]:
    """The update, for a transaction, that counts a new connection; [] where there is none to count.

    row: the activation's. connection: the store's, {} for none. The condition fails when the hour has as many as may
    be.
    """
    limit = config.new_connections_per_hour
    if not limit or not hosts.is_limited(row) or not _is_new(connection):
        return []
    update = dynamodb.update_parameters(
        config.activations_table,
        {"integration_key": f"{_KEY}{_hour()}"},
        condition="attribute_not_exists(#connections) OR #connections < :limit",
        values={"limit": limit},
        changes={"expires_at": activations.expiry()},
        add={"connections": 1},
    )
    return [update]


def is_of_hour(row: Row) -> bool:
    """Whether a row is an hour's."""
    return str(row.get("integration_key", "")).startswith(_KEY)


def full_error(row: Row, store: Store) -> Unavailable:
    """The error to raise when the hour has as many as may be; others of this environment will `check`."""
    _full_hours.clear()
    _full_hours.add(_hour())
    return _full(row, store)


def _full(row: Row, store: Store) -> Unavailable:
    full = Unavailable(HOURLY, f"{config.new_connections_per_hour} new connections within this hour")
    hosts.record_limit(row, store, full)
    return full


def _is_new(connection: Row) -> bool:
    """Whether a store would be connected for the first time, or anew. connection: the store's, {} for none."""
    return not connection or connection.get("reason") in credentials.ENDED


def _hour() -> int:
    return activations.now() // _HOUR
