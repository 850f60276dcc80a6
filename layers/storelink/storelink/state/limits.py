"""Limits of what strangers can make without an invitation: by one host, and by all hosts within an hour.

- The handshakes of a host that are under way are a set on a row beside the activations.
- The connections of a host that belong to no tenant are a set on a row beside the connections.
- The new connections of an hour are a number on a row beside the activations.

Adding an item to a set twice is the same as once, and so is removing it: a run that died and is repeated counts once.
An item is removed before the event is published that a handshake has ended or a connection has been assigned, so the
sweep removes what a run left that died in between.

Activations by an invitation or by an operator are not limited. Neither is a connected store that reauthorizes: who does
not know its consumer secret cannot keep it out.
"""

import contextlib
from typing import Any

from storelink import credentials, observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Rejected, Unavailable
from storelink.models import ActivationId
from storelink.state import activations, connections
from storelink.store import Store

HOURLY = "too-many-new-connections"
"""The reason for which an access step waits until the next hour."""

_HOUR = 3_600_000
_HOST = "host:"
"""How the key of a host's row begins. No activation and no connection has such a key."""


def is_limited(row: Row) -> bool:
    """Whether an activation has neither an invitation nor an operator. row: its own."""
    return "tenant" not in row and row.get("by", activations.MERCHANT) == activations.MERCHANT


def is_reauthorization(row: Row, connection: Row) -> bool:
    """Whether an activation is of the integration that its store is connected by. connection: the store's, or {}."""
    is_same = connection.get("credentials_digest") == row["credentials_digest"]
    return is_same and connection.get("reason") not in credentials.ENDED


def begin_handshake(row: Row, store: Store) -> None:
    """Count an activation among its host's handshakes under way, until it has ended.

    Raises Rejected when the host has too many of them, or too many connections without a tenant; Unavailable.
    """
    if not is_limited(row) or "tries" in row:  # a step that is tried again is counted already
        return
    limit, unclaimed = config.unclaimed_connections_per_host, _unclaimed(store)
    if len(unclaimed) >= limit and _digits(store.connection_id) not in unclaimed:
        _refuse(row, store, too_many_connections(store))
        return
    limit = config.handshakes_per_host
    try:
        dynamodb.update(
            config.activations_table,
            _activations_key(store),
            condition=_has_space("handshakes"),
            values={"limit": limit, "this": row["integration_key"]},
            changes={"expires_at": activations.expiry()},
            add={"handshakes": {row["integration_key"]}},
        )
    except Conflict:
        _refuse(row, store, Rejected("too-many-handshakes", f"{store.host} has {limit} handshakes under way"))


def _refuse(row: Row, store: Store, rejected: Rejected) -> None:
    """Raise it, unless the store is connected by the same integration. Raises Unavailable."""
    if not is_reauthorization(row, connections.of_store(store)):
        record(row, store, rejected)
        raise rejected


def too_many_connections(store: Store) -> Rejected:
    """The error to raise when a host has as many connections without a tenant as it may have."""
    limit = config.unclaimed_connections_per_host
    return Rejected("too-many-connections", f"{store.host} has {limit} connections that nobody has claimed")


def record(row: Row, store: Store, error: Rejected | Unavailable) -> None:
    """Log and count that a limit is reached."""
    observability.record_limit_reached(str(activations.id_of(row)), store, error.reason, error.problem)


def end_handshake(activation_id: ActivationId, store: Store) -> None:
    """Note that a handshake is not under way any more. Raises Unavailable."""
    _remove(config.activations_table, _activations_key(store), "handshakes", activation_id.integration_key)


def count_new_connection(row: Row, store: Store, connection: Row) -> None:
    """Count a connection that is about to be made among those of this hour. connection: the store's, or {}.

    It is counted in the first run of its step, and again when that run was refused. Raises Unavailable, with the reason
    `HOURLY` when there are as many as there may be.
    """
    is_new = not connection or connection.get("reason") in credentials.ENDED
    if not is_new or not is_limited(row) or row.get("retry_reason", HOURLY) != HOURLY:
        return
    limit = config.new_connections_per_hour
    try:
        dynamodb.update(
            config.activations_table,
            {"integration_key": f"hour:{activations.now() // _HOUR}"},
            condition="attribute_not_exists(#connections) OR #connections < :limit",
            values={"limit": limit},
            changes={"expires_at": activations.expiry()},
            add={"connections": 1},
        )
    except Conflict:
        full = Unavailable(HOURLY, f"{limit} new connections within this hour")
        record(row, store, full)
        raise full from None


def unclaimed_update(row: Row, store: Store, connection: Row) -> dict[str, Any]:
    """The update, for a transaction, that counts a connection without a tenant among those of its host.

    Its condition fails when the host has too many of them. row: the activation's. connection: the store's, or {}.
    """
    limited = is_limited(row) and not is_reauthorization(row, connection)
    this = _digits(store.connection_id)
    return dynamodb.update_parameters(
        config.connections_table,
        _connections_key(store),
        condition=_has_space("unclaimed") if limited else "attribute_not_exists(#store)",  # the second: always
        values={"limit": config.unclaimed_connections_per_host, "this": this} if limited else {},
        add={"unclaimed": {this}},
    )


def is_of_host(row: Row) -> bool:
    """Whether a row of the table of connections is a host's."""
    return str(row.get("connection_id", "")).startswith(_HOST)


def release(connection: Row, change: Row) -> None:
    """Remove what a change of a connection ends: its handshake, and its place among those without a tenant.

    Raises Unavailable.
    """
    store = Store.from_url(connection["store"])
    if "activation_id" in change:
        end_handshake(ActivationId.from_text(change["activation_id"]), store)
    if "tenant" in connection or connection.get("reason") in credentials.ENDED:
        _remove(config.connections_table, _connections_key(store), "unclaimed", _digits(store.connection_id))


def _unclaimed(store: Store) -> set[str]:
    found: set[str] = dynamodb.get(config.connections_table, _connections_key(store)).get("unclaimed", set())
    return found


def _has_space(name: str) -> str:
    """The condition that a set has fewer items than `:limit`, or has `:this` already."""
    return f"attribute_not_exists(#{name}) OR size(#{name}) < :limit OR contains(#{name}, :this)"


def _remove(table: str, key: Row, name: str, item: str) -> None:
    with contextlib.suppress(Conflict):
        dynamodb.update(table, key, f"contains(#{name}, :this)", {"this": item}, delete={name: {item}})


def _activations_key(store: Store) -> Row:
    return {"integration_key": f"{_HOST}{store.host}"}


def _connections_key(store: Store) -> Row:
    return {"connection_id": f"{_HOST}{store.host}"}


def _digits(connection_id: str) -> str:
    return connection_id.rpartition("-")[2]
