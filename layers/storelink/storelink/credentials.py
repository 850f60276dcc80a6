"""The working credentials of a store, one secret each in Secrets Manager."""

import json
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.errors import Invalid
from storelink.settings import required
from storelink.signing import Consumer, Token
from storelink.stores import Store

CURRENT = "AWSCURRENT"


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
    """Where a version of credentials is kept."""

    secret_arn: str
    version: str


def secret_name(stack: str, store: Store) -> str:
    """A store's secret, named by the stack and the connection."""
    return f"{stack}/connections/{store.connection_id}"


def prepare(store: Store, version: str) -> Place | None:
    """See to it that the store's secret exists before the store is asked; the place, if this version is kept already.

    version: of 32 to 64 characters (Secrets Manager's ClientRequestToken). Raises Unavailable.
    """
    name = secret_name(required("STORELINK_STACK"), store)
    secrets = aws.client("secretsmanager")
    try:
        secrets.create_secret(
            Name=name,
            Description=f"OAuth credentials for {store.url}",
            KmsKeyId=required("STORELINK_SEALING_KEY"),
        )
    except BotoCoreError as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    except ClientError as error:
        if aws.code(error) != "ResourceExistsException":
            raise aws.unavailable(error, "Secrets Manager") from None
    else:
        return None
    try:
        found = secrets.describe_secret(SecretId=name)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    return Place(found["ARN"], version) if version in found.get("VersionIdsToStages", {}) else None


def keep(store: Store, version: str, credentials: Credentials) -> Place:
    """Make these the store's current credentials; the ones before become AWSPREVIOUS. Raises Unavailable."""
    try:
        kept = aws.client("secretsmanager").put_secret_value(
            SecretId=secret_name(required("STORELINK_STACK"), store),
            ClientRequestToken=version,
            SecretString=credentials.to_text(),
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None
    return Place(kept["ARN"], version)


def restore(place: Place, version: str) -> None:
    """Make `version` current again instead of the one at `place`. Raises Unavailable."""
    try:
        aws.client("secretsmanager").update_secret_version_stage(
            SecretId=place.secret_arn,
            VersionStage=CURRENT,
            MoveToVersionId=version,
            RemoveFromVersionId=place.version,
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "Secrets Manager") from None


def read(stack: str, store: Store) -> Credentials:
    """A store's current credentials. Raises Invalid where the store is not connected, Unavailable."""
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_name(stack, store))
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.code(error) == "ResourceNotFoundException":
            raise Invalid({"store_url": f"{store.url} is not connected to {stack}"}, "not-connected") from None
        raise aws.unavailable(error, "Secrets Manager") from None
    return Credentials.from_text(answer["SecretString"])
