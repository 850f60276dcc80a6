"""Calls to a store beside requests-oauthlib: signing one request, many by 8 threads, and pulls of its catalogue."""

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from requests_oauthlib import OAuth1

from bench.handshakes import Handshakes
from bench.rounds import Compared, alternating, seconds
from storelink import credentials
from storelink.client import session as client_session
from storelink.store import Store

PATH = "rest/V1/store/storeConfigs"
QUERY = {"searchCriteria[filter_groups][0][filters][0][field]": "sku", "searchCriteria[pageSize]": "20"}
SIGNED = 400
"""Requests signed in one round."""
SENT, THREADS = 160, 8
"""Requests sent in one round, and by how many threads."""
PULLED, PAGE, PAGE_SECONDS, PULLS = 2000, 100, 0.2, 3
"""The catalogue that is pulled by several threads: products, products of a page, seconds of a page, rounds."""
LARGE, LARGE_PAGE = 100_000, 1000
"""The catalogue whose pull is weighed."""


class Calls:
    """A connected store, and a session of either kind for it."""

    def __init__(self, handshakes: Handshakes) -> None:
        self.url = handshakes.store()
        handshakes.connected(handshakes.post_of(self.url))
        self._kept = credentials.read(handshakes.served.stack, Store.from_url(self.url))
        pairs = self._kept.consumer, self._kept.access_token
        values = [value for pair in pairs for value in (pair.key, pair.secret)]
        self._ours = client_session.connect(self.url, stack=handshakes.served.stack)
        self._catalogues = handshakes.served.catalogues
        self._other, self._auth = requests.Session(), OAuth1(*values, signature_method="HMAC-SHA256")

    def signing(self) -> Compared:
        """One GET with a search in it, made ready to be sent."""

        def by_ours() -> None:
            for _ in range(SIGNED):
                self._ours.prepared("GET", PATH, QUERY)

        def by_the_other() -> None:
            for _ in range(SIGNED):
                asked = requests.Request("GET", self.url + PATH, params=QUERY, auth=self._auth)
                self._other.prepare_request(asked)

        return alternating(lambda: seconds(by_ours), lambda: seconds(by_the_other))

    def in_bulk(self) -> Compared:
        """Signed GETs of one product by 8 threads with one session."""
        url, ours = self._catalogue(1, 1)

        def sent(get: Callable[[], requests.Response]) -> float:
            def one(_: int) -> None:
                get().raise_for_status()

            with ThreadPoolExecutor(THREADS) as threads:
                return seconds(lambda: list(threads.map(one, range(SENT))))

        return alternating(
            lambda: sent(lambda: ours.get(PATH)),
            lambda: sent(lambda: self._other.get(url + PATH, auth=self._auth, timeout=30)),
        )

    def pull(self) -> Compared:
        """The whole catalogue of a store that takes 200 ms a page: `search(parallel=4)`, and a loop over the pages."""
        (url, ours), pages = self._catalogue(PULLED, PAGE, PAGE_SECONDS), range(1, PULLED // PAGE + 1)

        def by_ours() -> None:
            assert sum(1 for _ in ours.search("products", page_size=PAGE, parallel=4)) == PULLED

        def by_the_other() -> None:
            assert sum(len(self._page(url, number, PAGE)) for number in pages) == PULLED

        return alternating(lambda: seconds(by_ours), lambda: seconds(by_the_other), PULLS)

    def memory(self) -> Compared:
        """Bytes above idle at the peak: the pull of 100,000 products, beside one page of them by requests-oauthlib."""
        url, ours = self._catalogue(LARGE, LARGE_PAGE)

        def by_ours() -> None:
            assert sum(1 for _ in ours.search("products", page_size=LARGE_PAGE)) == LARGE

        def one_page() -> None:
            assert len(self._page(url, 1, LARGE_PAGE)) == LARGE_PAGE

        next(iter(ours.search("products", page_size=LARGE_PAGE)))  # loads what a first call loads
        return alternating(lambda: _peak(by_ours), lambda: _peak(one_page), 2)

    def _catalogue(self, products: int, size: int, pause: float = 0) -> tuple[str, client_session.StoreSession]:
        """The URL of a store with so many products, and a session of ours for it. pause: seconds of each page."""
        url = f"{self._catalogues}{products}/{size}/{pause}/"
        return url, client_session.session_for(Store.from_url(url), self._kept)

    def _page(self, url: str, number: int, size: int) -> list[object]:
        params = {"searchCriteria[page_size]": size, "searchCriteria[current_page]": number}
        answer = self._other.get(f"{url}rest/V1/products", params=params, auth=self._auth, timeout=30)
        items: list[object] = answer.json()["items"]
        return items


def _peak(work: Callable[[], object]) -> float:
    """The bytes that work takes at its peak, beyond those of before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
