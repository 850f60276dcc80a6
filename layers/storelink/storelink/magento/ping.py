"""One cheap signed call, which tells whether a store takes its credentials.

The parameter HealthCheckPath says which; by default `store/storeConfigs`, which every Magento 2 has. Where the
integration lacks its resource, the store says so only after it has checked the token. It says the same where the
integration was deleted.
"""

from storelink.config import config
from storelink.errors import Unavailable
from storelink.magento import errors as magento_errors
from storelink.oauth.credentials import Credentials
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink.transport import http

TIMEOUT = 8.0
"""How long the call may take in all."""

MAX_BYTES = 1024 * 1024
"""Bytes of the answer that are read; a store view's configuration has some 700."""


def ping(store: Store, credentials: Credentials) -> None:
    """Make the call; the store took it, where nothing is raised. Raises Rejected, Unavailable, CallFailed."""
    url = store.url + config.health_check_path
    signed = authorization_header("GET", url, credentials.consumer, credentials.access_token)
    try:
        answer = http.get(url, signed, TIMEOUT, MAX_BYTES)
    except Unavailable as error:
        raise magento_errors.no_answer(error, "GET") from None
    failed = magento_errors.call_failed(answer, "GET")
    if failed is not None:
        raise failed
    magento_errors.read_answer(answer)
