"""One request, signed again until the store accepts its signature: by another dialect, or with another nonce."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import unquote_plus

from storelink.oauth.signature import dialects, narrowed

_Answer = TypeVar("_Answer")

MAX_WORDS = 4096
"""Bytes of an answer in which a refusal is looked for."""

_SIGNATURE = re.compile(r"(?<!oauth_)signat(?!\w* method)", re.IGNORECASE)
"""As in "The signature is invalid. Verify and try again.", "Invalid signature", "The signatire is invalid"."""

_NONCE = re.compile(r"(?<!oauth_)\bnonce\b", re.IGNORECASE)
"""As in "The nonce is already being used by the consumer with ID 1", "An error occurred validating the nonce"."""


def is_signature_refused(status: int, body: bytes) -> bool:
    """Whether an answer says that the signature is invalid. Only its nonce was used up."""
    return status == 401 and bool(_SIGNATURE.search(_words(body)))


def is_nonce_refused(status: int, body: bytes) -> bool:
    """Whether an answer says that the nonce was used before or could not be validated. Nothing was done."""
    return status == 401 and bool(_NONCE.search(_words(body)))


def _words(body: bytes) -> str:
    """The words of a REST answer or of a token endpoint's, which is form-encoded."""
    return unquote_plus(body[:MAX_WORDS].decode("utf-8", "replace"))


def send(
    signed: Callable[[str], _Answer],
    read: Callable[[_Answer], tuple[int, bytes]],
    url: str,
    known: Sequence[str] = (),
) -> tuple[_Answer, tuple[str, ...]]:
    """Send a request until its signature is not refused: the answer, and the dialects that the store may speak.

    A refused nonce is replaced once. Then each dialect with another base string is tried once, so a wrong secret ends
    as the store's last refusal. All of this is harmless for any method: a refused request has done nothing.
    signed: signs the request by a dialect, with a new nonce, and sends it. read: an answer's status and, where it is an
    error, its body. url: as sent. known: the dialects that the store may speak, as an earlier call gave them.
    """
    nonce_replaced = signature_refused = False
    for dialect in dialects(url, known):
        answer = signed(dialect)
        if not nonce_replaced and is_nonce_refused(*read(answer)):
            nonce_replaced = True
            answer = signed(dialect)
        if not is_signature_refused(*read(answer)):
            break
        signature_refused = True
    if signature_refused and _is_verified(*read(answer)):
        return answer, narrowed(url, dialect, known)
    return answer, tuple(known)


def _is_verified(status: int, body: bytes) -> bool:
    """Whether an answer is one that Magento gives only after it accepted the signature."""
    return status < 300 or (400 <= status < 500 and status != 401 and body.lstrip()[:1] == b"{")
