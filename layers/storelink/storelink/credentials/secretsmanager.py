"""Credentials in Secrets Manager: one secret each, whose versions are named by activations."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.aws.dynamodb import Row
from storelink.config import required
from storelink.credentials.backend import SECRETS_MANAGER, StoredCredentials
from storelink.errors import Unavailable
from storelink.store import Store

CURRENT = "AWSCURRENT"
PENDING = "STORELINK_PENDING"

RECOVERY_DAYS = 30
"""Days for which a deleted secret can be restored; Secrets Manager takes 7 to 30, and asks no price for them."""

_DELETED = "InvalidRequestException"
"""What Secrets Manager answers where a secret is scheduled for deletion."""

_GONE = ("ResourceNotFoundException", _DELETED)
"""The same, or where it is not there."""


def secret_name(stack: str, store: Store) -> str:
    """A store's secret, named by the stack and the connection."""
    return f"{stack}/connections/{store.connection_id}"


def find(store: Store, version: str) -> StoredCredentials | None:
    """The place of a version that is in the store's secret already; None where it is not. Raises Unavailable."""
    found = _told(secret_name(required("STORELINK_STACK"), store))
    return _place(store, version, _brought_back(found)) if version in found.get("VersionIdsToStages", {}) else None


def save(store: Store, version: str, text: str) -> StoredCredentials:
    """Keep credentials: the first of a store in a secret that is made for them, current at once, others as pending.

    version: of 32 to 64 characters (Secrets Manager's ClientRequestToken). Raises Unavailable.
    """
    name = secret_name(required("STORELINK_STACK"), store)
    made = _made(name, _of_store(store), SecretString=text, ClientRequestToken=version)
    if made is not None:
        return _place(store, version, {"ARN": made, "VersionIdsToStages": {version: [CURRENT]}})
    return add(store, version, text)


def add(store: Store, version: str, text: str) -> StoredCredentials:
    """Keep credentials in the secret that the store has, as pending. Raises Unavailable."""
    name = secret_name(required("STORELINK_STACK"), store)
    _put(name, text, ClientRequestToken=version, VersionStages=[PENDING])
    place = find(store, version)
    if place is None:
        raise Unavailable("aws", "Secrets Manager: the secret was deleted meanwhile")
    return place


def prepare(store: Store, version: str) -> StoredCredentials:
    """See to it that the store has a secret, and say what is in it. Raises Unavailable."""
    name = secret_name(required("STORELINK_STACK"), store)
    made = _made(name, _of_store(store))
    return _place(store, version, _brought_back(_told(name)) if made is None else {"ARN": made})


def discard(place: StoredCredentials) -> None:
    """Have the secret of a store that has no connection deleted in `RECOVERY` days.

    The store's next activation takes that back. Raises Unavailable.
    """
    delete(place.changes["secret_arn"])
    found = _told(place.changes["secret_arn"])
    if _labelled(found.get("VersionIdsToStages", {})) != place.version:  # another activation's came in between
        _brought_back(found)


def promote(place: StoredCredentials) -> None:
    """Make what is kept current, if the version that was current still is; it becomes AWSPREVIOUS.

    So an activation that a newer one has overtaken changes nothing. Raises Unavailable.
    """
    if place.current != place.version:
        _move_current(place.changes["secret_arn"], place.current, place.version)


def restore(place: StoredCredentials, row: Row) -> None:
    """Make the version of a newer connection's row current again instead of the one at `place`. Raises Unavailable."""
    if "sealed" not in row:
        _move_current(place.changes["secret_arn"], place.version, row["secret_version"])


def put(name: str, description: str, text: str) -> str:
    """Make a value a secret's current one; the secret is made or brought back where need be. Its ARN.

    Raises Unavailable.
    """
    made = _made(name, description, SecretString=text)
    if made is None:
        _brought_back(_told(name))
        made = _put(name, text)
    return made


def read(secret_id: str) -> tuple[str, str] | None:
    """The current value of a secret and its version; None where there is no secret. Raises Unavailable."""
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_id, VersionStage=CURRENT)
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.error_code(error) in _GONE:
            return None
        raise _unavailable(error) from None
    return answer["SecretString"], answer["VersionId"]


def delete(secret_arn: str) -> None:
    """Have a secret deleted in `RECOVERY` days; until then nobody can read it. One that is gone stays so.

    Raises Unavailable.
    """
    try:
        aws.client("secretsmanager").delete_secret(SecretId=secret_arn, RecoveryWindowInDays=RECOVERY_DAYS)
    except (ClientError, BotoCoreError) as error:
        if not isinstance(error, ClientError) or aws.error_code(error) not in _GONE:
            raise _unavailable(error) from None


def _of_store(store: Store) -> str:
    return f"OAuth credentials for {store.url}"


def _made(name: str, description: str, **value: str) -> str | None:
    """The ARN of a secret made for this; None where there is one of this name. Raises Unavailable."""
    try:
        made = aws.client("secretsmanager").create_secret(
            Name=name, Description=description, KmsKeyId=required("STORELINK_SEALING_KEY"), **value
        )
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.error_code(error) in ("ResourceExistsException", _DELETED):
            return None
        raise _unavailable(error) from None
    return str(made["ARN"])


def _put(name: str, text: str, **version: Any) -> str:
    """Put a value into a secret; if its deletion is scheduled, that is taken back. Its ARN. Raises Unavailable."""
    secrets, value = aws.client("secretsmanager"), {"SecretId": name, "SecretString": text, **version}
    try:
        try:
            kept = secrets.put_secret_value(**value)
        except ClientError as error:
            if aws.error_code(error) != _DELETED:
                raise
            secrets.restore_secret(SecretId=name)
            kept = secrets.put_secret_value(**value)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None
    return str(kept["ARN"])


def _told(name: str) -> dict[str, Any]:
    """What DescribeSecret says of a secret, {} where there is none. Raises Unavailable."""
    try:
        return dict(aws.client("secretsmanager").describe_secret(SecretId=name))
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.error_code(error) == "ResourceNotFoundException":
            return {}
        raise _unavailable(error) from None


def _brought_back(found: dict[str, Any]) -> dict[str, Any]:
    """The same, with a scheduled deletion taken back. Raises Unavailable."""
    if "DeletedDate" in found:
        try:
            aws.client("secretsmanager").restore_secret(SecretId=found["ARN"])
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from None
    return found


def _place(store: Store, version: str, found: dict[str, Any]) -> StoredCredentials:
    """The place of a version. found: what DescribeSecret says of the secret."""
    stages = found.get("VersionIdsToStages", {})
    return StoredCredentials(
        store,
        version,
        kept=version in stages,
        current=_labelled(stages),
        changes={"kept_in": SECRETS_MANAGER, "secret_arn": found["ARN"], "secret_version": version},
        removes=("sealed",),
    )


def _move_current(secret_arn: str, from_version: str | None, to_version: str) -> None:
    """Move the label AWSCURRENT, unless it is there already. Raises Unavailable, also where it is a third one's."""
    secrets = aws.client("secretsmanager")
    try:
        secrets.update_secret_version_stage(
            SecretId=secret_arn,
            VersionStage=CURRENT,
            MoveToVersionId=to_version,
            **({"RemoveFromVersionId": from_version} if from_version else {}),
        )
    except (ClientError, BotoCoreError) as error:
        if _current(secret_arn) != to_version:
            raise _unavailable(error) from None


def _current(secret_arn: str) -> str | None:
    """The current version of a secret, if it has one. Raises Unavailable."""
    return _labelled(_told(secret_arn).get("VersionIdsToStages", {}))


def _labelled(stages: dict[str, list[str]]) -> str | None:
    return next((version for version, labels in stages.items() if CURRENT in labels), None)


def _unavailable(error: ClientError | BotoCoreError) -> Unavailable:
    return aws.unavailable(error, "Secrets Manager")
