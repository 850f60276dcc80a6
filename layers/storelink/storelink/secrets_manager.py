"""Credentials in Secrets Manager: one secret each, whose versions are named by activations."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.errors import Unavailable
from storelink.keeping import IN_SECRETS_MANAGER, Place
from storelink.settings import required
from storelink.stores import Store
from storelink.tables import Row

CURRENT = "AWSCURRENT"
PENDING = "STORELINK_PENDING"

RECOVERY = 30
"""Days for which a deleted secret can be restored; Secrets Manager takes 7 to 30, and asks no price for them."""

_GONE = ("ResourceNotFoundException", "InvalidRequestException")
"""What Secrets Manager answers where a secret is not there, or is scheduled for deletion."""


def secret_name(stack: str, store: Store) -> str:
    """A store's secret, named by the stack and the connection."""
    return f"{stack}/connections/{store.connection_id}"


def prepare(store: Store, version: str) -> Place:
    """See to it that the store's secret exists before the store is asked, and say what is in it.

    version: of 32 to 64 characters (Secrets Manager's ClientRequestToken). Raises Unavailable.
    """
    found = secret(secret_name(required("STORELINK_STACK"), store), f"OAuth credentials for {store.url}")
    return _place(store, version, found)


def secret(name: str, description: str) -> dict[str, Any]:
    """What Secrets Manager told of a secret, before a scheduled deletion was taken back; made where there is none.

    Raises Unavailable.
    """
    secrets = aws.client("secretsmanager")
    try:
        made = secrets.create_secret(Name=name, Description=description, KmsKeyId=required("STORELINK_SEALING_KEY"))
    except BotoCoreError as error:
        raise _unavailable(error) from None
    except ClientError as error:
        if aws.code(error) not in ("ResourceExistsException", "InvalidRequestException"):
            raise _unavailable(error) from None
    else:
        return {"ARN": made["ARN"]}
    try:
        found: dict[str, Any] = secrets.describe_secret(SecretId=name)
        if "DeletedDate" in found:  # then it takes no value
            secrets.restore_secret(SecretId=name)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None
    return found


def keep(place: Place, text: str) -> Place:
    """Keep credentials as pending, beside the current ones; the first of a store are current at once.

    Raises Unavailable.
    """
    try:
        kept = aws.client("secretsmanager").put_secret_value(
            SecretId=place.changes["secret_arn"],
            ClientRequestToken=place.version,
            SecretString=text,
            VersionStages=[PENDING],
        )
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None
    return replace(place, kept=True, current=place.version if CURRENT in kept["VersionStages"] else place.current)


def let_go(place: Place) -> None:
    """Give up a place that gets no credentials: an empty secret costs as much as a full one.

    Its deletion is scheduled, as it may have been before; the store's next activation takes that back. A secret in use
    stays. Raises Unavailable.
    """
    if place.current is not None and not place.brought_back:
        return
    secret_arn = place.changes["secret_arn"]
    secrets = aws.client("secretsmanager")
    try:
        secrets.delete_secret(SecretId=secret_arn, RecoveryWindowInDays=RECOVERY)
        if _current(secret_arn) != place.current:  # another activation's came in between
            secrets.restore_secret(SecretId=secret_arn)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None


def make_current(place: Place) -> None:
    """Make what is kept current, if the version that was current still is; it becomes AWSPREVIOUS.

    So an activation that a newer one has overtaken changes nothing. Raises Unavailable.
    """
    if place.current != place.version:
        _move_current(place.changes["secret_arn"], place.current, place.version)


def restore(place: Place, row: Row) -> None:
    """Make the version of a newer connection's row current again instead of the one at `place`. Raises Unavailable."""
    if "sealed" not in row:
        _move_current(place.changes["secret_arn"], place.version, row["secret_version"])


def put(name: str, description: str, text: str) -> str:
    """Make a value a secret's current one; the secret is made or brought back where need be. Its ARN.

    Raises Unavailable.
    """
    found = secret(name, description)
    try:
        aws.client("secretsmanager").put_secret_value(SecretId=name, SecretString=text)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None
    return str(found["ARN"])


def read(secret_id: str) -> tuple[str, str] | None:
    """The current value of a secret and its version; None where there is no secret. Raises Unavailable."""
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_id, VersionStage=CURRENT)
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.code(error) in _GONE:
            return None
        raise _unavailable(error) from None
    return answer["SecretString"], answer["VersionId"]


def delete(secret_arn: str) -> None:
    """Have a secret deleted in `RECOVERY` days; until then nobody can read it. One that is gone stays so.

    Raises Unavailable.
    """
    try:
        aws.client("secretsmanager").delete_secret(SecretId=secret_arn, RecoveryWindowInDays=RECOVERY)
    except (ClientError, BotoCoreError) as error:
        if not isinstance(error, ClientError) or aws.code(error) not in _GONE:
            raise _unavailable(error) from None


def _place(store: Store, version: str, found: dict[str, Any]) -> Place:
    """The place of a version. found: what DescribeSecret says of the secret."""
    stages = found.get("VersionIdsToStages", {})
    told = {"kept_in": IN_SECRETS_MANAGER, "secret_arn": found["ARN"], "secret_version": version}
    brought_back = "DeletedDate" in found
    return Place(store, version, version in stages, _labelled(stages), told, ("sealed",), brought_back)


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
    try:
        found = aws.client("secretsmanager").describe_secret(SecretId=secret_arn)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(error) from None
    return _labelled(found.get("VersionIdsToStages", {}))


def _labelled(stages: dict[str, list[str]]) -> str | None:
    return next((version for version, labels in stages.items() if CURRENT in labels), None)


def _unavailable(error: ClientError | BotoCoreError) -> Unavailable:
    return aws.unavailable(error, "Secrets Manager")
