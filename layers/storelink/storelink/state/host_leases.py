"""The leases of a host: so many of its steps are under way at the same time, and a slow host holds up no other one.

They are on a row of the host beside the activations: the set of the times at which they end. A step takes one before it
calls the store. It gives it back when more than half of them are taken, and lets it end otherwise, which saves a write.
"""

import contextlib
from collections.abc import Iterator
from random import SystemRandom

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict
from storelink.config import config
from storelink.errors import Unavailable
from storelink.state import activations
from storelink.store import Store


@contextlib.contextmanager
def hold(store: Store) -> Iterator[None]:
    """Hold one of the leases of a store's host and port. Raises Unavailable: `host-busy` when all are taken."""
    key = {"integration_key": f"leases:{store.host}:{store.port}"}
    mine, are_scarce = _take(key, store)
    try:
        yield
    finally:
        if are_scarce:
            with contextlib.suppress(Conflict, Unavailable):  # then it ends by its time
                _remove(key, {mine})


def _take(key: dynamodb.Row, store: Store) -> tuple[int, bool]:
    """Take a lease, in the place of one that has ended if need be. It, and whether few are left."""
    at, limit = activations.now() * 1000, config.steps_per_host
    mine = at + activations.LEASE_SECONDS * 1_000_000 + SystemRandom().randrange(1000)  # in µs, so that no two are one
    for _ in range(2):
        try:
            row = dynamodb.update(
                config.activations_table,
                key,
                condition="attribute_not_exists(#leases) OR size(#leases) < :limit",
                values={"limit": limit},
                changes={"expires_at": activations.expiry()},
                add={"leases": {mine}},
            )
            return mine, len(row["leases"]) * 2 > limit
        except Conflict as conflict:
            ended = {one for one in conflict.row["leases"] if one < at}
            if not ended:
                break
            with contextlib.suppress(Conflict):
                _remove(key, ended)
    raise Unavailable("host-busy", f"{limit} steps of {store.host} are under way")


def _remove(key: dynamodb.Row, leases: set[int]) -> None:
    dynamodb.update(config.activations_table, key, "attribute_exists(#leases)", {}, delete={"leases": leases})
