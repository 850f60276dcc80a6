"""Lists of activations: the newest, those of a store, and those whose id begins with a reference."""

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.state.activations import SHARDS, shard
from storelink.store import Store

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
