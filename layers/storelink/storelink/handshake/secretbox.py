"""Encryption of a store's answers by the data key of their activation: libsodium's secretbox, by PyNaCl.

The cipher is XSalsa20 with Poly1305.
"""

import base64
import json

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from storelink.errors import Unavailable

Secrets = dict[str, str]


def encrypt(answer: Secrets, data_key: str) -> bytes:
    """Encrypt an answer. data_key: 256 bits, base64."""
    return bytes(_box(data_key).encrypt(json.dumps(answer).encode()))


def decrypt(encrypted: bytes, data_key: str) -> Secrets:
    """Decrypt what `encrypt` returned for this key. Raises Unavailable when it was changed."""
    try:
        answer: Secrets = json.loads(_box(data_key).decrypt(encrypted))
    except CryptoError:
        raise Unavailable("unfinished", "the store's answer cannot be decrypted: it was changed") from None
    return answer


def _box(data_key: str) -> SecretBox:
    return SecretBox(base64.b64decode(data_key))
