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
    """Decrypt what `encrypt` returned for the same purpose and context. Raises Unavailable."""
    with aws.errors("KMS"):
        answer = aws.client("kms").decrypt(
            KeyId=config.kms_key, CiphertextBlob=encrypted, EncryptionContext={"purpose": purpose, **context}
        )
    return bytes(answer["Plaintext"])
