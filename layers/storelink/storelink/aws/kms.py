"""Encryption by the stack's KMS key. The encryption context says what a ciphertext is for, and KMS enforces it.

`purpose` is in every context, so that a role's policy can allow one purpose alone (condition key
kms:EncryptionContext:purpose).
"""

from storelink import aws
from storelink.config import config


def encrypt(plain: bytes, purpose: str, **context: str) -> bytes:
    """Encrypt at most 4096 bytes for this purpose and context. Raises Unavailable."""
    with aws.errors("KMS"):
        answer = aws.client("kms").encrypt(
            KeyId=config.kms_key, Plaintext=plain, EncryptionContext={"purpose": purpose, **context}
        )
    return bytes(answer["CiphertextBlob"])


def decrypt(encrypted: bytes, purpose: str, **context: str) -> bytes:
    """Decrypt what `encrypt` returned for the same purpose and context, with the key of then. Raises Unavailable."""
    return _decrypt(encrypted, {"purpose": purpose, **context})[0]


def reencrypt(encrypted: bytes, purpose: str, **context: str) -> bytes | None:
    """The same encrypted with the stack's key; None when it is that already. Raises Unavailable."""
    plain, key_arn = _decrypt(encrypted, {"purpose": purpose, **context})
    return None if key_arn == config.kms_key else encrypt(plain, purpose, **context)


def _decrypt(encrypted: bytes, context: dict[str, str]) -> tuple[bytes, str]:
    """What is encrypted, and the ARN of its key. The role's policy says which keys it may be. Raises Unavailable."""
    with aws.errors("KMS"):
        answer = aws.client("kms").decrypt(CiphertextBlob=encrypted, EncryptionContext=context)
    return bytes(answer["Plaintext"]), str(answer["KeyId"])
