"""The rows of activations: one handshake each, from Magento's post to its end. attempts.py changes them.

`state` is what people see: pending, requested, exchanged, connected or failed. `reached` is the last of these that was
reached by success. While `encrypted_secrets` is there, a step can continue from it. `encrypted_answer` is the answer of
the store.

A row has `sweep_shard` until nothing is left to do for it; the sweep looks at it after `sweep_at`. It has `expires_at`
(TTL), except while an access token waits on it or its failure is not published.
"""

import time
from dataclasses import dataclass

from storelink import advice
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Invalid, Sent
from storelink.models import ActivationId

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

SWEEP_SHARDS = "0123"
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


def status(activation_id: ActivationId, row: Row) -> Outcome:
    """The outcome of an attempt by its row, which another attempt may own by now. Raises Invalid when there is none."""
    if not row:
        raise Invalid({"activation_id": "names no activation that is kept"}, "not-found")
    if row["attempt"] != activation_id.attempt:
        return Outcome(str(activation_id), row["store"], "superseded")
    reason, problem = row.get("reason", ""), row.get("problem", "")
    return Outcome(str(activation_id), row["store"], row["state"], reason, problem, advice_of(row) if reason else "")


def has_pending_token(row: Row) -> bool:
    """Whether the access token is still encrypted on the row, because its backend did not take it."""
    return bool(row["reached"] == "exchanged" and "encrypted_secrets" in row)
