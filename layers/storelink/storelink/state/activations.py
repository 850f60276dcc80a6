"""The rows of activations: one handshake each, from Magento's post to its end.

`state` is what people see: pending, requested, exchanged, connected or failed. `reached` is the last of these that was
reached by success; while `sealed` is there, a step can go on from it. `answer` is what the store has answered, sealed.

A row has `unfinished`, by which the sweep finds it, until there is nothing left to do for it. It has `expires_at`, by
which it vanishes, but while an access token waits on it or its failure is untold.
"""

import contextlib
import time
from dataclasses import dataclass

from storelink import observability
from storelink.aws import dynamodb, kms
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import required
from storelink.errors import ADVICE, Invalid, Unavailable
from storelink.models import EXPIRATION_PERIOD, Activation, ActivationId, ManualActivation
from storelink.state import events
from storelink.store import Store

RETENTION = 24 * 3600
"""Seconds after its end in which a row expires (TTL)."""

LEASE_SECONDS = 25
"""Seconds for which one run of a step keeps others out: the longer timeout of the two steps' functions."""

_OWNED = "#attempt = :attempt"


@dataclass(frozen=True)
class Outcome:
    """Where an activation stands. store: its URL. reason and problem: of a failure, else ""."""

    activation_id: str
    store: str
    state: str
    reason: str = ""
    problem: str = ""

    def to_dict(self) -> dict[str, str]:
        """As the state machine and the operator read it."""
        return {
            "activation_id": self.activation_id,
            "store_url": self.store,
            "state": self.state,
            "reason": self.reason,
            "problem": self.problem,
            "advice": ADVICE[self.reason] if self.reason else "",
        }


def id_of(row: Row) -> ActivationId:
    """The attempt that owns a row."""
    return ActivationId(row["line"], row["attempt"])


def now() -> int:
    """Milliseconds since 1970, the time of rows."""
    return int(time.time() * 1000)


def expiry() -> int:
    """When a row that ends now expires: seconds since 1970, as DynamoDB's TTL counts."""
    return now() // 1000 + RETENTION


SHARDS = "0123456789abcdef"
"""The parts of an index."""


SWEEP_SHARDS = "0123"
"""Those of an index that the sweep goes over: each minute it asks each part, and finds nearly always nothing."""


def shard(digits: str, parts: str = SHARDS) -> str:
    """Where in an index of so many parts a row lies: by the first of its hex digits."""
    return parts[int(digits[0], 16) % len(parts)]


def find(activation_id: ActivationId) -> Row:
    """The row of an attempt. Raises Invalid where none is kept, Unavailable."""
    row = _row(activation_id)
    if not row:
        raise Invalid({"activation_id": "names no activation that is kept"}, "not-found")
    return row


def _row(activation_id: ActivationId) -> Row:
    """The row that an attempt has or had, {} where there is none. Raises Unavailable."""
    return dynamodb.get(required("STORELINK_ACTIVATIONS_TABLE"), {"line": activation_id.line})


def is_owner(activation_id: ActivationId) -> bool:
    """Whether no newer attempt has taken this one's row. Raises Unavailable."""
    return bool(_row(activation_id).get("attempt") == activation_id.attempt)


def newest(most: int) -> list[Row]:
    """The rows that began last, the newest first. Raises Unavailable."""
    table = required("STORELINK_ACTIVATIONS_TABLE")
    found = [row for part in SHARDS for row in dynamodb.page(table, "newest", {"shard": part}, most, newest=True)[0]]
    return sorted(found, key=lambda row: int(row["received_at"]), reverse=True)[:most]


def has_pending_token(row: Row) -> bool:
    """Whether the access token is still sealed onto the row, because its home did not take it."""
    return bool(row["reached"] == "exchanged" and "sealed" in row)


def start_attempt(activation: Activation | ManualActivation, tenant: str | None) -> tuple[ActivationId, bool]:
    """Begin a new attempt, or join the one under way with this verifier. Says which id, and whether it is new.

    A new verifier supersedes the attempt under way. Raises Unavailable.
    """
    began = now()
    fresh = ActivationId.fresh(activation.line)
    try:
        dynamodb.update(
            required("STORELINK_ACTIVATIONS_TABLE"),
            {"line": fresh.line},
            condition=(
                "attribute_not_exists(#attempt) OR #state IN (:connected, :failed)"
                " OR #verifier_digest <> :verifier_digest OR #received_at < :expired"
            ),
            values={
                "connected": "connected",
                "failed": "failed",
                "verifier_digest": activation.verifier_digest,
                "expired": began - EXPIRATION_PERIOD * 1000,
            },
            changes={
                "attempt": fresh.attempt,
                "state": activation.reached,
                "reached": activation.reached,
                "consumer_key": activation.consumer_key,
                "store": activation.store.url,
                "verifier_digest": activation.verifier_digest,
                "sealed": kms.encrypt_secrets(activation.secrets, activation.consumer_key, activation.store.url),
                "received_at": began,
                "updated_at": began,
                "expires_at": expiry(),
                "unfinished": shard(fresh.line, SWEEP_SHARDS),
                "shard": shard(fresh.line),
                **({"tenant": tenant} if tenant else {}),
            },
            remove=(
                "answer",
                "holder",
                "lease_until",
                "reason",
                "problem",
                "unannounced",
                "suspicious",
                "sign_in",
                "sign_in_tenant",
            )
            + (() if tenant else ("tenant",)),
        )
    except Conflict as conflict:
        return id_of(conflict.row), False
    return fresh, True


def acquire_lease(activation_id: ActivationId, holder: str, reached: tuple[str, str]) -> Row | Outcome:
    """Keep other runs of a step out for `LEASE` seconds and read the row; or say where the activation stands already.

    holder: the same one may come again at once. reached: the two states from which this step goes on. The row is as
    it was before, so it has a `holder` if an earlier run of this step has begun; `held_since` is new.
    Raises Unavailable while another holder runs, Invalid where there is no such activation.
    """
    began = now()
    try:
        row = dynamodb.update(
            required("STORELINK_ACTIVATIONS_TABLE"),
            {"line": activation_id.line},
            condition=(
                f"{_OWNED} AND attribute_exists(#sealed) AND #reached IN (:first, :second)"
                " AND (attribute_not_exists(#lease_until) OR #lease_until < :now OR #holder = :me)"
            ),
            values={
                "attempt": activation_id.attempt,
                "first": reached[0],
                "second": reached[1],
                "now": began,
                "me": holder,
            },
            changes={"holder": holder, "lease_until": began + LEASE_SECONDS * 1000},
            before=True,
        )
    except Conflict as conflict:
        row = conflict.row
    else:
        return row | {"held_since": began}
    if row.get("attempt") == activation_id.attempt and "sealed" in row and row["reached"] in reached:
        raise Unavailable("busy")
    return status(activation_id, row)


def status(activation_id: ActivationId, row: Row) -> Outcome:
    """Where an activation stands by its row, which may be another attempt's by now; tells what was left untold."""
    if not row:
        raise Invalid({"activation_id": "names no activation that is kept"}, "not-found")
    if row["attempt"] != activation_id.attempt:
        return Outcome(str(activation_id), row["store"], "superseded")
    outcome = Outcome(str(activation_id), row["store"], row["state"], row.get("reason", ""), row.get("problem", ""))
    if "unannounced" in row:
        publish_failure(row)
    return outcome


def advance(row: Row, state: str, answer: bytes) -> Outcome:
    """Write what a step reached, with the store's answer, sealed. Raises Unavailable."""
    activation_id = id_of(row)
    try:
        dynamodb.update(
            required("STORELINK_ACTIVATIONS_TABLE"),
            {"line": row["line"]},
            condition=f"{_OWNED} AND #reached = :before",
            values={"attempt": row["attempt"], "before": row["reached"]},
            changes={
                "state": state,
                "reached": state,
                "sealed": row["sealed"],  # another run may have ended it meanwhile, and taken it away
                "answer": answer,
                "updated_at": now(),
                "unfinished": shard(row["line"], SWEEP_SHARDS),
                **({} if state == "exchanged" else {"expires_at": expiry()}),
            },
            remove=("holder", "lease_until", "reason", "problem", "unannounced")
            + (("expires_at",) if state == "exchanged" else ()),
        )
    except Conflict as conflict:
        return status(activation_id, conflict.row)
    observability.record_advanced(str(activation_id), Store.from_url(row["store"]), state)
    return Outcome(str(activation_id), row["store"], state)


def spent_sign_in(activation_id: ActivationId, token_id: str) -> str | None:
    """The tenant of an activation's sign-in, if this is the one that was spent. Raises Unavailable."""
    row = _row(activation_id)
    spent = row.get("attempt") == activation_id.attempt and row.get("sign_in") == token_id
    return str(row["sign_in_tenant"]) if spent else None


def record_sign_in(activation_id: ActivationId, token_id: str, tenant: str) -> None:
    """Spend the one sign-in of an activation that is connected; the same one may come again.

    Raises Conflict where another one has been spent or the activation is not there any more, Unavailable.
    """
    dynamodb.update(
        required("STORELINK_ACTIVATIONS_TABLE"),
        {"line": activation_id.line},
        condition=f"{_OWNED} AND (attribute_not_exists(#sign_in) OR #sign_in = :token_id)",
        values={"attempt": activation_id.attempt, "token_id": token_id},
        changes={"sign_in": token_id, "sign_in_tenant": tenant},
    )


def reject(row: Row, reason: str, problem: str, suspicious: bool = False) -> Outcome:
    """End an activation for good, from where a step has found it, and tell it; also one that had failed resumably.

    Another run may have gone on meanwhile; then the activation stands where that left it. suspicious: tell that, too.
    """
    return _fail(
        id_of(row),
        condition="#reached = :before AND attribute_exists(#sealed)",
        values={"before": row["reached"]},
        changes={"reason": reason, "problem": problem, "suspicious": suspicious},
        remove=("sealed", "answer"),
    )


def abandon(activation_id: ActivationId, reason: str, problem: str, suspicious: bool) -> Outcome:
    """End an activation whose steps do not get on, and tell it; what is sealed stays, so that an operator can.

    suspicious: tell that, too.
    """
    return _fail(
        activation_id,
        condition="NOT #state IN (:connected, :failed)",
        values={"connected": "connected", "failed": "failed"},
        changes={"reason": reason, "problem": problem, "suspicious": suspicious},
    )


def _fail(
    activation_id: ActivationId, condition: str, values: Row, changes: Row, remove: tuple[str, ...] = ()
) -> Outcome:
    try:
        row = dynamodb.update(
            required("STORELINK_ACTIVATIONS_TABLE"),
            {"line": activation_id.line},
            condition=f"{_OWNED} AND {condition}",
            values={"attempt": activation_id.attempt, **values},
            changes={
                "state": "failed",
                "unannounced": True,
                "updated_at": now(),
                "unfinished": shard(activation_id.line, SWEEP_SHARDS),
                **changes,
            },
            remove=("lease_until", "expires_at", *remove),
        )
    except Conflict as conflict:
        return status(activation_id, conflict.row)
    observability.record_failed(str(activation_id), Store.from_url(row["store"]), row["reason"], row["problem"])
    publish_failure(row)
    return Outcome(str(activation_id), row["store"], "failed", row["reason"], row["problem"])


def publish_failure(row: Row) -> None:
    """Send `Activation Failed` and note that it is out. Raises Unavailable; then the note is still to be told."""
    events.publish_activation_failed(
        str(id_of(row)), row["store"], row["reason"], row["problem"], suspicious=row["suspicious"]
    )
    over = not has_pending_token(row)
    with contextlib.suppress(Conflict):  # a newer attempt or an operator has gone on from here
        dynamodb.update(
            required("STORELINK_ACTIVATIONS_TABLE"),
            {"line": row["line"]},
            condition=f"{_OWNED} AND #updated_at = :seen",
            values={"attempt": row["attempt"], "seen": row["updated_at"]},
            changes={"expires_at": expiry()} if over else {},
            remove=("unannounced", "unfinished") if over else ("unannounced",),
        )
