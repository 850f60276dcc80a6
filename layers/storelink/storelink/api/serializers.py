"""Connections and activations as the operator's API shows them: no secret, no number that only we can read."""

import base64
import re
from typing import Any

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row, iso8601
from storelink.config import config
from storelink.errors import ADVICE, Invalid, StorelinkError
from storelink.models import ActivationId, validate_tenant
from storelink.state import activations
from storelink.state.connections import STATES
from storelink.store import Store

Shown = dict[str, Any]

PAGE = 50
"""Rows of a page, where the operator does not say."""
MAX_PAGE = 200

_TIMES = frozenset({"at", "connected_at", "checked_at", "next_check_at", "received_at", "updated_at", "next_try_at"})


def connection(row: Row) -> Shown:
    """A connection: {connection_id, store_url, state, connected_at, reason?, problem?, advice?, tenant?, …, history?}.

    reason: why it is disconnected; of one that is connected, what its last check met that is not enough to say so.
    """
    names = ("connection_id", "state", "tenant", "consumer_key", "activation_id", "secret_arn")
    shown = _shown(row, *names, "connected_at", "checked_at", "next_check_at", "reason", "problem")
    if "history" in row:
        changed = ("at", "what", "reason", "problem", "activation_id", "tenant")
        shown["history"] = [_shown(told, *changed) for told in reversed(row["history"])]
    return shown


def check_result(row: Row, error: StorelinkError | None) -> Shown:
    """What a check of a connection found: {ok, reason?, problem?, advice?, connection}. row: the connection's."""
    found = {"reason": error.reason, "problem": error.problem, "advice": error.advice} if error else {}
    return {"ok": error is None, **{name: text for name, text in found.items() if text}, "connection": connection(row)}


def activation(row: Row) -> Shown:
    """An activation: {activation_id, store_url, state, received_at, updated_at, reason?, problem?, advice?, …}."""
    shown = {"activation_id": str(activations.id_of(row)), **_shown(row, "state", "tenant", "reason", "problem")}
    shown["connection_id"] = Store.from_url(row["store"]).connection_id
    if advice := activations.advice_of(row):
        shown["advice"] = advice
    return shown | _shown(row, "retry_reason", "retry_problem", "next_try_at", "received_at", "updated_at")


def _shown(row: Row, *names: str) -> Shown:
    shown = {name: iso8601(row[name]) if name in _TIMES else row[name] for name in names if name in row}
    if "store" in row:
        shown["store_url"] = row["store"]
    if "reason" in shown:
        shown["advice"] = ADVICE[shown["reason"]]
    return {name: value for name, value in shown.items() if value != ""}


def list_connections(asked: dict[str, str]) -> Shown:
    """A page of connections: {connections: [...], cursor?}. asked: state?, tenant?, limit?, cursor? of the query.

    In the order of their ids; of all states, the connected ones first. While there is a cursor, there can be more, even
    where a page holds fewer than `limit`. Raises Invalid, naming every wrong field at once, Unavailable.
    """
    wrong = {name: "is not known; give state, tenant, limit or cursor" for name in asked if name not in _ASKED}
    state, tenant = asked.get("state"), asked.get("tenant")
    if state not in (None, *STATES):
        wrong["state"] = f"must be one of: {', '.join(STATES)}"
    if tenant is not None:
        try:
            validate_tenant(tenant)
        except Invalid as invalid:
            wrong |= invalid.fields
    limit, place = _limit(asked, wrong), _place(asked, wrong)
    if wrong:
        raise Invalid(wrong)
    if tenant is not None:
        start = {"tenant": tenant, "connection_id": place["connection_id"]} if place else None
        only = {"state": state} if state else {}
        table = config.connections_table
        rows, more = dynamodb.page(table, "by_tenant", {"tenant": tenant}, limit, start, only=only)
    else:
        rows, more = _by_state((state,) if state else STATES, limit, place)
    shown: Shown = {"connections": [connection(row) for row in rows]}
    if more:
        shown["cursor"] = _cursor(more)
    return shown


_ASKED = ("state", "tenant", "limit", "cursor")
_PLACE = re.compile(r"(?P<state>[a-z]*) (?P<connection_id>[a-z0-9.-]{1,253}-[0-9a-f]{16})")


def _by_state(states: tuple[str, ...], limit: int, place: Row | None) -> tuple[list[Row], Row]:
    """So many rows, one state after the other, and the place to go on from; {} at the end."""
    rows: list[Row] = []
    if place:
        states = states[states.index(place["state"]) :] if place["state"] in states else ()
    for state in states:
        found, more = dynamodb.page(config.connections_table, "by_state", {"state": state}, limit - len(rows), place)
        rows += found
        if len(rows) == limit:
            return rows, {"state": state, "connection_id": rows[-1]["connection_id"]}
        if more:
            return rows, more
        place = None
    return rows, {}


def _limit(asked: dict[str, str], wrong: dict[str, str]) -> int:
    text = asked.get("limit", str(PAGE))
    if re.fullmatch(r"[0-9]{1,4}", text) and 1 <= int(text) <= MAX_PAGE:
        return int(text)
    wrong["limit"] = f"must be a whole number from 1 to {MAX_PAGE}"
    return PAGE


def _cursor(place: Row) -> str:
    return base64.urlsafe_b64encode(f"{place.get('state', '')} {place['connection_id']}".encode()).decode()


def _place(asked: dict[str, str], wrong: dict[str, str]) -> Row | None:
    """Where a page begins: after the row that these keys name."""
    if "cursor" not in asked:
        return None
    try:
        found = _PLACE.fullmatch(base64.urlsafe_b64decode(asked["cursor"]).decode())
    except ValueError:
        found = None
    if not found:
        wrong["cursor"] = "is none of ours; give it as the page before had it, or leave it out"
    return found.groupdict() if found else None


def list_activations(asked: dict[str, str]) -> Shown:
    """The newest activations: {activations: [...]}. asked: limit? of the query. Raises Invalid, Unavailable."""
    wrong = {name: "is not known; give limit" for name in asked if name != "limit"}
    limit = _limit(asked, wrong)
    if wrong:
        raise Invalid(wrong)
    return {"activations": [activation(row) for row in activations.newest(limit)]}


def find_activation(activation_id: ActivationId) -> Shown:
    """An activation as it stands; `superseded` where a newer one has its place. Raises Invalid, Unavailable."""
    row = activations.find(activation_id)
    if row["attempt"] == activation_id.attempt:
        return activation(row)
    newer = activation(row)
    return {
        "activation_id": str(activation_id),
        "state": "superseded",
        "store_url": newer["store_url"],
        "connection_id": newer["connection_id"],
    }
