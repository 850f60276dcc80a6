"""Secrets sealed by KMS: pending ones for the one activation they belong to, others for whom their context names."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.settings import required

Secrets = dict[str, str]


def seal(secrets: Secrets, consumer_key: str, store_url: str) -> bytes:
    """Encrypt secrets (at most 4096 bytes as JSON) for this consumer key and store. Raises Unavailable."""
    return encrypt(json.dumps(secrets).encode(), _context(consumer_key, store_url))


def unseal(sealed: bytes, consumer_key: str, store_url: str) -> Secrets:
    """Decrypt what `seal` made for the same consumer key and store. Raises Unavailable."""
    secrets: Secrets = json.loads(decrypt(sealed, _context(consumer_key, store_url)))
    return secrets


def encrypt(plain: bytes, context: dict[str, str]) -> bytes:
    """Encrypt at most 4096 bytes by the stack's key, bound to an encryption context. Raises Unavailable."""
    try:
        answer = aws.client("kms").encrypt(
            KeyId=required("STORELINK_SEALING_KEY"), Plaintext=plain, EncryptionContext=context
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "KMS") from None
    return bytes(answer["CiphertextBlob"])


def decrypt(sealed: bytes, context: dict[str, str]) -> bytes:
    """Decrypt what `encrypt` made under the same context. Raises Unavailable."""
    try:
        answer = aws.client("kms").decrypt(
            KeyId=required("STORELINK_SEALING_KEY"), CiphertextBlob=sealed, EncryptionContext=context
        )
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "KMS") from None
    return bytes(answer["Plaintext"])


def _context(consumer_key: str, store_url: str) -> dict[str, str]:
    """KMS refuses to decrypt under another context, so a sealed value moved to another row opens nothing."""
    return {"consumer_key": consumer_key, "store": store_url}
