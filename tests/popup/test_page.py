"""The merchant's page: what it says at each moment, where it leads, and what it never lets through."""

import base64
import hashlib
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from storelink.advice import REASONS
from storelink.popup.languages import TAGS, load
from storelink.popup.page import MAX_PROBLEM_LENGTH, STEPS, Brand, identity_page, security_headers
from storelink.popup.return_link import ReturnLink, return_link
from storelink.popup.view import Claim, Retry, SignIn, View
from storelink.store import Store

STORE = Store.from_url("https://shop.example/")
ADMIN = "https://shop.example/admin/integration/loginSuccessCallback/"
WAYS_BACK = [ADMIN, f"{ADMIN}key/0123456789abcdef/?a=b&c=d#e", "https://shop.example/?a='&b=%22"]
MENU = "System > Extensions > Integrations"
ACME = Brand("Acme")

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
    reached = {"failed": "pending", "unclaimed": "connected", "claim": "connected"}.get(state, state)
    return replace(View(state=state, store="shop.example", reference="01234567-89ab", reached=reached), **more)


INVITATIONS = [f"invitation-{case}" for case in ("expired", "revoked", "other-store", "unknown")]
VIEWS = {
    **{state: view(state) for state in ("pending", "requested", "exchanged", "connected")},
    **{state: View(state) for state in ("waiting", "direct", "incomplete", *INVITATIONS)},
    "failed": view("failed", reason="expired"),
    "unclaimed": view("unclaimed", reason="expired"),
    "claim": view("claim", claim=Claim("a.b.c", "acme")),
    "sign-in": view("connected", sign_in=SignIn("/identity/sign-in?a=b", "login.acme.example")),
    "retry": view("requested", retry=Retry("maintenance", "HTTP 503", 20)),
}
WAITING = ("waiting", "pending", "requested", "exchanged", "retry")
STATES = pytest.mark.parametrize("state", VIEWS)


def shown(state: str, back: ReturnLink | None = None, tag: str = "en", **more: Any) -> Seen:
    return Seen(identity_page(replace(VIEWS[state], **more), back, ACME, load(tag)))


def failed(reason: str, tag: str = "en", **more: Any) -> Seen:
    return shown("failed", tag=tag, reason=reason, **more)


class TestThePage:
    @STATES
    @pytest.mark.parametrize("back", [None, ADMIN, EVIL], ids=["none", "store", "evil"])
    @pytest.mark.parametrize("follow", [True, False])
    def test_escapes_whatever_it_is_given(self, state: str, back: str | None, follow: bool) -> None:
        evil: dict[str, Any] = {"store": EVIL, "reference": EVIL, "problem": EVIL, "updated_at": EVIL}
        evil |= {"sign_in": SignIn(EVIL, EVIL)} if VIEWS[state].sign_in else {}
        evil |= {"claim": Claim(EVIL, EVIL)} if VIEWS[state].claim else {}
        evil |= {"retry": Retry("maintenance", EVIL, 1)} if VIEWS[state].retry else {}
        link = ReturnLink(back, EVIL, follow) if back else None
        seen = Seen(identity_page(replace(VIEWS[state], **evil), link, Brand(EVIL, EVIL)))
        assert len(seen.all("script")) == 1
        assert [image["src"] for image in seen.all("img")] == [EVIL]
        assert seen.text.count(EVIL) >= 3  # the app's name in the title and the header, the store
        assert seen.page.count("<script") == 1
        assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)

    @pytest.mark.parametrize("url", WAYS_BACK)
    def test_links_to_exactly_the_way_back(self, url: str) -> None:
        seen = shown("connected", return_link(url, STORE))
        assert [link["href"] for link in seen.all("a")] == [url]
        refresh = re.search('content="1; url=([^"]*)"', seen.page)
        assert refresh
        assert unescape(refresh[1]) == url

    @STATES
    def test_holds_only_what_its_policy_allows(self, state: str) -> None:
        seen = shown(state, return_link(ADMIN, STORE))
        policy = security_headers(form=state == "claim")["Content-Security-Policy"]
        for tag in ("script", "style"):
            (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", seen.page, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}';" in policy
        assert not [attributes for _, attributes in seen.elements if {"style", "src"} & set(attributes)]
        assert not {"link", "img", "iframe", "base", "object"} & {tag for tag, _ in seen.elements}
        assert bool(seen.all("form")) is (state == "claim")

    @STATES
    def test_is_one_well_formed_document(self, state: str) -> None:
        seen = shown(state, return_link(ADMIN, STORE))
        assert seen.page.startswith("<!DOCTYPE html>")
        for tag in ("html", "head", "body", "main", "title", "h1"):
            assert seen.page.count(f"</{tag}>") == 1
        assert seen.all("html") == [{"lang": "en", "dir": "ltr"}]

    @STATES
    def test_asks_for_itself_again_until_the_activation_has_ended(self, state: str) -> None:
        page = shown(state).page
        assert ('data-waiting="true"' in page) is (state in WAITING)
        assert ('http-equiv="refresh" content="2"' in page) is (state in WAITING)

    @STATES
    def test_goes_back_without_a_click_only_when_connected_and_only_to_the_store(self, state: str) -> None:
        own, other = return_link(ADMIN, STORE), return_link("https://admin.example/", STORE)
        connected = state == "connected"
        assert ('data-follow="true"' in shown(state, own).page) is connected
        assert ("url=https" in shown(state, own).page) is connected
        assert "data-follow" not in shown(state, other).page
        assert "url=https" not in shown(state, other).page

    @pytest.mark.parametrize("state", WAITING)
    @pytest.mark.parametrize("url", [ADMIN, "https://admin.example/"], ids=["store", "other"])
    def test_offers_no_way_back_before_the_end(self, state: str, url: str) -> None:
        seen = shown(state, return_link(url, STORE))
        assert not seen.all("a")
        assert url not in seen.page

    @pytest.mark.parametrize("state", ["connected", "failed", "unclaimed", *INVITATIONS])
    def test_names_another_host_before_the_click(self, state: str) -> None:
        seen = shown(state, return_link("https://Admin.example:8443/x", STORE))
        assert "Go to admin.example" in seen.text
        assert seen.all("a")[0]["rel"] == "noreferrer"

    @pytest.mark.parametrize(
        ("url", "takes_back"),
        [(ADMIN, True), ("https://admin.example/", False), ("", False)],
        ids=["store", "other", "none"],
    )
    def test_promises_to_go_back_only_where_it_does(self, url: str, takes_back: bool) -> None:
        assert ("takes you back" in shown("connected", return_link(url, STORE)).text) is takes_back

    def test_offers_to_close_where_there_is_no_way_back(self) -> None:
        seen = shown("connected")
        assert "You can close this window." in seen.text
        assert not seen.all("a")


SAYS = {
    "waiting": ("Waiting for your store", ["Activate", "Compare the Callback URL"]),
    "direct": ("Magento opens this page", ["Activate", MENU]),
    "incomplete": ("This link is not complete", ["Identity link URL", MENU]),
    "invitation-expired": ("This invitation has expired", ["Ask the Acme team for a new invitation", MENU]),
    "invitation-revoked": ("This invitation was withdrawn", ["Ask the Acme team for a new invitation", MENU]),
    "invitation-other-store": ("This invitation is for another store", ["Ask the Acme team", MENU]),
    "invitation-unknown": ("This invitation is not known", ["Ask the Acme team for a new invitation", MENU]),
    "pending": ("Connecting your store", ["shop.example", "Reference 01234567"]),
    "requested": ("Connecting your store", ["shop.example", "Reference 01234567"]),
    "exchanged": ("Connecting your store", ["shop.example", "Reference 01234567"]),
    "retry": ("Connecting your store", ["Your store is in maintenance mode", "HTTP 503", "Next try in 20 s."]),
    "connected": ("Connected", ["shop.example", "can now work with your store", "Reference 01234567"]),
    "failed": ("Not connected", ["shop.example", "What you can do", "Reference 01234567"]),
    "unclaimed": ("Connected, but not signed in", ["shop.example", "stays connected", "Reference 01234567"]),
    "sign-in": ("One more step: sign in to Acme", ["shop.example", "Sign in at login.acme.example"]),
    "claim": ("Is this your store?", ["shop.example", "acme", "Assign this store"]),
}
WORDS = {
    "done": "done",
    "now": "in progress",
    "later": "next",
    "failed": "failed",
    "skipped": "not reached",
}
STEPS_SHOWN = {
    "pending": ["done", "now", "later"],
    "requested": ["done", "done", "now"],
    "exchanged": ["done", "done", "now"],
    "retry": ["done", "done", "now"],
    "connected": ["done", "done", "done"],
    "sign-in": ["done", "done", "done"],
    "failed": ["done", "failed", "skipped"],
}
TONES = {
    **dict.fromkeys(WAITING, "working"),
    **dict.fromkeys(("failed", *INVITATIONS), "failed"),
    "connected": "done",
}


class TestTheMerchantReads:
    @STATES
    def test_what_happens(self, state: str) -> None:
        seen = shown(state)
        title, words = SAYS[state]
        assert f"<title>{title} · Acme</title>" in seen.page
        assert f"<h1>{title}</h1>" in seen.page
        assert [word for word in words if word not in seen.text] == []

    @STATES
    def test_from_afar_how_it_stands_by_colour_and_sign(self, state: str) -> None:
        seen = shown(state)
        (band,) = [attributes["class"] for attributes in seen.all("div") if "band" in str(attributes.get("class"))]
        assert band == f"band {TONES.get(state, 'attention')}"
        signs = {re.findall('<path d="([^"]+)"', shown(other).page)[0] for other in ("connected", "failed", "pending")}
        assert len(signs) == 3

    @STATES
    def test_which_step_is_in_progress_and_which_will_not_come(self, state: str) -> None:
        page = shown(state).page
        steps = STEPS_SHOWN.get(state, [])
        assert re.findall(r'<li class="(\w+)"', page) == steps
        assert re.findall(r"<span>([^<]+)</span>", page) == [WORDS[kind] for kind in steps]

    @pytest.mark.parametrize(
        ("reached", "steps"),
        [
            ("pending", ["done", "failed", "skipped"]),
            ("requested", ["done", "done", "failed"]),
            ("exchanged", ["done", "done", "failed"]),
        ],
    )
    def test_which_step_failed(self, reached: str, steps: list[str]) -> None:
        assert re.findall(r'<li class="(\w+)"', failed("expired", reached=reached).page) == steps

    @pytest.mark.parametrize("tag", TAGS)
    @pytest.mark.parametrize("reason", [name for name, entry in REASONS.items() if entry.handshake])
    @pytest.mark.parametrize("reached", ["pending", "requested", "exchanged"])
    def test_what_happened_and_what_to_do_for_every_reason(self, reason: str, tag: str, reached: str) -> None:
        language = load(tag)
        happened, fix = language.explain(reason, app="Acme")
        text = failed(reason, tag, reached=reached).text
        action = View("failed", reached=reached, reason=reason).todo
        assert happened in text
        assert fix in text
        assert language.say(f"action.{action}", app="Acme") in text

    @pytest.mark.parametrize("tag", TAGS)
    @pytest.mark.parametrize("reason", [name for name, entry in REASONS.items() if entry.handshake])
    def test_of_reauthorize_only_where_magento_shows_it(self, reason: str, tag: str) -> None:
        for reached, action in (("pending", None), ("requested", None), ("exchanged", None), ("pending", "recreate")):
            seen = failed(reason, tag, reached=reached, action=action)
            todo = View("failed", reached=reached, reason=reason, action=action).todo  # type: ignore[arg-type]
            assert ("Reauthorize" in seen.text) is (todo == "reauthorize")

    def test_who_has_to_act(self) -> None:
        who = {
            "expired": "What you can do",
            "port-not-allowed": "The Acme team has to act",
            "aws": "The Acme team has to act",
            "superseded": "You do not have to do anything",
        }
        for reason, label in who.items():
            assert f"<h2>{label}</h2>" in failed(reason).page

    def test_to_send_the_details_to_the_team_where_the_team_can_act(self) -> None:
        contact = "Send the Acme team the details for support"
        assert contact in failed("port-not-allowed").text
        assert contact in failed("maintenance", reached="exchanged").text
        assert contact not in failed("maintenance").text

    @pytest.mark.parametrize("tag", TAGS)
    def test_nothing_of_parameters_that_only_the_operator_has(self, tag: str) -> None:
        assert "AllowedPorts" not in failed("port-not-allowed", tag).text
        assert "AllowedPorts" in REASONS["port-not-allowed"].fix

    def test_where_a_redirect_leads(self) -> None:
        assert (
            "HTTP 301 to https://www.shop.example/"
            in failed("redirected", problem="HTTP 301 to https://www.shop.example/").text
        )

    def test_that_a_slow_store_is_waited_for_and_how_long(self) -> None:
        assert "Acme keeps trying for up to 5 minutes" in shown("pending", slow=True).text
        assert "Acme keeps trying for up to a day. You may close this window." in shown("requested", slow=True).text
        assert "keeps trying" not in shown("requested").text

    def test_what_the_store_answered_last_and_when_it_is_asked_again(self) -> None:
        retry = Retry("maintenance", "HTTP 503", 20)
        pending, requested = shown("pending", retry=retry).text, shown("requested", retry=retry).text
        for text in (pending, requested):
            assert "Your store is in maintenance mode or overloaded. Next try in 20 s." in text
            assert "Message from your store: HTTP 503" in text
        assert "up to 5 minutes" in pending
        assert "close this window" not in pending
        assert "You may close this window." in requested
        assert "Trying again now." in shown("pending", retry=Retry("maintenance", "", 0)).text

    def test_that_the_vendors_login_comes_next_by_a_click_of_theirs(self) -> None:
        seen = shown("sign-in", return_link(ADMIN, STORE))
        (link,) = seen.all("a")
        assert link["href"] == "/identity/sign-in?a=b"
        assert "data-follow" not in link
        assert "http-equiv" not in seen.page

    def test_which_store_becomes_whose_before_they_say_yes(self) -> None:
        seen = shown("claim", return_link(ADMIN, STORE), store="shop.example/fr")
        assert re.findall(r"<dd><bdi>(.*?)</bdi></dd>", seen.page) == ["shop.example/fr", "acme"]
        assert seen.all("form") == [{"method": "post", "action": "/identity/claim"}]
        assert seen.all("input") == [{"type": "hidden", "name": "token", "value": "a.b.c"}]
        assert not seen.all("a")

    def test_no_more_of_the_stores_words_than_fit(self) -> None:
        page = failed("refused", problem="w" * 300).page.partition("<footer>")[0]
        assert "w" * (MAX_PROBLEM_LENGTH - 1) + "…" in page
        assert "w" * MAX_PROBLEM_LENGTH not in page

    def test_the_stores_own_words(self) -> None:
        words = "The signature is invalid. Verify & try again."
        assert words in failed("signature-invalid", problem=words).text
        assert "Message from your store" not in failed("expired").text

    def test_whose_words_they_are(self) -> None:
        assert "Details: port 8443" in failed("port-not-allowed", problem="port 8443").text

    def test_that_a_superseded_activation_is_no_failure_of_their_store(self) -> None:
        seen = failed("superseded")
        assert "<h1>Connected by a newer activation</h1>" in seen.page
        assert "band attention" in seen.page
        assert not re.findall(r'<li class="(\w+)"', seen.page)

    def test_the_names_of_the_steps(self) -> None:
        text = shown("pending").text
        for step in STEPS.values():
            assert load("en").say(step) in text
            assert load("en").say(f"{step}.means", app="Acme") in text

    def test_names_of_magentos_admin_in_english_and_emphasised(self) -> None:
        page = failed("redirected", "de").page
        for name in ("Activate", "System &gt; Extensions &gt; Integrations", "Stores &gt; Configuration &gt; Web"):
            assert f'<b lang="en">{name}' in page


class TestTheDetailsForSupport:
    def test_hold_the_reference_the_store_the_time_and_the_problem(self) -> None:
        seen = failed("signature-invalid", problem="The signature is invalid.", updated_at="2026-01-02T03:04:05.678Z")
        (text,) = re.findall("<textarea[^>]*>(.*?)</textarea>", seen.page, re.DOTALL)
        assert text.splitlines() == [
            "reference: 01234567-89ab",
            "store: shop.example",
            "time: 2026-01-02T03:04:05.678Z",
            "state: failed, after pending",
            "problem: signature-invalid: The signature is invalid.",
        ]
        assert "Copy details for support" in seen.text

    def test_hold_the_problem_of_the_last_try(self) -> None:
        assert "problem: maintenance: HTTP 503" in shown("retry").text

    def test_are_not_there_where_there_is_no_reference(self) -> None:
        for state in ("waiting", "direct", "incomplete"):
            assert not shown(state).all("details")
            assert not shown(state).all("button")

    def test_show_eight_characters_of_the_reference(self) -> None:
        reference = "5f2a9c1e7b3d48609a1c2e4f6b8d0a3c-9e1b5d7f3a20"
        assert '<code dir="ltr">5f2a9c1e</code>' in shown("connected", reference=reference).page


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

    def test_let_the_page_with_the_form_send_it_here_and_name_its_origin(self) -> None:
        headers = security_headers(form=True)
        assert "form-action 'self'" in headers["Content-Security-Policy"].split("; ")
        assert headers["Referrer-Policy"] == "same-origin"

    @pytest.mark.parametrize(
        ("logo", "source"),
        [
            ("", ""),
            ("https://cdn.acme.example/logo.svg", "img-src https://cdn.acme.example/logo.svg"),
            ("data:image/png;base64,AAAA", "img-src data:"),
        ],
    )
    def test_allow_the_logo_and_no_other_image(self, logo: str, source: str) -> None:
        policy = security_headers(Brand("Acme", logo))["Content-Security-Policy"]
        assert [one for one in policy.split("; ") if one.startswith("img-src")] == ([source] if source else [])
        images = Seen(identity_page(VIEWS["pending"], None, Brand("Acme", logo))).all("img")
        assert [image["src"] for image in images] == ([logo] if logo else [])

    def test_name_the_language(self) -> None:
        assert security_headers(language=load("de"))["Content-Language"] == "de"

    @pytest.mark.parametrize("form", [False, True])
    def test_have_a_policy_without_a_hole(self, form: bool) -> None:
        policy = security_headers(form=form)["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "http" not in policy
