"""However a way back is written, the popup goes by itself only where the store is, and shows where a link leads."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storelink.popup.page import View, identity_page, return_link
from storelink.store import Store
from tests.unit.whatwg import host_of, same_host

EXAMPLES = settings(max_examples=2000, deadline=None)
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


@EXAMPLES
@given(tricks, st.sampled_from(STORES))
def test_the_popup_goes_where_the_page_says_and_by_itself_only_to_the_store(url: str, store: Store) -> None:
    back = return_link(url, store)
    if back is None:
        return
    assert back.url == url
    assert same_host(host_of(url), back.host)
    assert back.follow is (back.host == store.host)
    page = identity_page(View("connected", store.host), back)
    assert page.count("<a ") == 1
    assert ("data-follow" in page) is back.follow
    if not back.follow:
        assert f"Go to {back.host}<" in page
        assert "http-equiv" not in page
