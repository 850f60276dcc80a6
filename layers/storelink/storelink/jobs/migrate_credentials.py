"""Migrates credentials to the backend of the parameter CredentialStore and to the stack's key, slice by slice.

A connection's row says where its credentials are, and one conditional write changes that after they are in the new
backend. So a slice may end anywhere: what is migrated stays so, the rest is not changed, and the next slice continues.
The secrets that are left over after a migration to DynamoDB are deleted by a run of its own, so that apps have time to
learn where the credentials are.

A key that was changed is a run of its own, too: it notes on each row for which key its credentials were encrypted.

A connection that was claimed is migrated alone, and then its events are published.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.credentials import backend_for, basic_auth, secretsmanager, waits_for_secret
from storelink.credentials import dynamodb as dynamodb_backend
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER
from storelink.errors import Invalid, Unavailable
from storelink.observability import logger
from storelink.state import activations, connections, events
from storelink.state.activations import SHARDS
from storelink.store import Store

MIN_REMAINING = 5000
"""Milliseconds before the function's timeout at which no further row is begun."""

GRACE_SECONDS = 3600
"""Seconds for which a row must be unchanged before its secret is deleted: every run that began before has ended."""

COUNTS = ("moved", "reencrypted", "deleted", "gone", "trouble")
"""The counts: credentials migrated, encrypted with another key, secrets deleted, secrets that were missing, rows left
to the next slice."""

Counts = dict[str, int]


Task = Callable[[Row], str]


def migrate(
    remaining: Callable[[], int], shards: object, delete_left_over: object = False, reencrypt: object = False
) -> tuple[Counts, bool]:
    """Migrate credentials while there is time. How many, by `COUNTS`, and whether all of these shards are done.

    remaining: gives the milliseconds that are left. shards: some of `SHARDS`; other runs may do the others at the same
    time. delete_left_over: also delete the secrets of what was migrated to DynamoDB before. reencrypt: also encrypt
    with the stack's key what a former key encrypted. Raises Invalid.
    """
    if not isinstance(shards, str) or not shards or not set(shards) <= set(SHARDS):
        raise Invalid({"shards": f"must be some of {SHARDS}"})
    for name, value in (("delete_left_over", delete_left_over), ("reencrypt", reencrypt)):
        if not isinstance(value, bool):
            raise Invalid({name: "must be true or false"})
    tasks = _tasks(config.credential_store, bool(delete_left_over), bool(reencrypt))
    counts = Counter(dict.fromkeys(COUNTS, 0))
    for shard in shards:
        for backend, task in tasks:
            for found in _rows(shard, backend):
                if remaining() < MIN_REMAINING:
                    return dict(counts), False
                done = _process(found, backend, task)
                if done:
                    counts[done] += 1
    return dict(counts), not counts["trouble"]


def migrate_claimed(connection_id: str) -> None:
    """Migrate the credentials of a connection that was claimed, if they wait for that, and publish its events.

    Raises Unavailable; the sweep asks for it again.
    """
    row = connections.get(connection_id)
    try:
        if waits_for_secret(row):
            _to_secret(row)
    except Conflict:
        raise Unavailable("busy", "the connection was changed meanwhile") from None
    events.publish_changes(connections.get(connection_id))


def _tasks(target: str, delete_left_over: bool, reencrypt: bool) -> list[tuple[str, Task]]:
    """What is done to the rows of each backend."""
    migrates: tuple[str, Task] = (DYNAMODB, _to_secret) if target == SECRETS_MANAGER else (SECRETS_MANAGER, _to_row)
    tasks = [migrates]
    if target == DYNAMODB and delete_left_over:
        tasks.append((DYNAMODB, _delete_left_over))
    if reencrypt:
        backends = {target, DYNAMODB} if config.unclaimed_on_rows else {target}
        tasks += [(backend, _reencrypt) for backend in sorted(backends)]
    return tasks


def _rows(shard: str, backend: str) -> Iterator[Row]:
    """The connections of a shard whose credentials are in this backend, with the attributes of the index."""
    after: Row = {}
    while True:
        where = {"shard": shard, "backend": backend}
        found, after = dynamodb.page(config.connections_table, "by_backend", where, dynamodb.PAGE_SIZE, after or None)
        yield from found
        if not after:
            return


def _process(found: Row, backend: str, task: Task) -> str:
    """Process one connection by its row as it is now. What was done, by `COUNTS`; "" for nothing."""
    if task is _delete_left_over and "secret_arn" not in found:
        return ""
    if task is _reencrypt and found.get("kms_key") == config.kms_key:
        return ""
    if task is _to_secret and backend_for(found, "tenant" in found) != SECRETS_MANAGER:
        return ""
    try:
        row = connections.get(found["connection_id"])
        return task(row) if row.get("backend") == backend else ""
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
    stored = dynamodb_backend.save(Store.from_url(row["store"]), version, text)
    return _migrated(row, stored.row_changes, ())


def _to_secret(row: Row) -> str:
    if "encrypted_credentials" not in row:
        return "gone"
    stored = secretsmanager.prepare(Store.from_url(row["store"]), row["activation_id"])
    # The row remembers the versions that were left over; an unknown one is of an activation about to say `connected`.
    known = (None, stored.version, row.get("secret_version"), row.get("previous_secret_version"))
    if stored.current_version not in known:
        raise Unavailable("busy", "an activation is about to replace the credentials")
    if not stored.is_durable:
        # So that forgetting the connection meanwhile finds the secret, and a later migration knows its versions.
        secret = {name: stored.row_changes[name] for name in ("secret_arn", "secret_version")}
        _write(row, secret | {"previous_secret_version": stored.current_version or stored.version})
        stored = secretsmanager.add(stored.store, stored.version, dynamodb_backend.read(row))
    secretsmanager.promote(stored)
    return _migrated(row, stored.row_changes, (*stored.row_removes, "previous_secret_version"))


def _migrated(row: Row, changes: Row, removes: tuple[str, ...]) -> str:
    """Write where the credentials are now. Raises Conflict."""
    _write(row, changes | {"migrated_at": activations.now()}, removes)
    return "moved"


def _reencrypt(row: Row) -> str:
    """Encrypt a connection's credentials with the stack's key, and note that it was done."""
    changes: Row = {"kms_key": config.kms_key}
    if row["backend"] == SECRETS_MANAGER:
        secretsmanager.reencrypt(row["secret_arn"])
    elif "encrypted_credentials" in row:
        changes |= dynamodb_backend.reencrypt(row)
    basic_auth.reencrypt(Store.from_url(row["store"]))
    _write(row, changes)
    return "reencrypted"


def _write(row: Row, changes: Row, removes: tuple[str, ...] = ()) -> None:
    """Change a row that nothing else has changed meanwhile. Raises Conflict, Unavailable."""
    dynamodb.update(
        config.connections_table,
        {"connection_id": row["connection_id"]},
        condition="#activation_id = :seen AND #backend = :before AND #changed_at = :changed",
        values={"seen": row["activation_id"], "before": row["backend"], "changed": row["changed_at"]},
        changes=changes,
        remove=removes,
    )


def _delete_left_over(row: Row) -> str:
    changed_at = max(row["connected_at"], row.get("migrated_at", 0))
    if "secret_arn" not in row or activations.now() - changed_at < GRACE_SECONDS * 1000:
        return ""
    secretsmanager.delete(row["secret_arn"])
    dynamodb.update(
        config.connections_table,
        {"connection_id": row["connection_id"]},
        condition="#backend = :dynamodb AND #secret_arn = :deleted",
        values={"dynamodb": DYNAMODB, "deleted": row["secret_arn"]},
        remove=("secret_arn",),
    )
    return "deleted"
