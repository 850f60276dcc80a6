"""The whole way as a merchant goes it: a click in the admin, the popup as Magento opens it, and the grid at the end."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.lambda_runtime import free_ports
from local.stack import Stack
from tests.browser.vendor import login
from tests.stacks import connections, ended, serving


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser with windows of its own size, as Magento's script wishes it."""
    made = browser.new_context(no_viewport=True, locale="en-GB")
    made.set_default_timeout(20_000)
    yield made
    made.close()


class Admin:
    """A store's admin page, and what the merchant does there."""

    def __init__(self, context: BrowserContext, running: Stack, host: str = "127.0.0.1") -> None:
        self.store = f"{running.store_url}stores/{uuid.uuid4().hex[:8]}/"
        self.page = context.new_page()
        self.page.goto(f"{self.store.replace('127.0.0.1', host)}admin")

    def trouble(self, kind: str, **more: Any) -> None:
        requests.post(f"{self.store}sandbox/trouble", json={"kind": kind, **more}, timeout=5).raise_for_status()

    def click(self, button: str) -> Page:
        """Click, and give back the popup that opens."""
        with self.page.expect_popup() as popup:
            self.page.get_by_role("button", name=button).click()
        return popup.value

    def ends_active(self, popup: Page) -> None:
        """The popup closes, and Magento's page shows the integration as active."""
        if not popup.is_closed():
            popup.wait_for_event("close")
        expect(self.page.locator("#grid td.active")).to_have_text("Active", timeout=20_000)


def test_the_popup_shows_the_steps_and_closes_and_the_grid_shows_active(
    context: BrowserContext, running: Stack
) -> None:
    admin = Admin(context, running)
    popup = admin.click("Activate")
    expect(popup.locator(".app")).to_have_text("Acme Sync")
    width, height = popup.evaluate("[innerWidth, innerHeight]")
    expect(popup.get_by_role("heading", level=1)).to_have_text("Connected")
    assert (width, round(height, -1)) == (680, 510)
    admin.ends_active(popup)


def test_a_slow_store_is_shown_as_it_goes_and_said_aloud(context: BrowserContext, running: Stack) -> None:
    admin = Admin(context, running)
    admin.trouble("slow", endpoint="access", seconds=2.5, times=1)
    popup = admin.click("Activate")
    expect(popup.locator("li.now b")).to_have_text("Access token")
    expect(popup.locator("li.done b")).to_have_text(["Activation received", "Request token"])
    expect(popup.locator("#go")).to_have_count(0)
    expect(popup.get_by_role("status")).to_contain_text("Connected")
    admin.ends_active(popup)


def test_a_failure_says_what_to_do_and_doing_it_connects(context: BrowserContext, running: Stack) -> None:
    admin = Admin(context, running)
    admin.trouble("signature_invalid", endpoint="request", times=1)
    popup = admin.click("Activate")
    expect(popup.get_by_role("heading", level=1)).to_have_text("Not connected")
    expect(popup.locator(".steps li")).to_have_class(["done", "failed", "skipped"])
    expect(popup.locator("section")).to_contain_text("What you can do")
    expect(popup.locator("section")).to_contain_text("System > Extensions > Integrations and click Activate.")
    expect(popup.locator(".said")).to_contain_text("The signature is invalid. Verify and try again.")
    expect(popup.locator("footer code")).to_have_text(re.compile("^[0-9a-f]{8}$"))
    popup.keyboard.press("Tab")
    expect(popup.get_by_role("link", name="Back to Magento")).to_be_focused()
    popup.keyboard.press("Enter")
    popup.wait_for_event("close")

    admin.page.reload()
    popup = admin.click("Activate")
    admin.ends_active(popup)


def test_a_store_that_is_closed_is_waited_for_and_its_answer_shown(context: BrowserContext, running: Stack) -> None:
    admin = Admin(context, running)
    admin.trouble("maintenance", endpoint="access", times=1)
    popup = admin.click("Activate")
    expect(popup.locator(".lead")).to_contain_text("Your store is in maintenance mode or overloaded.")
    expect(popup.locator(".said")).to_contain_text("HTTP 503")
    expect(popup.locator("main")).to_contain_text("You may close this window.")
    expect(popup.get_by_role("heading", level=1)).to_have_text("Connected", timeout=60_000)
    admin.ends_active(popup)


def test_an_admin_on_another_host_takes_one_click(context: BrowserContext, running: Stack) -> None:
    admin = Admin(context, running, host="localhost")
    popup = admin.click("Activate")
    expect(popup.get_by_role("heading", level=1)).to_have_text("Connected")
    expect(popup.locator("#go[data-follow]")).to_have_count(0)
    assert "/identity?" in popup.url
    popup.get_by_role("link", name="Go to localhost").click()
    admin.ends_active(popup)


def test_a_blocked_popup_is_said_by_magento_and_the_store_connects_all_the_same(
    context: BrowserContext, running: Stack
) -> None:
    admin = Admin(context, running)
    admin.page.evaluate("window.open = () => null")  # what a blocker leaves of it
    admin.page.get_by_role("button", name="Activate").click()
    expect(admin.page.locator("#message")).to_contain_text("blocked the popup")
    assert len(context.pages) == 1
    (integration,) = requests.get(f"{admin.store}sandbox/state", timeout=5).json()["integrations"].values()
    assert ended(running, integration["consumer_key"])["state"] == "connected"
    admin.page.reload()
    expect(admin.page.locator("#grid td.active")).to_have_text("Active")


def test_without_script_it_goes_by_refresh(browser: Browser, running: Stack) -> None:
    context = browser.new_context(java_script_enabled=False, locale="de-AT")
    store = f"{running.store_url}stores/{uuid.uuid4().hex[:8]}/"
    requests.post(f"{store}sandbox/trouble", json={"kind": "slow", "seconds": 1, "times": 1}, timeout=5)
    urls = {"callback_url": running.callback_url, "identity_url": running.identity_url}
    activated = requests.post(f"{store}sandbox/activate", json=urls, timeout=10).json()
    page = context.new_page()
    page.goto(activated["popup_url"])
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.wait_for_url("**/integration/loginSuccessCallback/**", timeout=20_000)
    context.close()


def test_a_reload_and_a_late_visit_show_what_is_so(context: BrowserContext, running: Stack) -> None:
    admin = Admin(context, running, host="localhost")
    popup = admin.click("Activate")
    expect(popup.get_by_role("heading", level=1)).to_have_text("Connected")
    popup.reload()
    expect(popup.get_by_role("heading", level=1)).to_have_text("Connected")
    late = context.new_page()
    late.goto(popup.url.partition("&success_call_back")[0])
    expect(late.get_by_text("You can close this window.")).to_be_visible()


def test_the_merchant_signs_in_at_the_vendors(context: BrowserContext) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/login"
    with (
        serving(STORELINK_EMULATOR="plain", PARAMETERS=f"SignInUrl={url}") as stack,
        login(url, sign_in_key(stack)),
    ):
        admin = Admin(context, stack)
        popup = admin.click("Activate")
        popup.get_by_role("link", name="Sign in at 127.0.0.1").click()
        expect(popup.get_by_role("heading", level=1)).to_have_text("Acme")
        expect(popup.get_by_text(f"Connect {admin.store} to your account?")).to_be_visible()
        (connection,) = connections(stack.aws)
        assert "tenant" not in connection
        popup.get_by_role("button", name="Connect").click()
        expect(popup.get_by_role("heading", level=1)).to_have_text("Is this your store?")
        expect(popup.locator("dd")).to_have_text([admin.store.partition("://")[2].removesuffix("/"), "acme"])
        (connection,) = connections(stack.aws)
        assert "tenant" not in connection
        popup.get_by_role("button", name="Assign this store").click()
        admin.ends_active(popup)
        (connection,) = connections(stack.aws)
        assert connection["tenant"] == {"S": "acme"}


def sign_in_key(stack: Stack) -> str:
    """What the stack made to sign with."""
    secrets = stack.aws.client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=f"{stack.aws.stack}/sign-in")["SecretString"])
