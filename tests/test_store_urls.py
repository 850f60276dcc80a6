"""Whatever text comes as a store URL, it is one store in one spelling or an Invalid that names the field."""

import re
import string
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from storelink.errors import Invalid
from storelink.store import Store

EXAMPLES = settings(max_examples=500, deadline=None)
IN_A_SECRETS_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,400}")

labels = st.text(
    string.ascii_letters + string.digits + "-" + "\u00fc\u00df\u0130\u03c2\u200d\u00ad\uff0e\u3002", max_size=8
)
hosts = st.one_of(
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: f"[{IPv6Address(number)}]"),
    st.integers(0, 2**128 - 1).map(lambda number: f"[{IPv6Address(number)}%25eth0]"),
    st.sampled_from(["127.1", "0x7f.1", "2130706433", "[v1.a]", "[::1]a", "a_b", "xn--bcher-kva", "shop.example."]),
)
paths = st.one_of(
    st.lists(st.sampled_from(["a", "index.php", "..", ".", "", "%2e", "%C3%A9", "...", "~", "\u00e9"]), max_size=5).map(
        lambda segments: "/".join(["", *segments])
    ),
    st.text(max_size=8),
    st.integers(0, 520).map(lambda length: "/" + "a" * length),
)
near_urls = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["https://", "http://", "HTTPS://", "https:/", "https:", "//", "", "ftp://", "https:\\\\"]),
        st.sampled_from(["", "", "", "user@", "user:word@", "@"]),
        hosts,
        st.one_of(st.just(""), st.integers(-1, 70000).map(lambda port: f":{port}"), st.sampled_from([":", ":0443"])),
        paths,
        st.sampled_from(["", "", "", "?", "#", "?a=b", " "]),
    ),
)
texts = st.one_of(near_urls, st.text(max_size=40), st.text(max_size=20).map("https://".__add__))


def read(text: str) -> Store | Invalid:
    try:
        return Store.from_url(text, field="there")
    except Invalid as invalid:
        return invalid


@EXAMPLES
@given(texts)
def test_any_text_is_a_store_in_its_normal_form_or_invalid(text: str) -> None:
    store = read(text)
    if isinstance(store, Invalid):
        assert list(store.fields) == ["there"]
        return
    assert Store.from_url(store.url) == store
    assert store.url.isascii()
    assert store.url.endswith("/")
    assert store.host == store.host.lower()
    assert not set(store.host) & set("@/\\?#%[] ")
    assert 0 < store.port < 65536
    parts = urlsplit(store.url)
    assert (parts.hostname, parts.username, parts.query, parts.fragment) == (store.host, None, "", "")
    assert IN_A_SECRETS_NAME.fullmatch(store.connection_id)


good_authorities = st.one_of(
    st.sampled_from(["shop.example", "shop", "a-b.c.example", "x1.y2.example", "xn--bcher-kva.example"]),
    st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: f"[{IPv6Address(number)}]"),
)
good_paths = st.lists(st.sampled_from(["shop", "Shop", "index.php", "%C3%A9", "~a"]), max_size=3).map(
    lambda segments: "".join(f"/{segment}" for segment in segments)
)


@EXAMPLES
@given(
    scheme=st.sampled_from(["https", "http"]),
    authority=good_authorities,
    port=st.integers(1, 65535),
    path=good_paths,
    spelled=st.sampled_from([str.upper, str.title, str.lower]),
    zeros=st.sampled_from(["", "0", "000"]),
    slash=st.sampled_from(["", "/"]),
)
def test_a_store_keeps_its_connection_however_it_is_spelled(
    scheme: str, authority: str, port: int, path: str, spelled: Callable[[str], str], zeros: str, slash: str
) -> None:
    store = Store.from_url(f"{scheme}://{authority}:{port}{path}/")
    again = Store.from_url(f"{spelled(scheme)}://{spelled(authority)}:{zeros}{port}{path}{slash}")
    assert again == store
    assert again.connection_id == store.connection_id
