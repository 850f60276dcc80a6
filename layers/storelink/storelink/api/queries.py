"""The operator's lists: their query parameters, pages and cursors."""

import base64
import re

from storelink.api import serializers
from storelink.api.serializers import Json
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Invalid
from storelink.models import ActivationId, validate_tenant
from storelink.state import activations, invitations
from storelink.state.connections import STATES
from storelink.store import Store

PAGE = 50
"""Items of a list, when the operator does not say."""
MAX_PAGE = 200

Query = dict[str, str]
Wrong = dict[str, str]
"""What is wrong with each field."""


def list_connections(query: Query) -> Json:
    """A page of connections: {connections: [...], cursor?}. query: state?, tenant?, limit?, cursor?.

    In the order of their ids; of all states, the connected ones first. While there is a cursor, there can be more, even
    if a page holds fewer than `limit`. Raises Invalid, naming every wrong field at once, Unavailable.
    """
    wrong = _unknown(query, "state", "tenant", "limit", "cursor")
    state, tenant = query.get("state"), _tenant(query, wrong)
    if state not in (None, *STATES):
        wrong["state"] = f"must be one of: {', '.join(STATES)}"
    limit, after = _limit(query, wrong), _after(query, wrong)
    if wrong:
        raise Invalid(wrong)
    if tenant is not None:
        start = {"tenant": tenant, "connection_id": after["connection_id"]} if after else None
        only = {"state": state} if state else {}
        rows, more = dynamodb.page(config.connections_table, "by_tenant", {"tenant": tenant}, limit, start, only=only)
    else:
        rows, more = _by_state((state,) if state else STATES, limit, after)
    shown: Json = {"connections": [serializers.connection(row) for row in rows]}
    return shown | ({"cursor": _cursor(more)} if more else {})


def list_activations(query: Query) -> Json:
    """Activations, the newest first: {activations: [...], incomplete?}. query: limit?, and store_url? or reference?.

    reference: the beginning of an activation's id. incomplete: true when older ones were not searched for it.
    Raises Invalid, Unavailable.
    """
    wrong = _unknown(query, "limit", "store_url", "reference")
    limit, store = _limit(query, wrong), None
    if "store_url" in query and "reference" in query:
        wrong["reference"] = "must not be given together with store_url"
    if "store_url" in query:
        try:
            store = Store.from_url(query["store_url"])
        except Invalid as invalid:
            wrong |= invalid.fields
    if not _REFERENCE.fullmatch(reference := query.get("reference", "0" * 8)):
        wrong["reference"] = "must be the first 8 or more characters of an activation's id"
    if wrong:
        raise Invalid(wrong)
    complete = True
    if "reference" in query:
        rows, complete = activations.of_reference(reference)
    else:
        rows = activations.of_store(store, limit) if store else activations.newest(limit)
    shown: Json = {"activations": [serializers.activation(row) for row in rows[:limit]]}
    return shown | ({} if complete else {"incomplete": True})


def find_activation(activation_id: ActivationId) -> Json:
    """An activation in its state now; `superseded` when a newer one has its place. Raises Invalid, Unavailable."""
    row = activations.find(activation_id)
    if row["attempt"] == activation_id.attempt:
        return serializers.activation(row)
    return serializers.superseded_activation(activation_id, row)


def list_invitations(query: Query) -> Json:
    """Invitations, the newest first: {invitations: [...]}. query: tenant?, limit?. Raises Invalid, Unavailable."""
    wrong = _unknown(query, "tenant", "limit")
    tenant, limit = _tenant(query, wrong), _limit(query, wrong)
    if wrong:
        raise Invalid(wrong)
    rows = invitations.newest(limit) if tenant is None else invitations.of_tenant(tenant, limit)
    return {"invitations": [serializers.invitation(row) for row in rows]}


_REFERENCE = re.compile(r"[0-9a-f]{8,31}|[0-9a-f]{32}(-[0-9a-f]{0,12})?")
_POSITION = re.compile(r"(?P<state>[a-z]*) (?P<connection_id>[a-z0-9.-]{1,253}-[0-9a-f]{16})")


def _unknown(query: Query, *names: str) -> Wrong:
    return {name: f"is not known; give {', '.join(names)}" for name in query if name not in names}


def _tenant(query: Query, wrong: Wrong) -> str | None:
    if "tenant" not in query:
        return None
    try:
        return validate_tenant(query["tenant"])
    except Invalid as invalid:
        wrong |= invalid.fields
        return None


def _limit(query: Query, wrong: Wrong) -> int:
    text = query.get("limit", str(PAGE))
    if re.fullmatch(r"[0-9]{1,4}", text) and 1 <= int(text) <= MAX_PAGE:
        return int(text)
    wrong["limit"] = f"must be a whole number from 1 to {MAX_PAGE}"
    return PAGE


def _by_state(states: tuple[str, ...], limit: int, after: Row | None) -> tuple[list[Row], Row]:
    """At most `limit` rows, one state after the other, and the position to continue from; {} at the end."""
    rows: list[Row] = []
    if after:
        states = states[states.index(after["state"]) :] if after["state"] in states else ()
    for state in states:
        found, more = dynamodb.page(config.connections_table, "by_state", {"state": state}, limit - len(rows), after)
        rows += found
        if len(rows) == limit:
            return rows, {"state": state, "connection_id": rows[-1]["connection_id"]}
        if more:
            return rows, more
        after = None
    return rows, {}


def _cursor(position: Row) -> str:
    return base64.urlsafe_b64encode(f"{position.get('state', '')} {position['connection_id']}".encode()).decode()


def _after(query: Query, wrong: Wrong) -> Row | None:
    """The position that a cursor names, None when there is none."""
    if "cursor" not in query:
        return None
    try:
        found = _POSITION.fullmatch(base64.urlsafe_b64decode(query["cursor"]).decode())
    except ValueError:
        found = None
    if not found:
        wrong["cursor"] = "is not a cursor of this API; give it as the page before had it, or leave it out"
    return found.groupdict() if found else None
