"""Calls to a store: signing one request, and many of them by 8 threads, beside requests-oauthlib."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from requests_oauthlib import OAuth1

from bench.rounds import Compared, alternating, seconds
from bench.warm import Handshakes
from storelink import credentials
from storelink.client import session as client_session
from storelink.store import Store

PATH = "rest/V1/store/storeConfigs"
QUERY = {"searchCriteria[filter_groups][0][filters][0][field]": "sku", "searchCriteria[pageSize]": "20"}
SIGNED = 400
"""Requests signed in one round."""
SENT = 160
"""Requests sent in one round."""
THREADS = 8


def both(handshakes: Handshakes) -> tuple[str, client_session.StoreSession, requests.Session, OAuth1]:
    """A connected store, and a session of either kind for it."""
    url = handshakes.store()
    handshakes.connected(handshakes.post_of(url))
    kept = credentials.read(handshakes.served.stack, Store.from_url(url))
    signing = OAuth1(
        kept.consumer.key,
        kept.consumer.secret,
        kept.access_token.key,
        kept.access_token.secret,
        signature_method="HMAC-SHA256",
    )
    return url, client_session.connect(url, stack=handshakes.served.stack), requests.Session(), signing


def signing(handshakes: Handshakes) -> Compared:
    """One GET with a search in it, made ready to be sent."""
    url, ours, other, auth = both(handshakes)

    def by_ours() -> None:
        for _ in range(SIGNED):
            ours.prepared("GET", PATH, QUERY)

    def by_the_other() -> None:
        for _ in range(SIGNED):
            other.prepare_request(requests.Request("GET", url + PATH, params=QUERY, auth=auth))

    return alternating(lambda: seconds(by_ours), lambda: seconds(by_the_other))


def in_bulk(handshakes: Handshakes) -> Compared:
    """Signed GETs by 8 threads with one session."""
    url, ours, other, auth = both(handshakes)

    def sent(get: Callable[[], requests.Response]) -> float:
        def one(_: int) -> None:
            answer = get()
            if answer.status_code != 200:
                raise RuntimeError(f"the store answered {answer.status_code}: {answer.text[:200]}")

        with ThreadPoolExecutor(THREADS) as threads:
            return seconds(lambda: list(threads.map(one, range(SENT))))

    return alternating(
        lambda: sent(lambda: ours.get(PATH)),
        lambda: sent(lambda: other.get(url + PATH, auth=auth, timeout=30)),
    )
