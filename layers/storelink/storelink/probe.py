"""One cheap signed call, which tells whether a store takes its credentials.

The parameter CheckPath says which; by default `store/storeConfigs`, which every Magento 2 has. Where the integration
lacks its resource, the store says so only after it has checked the token. It says the same where the integration was
deleted.
"""

from storelink import guard, magento
from storelink.credentials import Credentials
from storelink.errors import Unavailable
from storelink.settings import required
from storelink.signing import authorization
from storelink.stores import Store

SECONDS = 8.0
"""How long the call may take in all."""

LONGEST_ANSWER = 1024 * 1024
"""Bytes of the answer that are read; a store view's configuration has some 700."""


def ask(store: Store, credentials: Credentials) -> None:
    """Make the call; the store took it, where nothing is raised. Raises Rejected, Unavailable, CallFailed."""
    url = store.url + required("STORELINK_CHECK_PATH")
    signed = authorization("GET", url, credentials.consumer, credentials.access_token)
    answer = guard.get(url, signed, SECONDS, LONGEST_ANSWER)
    failed = magento.call_failed(answer)
    if failed is not None:
        raise failed
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        raise Unavailable("unreadable", f"HTTP {answer.status}, not JSON")
