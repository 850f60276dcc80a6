"""Each state of the page, in each language, light and dark: accessible, whole, by keyboard, at any width."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from storelink.popup.languages import TAGS, Language, load
from storelink.popup.page import security_headers
from tests.browser.states import BRAND, HANDSHAKE_REASONS, STATES, State, failed

URL = "https://popup.example/identity"
RIGHT_TO_LEFT = replace(load("en"), direction="rtl")
"""None of the languages is written from right to left yet; the page is ready for one."""

WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
SIZE = {"width": 680, "height": 510}

EACH = """async ([pages, measure]) => {
  const found = {};
  for (const [name, html] of Object.entries(pages)) {
    const shown = new DOMParser().parseFromString(html, "text/html");
    for (const attribute of ["lang", "dir"]) document.documentElement[attribute] = shown.documentElement[attribute];
    document.title = shown.title;
    document.documentElement.classList.remove("early");
    document.getElementById("page").innerHTML = shown.getElementById("page").innerHTML;
    found[name] = await eval(measure)();
  }
  return found;
}"""
"""Puts one page after the other into the window, as the page's own script does, and measures each."""

VIOLATIONS = f"""async () => (await axe.run({json.dumps(WCAG)})).violations.flatMap(
  (one) => one.nodes.map((node) => `${{one.id}}: ${{node.html}}`))"""
BEYOND = (
    "() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
)
"""Pixels by which the content is wider and higher than the window."""


class Popup:
    """A window with the page as it is served, and the headers that hold it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.state = STATES["waiting"]
        self.cut = False
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        if self.cut:
            route.abort()
        else:
            form = self.state.view.claim is not None
            route.fulfill(body=self.state.page(), headers=security_headers(BRAND, form=form))

    def show(self, state: str) -> Page:
        """The page of a state, as it is at first: its clock stands still."""
        self.page.goto("about:blank")  # else the page before goes on, and away, as its clock is made anew
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1)
        self.state = STATES[state]
        self.page.goto(URL)
        return self.page

    def each(self, states: dict[str, State], language: Language, measure: str) -> dict[str, Any]:
        """What is measured of each state."""
        if self.page.url != URL:
            self.state = STATES["direct"]  # which stays as it is
            self.page.goto(URL)
            self.page.evaluate(Axe().axe_script)
        pages = {name: state.page(language) for name, state in states.items()}
        found: dict[str, Any] = self.page.evaluate(EACH, [pages, measure])
        assert found.keys() == states.keys()
        return found


@contextlib.contextmanager
def opened(browser: Browser, **wishes: Any) -> Iterator[Popup]:
    """A window of a size; what the browser complains of, a policy that is broken for one, is a failure."""
    usual: dict[str, Any] = {"viewport": SIZE, "reduced_motion": "reduce", "bypass_csp": True}
    with browser.new_context(**(usual | wishes)) as context:
        popup = Popup(context.new_page())
        yield popup
    assert popup.said == []


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Popup]:
    with opened(browser, color_scheme="light") as popup:
        yield popup


def test_the_page_keeps_to_its_own_policy(browser: Browser) -> None:
    with opened(browser, bypass_csp=False) as popup:
        for name in ("connected", "failed", "pending", "claim"):
            popup.show(name)
        assert popup.page.locator("img").evaluate("(logo) => logo.naturalWidth") > 0


def test_axe_finds_nothing_in_any_state_in_the_dark(browser: Browser) -> None:
    with opened(browser, color_scheme="dark") as popup:
        assert popup.each(STATES, load("en"), VIOLATIONS) == {name: [] for name in STATES}


@pytest.mark.parametrize("language", [*map(load, TAGS), RIGHT_TO_LEFT], ids=str)
def test_axe_finds_nothing_in_any_language_or_direction(window: Popup, language: Language) -> None:
    assert window.each(STATES, language, VIOLATIONS) == {name: [] for name in STATES}


def test_axe_would_find_something(window: Popup) -> None:
    assert window.each({"failed": STATES["failed"]}, replace(load("en"), tag="xx"), VIOLATIONS)["failed"]


@pytest.mark.parametrize("language", [*map(load, TAGS), RIGHT_TO_LEFT], ids=str)
def test_every_state_fits_magentos_popup_without_scrolling(window: Popup, language: Language) -> None:
    said = "what it said " * 20
    states = STATES | {
        f"{reason} after {reached}": State(failed(reason, reached, said))
        for reason in HANDSHAKE_REASONS
        for reached in ("pending", "requested", *(["exchanged"] if reason in ("aws", "unfinished") else []))
    }
    found = window.each(states, language, BEYOND)
    assert {name: by for name, by in found.items() if max(by) > 0} == {}


@pytest.mark.parametrize("size", [{"width": 340, "height": 255}, {"width": 320, "height": 256}], ids=["200 %", "400 %"])
def test_it_reflows_when_it_is_zoomed(browser: Browser, size: dict[str, int]) -> None:
    with opened(browser, viewport=size) as popup:
        for language in (*map(load, TAGS), RIGHT_TO_LEFT):
            found = popup.each(STATES, language, BEYOND)
            assert {name: by for name, by in found.items() if by[0] > 0} == {}


EDGES = """() => [".app", ".store", ".mark", "li", "#go", "#copy"].map((one) => {
  const box = document.querySelector(one).getBoundingClientRect();
  return [Math.round(box.left), Math.round(innerWidth - box.right)];
})"""


def test_from_right_to_left_it_is_the_mirror_image(window: Popup) -> None:
    shown = {"connected": STATES["connected"]}
    left, right = (window.each(shown, language, EDGES)["connected"] for language in (load("en"), RIGHT_TO_LEFT))
    assert right == [[end, start] for start, end in left]
    assert left != right


FOCUSED = "document.activeElement.id || document.activeElement.localName"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.mark.parametrize(
    ("state", "stops"),
    [
        ("connected-other-host", ["go", "summary", "copy"]),
        ("sign-in", ["go", "summary", "copy"]),
        ("claim", ["claim", "summary", "copy"]),
        ("failed", ["go", "summary", "copy"]),
        ("unclaimed", ["go", "summary", "copy"]),
        ("requested", ["summary", "copy"]),
    ],
)
def test_the_keyboard_reaches_what_can_be_clicked_and_shows_it(browser: Browser, state: str, stops: list[str]) -> None:
    with opened(browser) as popup:
        page = popup.show(state)
        for stop in stops:
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUSED) == stop
            assert page.evaluate(OUTLINE) == "solid"


@pytest.mark.parametrize(("motion", "name"), [("reduce", "none"), ("no-preference", "turn")])
def test_nothing_moves_where_motion_is_not_wanted(browser: Browser, motion: str, name: str) -> None:
    turning = "getComputedStyle(document.querySelector('li.now'), '::before').animationName"
    with opened(browser, reduced_motion=motion) as popup:
        assert popup.show("pending").evaluate(turning) == name


def test_only_a_change_is_said_aloud(browser: Browser) -> None:
    with opened(browser) as popup:
        page = popup.show("pending")
        news = page.locator("#news")
        assert page.evaluate("document.querySelectorAll('[aria-live], [role=status], [role=alert]').length") == 1
        for _ in range(3):
            with page.expect_response(URL):
                page.clock.run_for(2000)
        assert news.text_content() == ""
        popup.state = STATES["requested"]
        page.clock.run_for(2000)
        expect(news).to_have_text("Connecting your store. Access token: in progress")
        assert page.title() == "Connecting your store · Acme Sync"


def test_while_the_way_is_cut_it_keeps_asking(browser: Browser) -> None:
    with opened(browser) as popup:
        page = popup.show("pending")
        popup.cut = True
        with page.expect_event("requestfailed"):
            page.clock.run_for(2000)
        popup.cut, popup.state = False, STATES["failed"]
        with page.expect_response(URL):
            page.clock.run_for(2000)
        expect(page.locator("h1")).to_have_text("Not connected")
        popup.said.clear()  # the browser says that the way was cut


def test_each_try_counts_down_without_a_word_and_without_moving_the_focus(browser: Browser) -> None:
    with opened(browser) as popup:
        page = popup.show("requested-retry")
        copy = page.locator("#copy")
        copy.focus()
        view = STATES["requested-retry"].view
        assert view.retry
        popup.state = State(replace(view, retry=replace(view.retry, seconds=7)))
        page.clock.run_for(2000)
        expect(page.locator(".lead")).to_contain_text("Next try in 7 s.")
        expect(copy).to_be_focused()
        assert page.locator("#news").text_content() == ""


def test_likely_causes_are_named_after_a_quarter_of_a_minute_and_said_aloud(browser: Browser) -> None:
    with opened(browser) as popup:
        page = popup.show("waiting")
        causes = page.locator("#causes")
        page.clock.run_for(14_000)
        expect(causes).to_be_hidden()
        page.clock.run_for(2000)
        expect(causes).to_be_visible()
        expect(page.locator("#news")).to_contain_text("Compare the Callback URL")
        with page.expect_response(URL):
            page.clock.run_for(5000)
        expect(causes).to_be_visible()


def test_without_script_the_causes_are_named_at_once_and_nothing_is_offered_that_needs_one(browser: Browser) -> None:
    with opened(browser, java_script_enabled=False) as popup:
        popup.state = State(STATES["waiting"].view)
        popup.page.goto(URL)
        expect(popup.page.locator("#causes")).to_be_visible()
        popup.state = STATES["failed"]
        popup.page.goto(URL)
        expect(popup.page.locator("#copy")).to_be_hidden()
        popup.page.locator("summary").click()
        expect(popup.page.locator("#support")).to_be_visible()


class TestTheDetailsForSupport:
    def test_are_copied_by_one_click(self, browser: Browser) -> None:
        with opened(browser, permissions=["clipboard-read", "clipboard-write"]) as popup:
            page = popup.show("failed-store")
            page.get_by_role("button", name="Copy details for support").click()
            expect(page.locator("#copy")).to_have_text("Copied")
            expect(page.locator("#news")).to_have_text("Copied")
            copied = page.evaluate("navigator.clipboard.readText()")
            assert "reference: 5f2a9c1e7b3d48609a1c2e4f6b8d0a3c-9e1b5d7f3a20" in copied
            assert "problem: signature-invalid: The signature is invalid." in copied
            page.clock.run_for(4000)
            expect(page.locator("#copy")).to_have_text("Copy details for support")

    @pytest.mark.parametrize("clipboard", ["undefined", '{writeText: () => Promise.reject(new Error("denied"))}'])
    def test_are_there_to_be_selected_where_the_clipboard_is_closed(self, browser: Browser, clipboard: str) -> None:
        with opened(browser) as popup:
            popup.page.add_init_script(f'Object.defineProperty(navigator, "clipboard", {{value: {clipboard}}})')
            page = popup.show("failed-store")
            page.get_by_role("button", name="Copy details for support").press("Enter")
            text = page.locator("#support")
            expect(text).to_be_focused()
            selected = "(text) => text.value.slice(text.selectionStart, text.selectionEnd)"
            assert text.evaluate(selected) == text.input_value()
            assert page.evaluate(BEYOND)[1] <= 0

    def test_stay_open_while_the_page_goes_on(self, browser: Browser) -> None:
        with opened(browser) as popup:
            page = popup.show("pending")
            page.locator("summary").click()
            popup.state = State(replace(STATES["pending"].view, slow=True))
            page.clock.run_for(2000)
            expect(page.locator(".lead")).to_contain_text("takes longer than usual")
            expect(page.locator("#support")).to_be_visible()


def test_a_connected_page_and_a_failed_one_differ_without_colour(browser: Browser) -> None:
    with opened(browser, color_scheme="light") as popup:
        page, seen = popup.page, {}
        for state in ("connected-no-way-back", "failed"):
            popup.show(state)
            page.add_style_tag(content="html { filter: grayscale(1) contrast(2); }")
            seen[state] = page.locator(".band").evaluate(
                "(band) => [band.querySelector('path').getAttribute('d'), band.innerText, band.className]"
            )
            assert page.locator(".mark").bounding_box()["height"] >= 40  # type: ignore[index]
        first, second = seen.values()
        assert [one != other for one, other in zip(first, second, strict=True)] == [True, True, True]
