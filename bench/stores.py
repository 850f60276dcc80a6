"""Calls to a store beside requests-oauthlib: signing one request, many by 8 threads, and a pull of its catalogue."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

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
PRODUCTS, PAGE_SIZE = 2000, 100
PAGE_SECONDS = 0.2
"""How long the store of the catalogue pull takes for a page."""
PULL_ROUNDS = 2


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


def pull(handshakes: Handshakes) -> Compared:
    """The whole catalogue of a store that takes 200 ms a page: `search(parallel=4)`, and a loop over the pages."""
    _, connected, other, auth = both(handshakes)
    with _slow_store() as url:
        ours = client_session.session_for(Store.from_url(url), connected._kept.current().credentials)

        def by_ours() -> None:
            assert sum(1 for _ in ours.search("products", parallel=4)) == PRODUCTS

        def by_the_other() -> None:
            found, number, total = 0, 0, 1
            while found < total:
                number += 1
                params = {"searchCriteria[page_size]": PAGE_SIZE, "searchCriteria[current_page]": number}
                page = other.get(f"{url}rest/V1/products", params=params, auth=auth, timeout=30).json()
                found, total = found + len(page["items"]), page["total_count"]
            assert found == PRODUCTS

        return alternating(lambda: seconds(by_ours), lambda: seconds(by_the_other), PULL_ROUNDS)


@contextlib.contextmanager
def _slow_store() -> Iterator[str]:
    """A store of `PRODUCTS` products, while it runs; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(PAGE_SECONDS)
            first = PAGE_SIZE * (int(parse_qs(urlsplit(self.path).query)["searchCriteria[current_page]"][0]) - 1)
            items = [{"id": number, "name": f"Product {number}"} for number in range(first, first + PAGE_SIZE)]
            body = json.dumps({"items": items, "total_count": PRODUCTS}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
            """No access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
