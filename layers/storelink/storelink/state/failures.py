"""How an activation ends that did not connect: the rule for suspicious ones, the write, and its event."""

from storelink.aws.dynamodb import Row
from storelink.errors import Rejected
from storelink.models import ActivationId
from storelink.state import activations, attempts, connections, consumer_keys, events
from storelink.state.activations import Outcome
from storelink.store import Store

UNCONFIRMED = frozenset(
    {"signature-invalid", "integration-deleted", "consumer-key-length", "verifier-mismatch", "reauthorize"}
)
"""What a store answers to keys or a verifier that are not its own, or no longer."""


def is_suspicious(row: Row, reason: str) -> bool:
    """Whether an activation that fails for this reason may be a forged or replayed post. row: its own.

    Its key is known from another host, or the store is connected and does not confirm it. Raises Unavailable.
    """
    store = Store.from_url(row["store"])
    if reason == "another-store" or consumer_keys.other_host(row["consumer_key"], store) is not None:
        return True
    return reason in UNCONFIRMED and bool(connections.of_store(store))


def reject(row: Row, rejected: Rejected) -> Outcome:
    """End an activation for good where a step found it, and publish that; also one that had failed resumably.

    What it wanted to replace is not changed. Another run may have continued meanwhile; then its outcome is returned.
    Raises Unavailable.
    """
    return _fail(
        activations.id_of(row),
        condition="#reached = :before AND attribute_exists(#encrypted_secrets)",
        values={"before": row["reached"]},
        changes={
            "reason": rejected.reason,
            "problem": rejected.problem,
            "suspicious": is_suspicious(row, rejected.reason),
            **activations.lost_answer(row["reached"], rejected.sent),
        },
        remove=("encrypted_secrets", "encrypted_answer"),
    )


def abandon(row: Row, activation_id: ActivationId, reason: str, problem: str) -> Outcome:
    """End an activation whose steps keep failing, and publish that. An operator can still run its steps.

    Raises Unavailable.
    """
    return _fail(
        activation_id,
        condition="NOT #state IN (:connected, :failed)",
        values={"connected": "connected", "failed": "failed"},
        changes={"reason": reason, "problem": problem, "suspicious": is_suspicious(row, reason)},
    )


def _fail(
    activation_id: ActivationId, condition: str, values: Row, changes: Row, remove: tuple[str, ...] = ()
) -> Outcome:
    row, outcome = attempts.fail(activation_id, condition, values, changes, remove)
    if row:
        events.publish_failure(row)
        return outcome
    return events.publish_outcome(outcome)
