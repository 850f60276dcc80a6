"""The merchant's page: where it may lead, what it says at each moment, and what it never lets through."""

import base64
import hashlib
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from storelink.errors import ADVICE
from storelink.popup.languages import LANGUAGES, Language
from storelink.popup.page import (
    MAX_PROBLEM_LENGTH,
    MAX_URL_LENGTH,
    OPERATOR_REASONS,
    STEPS,
    Brand,
    ReturnLink,
    SignIn,
    View,
    identity_page,
    return_link,
    security_headers,
)
from storelink.store import Store
from tests.unit.whatwg import host_of, same_host

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
    assert same_host(host_of(url), STORE.host)


@pytest.mark.parametrize("url", TRICKS.values(), ids=list(TRICKS))
def test_a_trick_leads_nowhere_by_itself(url: str) -> None:
    back = return_link(url, STORE)
    if back is not None:
        assert not back.follow
        assert same_host(host_of(url), back.host), f"the page would show {back.host}"
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


EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.page = page
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def view(state: str, **more: Any) -> View:
    reached = {"failed": "pending", "waiting": "", "unclaimed": "connected"}.get(state, state)
    return replace(View(state=state, host="shop.example", reference="0123-4567", reached=reached), **more)


STATES = ["waiting", "pending", "requested", "exchanged", "connected", "failed", "unclaimed"]
ENDED = ("connected", "failed", "unclaimed")
REASONS = {"failed": {"reason": "reauthorize"}, "unclaimed": {"reason": "expired"}}
VIEWS = {state: view(state, **REASONS.get(state, {})) for state in STATES}
ENGLISH = LANGUAGES["en"]


class TestThePage:
    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("back", [None, ADMIN, EVIL], ids=["none", "store", "evil"])
    @pytest.mark.parametrize("follow", [True, False])
    @pytest.mark.parametrize("sign_in", [None, SignIn(EVIL, EVIL)], ids=["no login", "login"])
    def test_escapes_whatever_it_is_given(
        self, state: str, back: str | None, follow: bool, sign_in: SignIn | None
    ) -> None:
        shown = replace(VIEWS[state], host=EVIL, reference=EVIL, problem=EVIL, sign_in=sign_in)
        seen = Seen(identity_page(shown, ReturnLink(back, EVIL, follow) if back else None, Brand(EVIL, EVIL)))
        assert len(seen.all("script")) == 1
        assert [image["src"] for image in seen.all("img")] == [EVIL]
        assert seen.text.count(EVIL) >= 3  # the app's name in the title and the header, the store's host
        assert seen.page.count("<script") == 1
        assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)

    @pytest.mark.parametrize("url", FOLLOWED.values(), ids=list(FOLLOWED))
    def test_links_to_exactly_the_way_back(self, url: str) -> None:
        seen = Seen(identity_page(VIEWS["connected"], return_link(url, STORE)))
        assert [link["href"] for link in seen.all("a")] == [url]
        refresh = re.search('content="1; url=([^"]*)"', identity_page(VIEWS["connected"], return_link(url, STORE)))
        assert refresh
        assert unescape(refresh[1]) == url

    @pytest.mark.parametrize("state", STATES)
    def test_holds_only_what_its_policy_allows(self, state: str) -> None:
        page = identity_page(VIEWS[state], return_link(ADMIN, STORE))
        policy = security_headers()["Content-Security-Policy"]
        for tag in ("script", "style"):
            (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}';" in policy
        seen = Seen(page)
        assert not [attributes for _, attributes in seen.elements if {"style", "src"} & set(attributes)]
        assert not {"link", "img", "iframe", "form", "base", "object"} & {tag for tag, _ in seen.elements}

    @pytest.mark.parametrize("state", STATES)
    def test_is_one_well_formed_document(self, state: str) -> None:
        page = identity_page(VIEWS[state], return_link(ADMIN, STORE))
        assert page.startswith("<!DOCTYPE html>")
        for tag in ("html", "head", "body", "main", "title", "h1"):
            assert page.count(f"</{tag}>") == 1
        assert Seen(page).all("html") == [{"lang": "en", "dir": "ltr"}]

    @pytest.mark.parametrize("state", STATES)
    def test_asks_for_itself_again_until_the_activation_has_ended(self, state: str) -> None:
        page = identity_page(VIEWS[state], None)
        waiting = state not in ENDED
        assert f'data-waiting="{str(waiting).lower()}"' in page
        assert ('http-equiv="refresh" content="2"' in page) is waiting

    @pytest.mark.parametrize("state", STATES)
    def test_goes_back_by_itself_only_when_connected_and_only_to_the_store(self, state: str) -> None:
        own, other = return_link(ADMIN, STORE), return_link("https://admin.example/", STORE)
        connected = state == "connected"
        assert ('data-follow="true"' in identity_page(VIEWS[state], own)) is connected
        assert ("url=https" in identity_page(VIEWS[state], own)) is connected
        assert "data-follow" not in identity_page(VIEWS[state], other)
        assert "url=https" not in identity_page(VIEWS[state], other)

    @pytest.mark.parametrize("state", ["waiting", "pending", "requested", "exchanged"])
    @pytest.mark.parametrize("url", [ADMIN, "https://admin.example/"], ids=["store", "other"])
    def test_offers_no_way_back_before_the_end(self, state: str, url: str) -> None:
        page = identity_page(VIEWS[state], return_link(url, STORE))
        assert not Seen(page).all("a")
        assert url not in page

    @pytest.mark.parametrize("state", ENDED)
    def test_names_another_host_before_the_click(self, state: str) -> None:
        seen = Seen(identity_page(VIEWS[state], return_link("https://Admin.example:8443/x", STORE)))
        assert "Go to admin.example" in seen.text
        assert seen.all("a")[0]["rel"] == "noreferrer"

    @pytest.mark.parametrize(
        ("url", "takes_back"),
        [(ADMIN, True), ("https://admin.example/", False), ("", False)],
        ids=["store", "other", "none"],
    )
    def test_promises_to_go_back_only_where_it_does(self, url: str, takes_back: bool) -> None:
        text = Seen(identity_page(VIEWS["connected"], return_link(url, STORE))).text
        assert ("takes you back" in text) is takes_back

    def test_offers_to_close_where_there_is_no_way_back(self) -> None:
        seen = Seen(identity_page(VIEWS["connected"], None))
        assert "You can close this window." in seen.text
        assert not seen.all("a")


SAYS = {
    "waiting": ("Waiting for Magento", ["Activate", "Reauthorize", "System > Integrations"]),
    "pending": ("Connecting your store", ["shop.example", "Reference 0123-4567"]),
    "requested": ("Connecting your store", ["shop.example", "Reference 0123-4567"]),
    "exchanged": ("Connecting your store", ["shop.example", "Reference 0123-4567"]),
    "connected": ("Connected", ["shop.example", "can now work with your store", "Reference 0123-4567"]),
    "failed": ("Not connected", ["shop.example", "Next step: yours", "Reference 0123-4567"]),
    "unclaimed": ("Connected, but not signed in", ["shop.example", "stays connected", "Reference 0123-4567"]),
}
STEPS_SHOWN = {
    "waiting": [],
    "pending": ["done", "now", "later"],
    "requested": ["done", "done", "now"],
    "exchanged": ["done", "done", "now"],
    "connected": ["done", "done", "done"],
    "failed": ["done", "failed", "later"],
    "unclaimed": [],
}


class TestTheMerchantReads:
    @pytest.mark.parametrize("state", STATES)
    def test_what_happens(self, state: str) -> None:
        page = identity_page(VIEWS[state], None)
        title, words = SAYS[state]
        assert f"<title>{title} · Storelink</title>" in page
        assert f"<h1>{title}</h1>" in page
        for word in words:
            assert word in Seen(page).text

    @pytest.mark.parametrize("state", STATES)
    def test_which_step_is_under_way(self, state: str) -> None:
        page = identity_page(VIEWS[state], None)
        assert re.findall(r'<li class="(\w+)"', page) == STEPS_SHOWN[state]
        words = {"done": "done", "now": "under way", "later": "to come", "failed": "failed"}
        assert re.findall(r"<span>([^<]+)</span>", page) == [words[kind] for kind in STEPS_SHOWN[state]]

    @pytest.mark.parametrize(
        ("reached", "shown"),
        [
            ("pending", ["done", "failed", "later"]),
            ("requested", ["done", "done", "failed"]),
            ("exchanged", ["done", "done", "failed"]),
        ],
    )
    def test_which_step_failed(self, reached: str, shown: list[str]) -> None:
        page = identity_page(view("failed", reason="expired", reached=reached), None)
        assert re.findall(r'<li class="(\w+)"', page) == shown

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
    @pytest.mark.parametrize("reason", ADVICE)
    def test_what_happened_and_what_to_do_for_every_reason(self, reason: str, language: Language) -> None:
        happened, to_do = language.advise(reason)
        text = Seen(identity_page(view("failed", reason=reason), None, language=language)).text
        assert f"{happened}" in text
        assert to_do in text

    def test_whose_move_it_is(self) -> None:
        moves = {"yours": "reauthorize", "the Acme team's": "port-not-allowed", "none": "superseded"}
        for whose, reason in moves.items():
            text = Seen(identity_page(view("failed", reason=reason), None, Brand("Acme"))).text
            assert f"Next step: {whose}" in text
            assert ("Tell the Acme team the reference below." in text) is (reason in OPERATOR_REASONS)

    def test_where_reauthorize_is_wherever_the_advice_does_not_say(self) -> None:
        for reason in set(LANGUAGES["de"].advice) - OPERATOR_REASONS:
            text = Seen(identity_page(view("failed", reason=reason), None)).text
            assert ("Reauthorize" not in ADVICE[reason]) or "System > Integrations" in text, reason

    def test_that_a_slow_store_is_waited_for(self) -> None:
        slow = identity_page(view("requested", slow=True), None, Brand("Acme"))
        assert "Acme keeps trying for up to 5 minutes" in Seen(slow).text

    @pytest.mark.parametrize(("state", "says"), [("direct", "opens from Magento"), ("incomplete", "Identity link URL")])
    def test_what_to_do_where_magento_did_not_open_the_page(self, state: str, says: str) -> None:
        seen = Seen(identity_page(View(state), None))
        assert says in seen.text
        assert "Activate" in seen.text
        assert not seen.all("a")
        assert "http-equiv" not in identity_page(View(state), None)

    def test_that_the_vendors_login_comes_next(self) -> None:
        shown = replace(VIEWS["connected"], sign_in=SignIn("/identity/sign-in?a=b", "login.acme.example"))
        page = identity_page(shown, return_link(ADMIN, STORE), Brand("Acme"))
        seen = Seen(page)
        assert "sign in to Acme" in seen.text
        assert "Sign in at login.acme.example" in seen.text
        (link,) = seen.all("a")
        assert (link["href"], link["data-follow"]) == ("/identity/sign-in?a=b", "true")
        assert 'content="1; url=/identity/sign-in?a=b"' in page

    def test_no_more_of_the_stores_words_than_fit(self) -> None:
        text = Seen(identity_page(view("failed", reason="refused", problem="w" * 300), None)).text
        assert "w" * (MAX_PROBLEM_LENGTH - 1) + "…" in text
        assert "w" * MAX_PROBLEM_LENGTH not in text

    def test_the_stores_own_words(self) -> None:
        words = "The signature is invalid. Verify & try again."
        page = identity_page(view("failed", reason="signature-invalid", problem=words), None)
        assert words in Seen(page).text
        assert "said" not in Seen(identity_page(view("failed", reason="expired"), None)).text

    def test_the_names_of_the_steps(self) -> None:
        text = Seen(identity_page(VIEWS["pending"], None)).text
        for step in STEPS.values():
            assert ENGLISH.say(step) in text
            assert ENGLISH.say(f"{step}.means") in text

    def test_no_reference_where_there_is_none(self) -> None:
        assert "Reference" not in identity_page(View(), None)


class TestTheHeaders:
    def test_let_magentos_page_see_the_popup_close(self) -> None:
        assert "cross-origin-opener-policy" not in map(str.lower, security_headers())

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Content-Type", "text/html; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ],
    )
    def test_say(self, name: str, value: str) -> None:
        assert security_headers()[name] == value

    @pytest.mark.parametrize(
        "directive",
        [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "connect-src 'self'",
        ],
    )
    def test_have_a_policy_with(self, directive: str) -> None:
        directives = security_headers()["Content-Security-Policy"].split("; ")
        assert directive in directives

    @pytest.mark.parametrize(
        ("logo", "source"),
        [
            ("", ""),
            ("https://cdn.acme.example/logo.svg", "img-src https://cdn.acme.example/logo.svg"),
            ("data:image/png;base64,AAAA", "img-src data:"),
        ],
    )
    def test_let_in_the_logo_and_no_other_image(self, logo: str, source: str) -> None:
        policy = security_headers(Brand("Acme", logo))["Content-Security-Policy"]
        assert [one for one in policy.split("; ") if one.startswith("img-src")] == ([source] if source else [])
        assert [
            image["src"] for image in Seen(identity_page(VIEWS["pending"], None, Brand("Acme", logo))).all("img")
        ] == ([logo] if logo else [])

    def test_name_the_language(self) -> None:
        assert security_headers(language=LANGUAGES["de"])["Content-Language"] == "de"

    def test_have_a_policy_without_a_hole(self) -> None:
        policy = security_headers()["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "http" not in policy
