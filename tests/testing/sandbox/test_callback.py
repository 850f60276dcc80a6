"""An activation is posted to its callback URL as Magento posts it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from storelink.testing.sandbox import callback as callbacks
from tests.testing.sandbox.shop import App, Shop, call, control


def test_activate_posts_the_four_values_and_says_how_it_went(shop: Shop, app: App) -> None:
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/identity").json()
    [form] = app.forms
    assert list(form) == ["oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier"]
    assert form["store_base_url"] == shop.store.base_url
    assert said["consumer_key"] == form["oauth_consumer_key"]
    assert (said["callback_status"], said["callback_error"]) == (200, None)
    assert 0 <= said["callback_seconds"] < 5
    assert app.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"
    shop.take(form).connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_activate_sends_the_header_that_names_the_host(shop: Shop, app: App) -> None:
    control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/identity")
    assert app.headers[0]["127.0.0.1"] == str(urlsplit(app.url).port)


def test_the_popup_goes_to_the_identity_link_with_the_key_and_the_way_back(shop: Shop, app: App) -> None:
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/identity").json()
    address, _, query = said["popup_url"].partition("?")
    assert address == "https://app.invalid/identity"
    back = f"{shop.store.base_url}admin/integration/loginSuccessCallback/"
    assert parse_qs(query) == {"oauth_consumer_key": [said["consumer_key"]], "success_call_back": [back]}
    assert "setTimeout" in call("GET", back).text


@pytest.mark.parametrize("status", [302, 404, 500])
def test_activate_does_not_look_at_the_callbacks_answer(shop: Shop, app: App, status: int) -> None:
    app.status = status
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/").json()
    assert said["callback_status"] == status
    assert said["popup_url"]
    assert len(app.forms) == 1


def test_a_slow_callback_is_given_up(shop: Shop, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callbacks.CALLBACK_TIMEOUT == 5
    monkeypatch.setattr(callbacks, "CALLBACK_TIMEOUT", 0.05)
    app.answering.clear()
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/").json()
    assert (said["callback_status"], said["popup_url"]) == (None, None)
    assert said["callback_error"] == "No answer from the callback URL in 0.05 s."


def test_a_callback_that_nothing_listens_at_is_reported(shop: Shop) -> None:
    urls = {"callback_url": "http://127.0.0.1:1/callback", "identity_url": "https://app.invalid/identity"}
    said = control(shop, "activate", **urls).json()
    assert (said["callback_status"], said["popup_url"]) == (None, None)
    assert said["callback_error"] == "The callback URL could not be reached (ConnectionError)."
