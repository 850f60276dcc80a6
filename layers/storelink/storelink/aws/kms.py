"""Secrets sealed by KMS: pending ones for the one activation they belong to, others for whom their context names."""

import base64
import json
import secrets

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.config import required

Secrets = dict[str, str]

DATA_KEY = "answers_key"
"""The pending secret by which the store's answers are sealed (sealed_answers.py): 256 random bits, base64."""


def encrypt_secrets(pending: Secrets, consumer_key: str, store_url: str) -> bytes:
    """Encrypt secrets (4000 bytes as JSON at most), and `ANSWERS_KEY`, for this consumer key and store.

    Raises Unavailable.
    """
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return encrypt(json.dumps(pending | {DATA_KEY: key}).encode(), _context(consumer_key, store_url))


def decrypt_secrets(sealed: bytes, consumer_key: str, store_url: str) -> Secrets:
    """Decrypt what `seal` made for the same consumer key and store. Raises Unavailable."""
    pending: Secrets = json.loads(decrypt(sealed, _context(consumer_key, store_url)))
    return pending


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
