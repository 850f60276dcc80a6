"""The rows of connections: one store each, lasting."""

import contextlib
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink import activations, announcements, aws, credentials, tables
from storelink.activations import Outcome
from storelink.credentials import Place
from storelink.settings import required
from storelink.stores import Store
from storelink.tables import Conflict, Row


def known_elsewhere(consumer_key: str, store: Store) -> Store | None:
    """The store of another host from which this consumer key is known. Raises Unavailable."""
    known = tables.find(required("STORELINK_CONNECTIONS_TABLE"), "by_key", "consumer_key", consumer_key)
    stores = (Store.from_url(row["store"]) for row in known)
    return next((other for other in stores if other.host != store.host), None)


def is_connected(store: Store) -> bool:
    """Whether the store has a connection. Raises Unavailable."""
    return bool(tables.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": store.connection_id}))


def connect(row: Row, store: Store, place: Place) -> Outcome:
    """Say `connected` on the activation and on its store's connection, both or neither, and tell the app.

    A connection made by a newer activation stays as it is, and so do its credentials. Raises Unavailable.
    """
    activation_id = activations.id_of(row)
    at = activations.now()
    ended = tables.expression(
        required("STORELINK_ACTIVATIONS_TABLE"),
        {"line": row["line"]},
        condition="#attempt = :attempt AND #holder = :me AND #state <> :connected",
        values={"attempt": row["attempt"], "me": row["holder"], "connected": "connected"},
        changes={"state": "connected", "reached": "connected", "updated_at": at, "expires_at": activations.expiry()},
        remove=("sealed", "lease_until", "reason", "problem", "unannounced", "unfinished"),
    )
    connected = tables.expression(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": store.connection_id},
        condition="attribute_not_exists(#activated_at) OR #activated_at <= :activated_at",
        values={"activated_at": row["received_at"]},
        changes={
            "state": "connected",
            "store": store.url,
            "consumer_key": row["consumer_key"],
            "secret_arn": place.secret_arn,
            "secret_version": place.version,
            "activation_id": str(activation_id),
            "activated_at": row["received_at"],
            "connected_at": at,
            "unannounced": str(activation_id),
            "untold": activations.shard(store.connection_id.rpartition("-")[2]),
            **({"tenant": row["tenant"]} if "tenant" in row else {}),
        },
    )
    try:
        aws.client("dynamodb").transact_write_items(TransactItems=[{"Update": ended}, {"Update": connected}])
    except BotoCoreError as error:
        raise aws.unavailable(error, "DynamoDB") from None
    except ClientError as error:
        return _not_connected(error, row, place)
    _tell(store, place.secret_arn, str(activation_id), row.get("tenant"))
    return Outcome(str(activation_id), store.url, "connected")


def _not_connected(error: ClientError, row: Row, place: Place) -> Outcome:
    """Why both rows were left as they were, and what follows from it."""
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    of_activation, of_connection = [*reasons, {}, {}][:2]
    failed = "ConditionalCheckFailed"
    if failed not in (of_activation.get("Code"), of_connection.get("Code")):
        raise aws.unavailable(error, "DynamoDB") from None
    activation_id = activations.id_of(row)
    if of_connection.get("Code") == failed:
        newer = tables.row(of_connection["Item"])
        if newer["activation_id"] != str(activation_id):
            credentials.restore(place, newer["secret_version"])
    if of_activation.get("Code") == failed:
        # An earlier try may have connected it, its answer lost on the way; then the app has not heard of it.
        return tell_untold(activations.standing(activation_id, tables.row(of_activation.get("Item", {}))))
    return activations.fail(activation_id, "superseded", "")


def tell_again(connection_id: str) -> bool:
    """Tell a connection of which it is not known whether the app has heard. False: it was told meanwhile.

    Raises Unavailable.
    """
    row = tables.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": connection_id})
    if "unannounced" not in row:
        return False
    _tell(Store.from_url(row["store"]), row["secret_arn"], row["unannounced"], row.get("tenant"))
    return True


def tell_untold(outcome: Outcome) -> Outcome:
    """See to it that an activation that is connected is told, and give it back. Raises Unavailable."""
    if outcome.state == "connected":
        store = Store.from_url(outcome.store)
        row = tables.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": store.connection_id})
        if row.get("unannounced") == outcome.activation_id:
            _tell(store, row["secret_arn"], outcome.activation_id, row.get("tenant"))
    return outcome


def _tell(store: Store, secret_arn: str, activation_id: str, tenant: str | None) -> None:
    """Send `Store Connected` and note that it is out. Raises Unavailable; then it is still to be told."""
    announcements.store_connected(store.connection_id, store.url, secret_arn, activation_id, tenant)
    with contextlib.suppress(Conflict):  # a newer activation has its own to tell
        tables.update(
            required("STORELINK_CONNECTIONS_TABLE"),
            {"connection_id": store.connection_id},
            condition="#unannounced = :activation_id",
            values={"activation_id": activation_id},
            remove=("unannounced", "untold"),
        )
