"""The rows of connections: one store each, lasting.

`state` is connected or disconnected. `history` holds the last changes, the newest at its end. Changes that are not
published yet are in `pending_events`, too, and then the row has `pending_events_shard`, by which the sweep finds it.
`health_check_shard` and `next_check_at` say when it is checked next (jobs/health_check.py). A connected row without a
tenant has `unclaimed_shard`, by which the sweep finds it after some days. A row that ended without a tenant has
`expires_at` (TTL).
"""

import contextlib
import re
from typing import Any

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.credentials import basic_auth
from storelink.credentials.backend import StoredCredentials
from storelink.errors import Invalid, Unavailable
from storelink.models import validate_tenant
from storelink.state import activations, consumer_keys
from storelink.store import Store

STATES = ("connected", "disconnected")

HISTORY_LENGTH = 20
"""Changes that a connection's history keeps."""

HISTORY_DAYS = 90
"""Days for which the row of a connection is kept that ended before anybody claimed it."""

FORGET_SECONDS = 20
"""Seconds that forgetting a connection may take: the function's timeout in template.yaml."""

_ID = re.compile(r"[a-z0-9.-]{1,253}-[0-9a-f]{16}")


def row_key(connection_id: str | None) -> Row:
    """The key of a connection's row. Raises Invalid when this can be no connection's id."""
    if not _ID.fullmatch(connection_id or ""):
        raise Invalid({"connection_id": "is not a connection's id: the store's host, a dash and 16 hex digits"})
    return {"connection_id": connection_id}


def find(connection_id: str | None) -> Row:
    """A connection's row. Raises Invalid when there is none, Unavailable."""
    return dynamodb.get(config.connections_table, row_key(connection_id)) or _not_found()


def get(connection_id: str) -> Row:
    """A connection's row, {} when there is none. Raises Unavailable."""
    return dynamodb.get(config.connections_table, {"connection_id": connection_id})


def of_store(store: Store) -> Row:
    """A store's connection, {} when there is none. Raises Unavailable."""
    return get(store.connection_id)


def is_unclaimed(store: Store) -> bool:
    """Whether the store has a connection that belongs to no tenant yet. Raises Unavailable."""
    row = of_store(store)
    return bool(row) and "tenant" not in row


def _not_found() -> Row:
    raise Invalid({"connection_id": "names no connection"}, "not-found")


def is_reauthorization(activation: Row, connection: Row) -> bool:
    """Whether an activation is of the integration that its store is connected by. connection: the store's, or {}."""
    is_same = connection.get("credentials_digest") == activation["credentials_digest"]
    return is_same and connection.get("reason") not in credentials.ENDED


def count() -> tuple[dict[str, int], bool]:
    """How many connections there are, by state, and how many connected ones have no tenant; whether all were counted.

    Raises Unavailable.
    """
    unclaimed = {"unclaimed": ({"state": "connected"}, {"tenant": None})}
    wanted = {state: ({"state": state}, None) for state in STATES} | unclaimed
    counted = {
        name: dynamodb.count(config.connections_table, "by_state", where, only)
        for name, (where, only) in wanted.items()
    }
    return {name: number for name, (number, _) in counted.items()}, all(whole for _, whole in counted.values())


def shard(connection_id: str, parts: str = activations.SHARDS) -> str:
    """The part of an index with so many parts in which a connection lies."""
    return activations.shard(connection_id.rpartition("-")[2], parts)


def new_change(what: str, **more: str) -> Row:
    """A change for history and events. what: connected, disconnected, recovered or claimed. more: by, reason, …"""
    return {"at": activations.now(), "what": what, **{name: value for name, value in more.items() if value}}


def change_attributes(row: Row, change: Row) -> tuple[Row, Row]:
    """What a write that changes a connection sets and appends besides, so that the change is published."""
    shard_ = shard(row["connection_id"], activations.SWEEP_SHARDS)
    return {"changed_at": change["at"], "pending_events_shard": shard_}, {"history": change, "pending_events": change}


def state_attributes(row: Row, state: str, change: Row) -> tuple[Row, Row]:
    """The same, of a write that brings a connection into a state."""
    changes, append = change_attributes(row, change)
    return changes | {"state": state}, append


def connected_update(
    activation: Row,
    store: Store,
    stored: StoredCredentials,
    change: Row,
    connection: Row,
    *,
    is_unclaimed: bool,
    is_new_integration: bool = False,
) -> dict[str, Any]:
    """The update, for a transaction, that says `connected` on an activation's store.

    connection: the store's, {} for none; then the update is for a store that has none. is_unclaimed: whether it belongs
    to no tenant then.

    A connection that a newer activation made, or that was forgotten since this step began, is not changed. Neither is a
    claimed one whose consumer key is another: is_new_integration says to take its tenant away, as the store may have
    changed hands.
    """
    condition, values = _may_connect(activation, connection)
    if connection and is_unclaimed and not is_new_integration:
        condition += " AND attribute_not_exists(#tenant)"
    elif connection and not is_unclaimed and "tenant" not in activation:
        condition, values = f"{condition} AND #consumer_key = :key", values | {"key": activation["consumer_key"]}
    changes, append = state_attributes({"connection_id": store.connection_id}, "connected", change)
    changes |= connected_attributes(activation, store, stored, change)
    remove = ("reason", "problem", "missed_checks", "ping_allowed", "expires_at", *stored.row_removes)
    if is_unclaimed:
        changes["unclaimed_shard"] = shard(store.connection_id, activations.SWEEP_SHARDS)
    else:
        remove += ("unclaimed_shard",)
    if is_new_integration:
        remove += ("tenant",)
    key = {"connection_id": store.connection_id}
    return dynamodb.update_parameters(
        config.connections_table, key, condition, values, changes=changes, remove=remove, append=append
    )


def _may_connect(activation: Row, connection: Row) -> tuple[str, Row]:
    """The condition that an activation may change its store's connection, and its values."""
    if not connection:
        return "attribute_not_exists(#store)", {}
    return (
        "(attribute_not_exists(#activated_at) OR #activated_at <= :activated_at)"
        " AND (attribute_not_exists(#forgotten_at) OR #forgotten_at < :began)"
    ), {"activated_at": activation["received_at"], "began": activation["lease_since"]}


def keeps_tenant(connection: Row, activation: Row) -> bool:
    """Whether a connection, {} for none, has a tenant and an activation without an invitation leaves it there."""
    return "tenant" in connection and connection["consumer_key"] == activation["consumer_key"]


def connected_attributes(activation: Row, store: Store, stored: StoredCredentials, change: Row) -> Row:
    """What a connection's row says of the activation that connected it."""
    return {
        "store": store.url,
        "consumer_key": activation["consumer_key"],
        "credentials_digest": activation["credentials_digest"],
        "activation_id": str(activations.id_of(activation)),
        "activated_at": activation["received_at"],
        "connected_at": change["at"],
        "health_check_shard": shard(store.connection_id),
        "next_check_at": change["at"],
        "shard": shard(store.connection_id),
        **stored.row_changes,
        **({"tenant": activation["tenant"]} if "tenant" in activation else {}),
    }


def superseded_update(row: Row, store: Store) -> dict[str, Any]:
    """The update, for a transaction, that ends a connection whose integration comes from another base URL now."""
    change = new_change("disconnected", by="the merchant", reason="superseded", problem=f"connected as {store.url}")
    changes, append = state_attributes(row, "disconnected", change)
    return dynamodb.update_parameters(
        config.connections_table,
        {"connection_id": row["connection_id"]},
        condition="#credentials_digest = :same",
        values={"same": row["credentials_digest"]},
        changes=changes
        | {"reason": "superseded", "problem": change["problem"]}
        | ({} if "tenant" in row else {"expires_at": _expiry()}),
        remove=("health_check_shard", "next_check_at", "missed_checks", "encrypted_credentials", "unclaimed_shard"),
        append=append,
    )


def claim(connection_id: str | None, tenant: object, by: str, *, reassign: object = False) -> Row:
    """Assign a connection to a tenant; its row, with an event that is to be published.

    by: who assigns it, for the history. reassign: also when it is another tenant's. Claiming it again for the same
    tenant changes nothing. Raises Invalid when there is none or it is another tenant's, Unavailable.
    """
    name, key = validate_tenant(tenant), row_key(connection_id)
    if not isinstance(reassign, bool):
        raise Invalid({"reassign": "must be true or false"})
    row = find(connection_id)
    owner = row.get("tenant")
    if owner == name:
        return row
    if owner is not None and not reassign:
        raise Invalid({"tenant": "is not the tenant of the connection"}, "claimed")
    changes, append = change_attributes(key, new_change("claimed", by=by, tenant=name, former_tenant=owner or ""))
    try:
        return dynamodb.update(
            config.connections_table,
            key,
            condition=_same_tenant(owner),
            values={} if owner is None else {"owner": owner},
            changes=changes | {"tenant": name},
            remove=("unclaimed_shard",),
            append=append,
        )
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None


def _same_tenant(owner: str | None) -> str:
    """The condition that a connection belongs to this tenant, or to none."""
    return f"attribute_exists(#store) AND {'attribute_not_exists(#tenant)' if owner is None else '#tenant = :owner'}"


def forget(connection_id: str | None, by: str) -> Row:
    """Disconnect a store, delete its credentials, and release its tenant and consumer key; its row, with an event.

    by: who forgets it, for the history. A secret can be restored for `secretsmanager.RECOVERY_DAYS` days. An activation
    that ends meanwhile continues afterwards, with the secret restored. Raises Invalid, Unavailable; after Unavailable
    it has to be repeated.
    """
    return _forget(find(connection_id), by)


def unclaimed_until(row: Row) -> int | None:
    """When a connection is forgotten that nobody claims, ms since 1970; None where that does not happen."""
    if not config.unclaimed_days or "unclaimed_shard" not in row:
        return None
    return int(row["connected_at"] + config.unclaimed_days * 24 * 3600 * 1000)


def forget_unclaimed(row: Row) -> Row:
    """Forget a connection that nobody has claimed in time; its row, with an event. Raises Unavailable."""
    problem = f"not assigned to a tenant within {config.unclaimed_days} days"
    return _forget(row, "the sweep", problem, expires_at=_expiry())


def _expiry() -> int:
    return activations.now() // 1000 + HISTORY_DAYS * 24 * 3600


def _forget(row: Row, by: str, problem: str = "", **changes_besides: int) -> Row:
    key, owner = row_key(row["connection_id"]), row.get("tenant")
    change = new_change("disconnected", by=by, reason="forgotten", problem=problem, tenant=owner or "")
    changes, append = state_attributes(key, "disconnected", change)
    # Until then the secret may be deleted, so a step that looked at it before must not say `connected`.
    deleting_until = change["at"] + FORGET_SECONDS * 1000
    try:
        row = dynamodb.update(
            config.connections_table,
            key,
            condition=_same_tenant(owner),
            values={} if owner is None else {"owner": owner},
            changes=changes | {"reason": "forgotten", "forgotten_at": deleting_until} | changes_besides,
            remove=(
                "health_check_shard",
                "next_check_at",
                "problem",
                "missed_checks",
                "encrypted_credentials",
                "tenant",
                "unclaimed_shard",
            ),
            append=append,
        )
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    credentials.delete(row)
    store = Store.from_url(row["store"])
    basic_auth.delete(store)
    consumer_keys.release(row["consumer_key"], store)
    with contextlib.suppress(Conflict):  # it is being forgotten once more
        row = dynamodb.update(
            config.connections_table,
            key,
            condition="#forgotten_at = :mine",
            values={"mine": deleting_until},
            changes={"forgotten_at": activations.now()},
        )
    return row


def remove_pending_events(row: Row, published: list[Row]) -> None:
    """Note that a connection's changes are published, and shorten its history. Raises Conflict when there are more."""
    key = {"connection_id": row["connection_id"]}
    row = dynamodb.update(
        config.connections_table,
        key,
        condition="#pending_events = :published",
        values={"published": published},
        remove=("pending_events", "pending_events_shard"),
    )
    length = len(row["history"])
    if length > HISTORY_LENGTH:
        with contextlib.suppress(Conflict):  # whoever has added to it, or shortened it, does this
            dynamodb.update(
                config.connections_table,
                key,
                condition="size(#history) = :length",
                values={"length": length},
                remove=tuple(f"history[{nth}]" for nth in range(length - HISTORY_LENGTH)),
            )
