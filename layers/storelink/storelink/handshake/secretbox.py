"""What a store answers, sealed by a key of its activation's: nothing is called between the answer and its row.

The cipher is libsodium's secretbox (XSalsa20 and Poly1305), by PyNaCl.
"""

import base64
import json

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from storelink.errors import Unavailable

Secrets = dict[str, str]


def encrypt(answer: Secrets, key: str) -> bytes:
    """Encrypt an answer. key: 256 bits, base64."""
    return bytes(_box(key).encrypt(json.dumps(answer).encode()))


def decrypt(sealed: bytes, key: str) -> Secrets:
    """Decrypt what `seal` made by this key. Raises Unavailable."""
    try:
        answer: Secrets = json.loads(_box(key).decrypt(sealed))
    except CryptoError:
        raise Unavailable("unfinished", "what the store answered is not as it was sealed") from None
    return answer


def _box(key: str) -> SecretBox:
    return SecretBox(base64.b64decode(key))
