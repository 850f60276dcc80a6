"""The rows of activations: one handshake each, from Magento's post to its end.

`state` is what people see: pending, requested, exchanged, connected or failed. `reached` is the last of these that was
reached by success. While `encrypted_secrets` is there, a step can continue from it. `encrypted_answer` is the answer of
the store.

A row has `sweep_shard` until nothing is left to do for it; the sweep looks at it after `sweep_at`. It has `expires_at`
(TTL), except while an access token waits on it or its failure is not published.
"""

import time
from dataclasses import dataclass

from storelink import advice, observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Invalid, Sent, Unavailable
from storelink.models import EXPIRATION_PERIOD, Activation, ActivationId, ManualActivation
from storelink.store import Store

STATES = ("pending", "requested", "exchanged", "connected", "failed")

RETENTION = 24 * 3600
"""Seconds between an activation's end and its row's expiry (TTL)."""

LEASE_SECONDS = 25
"""Seconds for which one run of a step keeps others out: the longer timeout of the two steps' functions."""

SWEEP_DELAY = 30
"""Seconds after a write for which the sweep leaves a row to the execution."""

MERCHANT = "the merchant"
"""Who starts an activation by a post of Magento's."""

_OWNED = "#attempt = :attempt"


@dataclass(frozen=True)
class Outcome:
    """The state of an activation. store: its URL. reason, problem, advice: of a failure or a try that failed, else "".

    retry_in: seconds until the step is to run again; None when it is not.
    """

    activation_id: str
    store: str
    state: str
    reason: str = ""
    problem: str = ""
    advice: str = ""
    retry_in: int | None = None

    def to_dict(self) -> dict[str, str | int]:
        """As the state machine and the operator read it."""
        return {
            "activation_id": self.activation_id,
            "store_url": self.store,
            "state": self.state,
            "reason": self.reason,
            "problem": self.problem,
            "advice": self.advice,
            **({} if self.retry_in is None else {"retry_in": self.retry_in}),
        }


def advice_of(row: Row) -> str:
    """What happened to an activation that failed, or whose step is tried again, and what to do; else ""."""
    reason = _reason(row)
    return advice.text(reason, action_of(row)) if reason else ""


def action_of(row: Row) -> advice.Action:
    """What to do in Magento's admin about an activation that failed, or whose step is tried again."""
    has_ended = row["state"] == "failed"
    if not has_ended and row["reached"] == "pending":
        return "retry"
    answer_lost = row.get("answer_lost", "") if has_ended else ""
    return advice.action(_reason(row), row["reached"], answer_lost, ended=has_ended)


def lost_answer(reached: str, sent: Sent) -> Row:
    """The attribute that says which token a store may have given in an answer that did not arrive; {} for none."""
    return {"answer_lost": "requested" if reached == "pending" else "connected"} if sent is Sent.LOST else {}


def _reason(row: Row) -> str:
    return str(row.get("reason") or row.get("retry_reason", ""))


def id_of(row: Row) -> ActivationId:
    """The id of the attempt that owns a row."""
    return ActivationId(row["integration_key"], row["attempt"])


def now() -> int:
    """The time in rows: milliseconds since 1970."""
    return int(time.time() * 1000)


def expiry() -> int:
    """When a row that ends now expires: seconds since 1970, as DynamoDB's TTL counts."""
    return now() // 1000 + RETENTION


SHARDS = "0123456789abcdef"
"""The parts of an index."""

SWEEP_SHARDS = "01234567"
"""The parts of an index that the sweep queries. It asks each one every minute and nearly always finds nothing."""


def shard(digits: str, parts: str = SHARDS) -> str:
    """The part of an index in which a row lies, by the first of its hex digits."""
    return parts[int(digits[0], 16) % len(parts)]


def find(activation_id: ActivationId) -> Row:
    """The row of an attempt. Raises Invalid when there is none, Unavailable."""
    row = get(activation_id)
    if not row:
        raise Invalid({"activation_id": "names no activation that is kept"}, "not-found")
    return row


def get(activation_id: ActivationId) -> Row:
    """The row that an attempt has or had, {} when there is none. Raises Unavailable."""
    return dynamodb.get(config.activations_table, {"integration_key": activation_id.integration_key})


def is_owner(activation_id: ActivationId) -> bool:
    """Whether no newer attempt has taken this one's row. Raises Unavailable."""
    return bool(get(activation_id).get("attempt") == activation_id.attempt)


MAX_TIME = 10**14 - 1
"""Later than any time of a row, in ms since 1970."""

SEARCHED_AT_ONCE = 250
"""Rows of each shard that one page of a filtered list is searched for in."""


def newest(
    limit: int, only: dynamodb.Only | None = None, since: int = 0, until: int = MAX_TIME
) -> tuple[list[Row], int | None]:
    """The rows that began last, the newest first, and the `until` of the next page; None at the end.

    Some `limit` rows; a page can hold fewer before the end, and more where rows began in the same millisecond. only:
    what rows must have. since, until: when they began, in ms since 1970. Raises Unavailable.
    """
    # The newest rows are spread over the shards: of each, some more than its part are enough.
    searched = SEARCHED_AT_ONCE if only else min(limit + 1, 3 * limit // len(SHARDS) + 8)
    found, seen_to = [], -1
    for part in SHARDS:
        rows, seen = _newest_of_shard(part, searched, only, since, until)
        found += rows
        seen_to = max(seen_to, seen)
    found = sorted((row for row in found if _began(row) > seen_to), key=_began, reverse=True)
    if len(found) > limit:
        last = _began(found[limit - 1])
        return [row for row in found if _began(row) >= last], last - 1
    return found, None if seen_to < 0 else seen_to


def _newest_of_shard(
    part: str, searched: int, only: dynamodb.Only | None, since: int, until: int
) -> tuple[list[Row], int]:
    """The newest rows of a shard, and the time after which all of them were seen; -1 for all times."""
    found: list[Row] = []
    after: Row = {}
    while True:
        where, between = {"shard": part}, ("received_at", since, until)
        rows, after = dynamodb.page(
            config.activations_table, "newest", where, searched, after, newest=True, only=only, between=between
        )
        found += rows
        seen_to = _began(after) if after else -1
        if seen_to < until:  # else all of them began in one millisecond
            return found, seen_to


def _began(row: Row) -> int:
    return int(row["received_at"])


def of_store(store: Store, limit: int) -> list[Row]:
    """A store's activations, the newest first. Raises Unavailable."""
    return dynamodb.page(config.activations_table, "by_store", {"store": store.url}, limit, newest=True)[0]


SEARCHED = 4000
"""Rows of one shard that are searched for a reference: of the 16 shards together, some 64,000."""


def of_reference(reference: str) -> tuple[list[Row], bool]:
    """The rows whose activation's id begins with a reference, the newest first; whether all of them were searched.

    reference: 8 or more characters. They name the shard, so the newest rows of one shard are searched; a whole
    integration key is a row's key. Raises Unavailable.
    """
    integration_key, _, attempt = reference.partition("-")
    if len(integration_key) == 32:  # whole
        row = dynamodb.get(config.activations_table, {"integration_key": integration_key})
        return [row] if row and row["attempt"].startswith(attempt) else [], True
    found: list[Row] = []
    searched, where = 0, {"shard": shard(reference)}
    after: Row | None = None
    while searched < SEARCHED:
        rows, after = dynamodb.page(config.activations_table, "newest", where, SEARCHED - searched, after, newest=True)
        found += [row for row in rows if row["integration_key"].startswith(reference)]
        searched += len(rows)
        if not after:
            return found, True
    return found, False


def has_pending_token(row: Row) -> bool:
    """Whether the access token is still encrypted on the row, because its backend did not take it."""
    return bool(row["reached"] == "exchanged" and "encrypted_secrets" in row)


RETRY = ("retry_reason", "retry_problem", "next_try_at", "tries", "was_silent")
"""The attributes of a step that is to be tried again."""

PREVIOUS = ("previous_secrets", "previous_answer", "previous_reached")
"""The attributes of the attempt before that can take this one's place."""

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
    *RETRY,
)


def start_attempt(
    activation: Activation | ManualActivation, encrypted_secrets: bytes, tenant: str | None, by: str = MERCHANT
) -> tuple[ActivationId, bool]:
    """Start a new attempt, or join the attempt under way with the same values. Its id, and whether it is new.

    by: who starts it, for the connection's history.
    A new verifier supersedes the attempt under way, whose secrets are kept: when the merchant clicks Activate while the
    app has the request token, Magento posts a verifier that it refuses, and the request token stays good.
    Raises Unavailable.
    """
    began = now()
    new = ActivationId.new(activation.integration_key)
    try:
        dynamodb.update(
            config.activations_table,
            {"integration_key": new.integration_key},
            condition=(
                "attribute_not_exists(#attempt) OR #state IN (:connected, :failed)"
                " OR #fingerprint <> :fingerprint OR (#reached = :reached AND #received_at < :expired)"
            ),
            values={
                "connected": "connected",
                "failed": "failed",
                "fingerprint": activation.fingerprint,
                "reached": activation.reached,
                "expired": began - EXPIRATION_PERIOD * 1000,
            },
            changes=_new_row(new, activation, began)
            | {"encrypted_secrets": encrypted_secrets, "by": by}
            | ({"tenant": tenant} if tenant else {}),
            remove=_OF_PREVIOUS_ATTEMPT + (() if tenant else ("tenant",)),
            copy={
                "previous_secrets": "encrypted_secrets",
                "previous_answer": "encrypted_answer",
                "previous_reached": "reached",
            },
        )
    except Conflict as conflict:
        return id_of(conflict.row), False
    return new, True


def _new_row(activation_id: ActivationId, activation: Activation | ManualActivation, at: int) -> Row:
    """The attributes with which an attempt starts, except for its secrets."""
    return {
        "attempt": activation_id.attempt,
        "state": activation.reached,
        "reached": activation.reached,
        "consumer_key": activation.consumer_key,
        "store": activation.store.url,
        "fingerprint": activation.fingerprint,
        "credentials_digest": activation.credentials_digest,
        "received_at": at,
        "updated_at": at,
        "expires_at": expiry(),
        "shard": shard(activation_id.integration_key),
        **_to_sweep(activation_id, at),
    }


def _to_sweep(activation_id: ActivationId, at: int) -> Row:
    """The attributes by which the sweep finds a row when its execution does not finish it."""
    return {
        "sweep_shard": shard(activation_id.integration_key, SWEEP_SHARDS),
        "sweep_at": at + SWEEP_DELAY * 1000,
    }


def acquire_lease(activation_id: ActivationId, holder: str, reached: tuple[str, str]) -> Row | Outcome:
    """Keep other runs of a step out for `LEASE_SECONDS` and read the row; or the outcome when the step is done already.

    holder: the same one may acquire it again at once. reached: the two states from which this step continues. The row
    is as it was before, so it has a `lease_holder` if an earlier run of this step has begun; `lease_since` is new.
    Raises Unavailable while another holder runs, Invalid when there is no such activation.
    """
    began = now()
    try:
        row = dynamodb.update(
            config.activations_table,
            {"integration_key": activation_id.integration_key},
            condition=(
                f"{_OWNED} AND attribute_exists(#encrypted_secrets) AND #reached IN (:first, :second)"
                " AND (attribute_not_exists(#lease_until) OR #lease_until < :now OR #lease_holder = :holder)"
            ),
            values={
                "attempt": activation_id.attempt,
                "first": reached[0],
                "second": reached[1],
                "now": began,
                "holder": holder,
            },
            changes={"lease_holder": holder, "lease_until": began + LEASE_SECONDS * 1000},
            before=True,
        )
    except Conflict as conflict:
        row = conflict.row
    else:
        return row | {"lease_since": began}
    if row.get("attempt") == activation_id.attempt and "encrypted_secrets" in row and row["reached"] in reached:
        raise Unavailable("busy")
    return status(activation_id, row)


def status(activation_id: ActivationId, row: Row) -> Outcome:
    """The outcome of an attempt by its row, which another attempt may own by now. Raises Invalid when there is none."""
    if not row:
        raise Invalid({"activation_id": "names no activation that is kept"}, "not-found")
    if row["attempt"] != activation_id.attempt:
        return Outcome(str(activation_id), row["store"], "superseded")
    reason, problem = row.get("reason", ""), row.get("problem", "")
    return Outcome(str(activation_id), row["store"], row["state"], reason, problem, advice_of(row) if reason else "")


def advance(row: Row, state: str, encrypted_answer: bytes) -> Outcome:
    """Write what a step reached, with the store's answer. Raises Unavailable."""
    activation_id, at = id_of(row), now()
    try:
        dynamodb.update(
            config.activations_table,
            {"integration_key": row["integration_key"]},
            condition=f"{_OWNED} AND #reached = :before",
            values={"attempt": row["attempt"], "before": row["reached"]},
            changes={
                "state": state,
                "reached": state,
                "encrypted_secrets": row["encrypted_secrets"],  # another run may have ended it and removed them
                "encrypted_answer": encrypted_answer,
                "updated_at": at,
                **_to_sweep(activation_id, at),
                **({} if state == "exchanged" else {"expires_at": expiry()}),
            },
            remove=(
                "lease_holder",
                "lease_until",
                "reason",
                "problem",
                "needs_publish",
                "answer_lost",
                *RETRY,
                *PREVIOUS,
            )
            + (("expires_at",) if state == "exchanged" else ()),
        )
    except Conflict as conflict:
        return status(activation_id, conflict.row)
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
    activation_id, at = id_of(row), now()
    try:
        tried = dynamodb.update(
            config.activations_table,
            {"integration_key": row["integration_key"]},
            condition=f"{_OWNED} AND #reached = :before AND #lease_until = :lease",
            values={
                "attempt": row["attempt"],
                "before": row["reached"],
                "lease": row["lease_since"] + LEASE_SECONDS * 1000,
            },
            changes=_to_retry(row, error, at + seconds * 1000) | {"updated_at": at},
            remove=("lease_until",) if error.sent is Sent.LOST else ("lease_until", "lease_holder"),
        )
    except Conflict as conflict:
        outcome = status(activation_id, conflict.row)
        if outcome.state == row["reached"]:
            raise Unavailable("busy") from None
        return outcome
    observability.record_retry(str(activation_id), Store.from_url(row["store"]), error.reason, error.problem, seconds)
    problem = error.reason, error.problem, advice_of(tried)
    return Outcome(str(activation_id), row["store"], row["reached"], *problem, retry_in=seconds)


def _to_retry(row: Row, error: Unavailable, next_try_at: int) -> Row:
    """The attributes of a step that failed for now. next_try_at: ms since 1970."""
    return {
        "retry_reason": error.reason,
        "retry_problem": error.problem,
        "next_try_at": next_try_at,
        "tries": row.get("tries", 0) + 1,
        **_to_sweep(id_of(row), next_try_at),
        "expires_at": max(expiry(), next_try_at // 1000 + RETENTION),
        **lost_answer(row["reached"], error.sent),
        **({"was_silent": True} if error.limit == "time" else {}),
    }


def record_sign_in(activation_id: ActivationId, token_id: str, tenant: str) -> None:
    """Spend the one sign-in of an activation that is connected. It may be recorded again.

    Raises Conflict when another one is spent or the activation is gone, Unavailable.
    """
    dynamodb.update(
        config.activations_table,
        {"integration_key": activation_id.integration_key},
        condition=(
            f"{_OWNED} AND (attribute_not_exists(#sign_in_id)"
            " OR (#sign_in_id = :token_id AND #sign_in_tenant = :tenant))"
        ),
        values={"attempt": activation_id.attempt, "token_id": token_id, "tenant": tenant},
        changes={"sign_in_id": token_id, "sign_in_tenant": tenant},
    )


def fail(
    activation_id: ActivationId,
    condition: str,
    values: Row,
    changes: Row,
    remove: tuple[str, ...] = (),
) -> tuple[Row, Outcome]:
    """Write that an attempt failed, with an event that is to be published. Its row and outcome.

    condition: what the row must be, besides being this attempt's; else the row is {} and the outcome what another run
    made of it. Raises Unavailable.
    """
    at = now()
    try:
        row = dynamodb.update(
            config.activations_table,
            {"integration_key": activation_id.integration_key},
            condition=f"{_OWNED} AND {condition}",
            values={"attempt": activation_id.attempt, **values},
            changes={
                "state": "failed",
                "needs_publish": True,
                "updated_at": at,
                **_to_sweep(activation_id, at),
                **changes,
            },
            remove=("lease_until", "expires_at", *RETRY, *PREVIOUS, *remove),
        )
    except Conflict as conflict:
        return {}, status(activation_id, conflict.row)
    observability.record_failed(str(activation_id), Store.from_url(row["store"]), row["reason"], row["problem"])
    return row, status(activation_id, row)


def connected_update(row: Row, at: int) -> dict[str, object]:
    """The update, for a transaction, that says `connected` on an activation."""
    return dynamodb.update_parameters(
        config.activations_table,
        {"integration_key": row["integration_key"]},
        condition=f"{_OWNED} AND #state <> :connected",
        values={"attempt": row["attempt"], "connected": "connected"},
        changes={"state": "connected", "reached": "connected", "updated_at": at, "expires_at": expiry()},
        remove=(
            "encrypted_secrets",
            "encrypted_answer",
            "lease_until",
            "reason",
            "problem",
            "needs_publish",
            "sweep_shard",
            "sweep_at",
            "answer_lost",
            *RETRY,
            *PREVIOUS,
        ),
    )
