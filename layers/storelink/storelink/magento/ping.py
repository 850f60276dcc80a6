"""One cheap signed call, which shows whether a store takes its credentials.

The parameter HealthCheckPath says which; by default `store/storeConfigs`, which every Magento 2 has. Where the
integration lacks its resource, the store says so only after it has checked the token. It says the same where the
integration was deleted.
"""

import time

from storelink.config import config
from storelink.errors import Unavailable
from storelink.magento import errors as magento_errors
from storelink.oauth import attempts
from storelink.oauth.credentials import Credentials
from storelink.oauth.signature import normalize_url, sign
from storelink.store import Store
from storelink.transport import http
from storelink.transport.http import Response

TIMEOUT = 8.0
"""Seconds that the call may take in all, its repetitions included."""

MAX_BYTES = 1024 * 1024
"""Bytes of the answer that are read; a store view's configuration has some 700."""


def ping(store: Store, credentials: Credentials) -> tuple[str, ...]:
    """Make the call. The dialects that the store may speak, by what was known and by its answer.

    Raises Rejected, CallFailed when the store refuses the credentials, Unavailable.
    """
    url = normalize_url(store.url + config.health_check_path)
    end = time.monotonic() + TIMEOUT

    def send(dialect: str) -> Response:
        left = end - time.monotonic()
        if left <= 0:
            raise Unavailable("unreachable", f"no answer within {TIMEOUT:.0f} s")
        return http.get(url, sign("GET", url, credentials, dialect), left, MAX_BYTES)

    try:
        answer, known = attempts.send(send, lambda answer: (answer.status, answer.body), url, credentials.dialects)
    except Unavailable as error:
        raise magento_errors.no_answer(error, "GET") from None
    failed = magento_errors.call_failed(answer, "GET", has_password=bool(credentials.basic_auth))
    if failed is not None:
        raise failed
    magento_errors.read_answer(answer)
    return known
