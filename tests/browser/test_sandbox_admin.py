"""The sandbox store's admin page in a browser: what goes wrong is set by its menu."""

import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from storelink.testing.sandbox import Sandbox, SandboxStore


@pytest.fixture
def shop(shops: Sandbox) -> SandboxStore:
    return shops.store(uuid.uuid4().hex)


@pytest.fixture
def page(browser: Browser, shop: SandboxStore) -> Page:
    page = browser.new_page()
    page.goto(f"{shop.base_url}admin")
    return page


def test_a_trouble_is_added_and_cleared(page: Page, shop: SandboxStore) -> None:
    page.get_by_label("Trouble").select_option("gateway_timeout")
    page.locator("#endpoint").select_option("rest")
    page.get_by_label("times").fill("2")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#troubles li")).to_have_text("gateway_timeout at rest, 2 times: 504: a proxy's page")
    (trouble,) = shop.state()["troubles"]
    assert (trouble["kind"], trouble["times"], trouble["endpoint"]) == ("gateway_timeout", 2, "rest")
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#troubles li")).to_have_count(0)
    assert shop.state()["troubles"] == []


def test_a_slow_answer_asks_for_seconds(page: Page, shop: SandboxStore) -> None:
    expect(page.get_by_label("seconds")).to_be_hidden()
    page.get_by_label("Trouble").select_option("slow")
    page.get_by_label("seconds").fill("7")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#troubles li")).to_have_count(1)
    assert shop.state()["troubles"][0]["seconds"] == 7


def test_the_four_values_of_an_integration_are_shown(page: Page, shop: SandboxStore) -> None:
    values = shop.activate("", "").values
    page.reload()
    page.get_by_role("button", name="Values").click()
    expect(page.locator("#values dd")).to_have_text(list(values.values()))


def test_what_is_called_appears_without_a_reload(page: Page, shop: SandboxStore) -> None:
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    page.request.get(f"{shop.base_url}rest/V1/modules")
    expect(page.locator("#calls td.path")).to_have_text("rest/V1/modules")
