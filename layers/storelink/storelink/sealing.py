"""Pending secrets, sealed by KMS for the one activation they belong to."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.settings import required

Secrets = dict[str, str]


def seal(secrets: Secrets, consumer_key: str, store_url: str) -> bytes:
    """Encrypt secrets (at most 4096 bytes as JSON) for this consumer key and store. Raises Unavailable."""
    try:
        answer = aws.client("kms").encrypt(
            KeyId=required("STORELINK_SEALING_KEY"),
            Plaintext=json.dumps(secrets).encode(),
            EncryptionContext=_context(consumer_key, store_url),
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "KMS") from None
    return bytes(answer["CiphertextBlob"])


def unseal(sealed: bytes, consumer_key: str, store_url: str) -> Secrets:
    """Decrypt what `seal` made for the same consumer key and store. Raises Unavailable."""
    try:
        answer = aws.client("kms").decrypt(
            KeyId=required("STORELINK_SEALING_KEY"),
            CiphertextBlob=sealed,
            EncryptionContext=_context(consumer_key, store_url),
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "KMS") from None
    secrets: Secrets = json.loads(answer["Plaintext"])
    return secrets


def _context(consumer_key: str, store_url: str) -> dict[str, str]:
    """KMS refuses to decrypt under another context, so a sealed value moved to another row opens nothing."""
    return {"consumer_key": consumer_key, "store": store_url}
