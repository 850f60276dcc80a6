"""The transaction that says `connected` on an activation and on its store's connection, both or neither."""

from storelink import credentials, observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflicts, Row
from storelink.config import config
from storelink.credentials.backend import StoredCredentials
from storelink.errors import Rejected, Unavailable
from storelink.state import activations, attempts, connections, consumer_keys, events, failures, hosts, new_connections
from storelink.state.activations import Outcome
from storelink.store import Store


def connect(row: Row, store: Store, stored: StoredCredentials) -> Outcome:
    """Connect an activation's store, and publish that. row: the activation's, with its lease.

    Most stores have no connection, so a new one is tried first. A conflict has the connection of the others.

    By an invitation the connection becomes its tenant's, whoever it belonged to: the store confirmed its URL. Without
    one, a claimed store that comes with another consumer key is to be claimed again: it may have changed hands. A
    connection that a newer activation made is not changed, and neither are its credentials. An older connection of the
    same integration, under another base URL of the host, ends.
    Raises Rejected when the consumer key is known from another host. Raises Unavailable also when the connection was
    forgotten since this run began, as the credentials may be gone then.
    """
    activation_id = str(activations.id_of(row))
    change = connections.new_change(
        "connected", by=row.get("by", activations.MERCHANT), activation_id=activation_id, tenant=row.get("tenant", "")
    )
    older: Row = {}
    try:
        _commit(row, store, stored, change)
    except Conflicts as conflicts:
        connection, moves = conflicts.rows[1] or {}, _moves(conflicts, store)
        if not (connection or moves):
            return _not_connected(conflicts, row, stored)
        if stored.row_changes["backend"] != config.credential_store and connections.keeps_tenant(connection, row):
            raise Unavailable("busy", "the connection was claimed meanwhile") from None
        older = _older_connection(conflicts, row) if moves else {}
        if "tenant" in older:
            row = {"tenant": older["tenant"], **row}
        try:
            _commit(row, store, stored, change, connection, moves=moves, older=older)
        except Conflicts as again:
            return _not_connected(again, row, stored)
    observability.record_connected(activation_id, store, seconds=(change["at"] - row["received_at"]) / 1000)
    connected = connections.connected_attributes(row, store, stored, change)
    events.publish_changes({"connection_id": store.connection_id, **connected, "pending_events": [change]})
    if older:
        credentials.delete(older)
        events.publish_changes(connections.find(older["connection_id"]))
    return Outcome(activation_id, store.url, "connected")


def _commit(
    row: Row,
    store: Store,
    stored: StoredCredentials,
    change: Row,
    connection: Row | None = None,
    *,
    moves: bool = False,
    older: Row | None = None,
) -> None:
    """Write all rows. connection: the store's, if it has one. older: the one of which this one takes the place.
    Raises Conflicts.
    """
    connection = connection or {}
    has_tenant, is_claimed = "tenant" in row, "tenant" in connection
    is_new_integration = is_claimed and not has_tenant and connection["consumer_key"] != row["consumer_key"]
    is_unclaimed = not has_tenant and (is_new_integration or not is_claimed)
    has_limit = hosts.is_limited(row) and not connections.is_reauthorization(row, connection)
    dynamodb.transact(
        attempts.connected_update(row, change["at"]),
        connections.connected_update(
            row,
            store,
            stored,
            change,
            connection,
            is_unclaimed=is_unclaimed,
            is_new_integration=is_new_integration,
        ),
        consumer_keys.remember(row["consumer_key"], store, moves=moves),
        *hosts.connected_update(row, store, is_unclaimed=is_unclaimed, has_limit=has_limit),
        *new_connections.counting_update(row, connection),
        *([connections.superseded_update(older, store)] if older else []),
    )


def _moves(conflicts: Conflicts, store: Store) -> bool:
    """Whether the consumer key is known from this host, and from another connection of it."""
    of_activation, _, of_key = conflicts.rows[:3]
    return of_activation is None and of_key is not None and of_key.get("host") == store.host


def _older_connection(conflicts: Conflicts, row: Row) -> Row:
    """The connection of the same integration under another base URL; {} when there is none. Raises Unavailable."""
    key_row = conflicts.rows[2] or {}
    older = connections.get(key_row["of_connection"])
    is_same = older.get("credentials_digest") == row["credentials_digest"] and older["state"] == "connected"
    return older if is_same else {}


def _not_connected(conflicts: Conflicts, row: Row, stored: StoredCredentials) -> Outcome:
    """Why no row was changed, and what follows from it."""
    of_activation, of_connection, of_key = conflicts.rows[:3]
    activation_id = activations.id_of(row)
    if of_connection is not None:
        if of_connection["activated_at"] <= row["received_at"]:
            raise Unavailable("busy", "the connection was changed or forgotten meanwhile")
        if of_connection["activation_id"] != str(activation_id):
            credentials.restore(stored, of_connection)
    if of_activation is not None:
        # An earlier try may have connected it and its answer was lost; then the event may be unpublished.
        return events.publish_outcome(activations.status(activation_id, of_activation))
    if of_key is not None:
        _undo(stored)
        raise consumer_keys.another_store_error(of_key["host"], stored.store)
    others = [conflict for conflict in conflicts.rows[3:] if conflict]
    if any(map(new_connections.is_of_hour, others)):
        raise new_connections.full_error(row, stored.store)
    if any(map(hosts.is_of_host, others)):
        _undo(stored)
        raise hosts.limit_error(row, stored.store, "too-many-connections")
    if of_connection is None:
        raise Unavailable("busy", "the older connection was changed meanwhile")
    return failures.reject(row, Rejected("superseded"))


def _undo(stored: StoredCredentials) -> None:
    """Make the credentials of the store's connection current again, or delete those of a store that has none."""
    if connection := connections.of_store(stored.store):
        credentials.restore(stored, connection)
    else:
        credentials.discard(stored)
