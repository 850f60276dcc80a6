"""Integrations are activated, reauthorized and deleted as in Magento's admin."""

import pytest

from tests.testing.sandbox.shop import NO_TOKEN, NOT_A_VERIFIER, VALUE, App, Shop, control, problem

IDENTITY = "https://app.invalid/identity"


def integration(shop: Shop) -> tuple[str, str, str | None]:
    """Return the row's status, its link, and what its token is."""
    known = shop.store.state()["integrations"]["storelink"]
    return known["status"], known["link"], known["row"]


# The link that the grid shows


def test_the_link_is_reauthorize_only_while_the_integration_is_active(shop: Shop) -> None:
    shop.activated()
    assert integration(shop) == ("inactive", "Activate", "verifier")
    shop.requested()
    assert integration(shop) == ("inactive", "Activate", "request")
    shop.connected_from_request()
    assert integration(shop) == ("active", "Reauthorize", "access")
    shop.reauthorized()
    assert integration(shop) == ("inactive", "Activate", "verifier")


def test_a_link_that_is_not_shown_cannot_be_clicked(shop: Shop) -> None:
    urls = {"callback_url": "http://127.0.0.1:1/", "identity_url": IDENTITY}
    shop.activated().requested()
    answer = control(shop, "reauthorize")
    assert answer.status_code == 409
    assert answer.json()["message"] == (
        "The row of 'storelink' shows Activate, not Reauthorize: the integration is inactive."
    )
    shop.connected_from_request()
    answer = control(shop, "activate", **urls)
    assert answer.status_code == 409
    assert "shows Reauthorize, not Activate" in answer.json()["message"]
    assert shop.get("rest/V1/modules").status_code == 200


def test_a_page_that_was_loaded_before_can_still_reauthorize(shop: Shop) -> None:
    shop.activated().requested().reauthorized()
    assert problem(shop.access()) == (401, NO_TOKEN)
    assert shop.requested().access().status_code == 200


def test_a_click_is_on_the_link_that_is_shown(shop: Shop, app: App) -> None:
    urls = {"callback_url": app.url, "identity_url": IDENTITY}
    assert control(shop, "click", **urls).json()["callback_status"] == 200
    shop.take(app.forms[0]).connected()
    assert control(shop, "click", **urls).json()["callback_status"] == 200
    assert (shop.get("rest/V1/modules").status_code, integration(shop)[0]) == (401, "inactive")
    shop.take(app.forms[1]).connected()
    assert integration(shop)[0] == "active"


# Activate


def test_activate_again_before_any_exchange_posts_the_same_verifier(shop: Shop) -> None:
    first = shop.activated().verifier
    assert shop.activated().verifier == first
    assert shop.request().status_code == 200


def test_activate_again_starts_the_300_seconds_anew(shop: Shop) -> None:
    shop.activated()
    shop.store.expire()
    assert shop.activated().request().status_code == 200


def test_activate_after_the_request_step_posts_a_verifier_that_does_not_work(shop: Shop) -> None:
    shop.activated().requested()
    assert problem(shop.activated().request()) == (401, NOT_A_VERIFIER)
    assert problem(shop.activated().request()) == (401, NOT_A_VERIFIER)


def test_only_a_new_integration_heals_that(shop: Shop) -> None:
    shop.activated().requested().activated()
    shop.store.delete()
    shop.activated().connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_the_exchange_that_was_begun_can_still_be_finished(shop: Shop) -> None:
    first = shop.activated().verifier
    shop.requested().activated()
    shop.verifier = first
    assert shop.access().status_code == 200


# Reauthorize


def test_reauthorize_keeps_the_keys_and_posts_a_new_verifier(shop: Shop, app: App) -> None:
    control(shop, "activate", callback_url=app.url, identity_url=IDENTITY)
    shop.take(app.forms[0]).connected()
    control(shop, "reauthorize")
    first, second = app.forms
    assert second.pop("oauth_verifier") != first.pop("oauth_verifier")
    assert second == first


def test_reauthorize_kills_the_old_token_at_once(shop: Shop) -> None:
    shop.activated().connected().reauthorized()
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, answer.json()) == (401, {"message": NO_TOKEN})
    shop.connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_reauthorize_can_post_a_verifier_that_was_posted_before(shop: Shop) -> None:
    first = shop.activated().verifier
    posted = shop.requested().activated().verifier
    shop.verifier = first
    shop.connected_from_request()
    assert shop.reauthorized().verifier == posted
    shop.connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_after_a_reauthorize_that_failed_activate_posts_the_same_verifier(shop: Shop) -> None:
    posted = shop.activated().connected().reauthorized().verifier
    assert shop.activated().verifier == posted
    shop.connected()
    assert integration(shop)[0] == "active"


# Integrations without token exchange


@pytest.mark.parametrize("missing", ["callback_url", "identity_url"])
def test_without_one_of_its_urls_the_four_values_are_shown_and_nothing_is_posted(
    shop: Shop, app: App, missing: str
) -> None:
    urls = {"callback_url": app.url, "identity_url": IDENTITY, missing: ""}
    said = control(shop, "activate", **urls).json()
    assert app.forms == []
    assert (said["callback_status"], said["popup_url"]) == (None, None)
    assert list(said["values"]) == ["consumer_key", "consumer_secret", "access_token", "access_token_secret"]
    assert all(VALUE.fullmatch(value) for value in said["values"].values())
    assert integration(shop) == ("active", "Reauthorize", "access")


def test_the_four_values_sign_calls_until_reauthorize_shows_others(shop: Shop) -> None:
    values = control(shop, "activate", callback_url="", identity_url="").json()["values"]
    shop.key, shop.secret = values["consumer_key"], values["consumer_secret"]
    shop.access_token = {"oauth_token": values["access_token"], "oauth_token_secret": values["access_token_secret"]}
    assert shop.get("rest/V1/modules").status_code == 200
    others = control(shop, "reauthorize").json()["values"]
    assert others["consumer_key"] == values["consumer_key"]
    assert others["access_token"] != values["access_token"]
    assert shop.get("rest/V1/modules").json() == {"message": NO_TOKEN}
