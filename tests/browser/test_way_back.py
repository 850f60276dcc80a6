"""However a way back is written, the popup follows it only to the store, and shows where a link leads."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from storelink.popup.page import identity_page
from storelink.popup.return_link import return_link
from storelink.popup.view import View
from storelink.store import Store
from tests.popup.test_view import FOLLOWED, STORE, TRICKS

EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
STORES = [
    Store.from_url(url) for url in ("https://shop.example/", "https://[::1]:8443/", "https://127.0.0.1/", "https://v1/")
]

pieces = st.sampled_from(
    [
        *["https:", "http:", "HTTPS:", "javascript:", "data:", "//", "/", "\\", "@", ":", ":443", ":0", "?", "#", "."],
        *["shop.example", "SHOP.example", "shop.example.", "evil.example", "127.0.0.1", "127.1", "0x7f000001", "[::1]"],
        *[
            "[",
            "]",
            "::1",
            "v1",
            "%00",
            "%2f",
            "%40",
            "%2e",
            "%25",
            "\t",
            "\n",
            "\x00",
            " ",
            ";",
            ",",
            "\uff0f",
            "\u3002",
        ],
        *["\uff0e", "xn--", "a", "1", "-", "_", "'", '"', "<", "\u00ad", "\u017f", "\u200b", "\ufeff"],
    ]
)
tricks = st.one_of(
    st.lists(pieces, max_size=9).map("".join),
    st.lists(pieces, max_size=6).map(lambda after: "https://" + "".join(after)),
    st.lists(pieces, max_size=4).map(lambda after: "https://shop.example" + "".join(after)),
    st.lists(pieces, max_size=4).map(lambda before: "https://" + "".join(before) + "shop.example/"),
    st.text(max_size=30).map("https://".__add__),
)


HOSTS = """(urls) => urls.map((url) => { try { return new URL(url).hostname } catch { return null } })"""
"""The hosts to which a browser goes; null where it goes to none."""


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def wrong(urls: list[str], store: Store, window: Page) -> list[str]:
    """The URLs that lead a browser elsewhere than the page says, or without a click away from the store."""
    found = []
    for url, host in zip(urls, window.evaluate(HOSTS, urls), strict=True):
        back = return_link(url, store)
        if back is None:
            continue
        page = identity_page(View("connected", store.host), back)
        shown = f"[{back.host}]" if ":" in back.host else back.host
        at_the_store = back.host == store.host
        promised = ("data-follow" in page) is at_the_store and (f"Go to {back.host}<" in page) is not at_the_store
        refreshes = "http-equiv" in page
        right = back.url == url and page.count("<a ") == 1 and back.follow is at_the_store is refreshes
        if not (host and host.removesuffix(".") == shown and promised and right):
            found.append(url)
    return found


@EXAMPLES
@given(st.lists(tricks, min_size=50, max_size=200), st.sampled_from(STORES))
def test_the_popup_goes_where_the_page_says_and_without_a_click_only_to_the_store(
    window: Page, urls: list[str], store: Store
) -> None:
    assert wrong(urls, store, window) == []


def test_the_corpus_of_tricks_and_of_ways_back_is_read_as_the_browser_reads_it(window: Page) -> None:
    urls = [url.encode("utf-8", "replace").decode() for url in (*TRICKS.values(), *FOLLOWED.values())]
    assert wrong(urls, STORE, window) == []
    assert sum(return_link(url, STORE) is not None for url in urls) > len(FOLLOWED)


def test_a_link_that_is_read_otherwise_would_be_found(window: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storelink.popup.return_link.normalize_host", lambda parts: "shop.example")
    assert wrong(["https://evil.example/"], STORE, window)
