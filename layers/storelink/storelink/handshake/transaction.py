"""The transaction that says `connected` on an activation and on its store's connection, both or neither."""

from storelink import credentials, observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflicts, Row
from storelink.credentials.backend import StoredCredentials
from storelink.errors import Rejected, Unavailable
from storelink.state import activations, connections, consumer_keys, events, failures
from storelink.state.activations import Outcome
from storelink.store import Store


def connect(row: Row, store: Store, stored: StoredCredentials) -> Outcome:
    """Connect an activation's store, and publish that. row: the activation's, with its lease.

    By an invitation the connection becomes its tenant's, whoever it belonged to: the store confirmed its URL. A
    connection that a newer activation made is not changed, and neither are its credentials.
    Raises Rejected when the consumer key is known from another host. Raises Unavailable also when the connection was
    forgotten since this run began, as the credentials may be gone then.
    """
    activation_id = str(activations.id_of(row))
    change = connections.new_change("connected", activation_id=activation_id, tenant=row.get("tenant", ""))
    try:
        dynamodb.transact(
            activations.connected_update(row, change["at"]),
            connections.connected_update(row, store, stored, change),
            consumer_keys.remember(row["consumer_key"], store),
        )
    except Conflicts as conflicts:
        return _not_connected(conflicts, row, stored)
    observability.record_connected(activation_id, store, seconds=(change["at"] - row["received_at"]) / 1000)
    connection = connections.connected_attributes(row, store, stored, change)
    events.publish_changes({"connection_id": store.connection_id, **connection, "pending_events": [change]})
    return Outcome(activation_id, store.url, "connected")


def _not_connected(conflicts: Conflicts, row: Row, stored: StoredCredentials) -> Outcome:
    """Why no row was changed, and what follows from it."""
    of_activation, of_connection, of_key = conflicts.rows
    activation_id = activations.id_of(row)
    if of_connection is not None:
        if of_connection["activated_at"] <= row["received_at"]:
            raise Unavailable("busy", "the connection was forgotten meanwhile")
        if of_connection["activation_id"] != str(activation_id):
            credentials.restore(stored, of_connection)
    if of_activation is not None:
        # An earlier try may have connected it and its answer was lost; then the event may be unpublished.
        return events.publish_outcome(activations.status(activation_id, of_activation))
    if of_key is not None:
        if connection := connections.of_store(stored.store):
            credentials.restore(stored, connection)
        else:
            credentials.discard(stored)
        raise consumer_keys.another_store_error(of_key["host"], stored.store)
    return failures.reject(row, Rejected("superseded"))
