"""The outbox: events of connections and activations that are noted on their rows, published, and then removed.

An event is published at least once; the sweep publishes what a crash left. An event never holds a secret.
"""

import contextlib

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.aws.eventbridge import INTERNAL_SOURCE, Event, put_events
from storelink.config import config
from storelink.errors import Unavailable
from storelink.models import ActivationId
from storelink.observability import logger
from storelink.state import activations, connections, event_details, hosts
from storelink.state.activations import Outcome
from storelink.store import Store

_LOGGED = ("activation_id", "connection_id", "reason")
"""Fields of an event that its log line repeats."""


def publish_changes(row: Row) -> bool:
    """Publish a connection's pending events, in their order; whether they are published. Raises Unavailable.

    Otherwise they are still pending: the step is repeated, and the sweep publishes them later. Those of a claimed
    connection wait until its credentials are in their secret, so that an app that gets `Store Claimed` can read them.
    """
    published: list[Row] = []
    while "pending_events" in row:
        if credentials.waits_for_secret(row):
            detail = {"stack": config.stack, "connection_id": row["connection_id"]}
            put_events([("Move Credentials", detail)], INTERNAL_SOURCE)
            return False
        changes = [change for change in row["pending_events"] if change not in published]
        if any(_releases(change) for change in changes):
            hosts.release(Store.from_url(row["store"]))
        _publish([event_details.of_change(row, change) for change in changes])
        published = row["pending_events"]
        try:
            connections.remove_pending_events(row, published)
        except Conflict as conflict:  # another run published them, or there are more
            row = conflict.row
        else:
            break
    return True


def _releases(change: Row) -> bool:
    """Whether a connection that changed so is none without a tenant any more."""
    return "tenant" in change or change.get("reason") in credentials.ENDED


def try_publish_changes(row: Row) -> None:
    """Publish a connection's pending events; when EventBridge does not take them, the sweep publishes them later."""
    with contextlib.suppress(Unavailable):
        publish_changes(row)


def publish_failure(row: Row) -> None:
    """Publish `Activation Failed`, and `Suspicious Activation` when it looks like a stranger's.

    Raises Unavailable; then the event is still pending.
    """
    failed = str(activations.id_of(row)), row["store"], row["reason"], row["problem"], activations.advice_of(row)
    hosts.end_handshake(row, Store.from_url(row["store"]))
    names = ["Activation Failed", *(["Suspicious Activation"] if row["suspicious"] else [])]
    _publish([(name, event_details.of_failure(*failed)) for name in names])
    is_over = not activations.has_pending_token(row)
    with contextlib.suppress(Conflict):  # a newer attempt or an operator has continued from here
        dynamodb.update(
            config.activations_table,
            {"integration_key": row["integration_key"]},
            condition="#attempt = :attempt AND #updated_at = :seen",
            values={"attempt": row["attempt"], "seen": row["updated_at"]},
            changes={"expires_at": activations.expiry()} if is_over else {},
            remove=("needs_publish", "sweep_shard", "sweep_at") if is_over else ("needs_publish",),
        )


def publish_outcome(outcome: Outcome) -> Outcome:
    """Publish what an earlier run left pending for an activation that has ended; the outcome. Raises Unavailable."""
    if outcome.state == "connected":
        row = connections.of_store(Store.from_url(outcome.store))
        if any(change.get("activation_id") == outcome.activation_id for change in row.get("pending_events", [])):
            publish_changes(row)
    if outcome.state == "failed":
        row = activations.get(ActivationId.from_text(outcome.activation_id))
        if "needs_publish" in row:
            publish_failure(row)
    return outcome


def _publish(events: list[Event]) -> None:
    put_events(events)
    for detail_type, detail in events:
        logger.info(
            "event published",
            extra={"event": detail_type, **{name: detail[name] for name in _LOGGED if name in detail}},
        )
