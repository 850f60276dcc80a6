"""Envelope encryption of an activation's secrets: KMS encrypts them together with a data key.

The data key encrypts the store's answers (secretbox.py), so no AWS call stands between an answer and its row.
"""

import base64
import json
import secrets as random

from storelink.aws import kms
from storelink.aws.dynamodb import Row
from storelink.models import Activation, ManualActivation

Secrets = dict[str, str]

DATA_KEY = "data_key"
"""The secret with which the store's answers are encrypted: 256 random bits, base64."""

PURPOSE = "activation"
"""Of the encryption context, beside consumer key and store: a value moved to another row cannot be decrypted."""


def encrypt_secrets(activation: Activation | ManualActivation) -> bytes:
    """Encrypt an activation's secrets (4000 bytes as JSON at most) and a new data key. Raises Unavailable."""
    data_key = base64.b64encode(random.token_bytes(32)).decode()
    plain = json.dumps(activation.secrets | {DATA_KEY: data_key}).encode()
    return kms.encrypt(plain, PURPOSE, consumer_key=activation.consumer_key, store=activation.store.url)


def decrypt_secrets(row: Row) -> Secrets:
    """The secrets and the data key of an activation's row, without the store's answer. Raises Unavailable."""
    plain = kms.decrypt(row["encrypted_secrets"], PURPOSE, consumer_key=row["consumer_key"], store=row["store"])
    secrets: Secrets = json.loads(plain)
    return secrets
