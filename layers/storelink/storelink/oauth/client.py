"""The two calls of the handshake: verifier for request token, request token for access token (RFC 5849 section 2)."""

import time
from dataclasses import replace

from storelink.errors import Unavailable
from storelink.oauth import problems
from storelink.oauth.credentials import LEGACY_METHOD, Consumer, Token
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink.transport import http

TIMEOUT = 8.0
"""How long one exchange may take in all. With the AWS calls after it, it fits a function's timeout."""


def fetch_request_token(store: Store, consumer: Consumer) -> tuple[Token, Consumer]:
    """Fetch the request token (RFC 5849 section 2.1), and the consumer with the signature method that the store took.

    One-shot: it takes the place of the verifier in Magento. Raises Rejected (final) or Unavailable (call again).
    """
    return _exchange(store, "oauth/token/request", consumer)


def fetch_access_token(store: Store, consumer: Consumer, request_token: Token, verifier: str) -> tuple[Token, Consumer]:
    """Exchange the request token for the access token (RFC 5849 section 2.3).

    One-shot: Magento forgets the request token as it answers. Raises Rejected (final) or Unavailable (safe to call
    again).
    """
    return _exchange(store, "oauth/token/access", consumer, request_token, verifier)


def _exchange(
    store: Store, path: str, consumer: Consumer, token: Token | None = None, verifier: str | None = None
) -> tuple[Token, Consumer]:
    url = store.url + path
    deadline = time.monotonic() + TIMEOUT

    def ask() -> Token:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("unreachable", f"no answer within {TIMEOUT:.0f} s")
        return problems.token(http.post(url, authorization_header("POST", url, consumer, token, verifier), left))

    signed_anew = False
    while True:
        try:
            return ask(), consumer
        except problems.SignatureMethodRejected:
            if consumer.signature_method == LEGACY_METHOD:
                raise
            consumer = replace(consumer, signature_method=LEGACY_METHOD)
        except problems.NonceRejected:
            if signed_anew:
                raise
            signed_anew = True
