"""The operator's lists: their query parameters, pages and cursors."""

import base64
import re
from dataclasses import dataclass

from storelink.advice import REASONS
from storelink.api import serializers
from storelink.api.serializers import Json
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Invalid
from storelink.models import ActivationId, validate_tenant
from storelink.state import activation_lists, activations, connections, invitations
from storelink.state.connections import STATES
from storelink.store import Store

PAGE = 50
"""Items of a list, when the operator does not say."""
MAX_PAGE = 200

Query = dict[str, str]
Wrong = dict[str, str]
"""What is wrong with each field."""


def summary(query: Query) -> Json:
    """The number of connections: {connections: {connected, disconnected, unclaimed}, incomplete?}.

    incomplete: true when there are so many that not all were counted. Raises Invalid, Unavailable.
    """
    if query:
        raise Invalid(dict.fromkeys(query, "is not known; give no parameter"))
    counted, whole = connections.count()
    return {"connections": counted} | ({} if whole else {"incomplete": True})


def list_connections(query: Query) -> Json:
    """A page of connections: {connections: [...], cursor?}. query: state?, tenant?, host?, reason?, …, limit?, cursor?.

    In the order of their ids; of all states, the connected ones first. While there is a cursor, there can be more, even
    if a page holds fewer than `limit`. host: the beginning of their hosts. unclaimed: "true" for those without a
    tenant. Raises Invalid, naming every wrong field at once, Unavailable.
    """
    wrong = _unknown(query, "state", "tenant", "host", "reason", "unclaimed", "limit", "cursor")
    state, tenant, only = query.get("state"), _tenant(query, wrong), _reason(query, wrong)
    if state not in (None, *STATES):
        wrong["state"] = f"must be one of: {', '.join(STATES)}"
    if not _HOST.fullmatch(host := query.get("host", "")):
        wrong["host"] = "must be a host, or its beginning: a-z, 0-9, dot and dash"
    if _is_true(query, "unclaimed", wrong):
        only["tenant"] = None
        if "tenant" in query:
            wrong["unclaimed"] = "must not be given together with tenant"
    limit, position = _limit(query, wrong), _position(query, _CONNECTION, wrong)
    after = (position["value"], position["connection_id"]) if position else None
    if wrong:
        raise Invalid(wrong)
    if tenant is not None:
        only |= {"state": state} if state else {}
        found = _pages("by_tenant", "tenant", (tenant,), only, host, limit, after)
    else:
        found = _pages("by_state", "state", (state,) if state else STATES, only, host, limit, after)
    shown: Json = {"connections": [serializers.connection(row) for row in found.rows]}
    return shown | ({"cursor": _encode(f"{found.value} {found.connection_id}")} if found.connection_id else {})


def list_activations(query: Query) -> Json:
    """A page of activations, the newest first: {activations: [...], cursor?, incomplete?}.

    query: limit?, and store_url? or reference? or, together: state?, reason?, tenant?, suspicious?, since?, cursor?.
    reference: the beginning of an activation's id. incomplete: true when older ones were not searched for it. While
    there is a cursor, there can be more, even if a page holds fewer than `limit`. Raises Invalid, Unavailable.
    """
    wrong = _unknown(query, "limit", "store_url", "reference", *_FILTERS)
    limit, store = _limit(query, wrong), None
    for name in ("reference", "store_url"):
        others = [other for other in query if other not in (name, "limit")]
        if name in query and others and not wrong:
            wrong[name] = f"must not be given together with {', '.join(others)}"
    if "store_url" in query:
        try:
            store = Store.from_url(query["store_url"])
        except Invalid as invalid:
            wrong |= invalid.fields
    if not _REFERENCE.fullmatch(reference := query.get("reference", "0" * 8)):
        wrong["reference"] = "must be the first 8 or more characters of an activation's id"
    only, since, until = _activation_filter(query, wrong)
    if wrong:
        raise Invalid(wrong)
    following, whole = None, True
    if "reference" in query:
        rows, whole = activation_lists.of_reference(reference)
        rows = rows[:limit]
    elif store:
        rows = activation_lists.of_store(store, limit)
    else:
        rows, following = activation_lists.newest(limit, only, since, until)
    shown: Json = {"activations": [serializers.activation(row) for row in rows]}
    shown |= {} if following is None or following < since else {"cursor": _encode(str(following))}
    return shown | ({} if whole else {"incomplete": True})


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
_HOST = re.compile(r"[a-z0-9.-]{0,253}")
_CONNECTION = re.compile(r"(?P<value>\S{1,128}) (?P<connection_id>[a-z0-9.-]{1,253}-[0-9a-f]{16})")
_TIME = re.compile(r"[0-9]{1,14}")

SEARCHED_AT_ONCE = 1000
"""Connections that one page of a filtered list is searched for in."""


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


@dataclass(frozen=True)
class _Found:
    """Connections, and the position to continue from: the value of an index' hash key and an id; "" at the end."""

    rows: list[Row]
    value: str = ""
    connection_id: str = ""


def _pages(
    index: str, name: str, values: tuple[str, ...], only: Row, host: str, limit: int, after: tuple[str, str] | None
) -> _Found:
    """At most `limit` connections of an index: those of one value of its hash key after those of another.

    only: what else they must have. host: the beginning of their hosts, "" for any. after: a position.
    """
    rows: list[Row] = []
    value, connection_id = after or ("", "")
    if after:
        values = values[values.index(value) :] if value in values else ()
    between = ("connection_id", host, f"{host}~") if host else None  # "~" is greater than any character of an id
    for value in values:
        start = {name: value, "connection_id": connection_id} if connection_id else None
        searched = SEARCHED_AT_ONCE if only else limit - len(rows)
        table, where = config.connections_table, {name: value}
        found, more = dynamodb.page(table, index, where, searched, start, only=only, between=between)
        rows += found
        if len(rows) >= limit and (len(rows) > limit or more or value != values[-1]):
            return _Found(rows[:limit], value, rows[limit - 1]["connection_id"])
        if more:
            return _Found(rows, value, more["connection_id"])
        connection_id = ""
    return _Found(rows)


def _encode(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode()


def _position(query: Query, pattern: re.Pattern[str], wrong: Wrong) -> re.Match[str] | None:
    """The position that a cursor names, None when there is none."""
    if "cursor" not in query:
        return None
    try:
        found = pattern.fullmatch(base64.urlsafe_b64decode(query["cursor"]).decode())
    except ValueError:
        found = None
    if not found:
        wrong["cursor"] = "is not a cursor of this list; give it as the page before had it, or leave it out"
    return found


_FILTERS = ("state", "reason", "tenant", "suspicious", "since", "cursor")


def _activation_filter(query: Query, wrong: Wrong) -> tuple[dynamodb.Only, int, int]:
    """What activations must have, and when they began: the first and the last time, in ms since 1970."""
    reason, tenant, since = _reason(query, wrong), _tenant(query, wrong), 0
    only: dynamodb.Only = {("reason", "retry_reason"): reason["reason"]} if reason else {}
    if "state" in query:
        only["state"] = query["state"]
        if query["state"] not in activations.STATES:
            wrong["state"] = f"must be one of: {', '.join(activations.STATES)}"
    if tenant is not None:
        only["tenant"] = tenant
    if _is_true(query, "suspicious", wrong):
        only["suspicious"] = True
    if "since" in query:
        try:
            since = min(dynamodb.milliseconds(query["since"]), activation_lists.MAX_TIME)
        except ValueError:
            wrong["since"] = "must be a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z"
    found = _position(query, _TIME, wrong)
    return only, since, max(int(found[0]) if found else activation_lists.MAX_TIME, since)


def _reason(query: Query, wrong: Wrong) -> Row:
    """A filter by the reason of a failure, {} for none."""
    if "reason" not in query:
        return {}
    if query["reason"] not in REASONS:
        wrong["reason"] = "is not known; docs/troubleshooting.md lists the reasons"
    return {"reason": query["reason"]}


def _is_true(query: Query, name: str, wrong: Wrong) -> bool:
    if query.get(name, "true") != "true":
        wrong[name] = "must be true, or be left out"
    return name in query
