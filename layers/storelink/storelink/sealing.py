"""Secrets sealed by KMS: pending ones for the one activation they belong to, others for whom their context names.

What an activation's store answers is sealed by a key of its own (libsodium's secretbox), which KMS has sealed with the
rest: so an answer that is given once has to wait for one write alone, that of its row.
"""

import base64
import json
import secrets
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.settings import required

if TYPE_CHECKING:
    from nacl.secret import SecretBox

Secrets = dict[str, str]

_KEY = "answers_key"
"""The secret by which answers are sealed: 256 bits, base64."""


def seal(pending: Secrets, consumer_key: str, store_url: str) -> bytes:
    """Encrypt secrets (about 4000 bytes as JSON) for this consumer key and store. Raises Unavailable."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return encrypt(json.dumps(pending | {_KEY: key}).encode(), _context(consumer_key, store_url))


def unseal(sealed: bytes, consumer_key: str, store_url: str, answer: bytes | None = None) -> Secrets:
    """Decrypt what `seal` made for the same consumer key and store, and an answer that was sealed since.

    Raises Unavailable.
    """
    pending: Secrets = json.loads(decrypt(sealed, _context(consumer_key, store_url)))
    return pending if answer is None else pending | json.loads(_box(pending).decrypt(answer))


def seal_answer(answer: Secrets, pending: Secrets) -> bytes:
    """Encrypt what a store has answered. pending: what `unseal` gave. Nothing is called for it."""
    return bytes(_box(pending).encrypt(json.dumps(answer).encode()))


def _box(pending: Secrets) -> "SecretBox":
    # Here, so that the functions that start no box do not load the library.
    from nacl.secret import SecretBox

    return SecretBox(base64.b64decode(pending[_KEY]))


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
