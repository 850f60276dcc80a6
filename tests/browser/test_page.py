"""Each state of the page, in each language, light and dark: accessible, whole, by keyboard, at any width."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from storelink.popup.languages import LANGUAGES, Language
from storelink.popup.page import security_headers
from tests.browser.states import BRAND, REASONS, STATES, State, failed

URL = "https://popup.example/identity"
RIGHT_TO_LEFT = replace(LANGUAGES["en"], direction="rtl")
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
            route.fulfill(body=self.state.page(), headers=security_headers(BRAND))

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
        for name in ("connected", "failed", "pending"):
            popup.show(name)
        assert popup.page.locator("img").evaluate("(logo) => logo.naturalWidth") > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state_light_or_dark(browser: Browser, scheme: str) -> None:
    with opened(browser, color_scheme=scheme) as popup:
        assert popup.each(STATES, LANGUAGES["en"], VIOLATIONS) == {name: [] for name in STATES}


@pytest.mark.parametrize("language", [*(LANGUAGES[tag] for tag in ("de", "fr", "es", "nl")), RIGHT_TO_LEFT], ids=str)
def test_axe_finds_nothing_in_any_language_or_direction(window: Popup, language: Language) -> None:
    assert window.each(STATES, language, VIOLATIONS) == {name: [] for name in STATES}


def test_axe_would_find_something(window: Popup) -> None:
    assert window.each({"failed": STATES["failed"]}, replace(LANGUAGES["en"], tag="xx"), VIOLATIONS)["failed"]


@pytest.mark.parametrize("language", [*LANGUAGES.values(), RIGHT_TO_LEFT], ids=str)
def test_every_state_fits_magentos_popup_without_scrolling(window: Popup, language: Language) -> None:
    states = STATES | {reason: State(failed(reason, problem="what it said " * 20)) for reason in REASONS}
    found = window.each(states, language, BEYOND)
    assert {name: by for name, by in found.items() if max(by) > 0} == {}


@pytest.mark.parametrize("size", [{"width": 340, "height": 255}, {"width": 320, "height": 256}], ids=["200 %", "400 %"])
def test_it_reflows_when_it_is_zoomed(browser: Browser, size: dict[str, int]) -> None:
    with opened(browser, viewport=size) as popup:
        for language in (*LANGUAGES.values(), RIGHT_TO_LEFT):
            found = popup.each(STATES, language, BEYOND)
            assert {name: by for name, by in found.items() if by[0] > 0} == {}


EDGES = """() => [".app", ".store", "li", "#go", "footer code"].map((one) => {
  const box = document.querySelector(one).getBoundingClientRect();
  return [Math.round(box.left), Math.round(innerWidth - box.right)];
})"""


def test_from_right_to_left_it_is_the_mirror_image(window: Popup) -> None:
    shown = {"connected": STATES["connected"]}
    left, right = (window.each(shown, language, EDGES)["connected"] for language in (LANGUAGES["en"], RIGHT_TO_LEFT))
    assert right == [[end, start] for start, end in left]
    assert left != right


@pytest.mark.parametrize("state", ["connected-other-host", "sign-in", "failed", "unclaimed"])
def test_the_keyboard_reaches_the_one_link_and_shows_it(browser: Browser, state: str) -> None:
    with opened(browser) as popup:
        page = popup.show(state)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "go"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


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
        expect(news).to_have_text("Connecting your store. Access token: under way")
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
