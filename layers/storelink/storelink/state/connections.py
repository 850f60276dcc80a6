"""The rows of connections: one store each, lasting.

`state` is connected or disconnected. `history` tells the last changes, the newest at its end; those of which the app
has not heard are in `unannounced`, too, and then the row has `untold`, by which the sweep finds it. `due` and `due_at`
say when it is checked next (checking.py); a check that finds another `due_at` than its own writes nothing.
"""

import contextlib
import re

from storelink import credentials, observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Conflicts, Row
from storelink.config import required
from storelink.credentials.backend import StoredCredentials
from storelink.errors import Invalid, Unavailable
from storelink.models import validate_tenant
from storelink.state import activations, consumer_keys, events
from storelink.state.activations import Outcome
from storelink.store import Store

STATES = ("connected", "disconnected")

UNCONFIRMED = frozenset(
    {"signature-invalid", "integration-deleted", "consumer-key-length", "verifier-mismatch", "reauthorize"}
)
"""What a store answers to keys or a verifier that are not its own, or no longer."""

HISTORY_LENGTH = 20
"""Changes that a connection's history keeps."""

FORGET_SECONDS = 20
"""Seconds that forgetting a connection may take: the function's timeout in template.yaml."""

_ID = re.compile(r"[a-z0-9.-]{1,253}-[0-9a-f]{16}")


def is_suspicious(row: Row, reason: str) -> bool:
    """Whether an activation that fails for this reason may be a forged or replayed post. row: its own.

    Its key is known from another host, or the store is connected and does not confirm it. Raises Unavailable.
    """
    store = Store.from_url(row["store"])
    if reason == "another-store" or consumer_keys.other_host(row["consumer_key"], store) is not None:
        return True
    return reason in UNCONFIRMED and bool(_of(store))


def is_unclaimed(store: Store) -> bool:
    """Whether the store has a connection that is no tenant's yet. Raises Unavailable."""
    row = _of(store)
    return bool(row) and "tenant" not in row


def _of(store: Store) -> Row:
    """A store's connection, {} where there is none. Raises Unavailable."""
    return dynamodb.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": store.connection_id})


def row_key(connection_id: str | None) -> Row:
    """The key of a connection's row. Raises Invalid where this can be no connection's id."""
    if not _ID.fullmatch(connection_id or ""):
        raise Invalid({"connection_id": "is not a connection's id: the store's host, a dash and 16 hex digits"})
    return {"connection_id": connection_id}


def find(connection_id: str | None) -> Row:
    """A connection's row. Raises Invalid where there is none, Unavailable."""
    row = dynamodb.get(required("STORELINK_CONNECTIONS_TABLE"), row_key(connection_id))
    return row or _missing()


def _missing() -> Row:
    raise Invalid({"connection_id": "names no connection"}, "not-found")


def shard(connection_id: str, parts: str = activations.SHARDS) -> str:
    """Where in an index of so many parts a connection lies."""
    return activations.shard(connection_id.rpartition("-")[2], parts)


def new_change(what: str, **more: str) -> Row:
    """A change, as history and the app are told it. what: connected, disconnected, recovered or claimed."""
    return {"at": activations.now(), "what": what, **{name: value for name, value in more.items() if value}}


def change_attributes(row: Row, told: Row) -> tuple[Row, Row]:
    """What a write that changes a connection changes and appends besides, so that it is told."""
    changes = {"changed_at": told["at"], "untold": shard(row["connection_id"], activations.SWEEP_SHARDS)}
    return changes, {"history": told, "unannounced": told}


def state_attributes(row: Row, state: str, told: Row) -> tuple[Row, Row]:
    """The same, of a write that moves a connection to a state."""
    changes, append = change_attributes(row, told)
    return changes | {"state": state}, append


def connect(row: Row, store: Store, place: StoredCredentials) -> Outcome:
    """Say `connected` on the activation and on its store's connection, both or neither, and tell the app.

    By an invitation it becomes its tenant's, whoever's it was: the store has confirmed the URL that it was given. A
    connection made by a newer activation stays as it is, and so do its credentials. Raises Rejected where the consumer
    key is known from another host; Unavailable, also where the connection was forgotten since this run began, for then
    the credentials may be gone.
    """
    activation_id = activations.id_of(row)
    told = new_change("connected", activation_id=str(activation_id), tenant=row.get("tenant", ""))
    at = told["at"]
    ended = dynamodb.expression(
        required("STORELINK_ACTIVATIONS_TABLE"),
        {"line": row["line"]},
        condition="#attempt = :attempt AND #state <> :connected",
        values={"attempt": row["attempt"], "connected": "connected"},
        changes={"state": "connected", "reached": "connected", "updated_at": at, "expires_at": activations.expiry()},
        remove=("sealed", "answer", "lease_until", "reason", "problem", "unannounced", "unfinished"),
    )
    key = {"connection_id": store.connection_id}
    changes, append = state_attributes(key, "connected", told)
    connection = {
        "store": store.url,
        "consumer_key": row["consumer_key"],
        "activation_id": str(activation_id),
        "activated_at": row["received_at"],
        "connected_at": at,
        "due": shard(store.connection_id),
        "due_at": at,
        "part": shard(store.connection_id),
        **place.changes,
        **({"tenant": row["tenant"]} if "tenant" in row else {}),
    }
    connected = dynamodb.expression(
        required("STORELINK_CONNECTIONS_TABLE"),
        key,
        condition=(
            "(attribute_not_exists(#activated_at) OR #activated_at <= :activated_at)"
            " AND (attribute_not_exists(#gone_at) OR #gone_at < :began)"
        ),
        values={"activated_at": row["received_at"], "began": row["held_since"]},
        changes=changes | connection,
        remove=("reason", "problem", "misses", "allowed", *place.removes),
        append=append,
    )
    try:
        dynamodb.transact(ended, connected, consumer_keys.remember(row["consumer_key"], store))
    except Conflicts as conflicts:
        return _not_connected(conflicts, row, place)
    observability.record_connected(str(activation_id), store, seconds=(at - row["received_at"]) / 1000)
    publish({**key, **connection, "unannounced": [told]})
    return Outcome(str(activation_id), store.url, "connected")


def _not_connected(conflicts: Conflicts, row: Row, place: StoredCredentials) -> Outcome:
    """Why all rows were left as they were, and what follows from it."""
    of_activation, of_connection, of_key = conflicts.rows
    activation_id = activations.id_of(row)
    if of_connection is not None:
        if of_connection["activated_at"] <= row["received_at"]:
            raise Unavailable("busy", "the connection was forgotten meanwhile")
        if of_connection["activation_id"] != str(activation_id):
            credentials.restore(place, of_connection)
    if of_activation is not None:
        # An earlier try may have connected it, its answer lost on the way; then the app has not heard of it.
        return publish_outcome(activations.status(activation_id, of_activation))
    if of_key is not None:
        if own := _of(place.store):
            credentials.restore(place, own)
        else:
            credentials.discard(place)
        raise consumer_keys.another_store_error(of_key["host"], place.store)
    return activations.reject(row, "superseded", "")


def claim(connection_id: str | None, tenant: object) -> Row:
    """Say whose a connection is that is nobody's yet, and tell the app; the row.

    Claiming it again for the same tenant changes nothing. Raises Invalid where there is none or it is another tenant's,
    Unavailable.
    """
    name, key = validate_tenant(tenant), row_key(connection_id)
    changes, append = change_attributes(key, new_change("claimed", tenant=name))
    try:
        row = dynamodb.update(
            required("STORELINK_CONNECTIONS_TABLE"),
            key,
            condition="attribute_exists(#store) AND attribute_not_exists(#tenant)",
            values={},
            changes=changes | {"tenant": name},
            append=append,
        )
    except Conflict as conflict:
        row = conflict.row or _missing()
    else:
        with contextlib.suppress(Unavailable):  # the sweep tells it
            publish(row)
    if row["tenant"] != name:
        raise Invalid({"tenant": "is not the one that the connection belongs to"}, "claimed")
    return row


def forget(connection_id: str | None) -> Row:
    """Disconnect a store and delete its credentials; a secret can be restored for `secrets_manager.RECOVERY` days.

    The row. An activation that ends meanwhile goes on after it, with the secret restored. Raises Invalid, Unavailable;
    then it is to be done again.
    """
    told = new_change("disconnected", reason="forgotten")
    changes, append = state_attributes(row_key(connection_id), "disconnected", told)
    # Until then the secret may be deleted: who looked at it before must not say `connected`.
    deleting_until = told["at"] + FORGET_SECONDS * 1000
    try:
        row = dynamodb.update(
            required("STORELINK_CONNECTIONS_TABLE"),
            row_key(connection_id),
            condition="attribute_exists(#store)",
            values={},
            changes=changes | {"reason": "forgotten", "gone_at": deleting_until},
            remove=("due", "due_at", "problem", "misses", "sealed"),
            append=append,
        )
    except Conflict:
        return _missing()
    credentials.delete(row)
    with contextlib.suppress(Conflict):  # it is being forgotten once more
        row = dynamodb.update(
            required("STORELINK_CONNECTIONS_TABLE"),
            row_key(connection_id),
            condition="#gone_at = :mine",
            values={"mine": deleting_until},
            changes={"gone_at": activations.now()},
        )
    publish(row)
    return row


def publish_pending(connection_id: str) -> bool:
    """Tell a connection's changes of which it is not known whether the app has heard. False: it was told meanwhile.

    Raises Unavailable.
    """
    row = dynamodb.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": connection_id})
    if "unannounced" not in row:
        return False
    publish(row)
    return True


def publish_outcome(outcome: Outcome) -> Outcome:
    """See to it that an activation that is connected is told, and give it back. Raises Unavailable."""
    if outcome.state == "connected":
        row = _of(Store.from_url(outcome.store))
        if any(told.get("activation_id") == outcome.activation_id for told in row.get("unannounced", [])):
            publish(row)
    return outcome


def publish(row: Row) -> None:
    """Send what is `unannounced`, in its order, and note that it is out. Raises Unavailable; then it is still to do."""
    told: list[Row] = []
    while "unannounced" in row:
        events.publish_connection_changes(row, [change for change in row["unannounced"] if change not in told])
        told = row["unannounced"]
        try:
            row = dynamodb.update(
                required("STORELINK_CONNECTIONS_TABLE"),
                {"connection_id": row["connection_id"]},
                condition="#unannounced = :told",
                values={"told": told},
                remove=("unannounced", "untold"),
            )
        except Conflict as conflict:  # somebody told it, or something more is to be told
            row = conflict.row
        else:
            _shorten(row)


def _shorten(row: Row) -> None:
    """Take the oldest changes out of a history that is too long."""
    length = len(row["history"])
    if length > HISTORY_LENGTH:
        with contextlib.suppress(Conflict):  # who has added to it, or shortened it, sees to it
            dynamodb.update(
                required("STORELINK_CONNECTIONS_TABLE"),
                {"connection_id": row["connection_id"]},
                condition="size(#history) = :length",
                values={"length": length},
                remove=tuple(f"history[{nth}]" for nth in range(length - HISTORY_LENGTH)),
            )
