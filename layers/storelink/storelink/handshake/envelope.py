"""Envelope encryption of an activation's secrets: KMS encrypts them together with a data key.

The data key encrypts the store's answers, so no AWS call stands between an answer and its row. Its cipher is
libsodium's secretbox (XSalsa20 with Poly1305), by PyNaCl.
"""

import base64
import json
import secrets as random
from typing import TYPE_CHECKING

from storelink.aws import kms
from storelink.aws.dynamodb import Row
from storelink.errors import Unavailable
from storelink.models import Activation, ManualActivation

if TYPE_CHECKING:
    from nacl.secret import SecretBox

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
    """The secrets and the data key of an activation's row, with what the store has answered since.

    Raises Unavailable, also when the answer was changed.
    """
    plain = kms.decrypt(row["encrypted_secrets"], PURPOSE, consumer_key=row["consumer_key"], store=row["store"])
    secrets: Secrets = json.loads(plain)
    answer = row.get("encrypted_answer")
    return secrets | _decrypt_answer(answer, secrets[DATA_KEY]) if answer else secrets


def encrypt_answer(answer: Secrets, data_key: str) -> bytes:
    """Encrypt a store's answer. data_key: 256 bits, base64."""
    return bytes(_box(data_key).encrypt(json.dumps(answer).encode()))


def _decrypt_answer(encrypted: bytes, data_key: str) -> Secrets:
    from nacl.exceptions import CryptoError

    try:
        answer: Secrets = json.loads(_box(data_key).decrypt(encrypted))
    except CryptoError:
        raise Unavailable("unfinished", "the store's answer cannot be decrypted: it was changed") from None
    return answer


def _box(data_key: str) -> "SecretBox":
    from nacl.secret import SecretBox  # not at the start: the callback encrypts no answer

    return SecretBox(base64.b64decode(data_key))
