"""Credentials in Secrets Manager: one secret for each store, whose versions are named by activations."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.credentials.backend import SECRETS_MANAGER, StoredCredentials
from storelink.errors import Unavailable
from storelink.store import Store

CURRENT = "AWSCURRENT"
PENDING = "STORELINK_PENDING"
REPLACEMENT = "STORELINK_REPLACEMENT"
"""The labels of a version that is to become current: an activation's, and one of the same activation. An activation
finds its version by its label, so the other one must not take it."""

RECOVERY_DAYS = 30
"""Days in which a deleted secret can be restored. Secrets Manager takes 7 to 30, free of charge."""

_NOT_FOUND = "ResourceNotFoundException"
_DELETED = "InvalidRequestException"
"""What Secrets Manager answers when a secret is scheduled for deletion."""


def secret_name(stack: str, store: Store) -> str:
    """The name of a store's secret: the stack and the connection."""
    return f"{stack}/connections/{store.connection_id}"


def find(store: Store, version: str) -> StoredCredentials | None:
    """A version that is in the store's secret already; None when it is not. Raises Unavailable."""
    found = _describe(secret_name(config.stack, store))
    return _stored(store, version, _undeleted(found)) if version in found.get("VersionIdsToStages", {}) else None


def save(store: Store, version: str, text: str) -> StoredCredentials:
    """Store credentials: a store's first in a new secret, current at once; others as pending.

    version: 32 to 64 characters (Secrets Manager's ClientRequestToken). Raises Unavailable.
    """
    name = secret_name(config.stack, store)
    arn = _create(name, _description(store), SecretString=text, ClientRequestToken=version)
    if arn is not None:
        return _stored(store, version, {"ARN": arn, "VersionIdsToStages": {version: [CURRENT]}})
    return add(store, version, text)


def add(store: Store, version: str, text: str) -> StoredCredentials:
    """Store credentials in the store's existing secret, as pending. Raises Unavailable."""
    name = secret_name(config.stack, store)
    _put(name, text, ClientRequestToken=version, VersionStages=[PENDING])
    stored = find(store, version)
    if stored is None:
        raise Unavailable("aws", "Secrets Manager: the secret was deleted meanwhile")
    return stored


def save_beside(row: Row, version: str, text: str) -> StoredCredentials:
    """Store credentials beside the current ones of a connection, by its row.

    Raises Unavailable, also while an activation is about to replace the current ones.
    """
    arn = row["secret_arn"]
    found = _describe(arn)
    # An unknown version is of an activation that is about to say `connected`.
    if _current_version(found) not in (row["secret_version"], row.get("previous_secret_version")):
        raise Unavailable("busy", "an activation is about to replace the credentials")
    with aws.errors("Secrets Manager"):
        aws.client("secretsmanager").put_secret_value(
            SecretId=arn, SecretString=text, ClientRequestToken=version, VersionStages=[REPLACEMENT]
        )
    stored = _stored(Store.from_url(row["store"]), version, found)
    changes = stored.row_changes | {"previous_secret_version": stored.current_version}
    return replace(stored, is_durable=True, row_changes=changes)


def prepare(store: Store, version: str) -> StoredCredentials:
    """Make sure that the store has a secret, and return what is in it. Raises Unavailable."""
    name = secret_name(config.stack, store)
    arn = _create(name, _description(store))
    return _stored(store, version, _undeleted(_describe(name)) if arn is None else {"ARN": arn})


def discard(stored: StoredCredentials) -> None:
    """Delete the secret of a store that has no connection, in `RECOVERY_DAYS` days.

    The store's next activation undoes that. Raises Unavailable.
    """
    arn = stored.row_changes["secret_arn"]
    delete(arn)
    found = _describe(arn)
    if _current_version(found) != stored.version:  # another activation's version came in between
        _undeleted(found)


def promote(stored: StoredCredentials) -> None:
    """Make the version current, if the version that was current still is; that one becomes AWSPREVIOUS.

    So an activation that a newer one has overtaken changes nothing. Raises Unavailable.
    """
    if stored.current_version != stored.version:
        _move_current(stored.row_changes["secret_arn"], stored.current_version, stored.version)


def restore(stored: StoredCredentials, row: Row) -> None:
    """Make the version of a newer connection's row current again instead of this one. Raises Unavailable.

    A secret that the row does not name is deleted: the connection's credentials are on its row.
    """
    if "encrypted_credentials" not in row:
        _move_current(stored.row_changes["secret_arn"], stored.version, row["secret_version"])
    elif "secret_arn" not in row:
        discard(stored)


def put(name: str, description: str, text: str) -> str:
    """Make a value a secret's current one, and return the secret's ARN. The secret is created or undeleted if needed.

    Raises Unavailable.
    """
    arn = _create(name, description, SecretString=text)
    if arn is None:
        _undeleted(_describe(name))
        arn = _put(name, text)
    return arn


def read(secret_id: str) -> tuple[str, str] | None:
    """The current value of a secret and its version; None when there is no secret. Raises Unavailable."""
    with aws.errors("Secrets Manager"):
        try:
            answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_id, VersionStage=CURRENT)
        except ClientError as error:
            if aws.error_code(error) in (_NOT_FOUND, _DELETED):
                return None
            raise
    return answer["SecretString"], answer["VersionId"]


def reencrypt(secret_arn: str) -> None:
    """Have a secret's versions encrypted with the stack's key, unless they are. Raises Unavailable."""
    found = _describe(secret_arn)
    if found and found.get("KmsKeyId") != config.kms_key:
        _undeleted(found)
        with aws.errors("Secrets Manager"):
            aws.client("secretsmanager").update_secret(SecretId=secret_arn, KmsKeyId=config.kms_key)


def delete(secret_arn: str) -> None:
    """Delete a secret in `RECOVERY_DAYS` days; it cannot be read from now on. One that is gone stays gone.

    Raises Unavailable.
    """
    with aws.errors("Secrets Manager"):
        try:
            aws.client("secretsmanager").delete_secret(SecretId=secret_arn, RecoveryWindowInDays=RECOVERY_DAYS)
        except ClientError as error:
            if aws.error_code(error) not in (_NOT_FOUND, _DELETED):
                raise


def _description(store: Store) -> str:
    return f"OAuth credentials for {store.url}"


def _create(name: str, description: str, **value: str) -> str | None:
    """The ARN of a new secret; None when there is one of this name. Raises Unavailable."""
    with aws.errors("Secrets Manager"):
        try:
            created = aws.client("secretsmanager").create_secret(
                Name=name, Description=description, KmsKeyId=config.kms_key, **value
            )
        except ClientError as error:
            if aws.error_code(error) in ("ResourceExistsException", _DELETED):
                return None
            raise
    return str(created["ARN"])


def _put(name: str, text: str, **version: Any) -> str:
    """Put a value into a secret, undoing a scheduled deletion. Its ARN. Raises Unavailable."""
    secrets, value = aws.client("secretsmanager"), {"SecretId": name, "SecretString": text, **version}
    with aws.errors("Secrets Manager"):
        try:
            answer = secrets.put_secret_value(**value)
        except ClientError as error:
            if aws.error_code(error) != _DELETED:
                raise
            secrets.restore_secret(SecretId=name)
            answer = secrets.put_secret_value(**value)
    return str(answer["ARN"])


def _describe(name: str) -> dict[str, Any]:
    """DescribeSecret's answer, {} when there is no secret. Raises Unavailable."""
    with aws.errors("Secrets Manager"):
        try:
            return dict(aws.client("secretsmanager").describe_secret(SecretId=name))
        except ClientError as error:
            if aws.error_code(error) == _NOT_FOUND:
                return {}
            raise


def _undeleted(found: dict[str, Any]) -> dict[str, Any]:
    """The same answer, after a scheduled deletion is undone. Raises Unavailable."""
    if "DeletedDate" in found:
        with aws.errors("Secrets Manager"):
            aws.client("secretsmanager").restore_secret(SecretId=found["ARN"])
    return found


def _stored(store: Store, version: str, found: dict[str, Any]) -> StoredCredentials:
    """A version as the backend stores it. found: DescribeSecret's answer."""
    return StoredCredentials(
        store,
        version,
        is_durable=version in found.get("VersionIdsToStages", {}),
        current_version=_current_version(found),
        row_changes={"backend": SECRETS_MANAGER, "secret_arn": found["ARN"], "secret_version": version},
        row_removes=("encrypted_credentials",),
    )


def _move_current(secret_arn: str, from_version: str | None, to_version: str) -> None:
    """Move the label AWSCURRENT, unless it is there already. Raises Unavailable, also when a third version has it."""
    with aws.errors("Secrets Manager"):
        try:
            aws.client("secretsmanager").update_secret_version_stage(
                SecretId=secret_arn,
                VersionStage=CURRENT,
                MoveToVersionId=to_version,
                **({"RemoveFromVersionId": from_version} if from_version else {}),
            )
        except (ClientError, BotoCoreError):
            if _current_version(_describe(secret_arn)) != to_version:
                raise


def _current_version(found: dict[str, Any]) -> str | None:
    """The version that has the label AWSCURRENT, if there is one. found: DescribeSecret's answer."""
    stages: dict[str, list[str]] = found.get("VersionIdsToStages", {})
    return next((version for version, labels in stages.items() if CURRENT in labels), None)
