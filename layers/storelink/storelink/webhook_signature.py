"""The signature of a webhook's requests, as Standard Webhooks defines it (https://www.standardwebhooks.com/).

HMAC-SHA256 over `id.timestamp.body`. A secret is base64, with or without the prefix `whsec_`. While a secret is being
replaced, a request has a signature by each of two.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
MIN_BYTES = 24


def headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a request.

    message_id: the same each time that a message is sent. timestamp: seconds since 1970. Raises ValueError for a secret
    that is no base64 of at least MIN_BYTES bytes.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < MIN_BYTES:
        raise ValueError(f"must be base64 of at least {MIN_BYTES} bytes")
    return key
