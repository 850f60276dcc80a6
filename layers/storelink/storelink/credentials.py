"""The working credentials of a store, one secret each in Secrets Manager."""

import json
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.errors import Invalid
from storelink.settings import required
from storelink.signing import Consumer, Token
from storelink.stores import Store

CURRENT = "AWSCURRENT"
PENDING = "STORELINK_PENDING"
SHORTEST_WINDOW = 7
"""Days in which Secrets Manager lets a deletion be taken back, at the least. They are not charged."""

RECOVERY = 30
"""Days for which a deleted secret can be restored; Secrets Manager takes 7 to 30."""

_GONE = ("ResourceNotFoundException", "InvalidRequestException")
"""What Secrets Manager answers where a secret is not there, or is scheduled for deletion."""


@dataclass(frozen=True)
class Credentials:
    """All that signing for a store takes."""

    consumer: Consumer
    access_token: Token

    def to_text(self) -> str:
        """As the secret's value."""
        return json.dumps(
            {
                "consumer_key": self.consumer.key,
                "consumer_secret": self.consumer.secret,
                "access_token": self.access_token.key,
                "access_token_secret": self.access_token.secret,
                "signature_method": self.consumer.signature_method,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "Credentials":
        """Read a secret's value."""
        told = json.loads(text)
        return cls(
            Consumer(told["consumer_key"], told["consumer_secret"], told["signature_method"]),
            Token(told["access_token"], told["access_token_secret"]),
        )


@dataclass(frozen=True)
class Place:
    """Where a version of a store's credentials is kept, or will be.

    kept: whether it is there. current: the version that was current when this was looked at, None for none.
    deleted: whether its deletion is scheduled; then it takes no value until that is taken back.
    """

    secret_arn: str
    version: str
    kept: bool
    current: str | None
    deleted: bool = False


def secret_name(stack: str, store: Store) -> str:
    """A store's secret, named by the stack and the connection."""
    return f"{stack}/connections/{store.connection_id}"


def prepare(store: Store, version: str) -> Place:
    """See to it that the store's secret exists before the store is asked, and say what is in it.

    version: of 32 to 64 characters (Secrets Manager's ClientRequestToken). Raises Unavailable.
    """
    name = secret_name(required("STORELINK_STACK"), store)
    secrets = aws.client("secretsmanager")
    try:
        made = secrets.create_secret(
            Name=name,
            Description=f"OAuth credentials for {store.url}",
            KmsKeyId=required("STORELINK_SEALING_KEY"),
        )
    except BotoCoreError as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    except ClientError as error:
        if aws.code(error) not in ("ResourceExistsException", "InvalidRequestException"):
            raise aws.unavailable(error, "Secrets Manager") from None
    else:
        return Place(made["ARN"], version, kept=False, current=None)
    try:
        found = secrets.describe_secret(SecretId=name)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    stages = found.get("VersionIdsToStages", {})
    place = Place(found["ARN"], version, version in stages, _labelled(stages), "DeletedDate" in found)
    return _brought_back(place) if place.kept else place


def keep(place: Place, credentials: Credentials) -> Place:
    """Keep credentials as pending, beside the current ones; the first of a store are current at once.

    Raises Unavailable.
    """
    place = _brought_back(place)
    try:
        kept = aws.client("secretsmanager").put_secret_value(
            SecretId=place.secret_arn,
            ClientRequestToken=place.version,
            SecretString=credentials.to_text(),
            VersionStages=[PENDING],
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    return replace(place, kept=True, current=place.version if CURRENT in kept["VersionStages"] else place.current)


def _brought_back(place: Place) -> Place:
    """Take a scheduled deletion back, once the store has confirmed that it is connected again. Raises Unavailable."""
    if place.deleted:
        try:
            aws.client("secretsmanager").restore_secret(SecretId=place.secret_arn)
        except (ClientError, BotoCoreError) as error:
            raise aws.unavailable(error, "Secrets Manager") from None
    return replace(place, deleted=False)


def let_go(place: Place) -> None:
    """Give up a place that gets no credentials: an empty secret costs as much as a full one.

    Its deletion is scheduled; the store's next activation takes that back. A secret that holds any stays.
    Raises Unavailable.
    """
    if place.current is not None or place.deleted:
        return
    secrets = aws.client("secretsmanager")
    try:
        secrets.delete_secret(SecretId=place.secret_arn, RecoveryWindowInDays=SHORTEST_WINDOW)
        if _current(place.secret_arn):  # another activation's came in between
            secrets.restore_secret(SecretId=place.secret_arn)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None


def make_current(place: Place) -> None:
    """Make what is kept current, if the version that was current still is; it becomes AWSPREVIOUS.

    So an activation that a newer one has overtaken changes nothing. Raises Unavailable.
    """
    if place.current != place.version:
        _move_current(place.secret_arn, place.current, place.version)


def restore(place: Place, version: str) -> None:
    """Make `version` current again instead of the one at `place`, where that is current. Raises Unavailable."""
    _move_current(place.secret_arn, place.version, version)


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
            raise aws.unavailable(error, "Secrets Manager") from None


def _current(secret_arn: str) -> str | None:
    """The current version of a secret, if it has one. Raises Unavailable."""
    try:
        found = aws.client("secretsmanager").describe_secret(SecretId=secret_arn)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    return _labelled(found.get("VersionIdsToStages", {}))


def _labelled(stages: dict[str, list[str]]) -> str | None:
    return next((version for version, labels in stages.items() if CURRENT in labels), None)


def delete(secret_arn: str) -> None:
    """Have a secret deleted in `RECOVERY` days; until then nobody can read it. One that is gone stays so.

    Raises Unavailable.
    """
    try:
        aws.client("secretsmanager").delete_secret(SecretId=secret_arn, RecoveryWindowInDays=RECOVERY)
    except (ClientError, BotoCoreError) as error:
        if not isinstance(error, ClientError) or aws.code(error) not in _GONE:
            raise aws.unavailable(error, "Secrets Manager") from None


def read(stack: str, store: Store) -> Credentials:
    """A store's current credentials. Raises Invalid where the store is not connected, Unavailable."""
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_name(stack, store), VersionStage=CURRENT)
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.code(error) in _GONE:
            raise Invalid({"store_url": f"{store.url} is not connected to {stack}"}, "not-connected") from None
        raise aws.unavailable(error, "Secrets Manager") from None
    return Credentials.from_text(answer["SecretString"])
