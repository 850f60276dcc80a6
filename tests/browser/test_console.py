"""The operators' console, met as an operator meets it: in a browser, over a local stack."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.stack import Stack
from storelink.advice import REASONS
from storelink.store import Store
from storelink_cli.console import safety
from tests.browser.console import HOSTILE, Rows, console
from tests.browser.test_page import BEYOND, VIOLATIONS
from tests.stacks import activated, ended, serving

CONFIGS = "V1/store/storeConfigs"

EXPECTED = (
    "Failed to load resource",
    "Blocked script execution in",
    "Failed to execute 'postMessage' on 'DOMWindow': The target origin provided ('http://127.0.0.1:",
)
"""What the browser says of an answer such as 404, and of what playwright and axe do in the merchant's page."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with serving(STORELINK_EMULATOR="plain", PARAMETERS="AppName='Acme Sync'") as running:
        yield running


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Rows:
    made = Rows(stack.aws)
    made.many(60, 120)
    made.metrics()
    return made


@pytest.fixture(scope="module")
def entry(stack: Stack, rows: Rows) -> Iterator[str]:
    """The URL that a console prints."""
    with console(stack.aws) as url:
        yield url


@pytest.fixture(scope="module")
def context(browser: Browser, entry: str) -> Iterator[BrowserContext]:
    """A browser that has entered. What it complains of is a failure."""
    said: list[str] = []
    with browser.new_context(
        permissions=["clipboard-read", "clipboard-write"], base_url=entry.partition("/enter")[0]
    ) as made:
        made.set_default_timeout(20_000)
        made.on("console", lambda message: said.append(message.text))
        made.on("weberror", lambda error: said.append(str(error.error)))
        page = made.new_page()
        page.goto(entry)
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        page.close()
        yield made
    assert [one for one in said if not one.startswith(EXPECTED)] == []


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    made = context.new_page()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(stack: Stack) -> str:
    """The path of the page of a store that is connected by a handshake."""
    return store_path(stack, connect(stack))


def connect(stack: Stack) -> str:
    """A store that is connected by a handshake: its URL."""
    name = f"stores/{uuid.uuid4().hex[:8]}/"
    assert ended(stack, activated(stack, name)["consumer_key"])["state"] == "connected"
    return f"{stack.store_url}{name}"


def store_path(stack: Stack, url: str) -> str:
    return f"/stores/{Store.from_url(url).connection_id}"


class TestTheOverview:
    def test_counts_stores_and_shows_what_needs_a_person(self, page: Page, rows: Rows) -> None:
        rows.activation(
            "https://odd.example/", state="failed", reached="pending", reason="another-store", suspicious=True
        )
        rows.connection("https://lost.example/", state="disconnected", reason="revoked", problem="It is gone")
        page.goto("/")
        expect(page.locator(".tiles")).to_contain_text(
            re.compile(r"\d+ connected.*\d+ disconnected.*\d+ unclaimed", re.DOTALL)
        )
        needs = page.get_by_role("region", name="What needs a person")
        expect(needs.get_by_role("heading", level=3)).to_have_text(
            ["Failed in the last hour", "Disconnected", "Unclaimed"]
        )
        expect(needs.locator("li").first).to_contain_text("suspicious")
        expect(needs.locator("li").first).to_contain_text("odd.example")

    def test_plots_what_connected_and_what_failed_and_why(self, page: Page) -> None:
        page.goto("/")
        for span in ("hour", "day", "week"):
            page.get_by_role("link", name=f"Last {span}").click()
            expect(page.locator(".spans [aria-current]")).to_have_text(f"Last {span}")
        expect(page.locator(".reasons li").first).to_contain_text(re.compile("[a-z-]+"))
        expect(page.locator(".numbers")).to_contain_text(re.compile(r"median\s*\d+\.\d\d s", re.DOTALL))
        expect(page.locator(".numbers")).to_contain_text(re.compile(r"p95\s*\d+\.\d\d s", re.DOTALL))
        assert page.locator(".plot rect.connected").count() > 20
        assert page.locator(".plot rect.failed").count() > 3
        page.get_by_text("The numbers as a table").click()
        expect(page.get_by_role("region", name="Activations over time, as numbers").locator("tbody tr")).to_have_count(
            28
        )

    def test_says_how_many_are_left_out_and_links_to_all(self, page: Page, rows: Rows) -> None:
        client = rows.aws.client("cloudwatch")
        for reason in sorted(REASONS)[:10]:
            dimensions = {"service": "storelink", "stack": rows.aws.stack, "reason": reason}
            named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
            data = [{"MetricName": "Failed", "Value": 1, "Dimensions": named}]
            client.put_metric_data(Namespace="Storelink", MetricData=data)
        for nth in range(6):
            rows.activation(f"https://all-{nth}.example/", state="failed", reached="pending", reason="expired")
        page.goto("/")
        expect(page.locator(".reasons li").last).to_contain_text(re.compile(r"\d+ others? "))
        page.get_by_role("link", name="All: failed in the last hour").click()
        page.wait_for_url("**since=1h*")
        expect(page.locator("tbody")).to_contain_text("all-0.example")

    def test_stays_up_to_date_without_moving_the_focus(self, page: Page, rows: Rows) -> None:
        page.clock.install()
        page.goto("/")
        newest = page.get_by_role("region", name="Newest activations", exact=True)
        focused = newest.get_by_role("link").first
        focused.focus()
        name = focused.get_attribute("href")
        rows.activation("https://arrives.example/", received_at=rows.now + 60_000)
        page.clock.run_for(5000)
        expect(newest).to_contain_text("arrives.example")
        assert page.evaluate("document.activeElement.getAttribute('href')") == name

    def test_shows_what_it_can_when_a_part_cannot_be_read(self, page: Page, context: BrowserContext) -> None:
        page.goto("/?span=hour")
        page.route("**/parts/*", lambda route: route.abort())
        expect(page.get_by_role("region", name="Stores by state")).to_contain_text("connected")


class TestLists:
    def test_stores_are_filtered_and_paged_by_cursor(self, page: Page) -> None:
        page.goto("/stores")
        expect(page.locator("tbody tr")).to_have_count(50)
        first = page.locator("tbody tr").first.inner_text()
        page.get_by_role("link", name="Next page").click()
        page.wait_for_url("**cursor=**")
        assert page.locator("tbody tr").count() > 5
        assert page.locator("tbody tr").first.inner_text() != first
        page.locator(".filters").get_by_label("Host begins with").fill("amber-")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("tbody tr .address").first).to_contain_text("amber-")

    def test_activations_are_filtered_by_state_and_reason(self, page: Page, rows: Rows) -> None:
        rows.troubled_activation("https://listed.example/")
        page.goto("/activations")
        page.locator(".filters").get_by_label("State").select_option("failed")
        page.locator(".filters").get_by_label("Reason").fill("reauthorize")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("tbody")).to_contain_text("listed.example")
        assert set(page.locator("tbody .reason").all_inner_texts()) == {"reauthorize"}

    def test_activations_are_filtered_by_what_is_tried_again_and_by_time(self, page: Page, rows: Rows) -> None:
        retried = {"state": "pending", "reached": "pending", "retry_reason": "rate-limited"}
        rows.activation("https://retried.example/", **retried)
        rows.activation("https://earlier.example/", received_at=rows.now - 7_200_000, **retried)
        page.goto("/activations?reason=rate-limited")
        expect(page.locator("tbody")).to_contain_text("earlier.example")
        page.locator(".filters").get_by_label("Since").fill("1h")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url("**since=1h*")
        expect(page.locator("tbody")).to_contain_text("retried.example")
        expect(page.locator("tbody")).not_to_contain_text("earlier.example")

    def test_a_wrong_filter_names_the_field(self, page: Page) -> None:
        page.goto("/activations?reason=weather")
        expect(page.get_by_role("main")).to_contain_text("reason is not known")


class TestSearch:
    def search(self, page: Page, text: str) -> None:
        page.goto("/stores")
        page.get_by_label("Host, reference, tenant or reason").fill(text)
        page.get_by_role("button", name="Search").click()

    def test_finds_a_store_by_its_host_and_its_attempts(self, page: Page, rows: Rows) -> None:
        rows.connection("https://found.example/")
        self.search(page, "found.exa")
        expect(page.get_by_role("region", name="By host")).to_contain_text("found.example")

    @pytest.mark.parametrize(
        "text", ["umber", "umber.example:8", "UMBER.example:8443/stores/her", "https://umber.example:8443/?a=b"]
    )
    def test_finds_a_store_that_never_connected_by_the_beginning_of_its_address(
        self, page: Page, rows: Rows, text: str
    ) -> None:
        rows.activation("https://umber.example:8443/stores/heron/", state="failed", reached="pending", reason="expired")
        rows.activation("https://umber.example:9443/", state="failed", reached="pending", reason="expired")
        self.search(page, text)
        found = page.get_by_role("region", name="Of this host")
        expect(found).to_contain_text("umber.example:8443/stores/heron")
        if text != "umber":
            expect(found).not_to_contain_text("9443")
        expect(page.locator(".notice")).to_have_count(0)

    def test_goes_to_the_activation_of_a_reference(self, page: Page, rows: Rows) -> None:
        activation_id = rows.troubled_activation()
        self.search(page, activation_id[:8])
        page.wait_for_url(f"**/activations/{activation_id}")

    def test_finds_stores_and_invitations_by_tenant(self, page: Page) -> None:
        self.search(page, "globex")
        expect(page.get_by_role("region", name="Of this tenant").locator("tbody tr").first).to_contain_text("globex")

    def test_explains_a_reason_and_finds_what_has_it(self, page: Page, rows: Rows) -> None:
        rows.troubled_activation()
        self.search(page, "reauthorize")
        expect(page.get_by_role("region", name="Activations with this reason")).to_contain_text("amber-shop.example")
        expect(page.get_by_role("main")).to_contain_text("Magento gives each token once")

    def test_says_what_can_be_entered_where_nothing_is_found(self, page: Page) -> None:
        self.search(page, "no such thing")
        expect(page.get_by_role("main")).to_contain_text("Nothing was found")


class TestAnActivation:
    def test_shows_its_steps_and_every_try_with_the_stores_words(self, page: Page, rows: Rows) -> None:
        page.goto(f"/activations/{rows.troubled_activation()}")
        expect(page.locator(".steps li")).to_have_class(["done", "done", "failed"])
        expect(page.locator(".events > li")).to_have_class(["done", "retry", "done", "retry", "failed", "sent"])
        expect(page.locator(".events .retry").first).to_contain_text("maintenance")
        expect(page.locator(".events .retry").first).to_contain_text("HTTP 503")
        expect(page.locator(".events .failed")).to_contain_text("Specified token does not exist")
        expect(page.get_by_role("main")).to_contain_text("delete the integration, add it again and click Activate")

    def test_frames_the_page_that_the_merchant_sees(self, page: Page, rows: Rows) -> None:
        page.goto(f"/activations/{rows.troubled_activation()}")
        popup = page.frame_locator("iframe")
        expect(popup.get_by_role("heading", level=1)).to_have_text("Not connected")
        expect(popup.locator(".app")).to_have_text("Acme Sync")
        assert page.locator("iframe").get_attribute("sandbox") == ""
        framed = page.request.get(f"{page.url}/popup")
        assert "<script" not in framed.text()
        assert 'http-equiv="refresh"' not in framed.text()
        assert "script-src" in framed.headers["content-security-policy"]

    def test_loads_the_merchants_page_again_when_the_activation_changes(self, page: Page, rows: Rows) -> None:
        url, key, attempt = "https://turns.example/", "ab" * 16, "cd" * 6
        same = {"integration_key": key, "attempt": attempt, "received_at": rows.now}
        activation_id = rows.activation(url, state="pending", reached="pending", **same)
        page.clock.install()
        page.goto(f"/activations/{activation_id}")
        heading = page.frame_locator("iframe").get_by_role("heading", level=1)
        expect(heading).not_to_have_text("Not connected")
        failed = {"state": "failed", "reached": "pending", "reason": "expired", "updated_at": rows.now + 2000}
        rows.activation(url, **same, **failed)
        page.clock.run_for(3000)
        expect(page.locator(".state")).to_contain_text("failed")
        expect(heading).to_have_text("Not connected")

    def test_puts_the_same_tries_together(self, page: Page, rows: Rows) -> None:
        page.goto(f"/activations/{rows.troubled_activation()}")
        page.get_by_text("2 times the same").click()
        expect(page.locator(".events details li")).to_have_count(2)

    def test_links_to_aws(self, page: Page, rows: Rows) -> None:
        page.goto(f"/activations/{rows.troubled_activation()}")
        assert page.locator(".links a").count() >= 1

    def test_of_a_handshake_is_the_same_as_its_popup(self, page: Page, stack: Stack, shop: str) -> None:
        page.goto(shop)
        page.get_by_role("region", name="Last activations").get_by_role("link").first.click()
        expect(page.locator(".steps li")).to_have_class(["done", "done", "done"])
        expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("Connected")
        expect(page.locator(".events")).to_contain_text("the store is connected")

    def test_that_is_unknown_says_where_to_look(self, page: Page) -> None:
        page.goto("/activations/00000000")
        expect(page.get_by_role("main")).to_contain_text("no activation begins with 00000000")


class TestAStore:
    def test_shows_its_history_checks_and_attempts(self, page: Page, shop: str) -> None:
        page.goto(shop)
        expect(page.locator(".timeline li")).to_contain_text(["connected"])
        expect(page.locator(".facts")).to_contain_text("Next check")
        expect(page.get_by_role("region", name="Last activations").locator("tbody tr")).to_have_count(1)

    def test_is_tested(self, page: Page, stack: Stack) -> None:
        url = connect(stack)
        page.goto(store_path(stack, url))
        page.get_by_role("button", name="Test now").click()
        expect(page.get_by_role("status")).to_have_text("The store accepts its credentials.")
        requests.post(f"{url}sandbox/delete", json={}, timeout=5).raise_for_status()
        page.get_by_role("button", name="Test now").click()
        expect(page.get_by_role("status")).to_contain_text("does not accept its credentials: forbidden")
        expect(page.locator("h1 .badge")).to_have_text("disconnected")

    def test_is_examined_and_findings_appear_as_they_come(self, page: Page, shop: str) -> None:
        page.goto(shop)
        page.get_by_role("button", name="Doctor").click()
        expect(page.locator("#verdict")).to_contain_text("Connected")
        expect(page.locator(".findings li")).to_contain_text(["attempt", "dns", "tls", "magento"])

    def test_is_claimed_and_assigned_to_another_tenant(self, page: Page, stack: Stack) -> None:
        page.goto(store_path(stack, connect(stack)))
        page.get_by_text("Assign to a tenant").click()
        page.get_by_label("Tenant", exact=True).fill("acme")
        page.get_by_role("button", name="Claim").click()
        expect(page.get_by_role("status")).to_have_text("The store belongs to acme now.")
        page.get_by_text("Assign to another tenant").click()
        page.get_by_label("Tenant", exact=True).fill("globex")
        page.get_by_role("button", name="Assign").click()
        expect(page.locator(".timeline li").first).to_contain_text("globex (before: acme)")

    def test_is_forgotten_when_its_address_is_entered(self, page: Page, stack: Stack) -> None:
        url = connect(stack)
        address = url.partition("://")[2].rstrip("/")
        page.goto(store_path(stack, url))
        for entered, said in (("127.0.0.1", f"Nothing was changed: enter {address}"), (address, "is forgotten")):
            page.get_by_text("Forget this store").click()
            page.get_by_label("Store", exact=True).fill(entered)
            page.get_by_role("button", name="Forget").click()
            expect(page.get_by_role("status")).to_contain_text(said)
        expect(page.locator("h1 .badge")).to_have_text("disconnected")

    def test_answers_a_signed_get(self, page: Page, shop: str) -> None:
        page.goto(shop)
        page.get_by_label("Signed GET").fill(CONFIGS)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("pre")).to_contain_text("base_url")
        expect(page.get_by_role("main")).to_contain_text("HTTP 200")
        page.get_by_label("Signed GET").fill("V1/../admin")
        page.get_by_role("button", name="Send again").click()
        expect(page.locator(".panel.bad")).to_be_visible()

    def test_that_never_connected_shows_its_attempts(self, page: Page, rows: Rows) -> None:
        rows.troubled_activation("https://never.example/")
        page.goto("/search?q=never.example")
        page.get_by_role("region", name="Of this host").locator("td .address").first.click()
        page.wait_for_url("**/activations/*")
        page.get_by_role("heading", level=1).get_by_role("link").click()
        expect(page.get_by_role("main")).to_contain_text("has never been connected")
        expect(page.locator(".panel")).to_contain_text("delete the integration, add it again")
        page.get_by_role("link", name="The newest activation").click()
        page.wait_for_url("**/activations/*")

    def test_with_a_password_says_what_the_operator_does(self, page: Page, rows: Rows) -> None:
        url = "https://staging.example/"
        failed = rows.activation(url, state="failed", reached="pending", reason="password-protected")
        page.goto(f"/activations/{failed}")
        expect(page.locator(".panel code").last).to_have_text(f"storelink password {url}")
        expect(page.locator(".panel")).not_to_contain_text("Give the app's operator")

    def test_that_is_unknown_is_not_found(self, page: Page) -> None:
        page.goto(f"/stores/nobody.example-{'0' * 16}")
        expect(page.get_by_role("main")).to_contain_text("names no connection")


class TestInvitations:
    def test_are_made_copied_listed_and_revoked(self, page: Page) -> None:
        page.goto("/invitations?tenant=acme&store_url=https://new.example/")
        page.get_by_label("Valid for").fill("1s")
        page.get_by_role("button", name="Invite").click()
        expect(page.get_by_role("alert")).to_contain_text("too short")
        page.get_by_label("Valid for").fill("12h")
        page.get_by_role("button", name="Invite").click()
        for label, path in (("Callback URL", "callback"), ("Identity link URL", "identity")):
            page.locator(".copied", has_text=label).get_by_role("button").click()
            expect(page.locator(".copied", has_text=label).get_by_role("button")).to_have_text("Copied")
            assert re.search(rf"/i/[\w-]{{32}}/{path}$", page.evaluate("navigator.clipboard.readText()"))
        expect(page.locator("nav [aria-current=page]")).to_have_text("Invitations")
        rows_made = page.locator("tbody tr", has_text="https://new.example/")
        expect(rows_made).to_have_count(1)
        page.reload()
        expect(rows_made).to_have_count(1)
        expect(page.locator(".copied")).to_have_count(0)
        rows_made.locator("summary").click()
        rows_made.get_by_role("button", name="Revoke now").click()
        expect(page.get_by_role("status")).to_contain_text("is revoked")
        expect(page.locator("tbody tr", has_text="https://new.example/").first).to_contain_text("revoked")
        assert "/i/" not in page.content()


class TestSafety:
    def test_the_url_lets_in_one_browser_once(self, browser: Browser, entry: str, context: BrowserContext) -> None:
        with browser.new_context() as other:
            stranger = other.new_page()
            assert stranger.goto(entry).status == 401  # type: ignore[union-attr]
            assert stranger.goto(entry.partition("/enter")[0]).status == 401  # type: ignore[union-attr]
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

    def test_another_host_and_another_origin_are_refused(self, context: BrowserContext, entry: str, shop: str) -> None:
        base = entry.partition("/enter")[0]
        (cookie,) = context.cookies()
        cookies = {cookie["name"]: cookie["value"]}
        assert requests.get(base, headers={"Host": "rebound.example"}, cookies=cookies, timeout=20).status_code == 421
        for headers in (
            {},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Origin": base},
            {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:1"},
        ):
            answer = requests.post(f"{base}{shop}/test", headers=headers, cookies=cookies, timeout=20)
            assert answer.status_code == 403, headers
        allowed = requests.post(
            f"{base}{shop}/test", headers={"Origin": base}, cookies=cookies, timeout=20, allow_redirects=False
        )
        assert allowed.status_code == 303

    def test_every_answer_has_the_policy(self, context: BrowserContext, entry: str) -> None:
        base = entry.partition("/enter")[0]
        for path in ("/", "/stores", "/static/console.css", "/nothing"):
            headers = context.request.get(f"{base}{path}").headers
            assert {name: headers[name.lower()] for name in safety.HEADERS if name != "Cache-Control"} == {
                name: text for name, text in safety.HEADERS.items() if name != "Cache-Control"
            }
        assert "unsafe-inline" not in safety.POLICY

    def test_a_stores_words_are_shown_and_do_nothing(self, page: Page, rows: Rows) -> None:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        activation_id = rows.activation(
            "https://hostile.example/", state="failed", reached="pending", reason="store-error", problem=HOSTILE
        )
        for path in (f"/activations/{activation_id}", "/", "/search?q=hostile.example"):
            page.goto(path)
            expect(page.locator(".words", has_text="<script>").first).to_contain_text("\\u202egnp")
            assert "\x1b" not in page.content()
            assert "\u202e" not in page.locator("main").inner_text()
        assert dialogs == []

    def test_read_only_changes_nothing(self, browser: Browser, stack: Stack, shop: str) -> None:
        with console(stack.aws, "--read-only") as entry, browser.new_context() as made:
            base, page = entry.partition("/enter")[0], made.new_page()
            page.goto(entry)
            expect(page.locator(".where")).to_contain_text("read only")
            page.goto(f"{base}{shop}")
            expect(page.get_by_role("button")).to_have_text(["Search", "Doctor", "Send"])
            page.goto(f"{base}/invitations")
            expect(page.get_by_role("button")).to_have_text(["Search"])
            for path in (f"{shop}/test", f"{shop}/claim", f"{shop}/forget", "/invitations"):
                answer = made.request.post(f"{base}{path}", headers={"Origin": base}, form={"tenant": "acme"})
                assert answer.status == 403, path


PAGES = ("/", "/stores", "/activations", "/invitations", "/search?q=acme", "SHOP", "ACTIVATION")


@pytest.fixture(scope="module", params=PAGES)
def shown(request: pytest.FixtureRequest, context: BrowserContext, shop: str, rows: Rows) -> Iterator[Page]:
    """Each of the pages, loaded once."""
    made = context.new_page()
    path = f"/activations/{rows.troubled_activation()}" if request.param == "ACTIVATION" else request.param
    made.goto(shop if path == "SHOP" else path)
    yield made
    made.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shown: Page, scheme: Any) -> None:
    shown.set_viewport_size({"width": 1280, "height": 720})
    shown.emulate_media(color_scheme=scheme)
    shown.evaluate(f"() => {{ {Axe().axe_script} }}")
    assert shown.evaluate(VIOLATIONS) == []


@pytest.mark.parametrize("size", [(375, 667), (640, 360)], ids=["375 px", "200 %"])
def test_nothing_is_beyond_the_window(shown: Page, size: tuple[int, int]) -> None:
    shown.set_viewport_size({"width": size[0], "height": size[1]})
    assert shown.evaluate(BEYOND)[0] <= 0


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page, shop: str) -> None:
    page.goto(shop)
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        seen.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
    assert {"Overview", "q", "Search", "Test now", "Doctor", "Invite"} <= set(seen)
