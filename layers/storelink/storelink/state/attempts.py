"""What happens to the row of an activation: each write names the state before it, and the attempt that owns the row."""

from typing import Any

from storelink import observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Conflicts, Row
from storelink.config import config
from storelink.errors import Sent, Unavailable
from storelink.models import EXPIRATION_PERIOD, Activation, ActivationId, ManualActivation
from storelink.state import activations, hosts
from storelink.state.activations import Outcome
from storelink.store import Store

RETRY = ("retry_reason", "retry_problem", "next_try_at", "tries", "was_silent")
"""The attributes of a step that is to be tried again."""

PREVIOUS = ("previous_secrets", "previous_answer", "previous_reached")
"""The attributes of the attempt before that can take this one's place."""

MAX_TRIES = 5
"""Tries of an attempt to begin while others of its host do."""

_OF_PREVIOUS_ATTEMPT = (
    "answer_lost",
    "encrypted_answer",
    "lease_holder",
    "lease_until",
    "reason",
    "problem",
    "needs_publish",
    "suspicious",
    "sign_in_id",
    "sign_in_tenant",
    "host_lease",
    "limit_reached",
    "tenant",
    *RETRY,
)


def start(
    activation: Activation | ManualActivation,
    encrypted_secrets: bytes,
    tenant: str | None,
    by: str = activations.MERCHANT,
) -> tuple[ActivationId, bool]:
    """Start a new attempt, or join the attempt under way with the same values. Its id, and whether it is new.

    by: who starts it, for the connection's history.
    A new verifier supersedes the attempt under way, whose secrets are kept: when the merchant clicks Activate while the
    app has the request token, Magento posts a verifier that it refuses, and the request token stays good.
    Raises Unavailable.
    """
    new = ActivationId.new(activation.integration_key)
    row = _new_row(new, activation, activations.now()) | {"encrypted_secrets": encrypted_secrets, "by": by}
    row |= {"tenant": tenant} if tenant else {}
    try:
        if by == activations.MERCHANT:
            _start_of_host(row, activation.store)
        else:
            dynamodb.write(_start_update(row))
    except Conflict as conflict:
        return activations.id_of(conflict.row), False
    return new, True


def _start_of_host(row: Row, store: Store) -> None:
    """Start an attempt and count it among its host's handshakes; one that is too many has `limit_reached`.

    Raises Conflict with the attempt that is under way, Unavailable.
    """
    key, has_limit = row["integration_key"], hosts.is_limited(row)
    host_row: Row = {}
    for _ in range(MAX_TRIES):
        if has_limit and (reason := hosts.refusal(host_row, key, store)):
            dynamodb.write(_start_update(row | {"limit_reached": reason}))
            return
        of_host, attributes = hosts.begin_handshake(host_row, key, store, has_limit=has_limit)
        try:
            dynamodb.transact(_start_update(row | attributes), of_host)
        except Conflicts as conflicts:
            of_activation, seen = conflicts.rows
            if of_activation is not None:
                raise Conflict(of_activation) from None
            host_row = seen or {}
        else:
            return
    raise Unavailable("busy", f"many activations of {store.host} began at the same time")


def _start_update(row: Row) -> dict[str, Any]:
    """The update that starts an attempt, by its new row, unless the same one is under way."""
    return dynamodb.update_parameters(
        config.activations_table,
        {"integration_key": row["integration_key"]},
        condition=(
            "attribute_not_exists(#attempt) OR #state IN (:connected, :failed)"
            " OR #fingerprint <> :fingerprint OR (#reached = :reached AND #received_at < :expired)"
        ),
        values={
            "connected": "connected",
            "failed": "failed",
            "fingerprint": row["fingerprint"],
            "reached": row["reached"],
            "expired": row["received_at"] - EXPIRATION_PERIOD * 1000,
        },
        changes={name: value for name, value in row.items() if name != "integration_key"},
        remove=tuple(name for name in _OF_PREVIOUS_ATTEMPT if name not in row),
        copy={
            "previous_secrets": ("encrypted_secrets", b""),
            "previous_answer": ("encrypted_answer", b""),
            "previous_reached": ("reached", b""),
        },
    )


def _new_row(activation_id: ActivationId, activation: Activation | ManualActivation, at: int) -> Row:
    """The attributes with which an attempt starts, except for its secrets."""
    return {
        "integration_key": activation_id.integration_key,
        "attempt": activation_id.attempt,
        "state": activation.reached,
        "reached": activation.reached,
        "consumer_key": activation.consumer_key,
        "store": activation.store.url,
        "fingerprint": activation.fingerprint,
        "credentials_digest": activation.credentials_digest,
        "received_at": at,
        "updated_at": at,
        "expires_at": activations.expiry(),
        "shard": activations.shard(activation_id.integration_key),
        **_to_sweep(activation_id, at),
    }


def _to_sweep(activation_id: ActivationId, at: int) -> Row:
    """The attributes by which the sweep finds a row when its execution does not finish it."""
    return {
        "sweep_shard": activations.shard(activation_id.integration_key, activations.SWEEP_SHARDS),
        "sweep_at": at + activations.SWEEP_DELAY * 1000,
    }


def acquire_lease(activation_id: ActivationId, holder: str, reached: tuple[str, str]) -> Row | Outcome:
    """Keep other runs of a step out for `LEASE_SECONDS` and read the row; or the outcome when the step is done already.

    holder: the same one may acquire it again at once. reached: the two states from which this step continues. The row
    is as it was before, so it has a `lease_holder` if an earlier run of this step has begun; `lease_since` is new.
    Raises Unavailable while another holder runs, Invalid when there is no such activation.
    """
    began = activations.now()
    lease = _update(
        activation_id,
        "attribute_exists(#encrypted_secrets) AND #reached IN (:first, :second)"
        " AND (attribute_not_exists(#lease_until) OR #lease_until < :now OR #lease_holder = :holder)",
        {"first": reached[0], "second": reached[1], "now": began, "holder": holder},
        {"lease_holder": holder, "lease_until": began + activations.LEASE_SECONDS * 1000},
    )
    try:
        return dynamodb.write(lease, before=True) | {"lease_since": began}
    except Conflict as conflict:
        row = conflict.row
    if row.get("attempt") == activation_id.attempt and "encrypted_secrets" in row and row["reached"] in reached:
        raise Unavailable("busy")
    return activations.status(activation_id, row)


def _update(
    activation_id: ActivationId, condition: str, values: Row, changes: Row, remove: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The update of the row of an attempt, while that owns it."""
    return dynamodb.update_parameters(
        config.activations_table,
        {"integration_key": activation_id.integration_key},
        condition=f"#attempt = :attempt AND {condition}",
        values={"attempt": activation_id.attempt} | values,
        changes=changes,
        remove=remove,
    )


def advance(row: Row, state: str, encrypted_answer: bytes) -> Outcome:
    """Write what a step reached, with the store's answer. Raises Unavailable."""
    activation_id, at = activations.id_of(row), activations.now()
    is_exchanged = state == "exchanged"
    lease = {"host_lease": row["host_lease"]} if "host_lease" in row else {}
    changes = {
        "state": state,
        "reached": state,
        "encrypted_secrets": row["encrypted_secrets"],  # another run may have ended it and removed them
        "encrypted_answer": encrypted_answer,
        "updated_at": at,
        **_to_sweep(activation_id, at),
        **({} if is_exchanged else {"expires_at": activations.expiry()}),
        **lease,
    }
    remove: tuple[str, ...] = ("lease_holder", "lease_until", "reason", "problem", "needs_publish", "answer_lost")
    remove += RETRY + PREVIOUS + (() if lease else ("host_lease",)) + (("expires_at",) if is_exchanged else ())
    try:
        dynamodb.write(_update(activation_id, "#reached = :before", {"before": row["reached"]}, changes, remove))
    except Conflict as conflict:  # another run or attempt has the row, and a lease of its own
        hosts.give_back_lease(row, Store.from_url(row["store"]))
        return activations.status(activation_id, conflict.row)
    observability.record_advanced(str(activation_id), Store.from_url(row["store"]), state)
    return Outcome(str(activation_id), row["store"], state)


def resume_previous(row: Row) -> Outcome | None:
    """Continue with the token of the attempt before, when this one's verifier is refused; None without one.

    Raises Unavailable.
    """
    if not row.get("previous_answer"):
        return None
    previous = row | {"encrypted_secrets": row["previous_secrets"]}
    return advance(previous, row["previous_reached"], row["previous_answer"])


def schedule_retry(row: Row, error: Unavailable, seconds: int) -> Outcome:
    """Note that a step failed for now and runs again in so many seconds, and release its lease.

    Raises Unavailable, also when another run has taken the lease.
    """
    activation_id, at = activations.id_of(row), activations.now()
    retry = _update(
        activation_id,
        "#reached = :before AND #lease_until = :lease",
        {"before": row["reached"], "lease": row["lease_since"] + activations.LEASE_SECONDS * 1000},
        _to_retry(row, error, at + seconds * 1000) | {"updated_at": at},
        ("lease_until", "host_lease") + (() if error.sent is Sent.LOST else ("lease_holder",)),
    )
    try:
        tried = dynamodb.write(retry)
    except Conflict as conflict:
        outcome = activations.status(activation_id, conflict.row)
        if outcome.state == row["reached"]:
            raise Unavailable("busy") from None
        return outcome
    observability.record_retry(str(activation_id), Store.from_url(row["store"]), error.reason, error.problem, seconds)
    problem = error.reason, error.problem, activations.advice_of(tried)
    return Outcome(str(activation_id), row["store"], row["reached"], *problem, retry_in=seconds)


def _to_retry(row: Row, error: Unavailable, next_try_at: int) -> Row:
    """The attributes of a step that failed for now. next_try_at: ms since 1970."""
    return {
        "retry_reason": error.reason,
        "retry_problem": error.problem,
        "next_try_at": next_try_at,
        "tries": row.get("tries", 0) + 1,
        **_to_sweep(activations.id_of(row), next_try_at),
        "expires_at": max(activations.expiry(), next_try_at // 1000 + activations.RETENTION),
        **activations.lost_answer(row["reached"], error.sent),
        **({"was_silent": True} if error.limit == "time" else {}),
    }


def record_sign_in(activation_id: ActivationId, token_id: str, tenant: str) -> None:
    """Spend the one sign-in of an activation that is connected. It may be recorded again.

    Raises Conflict when another one is spent or the activation is gone, Unavailable.
    """
    is_same = "#sign_in_id = :token_id AND #sign_in_tenant = :tenant"
    dynamodb.write(
        _update(
            activation_id,
            f"(attribute_not_exists(#sign_in_id) OR ({is_same}))",
            {"token_id": token_id, "tenant": tenant},
            {"sign_in_id": token_id, "sign_in_tenant": tenant},
        )
    )


def fail(
    activation_id: ActivationId, condition: str, values: Row, changes: Row, remove: tuple[str, ...] = ()
) -> tuple[Row, Outcome]:
    """Write that an attempt failed, with an event that is to be published. Its row and outcome.

    condition: what the row must be, besides being this attempt's; else the row is {} and the outcome what another run
    made of it. Raises Unavailable.
    """
    at = activations.now()
    failed = {"state": "failed", "needs_publish": True, "updated_at": at, **_to_sweep(activation_id, at)}
    remove = ("lease_until", "expires_at", *RETRY, *PREVIOUS, *remove)
    try:
        row = dynamodb.write(_update(activation_id, condition, values, failed | changes, remove))
    except Conflict as conflict:
        return {}, activations.status(activation_id, conflict.row)
    observability.record_failed(str(activation_id), Store.from_url(row["store"]), row["reason"], row["problem"])
    return row, activations.status(activation_id, row)


def connected_update(row: Row, at: int) -> dict[str, Any]:
    """The update, for a transaction, that says `connected` on an activation."""
    return _update(
        activations.id_of(row),
        "#state <> :connected",
        {"connected": "connected"},
        {"state": "connected", "reached": "connected", "updated_at": at, "expires_at": activations.expiry()},
        (
            "encrypted_secrets",
            "encrypted_answer",
            "lease_until",
            "reason",
            "problem",
            "needs_publish",
            "sweep_shard",
            "sweep_at",
            "answer_lost",
            "host_lease",
            *RETRY,
            *PREVIOUS,
        ),
    )
