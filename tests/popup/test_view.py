"""Where the popup may go back to, and how a store is written."""

import re

import pytest

from storelink.popup.page import identity_page
from storelink.popup.return_link import MAX_URL_LENGTH, ReturnLink, return_link
from storelink.popup.view import View, store_label
from storelink.store import Store

STORE = Store.from_url("https://shop.example/")
ADMIN = "https://shop.example/admin/integration/loginSuccessCallback/"

FOLLOWED = {
    "the admin": ADMIN,
    "the admin with its key": f"{ADMIN}key/0123456789abcdef/?a=b&c=d#e",
    "http": "http://shop.example/admin/",
    "another port": "https://shop.example:8443/admin/",
    "https' own port": "https://shop.example:443/admin/",
    "http's own port on https": "https://shop.example:80/admin/",
    "no path": "https://shop.example",
    "capital letters": "HTTPS://SHOP.EXAMPLE/Admin/",
    "a dot at the end of the host": "https://shop.example./admin/",
    "another host in the path": "https://shop.example/https://evil.example/",
    "another host in the query": "https://shop.example/?to=https://evil.example/",
    "another host in the fragment": "https://shop.example/#@evil.example/",
    "an at sign in the path": "https://shop.example/@evil.example/",
    "two slashes in the path": "https://shop.example//evil.example/",
    "dots in the path": "https://shop.example/../../admin/",
    "quotes that HTML escapes": "https://shop.example/?a='&b=%22",
}

TRICKS = {
    "nothing": "",
    "a path": "/admin/",
    "a host alone": "shop.example",
    "no scheme": "//evil.example",
    "no scheme, the store": "//shop.example/",
    "three slashes alone": "///evil.example",
    "backslashes alone": "\\\\evil.example",
    "a slash and a backslash": "/\\evil.example",
    "no slashes": "https:evil.example",
    "no slashes, the store": "https:shop.example",
    "one slash": "https:/evil.example",
    "one slash, the store": "https:/shop.example/",
    "three slashes": "https:///evil.example/",
    "four slashes": "https:////evil.example/",
    "a slash and backslashes": "https:/\\evil.example/",
    "backslashes": "https:\\\\evil.example\\",
    "a backslash after the host": "https://evil.example\\.shop.example/",
    "a backslash before an at sign": "https://evil.example\\@shop.example/",
    "another host": "https://evil.example/",
    "another host in capitals": "HTTPS://EVIL.EXAMPLE/",
    "the store as a user": "https://shop.example@evil.example/",
    "the store as a user with a port": "https://shop.example:443@evil.example/",
    "the store as a password": "https://x:shop.example@evil.example/",
    "the store with a slash as a user": "https://shop.example%2f@evil.example/",
    "the store with a fragment as a user": "https://shop.example%23@evil.example/",
    "the store with a backslash as a user": "https://shop.example%5c@evil.example/",
    "two at signs": "https://evil.example@shop.example@evil.example/",
    "a user at the store": "https://user:word@shop.example/",
    "an empty user at the store": "https://@shop.example/",
    "an encoded at sign": "https://shop.example%40evil.example/",
    "the store as a fragment": "https://evil.example#shop.example",
    "the store as a fragment with an at sign": "https://evil.example#@shop.example/",
    "the store as a query": "https://evil.example?shop.example",
    "the store as a query with an at sign": "https://evil.example?@shop.example/",
    "the store as a path": "https://evil.example/shop.example/",
    "the store as a path with an at sign": "https://evil.example/@shop.example/",
    "the store as a port": "https://evil.example:shop.example/",
    "two ports": "https://evil.example:443:443/",
    "the store after a port and an at sign": "https://evil.example:80#@shop.example/",
    "a port out of range": "https://shop.example:65536/",
    "a negative port": "https://shop.example:-1/",
    "a host that begins like the store": "https://shop.example.evil.example/",
    "a host that ends like the store": "https://evilshop.example/",
    "a host below the store": "https://admin.shop.example/",
    "the store without its end": "https://shop.exampl/",
    "the store with a hyphen": "https://shop.example-evil.example/",
    "the store after a semicolon": "https://evil.example;shop.example/",
    "the store after a comma": "https://evil.example,shop.example/",
    "the store before a semicolon": "https://shop.example;.evil.example/",
    "two dots at the end": "https://shop.example../",
    "javascript": "javascript:alert(1)",
    "javascript that looks like a URL": "javascript://shop.example/%0aalert(1)",
    "javascript in mixed case": "JaVaScRiPt:alert(1)",
    "javascript after a space": " javascript:alert(1)",
    "javascript with a tab": "java\tscript:alert(1)",
    "javascript with a line feed": "java\nscript:alert(1)",
    "javascript after a control character": "\x01javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "data in base64": "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript": "vbscript:msgbox(1)",
    "file": "file://shop.example/etc/passwd",
    "ftp": "ftp://shop.example/",
    "websocket": "wss://shop.example/",
    "blob": "blob:https://shop.example/x",
    "view-source": "view-source:https://shop.example/",
    "a space before": " https://shop.example/",
    "a space after": "https://shop.example/ ",
    "a tab in the scheme": "ht\ttps://evil.example/",
    "a line feed in the slashes": "https:/\n/evil.example/",
    "a tab in the host": "https://evil\t.example/",
    "a line feed after the store": "https://shop.example\n.evil.example/",
    "a carriage return and a header": "https://shop.example/\r\nSet-Cookie: a=b",
    "a NUL after the store": "https://shop.example\x00.evil.example/",
    "an encoded NUL after the store": "https://shop.example%00.evil.example/",
    "an encoded NUL before an at sign": "https://shop.example%00@evil.example/",
    "a vertical tab": "https://shop.example\x0b.evil.example/",
    "a DEL": "https://shop.example\x7f/",
    "an encoded dot": "https://shop%2eexample/",
    "an encoded letter": "https://%73hop.example/",
    "an encoded slash": "https://evil.example%2fshop.example/",
    "an encoded question mark": "https://evil.example%3f.shop.example/",
    "an ideographic full stop": "https://shop\u3002example/",
    "an ideographic full stop for another": "https://evil\u3002example/",
    "a full-width full stop": "https://shop\uff0eexample/",
    "a full-width slash": "https://evil.example\uff0f.shop.example/",
    "a division slash": "https://evil.example\u2215.shop.example/",
    "a fraction slash": "https://evil.example\u2044.shop.example/",
    "a full-width question mark": "https://evil.example\uff1f.shop.example/",
    "a full-width number sign": "https://evil.example\uff03.shop.example/",
    "a full-width at sign": "https://shop.example\uff20evil.example/",
    "a full-width colon": "https\uff1a//evil.example/",
    "account of": "https://evil.example\u2100.shop.example/",
    "a soft hyphen": "https://shop.exam\u00adple/",
    "a zero-width space": "https://shop.example\u200b/",
    "a right-to-left override": "https://shop.example/\u202e",
    "a Cyrillic letter": "https://sh\u043ep.example/",
    "a Cyrillic letter in punycode": "https://xn--shp-fed.example/",
    "punycode that is none": "https://xn--zzzzzz.example/",
    "sharp s": "https://\u00dfhop.example/",
    "a long s": "https://\u017fhop.example/",
    "an address": "https://127.0.0.1/",
    "an address of one number": "https://2130706433/",
    "an address in hex": "https://0x7f.1/",
    "an address in octal": "https://0177.0.0.1/",
    "an IPv6 address": "https://[::1]/",
    "the store in brackets": "https://[shop.example]/",
    "brackets before the store": "https://[::1]shop.example/",
    "brackets after the store": "https://shop.example[::1]/",
    "an opened bracket": "https://[shop.example/",
    "a closed bracket": "https://shop.example]/",
    "brackets and an at sign": "https://[::1]@shop.example/",
    "a zone that is the store": "https://[::1%25shop.example]/",
    "a future address": "https://[v1.shop.example]/",
    "a quote after the store": 'https://shop.example"onmouseover="alert(1)',
    "an angle bracket after the store": "https://shop.example/><script>alert(1)</script>",
    "a backtick": "https://shop.example`/",
    "a brace": "https://shop.example{}/",
    "a pipe": "https://shop.example|.evil.example/",
    "a caret": "https://shop.example^.evil.example/",
    "a very long one": f"https://shop.example/{'a' * MAX_URL_LENGTH}",
    "half a surrogate": "https://shop.example/\ud800",
}


@pytest.mark.parametrize("url", FOLLOWED.values(), ids=list(FOLLOWED))
def test_a_way_back_to_the_stores_own_host_is_followed_exactly(url: str) -> None:
    assert return_link(url, STORE) == ReturnLink(url, "shop.example", follow=True)


@pytest.mark.parametrize("url", TRICKS.values(), ids=list(TRICKS))
def test_a_trick_leads_nowhere_by_itself(url: str) -> None:
    back = return_link(url, STORE)
    if back is not None:
        assert not back.follow
        assert "data-follow" not in identity_page(View("connected", "shop.example"), back)
        assert not re.search("http-equiv", identity_page(View("connected", "shop.example"), back))


def test_the_corpus_holds_more_than_a_hundred_tricks() -> None:
    assert len(set(TRICKS.values())) > 100


@pytest.mark.parametrize(
    ("store", "url", "followed"),
    [
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/admin/", True),
        ("https://b\u00fccher.example/", "https://XN--BCHER-KVA.example/admin/", True),
        ("https://b\u00fccher.example/", "https://bucher.example/admin/", False),
        ("https://[2001:db8::1]/", "https://[2001:DB8:0::1]/admin/", True),
        ("https://[2001:db8::1]/", "https://[2001:db8::2]/admin/", False),
        ("https://192.0.2.1/", "https://192.0.2.1/admin/", True),
        ("https://192.0.2.1/", "https://192.0.2.1.evil.example/", False),
        ("https://192.0.2.1/", "https://3221225985/admin/", False),
        ("https://192.0.2.1:8443/shop/", "http://192.0.2.1/other/", True),
        ("https://example/", "https://shop.example/", False),
        ("https://shop.example/", "https://example/", False),
    ],
)
def test_hosts_are_compared_as_browsers_do(store: str, url: str, followed: bool) -> None:
    back = return_link(url, Store.from_url(store))
    assert (back is not None and back.follow) is followed


def test_without_a_store_nothing_is_followed() -> None:
    back = return_link(ADMIN, None)
    assert back == ReturnLink(ADMIN, "shop.example", follow=False)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://shop.example/", "shop.example"),
        ("https://shop.example/fr/", "shop.example/fr"),
        ("https://shop.example/index.php/", "shop.example/index.php"),
        ("https://shop.example:8443/", "shop.example:8443"),
        ("https://shop.example:443/", "shop.example"),
        ("http://[2001:db8::1]/", "[2001:db8::1]"),
    ],
)
def test_a_store_is_written_with_its_path_as_two_may_share_a_host(url: str, label: str) -> None:
    assert store_label(Store.from_url(url)) == label


def test_what_to_do_after_a_failure_is_what_fits_how_far_it_came_unless_it_is_known_better() -> None:
    assert View("failed", reached="pending", reason="unreachable").todo == "activate"
    assert View("failed", reached="requested", reason="unreachable").todo == "recreate"
    assert View("failed", reached="exchanged", reason="aws").todo == "wait"
    assert View("failed", reached="pending", reason="unreachable", action="recreate").todo == "recreate"
