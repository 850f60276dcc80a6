"""Rows as the operator's API shows them: without secrets, with times in ISO 8601."""

from typing import Any

from storelink.aws.dynamodb import Row, iso8601
from storelink.errors import ADVICE, StorelinkError
from storelink.models import ActivationId
from storelink.state import activations, connections, invitations
from storelink.store import Store

Json = dict[str, Any]


def connection(row: Row) -> Json:
    """A connection: {connection_id, store_url, state, connected_at, reason?, problem?, advice?, tenant?, …, history?}.

    reason: why it is disconnected, or what the last health check of a connected one met. unclaimed_until: when it is
    forgotten if nobody claims it.
    """
    names = ("connection_id", "state", "tenant", "consumer_key", "activation_id", "secret_arn")
    shown = _fields(row, *names, "connected_at", "checked_at", "next_check_at", "reason", "problem")
    if (until := connections.unclaimed_until(row)) is not None:
        shown["unclaimed_until"] = iso8601(until)
    if "history" in row:
        of_change = ("at", "what", "by", "reason", "problem", "activation_id", "tenant", "former_tenant")
        shown["history"] = [_fields(change, *of_change) for change in reversed(row["history"])]
    return shown


def check_result(row: Row, error: StorelinkError | None) -> Json:
    """The result of a health check: {ok, reason?, problem?, advice?, connection}. row: the connection's."""
    found = {"reason": error.reason, "problem": error.problem, "advice": error.advice} if error else {}
    return {"ok": error is None, **{name: text for name, text in found.items() if text}, "connection": connection(row)}


def activation(row: Row) -> Json:
    """An activation: {activation_id, store_url, connection_id, state, received_at, updated_at, reason?, …}.

    reached: how far it came. reason: why it failed. retry_reason: why its step is tried again at next_try_at. action:
    what to do in Magento's admin, a key of `advice.ACTIONS`. suspicious: it may be a stranger's; else left out.
    """
    names = ("state", "reached", "tenant", "reason", "problem")
    shown = {"activation_id": str(activations.id_of(row)), **_fields(row, *names)}
    shown["connection_id"] = Store.from_url(row["store"]).connection_id
    if advice := activations.advice_of(row):
        shown |= {"advice": advice, "action": activations.action_of(row)}
    if row.get("suspicious"):
        shown["suspicious"] = True
    return shown | _fields(row, "retry_reason", "retry_problem", "next_try_at", "received_at", "updated_at")


def superseded_activation(activation_id: ActivationId, newer: Row) -> Json:
    """An activation whose row a newer one has taken."""
    shown = activation(newer)
    return {"activation_id": str(activation_id), "state": "superseded"} | {
        name: shown[name] for name in ("store_url", "connection_id")
    }


def invitation(row: Row) -> Json:
    """An invitation: {invitation_id, tenant, state, created_at, valid_until, store_url?, revoked_at?}."""
    state = {"state": invitations.state(row)}
    return _fields(row, "invitation_id", "tenant") | state | _fields(row, "created_at", "valid_until", "revoked_at")


def login(created: Row) -> Json:
    """A stored login: {store_url, kind, secret_arn, expires_at}."""
    return created | {"expires_at": iso8601(created["expires_at"] * 1000)}


def _fields(row: Row, *names: str) -> Json:
    """Some of a row's attributes: times as ISO 8601, the store by its URL, a reason with its advice."""
    shown = {name: _value(name, row[name]) for name in names if name in row}
    if "store" in row:
        shown["store_url"] = row["store"]
    if "reason" in shown:
        shown["advice"] = ADVICE[shown["reason"]]
    return {name: value for name, value in shown.items() if value != ""}


def _value(name: str, value: Any) -> Any:
    return iso8601(value) if name in ("at", "valid_until") or name.endswith("_at") else value
