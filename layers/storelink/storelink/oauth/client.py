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
from storelink.oauth import attempts, problems
from storelink.oauth.credentials import LEGACY_METHOD, Consumer, Token
from storelink.oauth.signature import authorization_header, normalize_url
from storelink.store import Store
from storelink.transport import http
from storelink.transport.http import Response

TIMEOUT = 8.0
"""How long one exchange may take in all. With the AWS calls after it, it fits a function's timeout."""

SHORT_TIMEOUT = 5.0
"""How long a store that was silent before may take to answer at all, before it gets the whole time again."""


def check_answers(store: Store) -> None:
    """Ask a store something that changes nothing, and take any answer. Raises Rejected, Unavailable."""
    http.request_json(normalize_url(store.url + "oauth/token/request"), SHORT_TIMEOUT)


def fetch_request_token(store: Store, consumer: Consumer, *, basic_auth: str | None = None) -> tuple[Token, Consumer]:
    """Fetch the request token (RFC 5849 section 2.1), and the consumer with the signature method that the store took.

    basic_auth: "user:password" of the web server in front of the store.
    It takes the place of the verifier in Magento. Raises Rejected (final) or Unavailable; both carry `sent`.
    """
    return _exchange(store, "oauth/token/request", consumer, basic_auth=basic_auth)


def fetch_access_token(
    store: Store, consumer: Consumer, request_token: Token, verifier: str, *, basic_auth: str | None = None
) -> tuple[Token, Consumer]:
    """Exchange the request token for the access token (RFC 5849 section 2.3).

    basic_auth: as of `fetch_request_token`.
    Magento forgets the request token as it answers. Raises Rejected (final) or Unavailable; both carry `sent`.
    """
    return _exchange(store, "oauth/token/access", consumer, request_token, verifier, basic_auth)


def _exchange(
    store: Store,
    path: str,
    consumer: Consumer,
    token: Token | None = None,
    verifier: str | None = None,
    basic_auth: str | None = None,
) -> tuple[Token, Consumer]:
    url = normalize_url(store.url + path)
    deadline = time.monotonic() + TIMEOUT

    def send(dialect: str) -> Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("unreachable", f"no answer within {TIMEOUT:.0f} s")
        header = authorization_header("POST", url, consumer, token, verifier, dialect=dialect, basic_auth=basic_auth)
        return http.post(url, header, left)

    while True:
        answer, _ = attempts.send(send, lambda answer: (answer.status, answer.body), url)
        try:
            return problems.token(answer, bool(basic_auth)), consumer
        except problems.SignatureMethodRejected:
            if consumer.signature_method == LEGACY_METHOD:
                raise
            consumer = replace(consumer, signature_method=LEGACY_METHOD)
        except problems.NonceRejected as refused:  # a second time
            raise problems.clock_error(refused) from None
