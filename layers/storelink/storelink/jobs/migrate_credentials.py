"""Moves credentials to the home that the parameter CredentialStore names, slice by slice.

A connection's row says where its credentials are, and one conditional write changes that, after they are in the new
home. So a slice may end anywhere: what is moved is moved, the rest is where it was, and the next slice goes on.
The secrets that are left over after a move to the rows are deleted by a run of its own, so that apps have time to
learn of the rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from storelink import credentials
from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import required
from storelink.credentials import dynamodb as dynamodb_backend
from storelink.credentials import secretsmanager
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER
from storelink.errors import Invalid, Unavailable
from storelink.observability import logger
from storelink.state import activations
from storelink.store import Store

SHARDS = activations.SHARDS

MIN_REMAINING = 5000
"""Milliseconds before the function's timeout at which no further row is begun."""

GRACE_SECONDS = 3600
"""Seconds for which a row must not have changed before its secret is deleted: every run that began before is over."""

COUNTS = ("moved", "deleted", "gone", "trouble")
"""What is counted: credentials moved, secrets deleted, secrets that were not there, rows left to the next slice."""

Counts = dict[str, int]


def migrate(remaining: Callable[[], int], shards: object, delete_left_over: object) -> tuple[Counts, bool]:
    """Move credentials while there is time. How many, by `COUNTS`, and whether all of these shards are done.

    remaining: gives the milliseconds that are left. shards: of `SHARDS`; others may run beside. delete_left_over:
    delete the secrets of what was moved to the rows before, too. Raises Invalid.
    """
    if not isinstance(shards, str) or not shards or not set(shards) <= set(SHARDS):
        raise Invalid({"shards": f"must be some of {SHARDS}"})
    if not isinstance(delete_left_over, bool):
        raise Invalid({"delete_left_over": "must be true or false"})
    home = credentials.current_backend()
    ways = [(DYNAMODB, _to_secret)] if home == SECRETS_MANAGER else [(SECRETS_MANAGER, _to_row)]
    if home == DYNAMODB and delete_left_over:
        ways.append((DYNAMODB, _delete_left_over))
    counts = Counter(dict.fromkeys(COUNTS, 0))
    for shard in shards:
        for kept_in, way in ways:
            for found in _kept(shard, kept_in):
                if remaining() < MIN_REMAINING:
                    return dict(counts), False
                done = _one(found, kept_in, way)
                if done:
                    counts[done] += 1
    return dict(counts), not counts["trouble"]


def _kept(shard: str, kept_in: str) -> Iterator[Row]:
    """The connections of a shard whose credentials are kept there, by what the index knows of them."""
    after: Row = {}
    while True:
        where = {"part": shard, "kept_in": kept_in}
        found, after = dynamodb.page(
            required("STORELINK_CONNECTIONS_TABLE"), "kept", where, dynamodb.PAGE_SIZE, after or None
        )
        yield from found
        if not after:
            return


def _one(found: Row, kept_in: str, way: Callable[[Row], str]) -> str:
    """Treat one connection, by its row as it is now; what was done, by `COUNTS`, "" for nothing."""
    if way is _delete_left_over and "secret_arn" not in found:
        return ""
    try:
        row = dynamodb.get(required("STORELINK_CONNECTIONS_TABLE"), {"connection_id": found["connection_id"]})
        return way(row) if row.get("kept_in") == kept_in else ""
    except (Unavailable, Conflict) as trouble:
        logger.warning(
            "a connection is left to the next slice", connection_id=found["connection_id"], problem=str(trouble)
        )
        return "trouble"


def _to_row(row: Row) -> str:
    found = secretsmanager.read(row["secret_arn"])
    if found is None:
        return "gone"
    text, version = found
    if version != row["secret_version"]:
        raise Unavailable("busy", "an activation is about to replace the credentials")
    kept = dynamodb_backend.save(Store.from_url(row["store"]), version, text)
    return _moved(row, kept.changes, ())


def _to_secret(row: Row) -> str:
    if "sealed" not in row:
        return "gone"
    place = secretsmanager.prepare(Store.from_url(row["store"]), row["activation_id"])
    # The row remembers the versions that were left over; another one's activation is about to say `connected`.
    if place.current not in (None, place.version, row.get("secret_version"), row.get("secret_version_before")):
        raise Unavailable("busy", "an activation is about to replace the credentials")
    if not place.kept:
        # So that who forgets the connection meanwhile finds the secret, and a move after this one knows its versions.
        secret = {name: place.changes[name] for name in ("secret_arn", "secret_version")}
        _write(row, secret | {"secret_version_before": place.current or place.version})
        place = secretsmanager.add(place.store, place.version, dynamodb_backend.read(row))
    secretsmanager.promote(place)
    return _moved(row, place.changes, (*place.removes, "secret_version_before"))


def _moved(row: Row, changes: Row, removes: tuple[str, ...]) -> str:
    """Have the row say where its credentials are now. Raises Conflict."""
    _write(row, changes | {"moved_at": activations.now()}, removes)
    return "moved"


def _write(row: Row, changes: Row, removes: tuple[str, ...] = ()) -> None:
    """Change a row of which nothing has become meanwhile. Raises Conflict, Unavailable."""
    dynamodb.update(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": row["connection_id"]},
        condition="#activation_id = :seen AND #kept_in = :before AND #changed_at = :changed",
        values={"seen": row["activation_id"], "before": row["kept_in"], "changed": row["changed_at"]},
        changes=changes,
        remove=removes,
    )


def _delete_left_over(row: Row) -> str:
    changed = max(row["connected_at"], row.get("moved_at", 0))
    if "secret_arn" not in row or activations.now() - changed < GRACE_SECONDS * 1000:
        return ""
    secretsmanager.delete(row["secret_arn"])
    dynamodb.update(
        required("STORELINK_CONNECTIONS_TABLE"),
        {"connection_id": row["connection_id"]},
        condition="#kept_in = :rows AND #secret_arn = :deleted",
        values={"rows": DYNAMODB, "deleted": row["secret_arn"]},
        remove=("secret_arn",),
    )
    return "deleted"
