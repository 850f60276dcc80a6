"""The row of a host: what is under way at its stores, so that no host fills the tables or holds up the others.

There is one beside the activations for each host and port. It has three sets:

- `handshakes`: the integrations whose activation by Magento's post is under way. `HandshakesPerHost` limits them.
- `leases`: the times, in µs, until which one of its steps may call it. `StepsPerHost` limits them.
- `unclaimed`: the connections without a tenant. `UnclaimedConnectionsPerHost` limits them.

Adding an item to a set twice is the same as once, and so is removing it: a run that died and is repeated counts once.
What a run left that died, the sweep removes when it publishes the event about the end. The row expires (TTL), unless it
has connections without a tenant: then it has `lasts_until`, which a new handshake copies to `expires_at`.

Activations by an invitation or by an operator are never refused. Neither is a connected store that reauthorizes: who
does not know its consumer secret cannot keep it out.
"""

import contextlib
from collections.abc import Iterator
from random import SystemRandom
from typing import Any

from storelink import observability
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Rejected, Unavailable
from storelink.state import activations
from storelink.store import Store

LEASE_SECONDS = activations.LEASE_SECONDS + 15
"""Seconds for which a lease is taken: for one step, and the way from Magento's post to the second step."""

_HOST = "host:"
"""How the key of a host's row begins. No activation has such a key."""

_ALWAYS = "attribute_not_exists(#attempt)"
"""A condition that holds for each host's row."""


EXPIRY = 2 * activations.RETENTION
"""Seconds from a handshake's last change to the row's expiry: longer than a step is tried again."""

FOREVER = 253_402_300_799
"""When the row of a host with unclaimed connections expires: the end of the year 9999, in s since 1970."""


def is_limited(row: Row) -> bool:
    """Whether an activation has neither an invitation nor an operator. row: its own."""
    return "tenant" not in row and _is_posted(row)


def _is_posted(row: Row) -> bool:
    return bool(row.get("by", activations.MERCHANT) == activations.MERCHANT)


def refusal(host_row: Row, integration_key: str, store: Store) -> str:
    """The reason for which a host may have no further handshake, "" when it may. host_row: its row, {} for none."""
    unclaimed, handshakes = host_row.get("unclaimed", set()), host_row.get("handshakes", set())
    if len(unclaimed) >= config.unclaimed_connections_per_host and _digits(store) not in unclaimed:
        return "too-many-connections"
    if len(handshakes) >= config.handshakes_per_host and integration_key not in handshakes:
        return "too-many-handshakes"
    return ""


def begin_handshake(
    host_row: Row, integration_key: str, store: Store, *, has_limit: bool
) -> tuple[dict[str, Any], Row]:
    """The update, for a transaction, that counts a handshake, and attributes for its activation's row.

    It takes a lease, too, if one is free. host_row: the host's row as it was last seen, {} for not at all. has_limit:
    whether there may be no more than `refusal` allows. The condition fails when there are, or no lease is free.
    """
    lease = {"host_lease": _new_lease()} if len(host_row.get("leases", ())) < config.steps_per_host else {}
    conditions: list[str] = []
    values: Row = {}
    items: Row = {"handshakes": {integration_key}}
    if has_limit:
        conditions = [_has_space("handshakes", "key"), _has_space("unclaimed", "this")]
        values = {"handshakes": config.handshakes_per_host, "key": integration_key}
        values |= {"unclaimed": config.unclaimed_connections_per_host, "this": _digits(store)}
    if lease:
        conditions.append(_has_space("leases"))
        values["leases"] = config.steps_per_host
        items |= {"leases": {lease["host_lease"]}}
    update = dynamodb.update_parameters(
        config.activations_table,
        row_key(store),
        condition=" AND ".join(conditions) or _ALWAYS,
        values=values,
        copy={"expires_at": ("lasts_until", _expiry())},
        add=items,
    )
    return update, lease


def limit_error(row: Row, store: Store, reason: str) -> Rejected:
    """The error to raise for a `refusal`, logged and counted. row: the activation's."""
    if reason == "too-many-connections":
        number, what = config.unclaimed_connections_per_host, "connections that nobody has claimed"
    else:
        number, what = config.handshakes_per_host, "handshakes under way"
    rejected = Rejected(reason, f"{store.host} has {number} {what}")
    record_limit(row, store, rejected)
    return rejected


def record_limit(row: Row, store: Store, error: Rejected | Unavailable) -> None:
    """Log and count that an activation has reached a limit. row: its own."""
    observability.record_limit_reached(str(activations.id_of(row)), store, error.reason, error.problem)


@contextlib.contextmanager
def hold_lease(row: Row, store: Store) -> Iterator[None]:
    """Hold a lease of a store's host: the activation's, or a new one.

    row: the activation's; its `host_lease` is held. It is given back at an error, and otherwise when the handshake
    ends. Raises Unavailable: `host-busy` when all are taken.
    """
    if row.get("host_lease", 0) < _now() + activations.LEASE_SECONDS * 1_000_000:
        give_back_lease(row, store)
        row["host_lease"] = _take_lease(store)
    try:
        yield
    except Exception:
        give_back_lease(row, store)
        raise


def _take_lease(store: Store) -> int:
    """Take a lease, in the place of one that has ended if need be."""
    at, lease, limit = _now(), _new_lease(), config.steps_per_host
    for _ in range(2):
        try:
            dynamodb.update(
                config.activations_table,
                row_key(store),
                condition=_has_space("leases"),
                values={"leases": limit},
                add={"leases": {lease}},
            )
        except Conflict as conflict:
            ended = {one for one in conflict.row["leases"] if one < at}
            if not ended:
                break
            _remove(store, leases=ended)
        else:
            return lease
    raise Unavailable("host-busy", f"{limit} steps of {store.host} are under way")


def give_back_lease(row: Row, store: Store) -> None:
    """Give back the lease that an activation has, if it has one. row: its own; `host_lease` is taken out of it."""
    if "host_lease" in row:
        with contextlib.suppress(Unavailable):  # then it ends by its time
            _remove(store, leases={row.pop("host_lease")})


def end_handshake(row: Row, store: Store) -> None:
    """Note that an activation has failed, and is not under way any more. row: its own. Raises Unavailable."""
    _remove(store, **_items(row))


def connected_update(row: Row, store: Store, *, is_unclaimed: bool, has_limit: bool) -> list[dict[str, Any]]:
    """The update, for a transaction, that ends a handshake and counts a connection without a tenant; [] for none.

    has_limit: whether its condition is to fail when the host has too many connections without a tenant.
    """
    if not (is_unclaimed or _is_posted(row)):
        return []
    this, has_limit = _digits(store), is_unclaimed and has_limit
    update = dynamodb.update_parameters(
        config.activations_table,
        row_key(store),
        condition=_has_space("unclaimed", "this") if has_limit else _ALWAYS,
        values={"unclaimed": config.unclaimed_connections_per_host, "this": this} if has_limit else {},
        changes={"expires_at": FOREVER, "lasts_until": FOREVER} if is_unclaimed else {},
        add={"unclaimed": {this}} if is_unclaimed else {},
        delete=_items(row),
    )
    return [update]


def is_of_host(row: Row) -> bool:
    """Whether a row is a host's."""
    return str(row.get("integration_key", "")).startswith(_HOST)


def release(store: Store) -> None:
    """Note that a store's connection has a tenant, or has ended. Raises Unavailable."""
    table, key, this = config.activations_table, row_key(store), _digits(store)
    with contextlib.suppress(Conflict):
        row = dynamodb.update(table, key, "contains(#unclaimed, :this)", {"this": this}, delete={"unclaimed": {this}})
        if "unclaimed" not in row:
            _remove(store)


def _items(row: Row) -> dict[str, set[Any]]:
    """What a host's row has of an activation."""
    lease = {"leases": {row["host_lease"]}} if "host_lease" in row else {}
    return {"handshakes": {row["integration_key"]}} | lease


def _remove(store: Store, **items: set[Any]) -> None:
    """Remove items from sets of a host's row, which expires unless it has connections without a tenant."""
    table, key = config.activations_table, row_key(store)
    try:
        condition, changes = "attribute_not_exists(#unclaimed)", {"expires_at": _expiry()}
        dynamodb.update(table, key, condition, {}, changes, remove=("lasts_until",), delete=items)
    except Conflict:
        if items:
            with contextlib.suppress(Conflict):
                dynamodb.update(table, key, "attribute_exists(#unclaimed)", {}, delete=items)


def _expiry() -> int:
    return activations.now() // 1000 + EXPIRY


def _has_space(name: str, item: str = "") -> str:
    """The condition that a set has fewer items than its limit, or has an item. The set's name is the limit's, too."""
    known = f" OR contains(#{name}, :{item})" if item else ""
    return f"(attribute_not_exists(#{name}) OR size(#{name}) < :{name}{known})"


def _new_lease() -> int:
    """A time in µs at which a lease ends that is taken now, so that no two are one."""
    return _now() + LEASE_SECONDS * 1_000_000 + SystemRandom().randrange(1000)


def _now() -> int:
    return activations.now() * 1000


def row_key(store: Store) -> Row:
    """The key of the row of a store's host and port."""
    return {"integration_key": f"{_HOST}{store.host}:{store.port}"}


def _digits(store: Store) -> str:
    return store.connection_id.rpartition("-")[2]
