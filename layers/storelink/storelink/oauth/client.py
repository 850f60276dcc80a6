"""The two calls of the handshake: verifier for request token, request token for access token (RFC 5849 section 2).

Each is one-shot: the store gives its token once. Whoever calls these decides by the error's `sent` what is left to do:

- `Sent.NO`: the request did not reach the store. Call again.
- `Sent.REFUSED`: the store or a server in front answered, and gave no token with that answer. Call again where the
  error is Unavailable; where it is Rejected, its reason says what came before.
- `Sent.LOST`: the request left, and no answer could be read. The store may have given the token. Call again; a refusal
  that follows (`reauthorize`) then means that it had, and that its answer is lost.
"""

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

    It takes the place of the verifier in Magento. Raises Rejected (final) or Unavailable; both carry `sent`.
    """
    return _exchange(store, "oauth/token/request", consumer)


def fetch_access_token(store: Store, consumer: Consumer, request_token: Token, verifier: str) -> tuple[Token, Consumer]:
    """Exchange the request token for the access token (RFC 5849 section 2.3).

    Magento forgets the request token as it answers. Raises Rejected (final) or Unavailable; both carry `sent`.
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
        except problems.NonceRejected as refused:
            if signed_anew:
                raise problems.clock_error(refused) from None
            signed_anew = True
