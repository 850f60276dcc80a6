"""Each row of Magento's error table, met at a store that plays it, ends in its state and with its advice."""

import json

import pytest

from storelink.errors import ADVICE
from tests.world import World

FINAL = {
    # trouble: the reason it ends with, a word of the advice that is the merchant's one thing to do
    "signature_invalid": ("signature-invalid", "Base URLs"),
    "unknown_key": ("integration-deleted", "Create it again"),
    "key_length": ("consumer-key-length", "create it again"),
    "verifier_length": ("verifier-mismatch", "Reauthorize"),
    "verifier_mismatch": ("verifier-mismatch", "Reauthorize"),
    "revoked": ("reauthorize", "Reauthorize"),
    "token_used": ("reauthorize", "Reauthorize"),
    "header_lost": ("header-lost", "CGIPassAuth"),
    "redirect": ("redirected", "Base URLs"),
}
TRANSIENT = {
    "nonce_error": ("clock", "clock"),
    "internal_error": ("store-error", "exception.log"),
    "maintenance": ("maintenance", "maintenance mode"),
    "rate_limit": ("rate-limited", "rate limit"),
    "forbidden": ("blocked", "firewall"),
    "html": ("unreadable", "oauth/token/"),
    "huge": ("unreadable", "oauth/token/"),
    "drop_before": ("unreachable", "reached from the internet"),
}
STEPS = ("request", "access")


def assert_failed(world: World, activation_id: str, outcome: dict[str, str], reason: str) -> None:
    row = world.row(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", reason)
    assert (row["state"], row["reason"]) == ("failed", reason)
    assert outcome["advice"] == ADVICE[reason]
    ((kind, detail),) = world.events()
    assert (kind, detail["reason"], detail["advice"]) == ("Activation Failed", reason, ADVICE[reason])
    assert detail["activation_id"] == activation_id
    assert world.connection() == {}


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("trouble", FINAL)
def test_a_final_answer_ends_the_activation_with_its_advice(world: World, trouble: str, endpoint: str) -> None:
    reason, advice = FINAL[trouble]
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint)
    outcome = world.run(activation_id)
    assert_failed(world, activation_id, outcome, reason)
    assert advice in outcome["advice"]
    asked = [entry["endpoint"] for entry in world.shop.state()["log"]]
    assert asked.count(endpoint) == 1


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("trouble", TRANSIENT)
def test_a_transient_answer_is_asked_again(world: World, trouble: str, endpoint: str) -> None:
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint, times=2)
    assert world.run(activation_id)["state"] == "connected"
    assert world.credentials_work()


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("trouble", TRANSIENT)
def test_a_transient_answer_that_stays_ends_the_activation(world: World, trouble: str, endpoint: str) -> None:
    reason, advice = TRANSIENT[trouble]
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint)
    outcome = world.run(activation_id)
    assert_failed(world, activation_id, outcome, reason)
    assert advice in outcome["advice"]


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("trouble", ["drop", "cut", "half"])
def test_an_answer_that_is_lost_after_the_store_gave_it_asks_for_reauthorization(
    world: World, trouble: str, endpoint: str
) -> None:
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint, times=1)
    outcome = world.run(activation_id)
    assert_failed(world, activation_id, outcome, "reauthorize")
    assert world.run(world.click_reauthorize())["state"] == "connected"


def test_an_expired_key_asks_for_reauthorization(world: World) -> None:
    activation_id = world.click()
    world.shop.expire()
    assert_failed(world, activation_id, world.run(activation_id), "expired")


def test_a_deleted_integration_says_so(world: World) -> None:
    activation_id = world.click()
    world.shop.delete()
    assert_failed(world, activation_id, world.run(activation_id), "integration-deleted")


def test_a_wrong_secret_ends_as_an_invalid_signature(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form | {"oauth_consumer_secret": "0" * 32})["activation_id"]
    assert_failed(world, activation_id, world.run(activation_id), "signature-invalid")


def test_a_wrong_verifier_says_so(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form | {"oauth_verifier": "0" * 32})["activation_id"]
    assert_failed(world, activation_id, world.run(activation_id), "verifier-mismatch")


def test_activate_after_the_request_step_asks_for_reauthorization(world: World) -> None:
    world.step("RequestTokenFunction", world.click())
    second = world.click()
    assert world.run(second)["reason"] == "reauthorize"
    assert world.run(world.click_reauthorize())["state"] == "connected"


@pytest.mark.parametrize("endpoint", STEPS)
def test_a_used_nonce_is_signed_again_at_once(world: World, endpoint: str) -> None:
    activation_id = world.click()
    world.shop.trouble("nonce_used", endpoint=endpoint, times=1)
    assert world.run(activation_id)["state"] == "connected"
    asked = [entry["endpoint"] for entry in world.shop.state()["log"]]
    assert asked.count(endpoint) == 2


def test_a_nonce_that_stays_used_ends_the_activation(world: World) -> None:
    activation_id = world.click()
    world.shop.trouble("nonce_used")
    assert_failed(world, activation_id, world.run(activation_id), "nonce-used")


def test_a_store_whose_clock_is_behind_is_told_apart(world: World) -> None:
    activation_id = world.click()
    world.shop.set_clock(-3600)
    assert_failed(world, activation_id, world.run(activation_id), "clock")


def test_sha1_is_used_only_where_the_store_refuses_sha256(world: World) -> None:
    world.shop.trouble("sha1_only")
    world.connect()
    asked = [(entry["endpoint"], entry["signature_method"]) for entry in world.shop.state()["log"]]
    assert asked == [("request", "HMAC-SHA256"), ("request", "HMAC-SHA1"), ("access", "HMAC-SHA1")]
    assert world.credentials().consumer.signature_method == "HMAC-SHA1"
    assert world.credentials_work()


@pytest.mark.parametrize("endpoint", STEPS)
def test_a_store_that_takes_neither_method_is_to_be_updated(world: World, endpoint: str) -> None:
    activation_id = world.click()
    world.shop.trouble("no_methods", endpoint=endpoint)
    assert_failed(world, activation_id, world.run(activation_id), "signature-method")
    asked = [entry["signature_method"] for entry in world.shop.state()["log"] if entry["endpoint"] == endpoint]
    assert asked == ["HMAC-SHA256", "HMAC-SHA1"]


def test_a_store_that_takes_both_methods_is_signed_with_sha256(world: World) -> None:
    world.shop.trouble("both_methods")
    world.connect()
    assert {entry["signature_method"] for entry in world.shop.state()["log"]} == {"HMAC-SHA256"}


def test_magentos_own_words_stand_beside_ours(world: World) -> None:
    activation_id = world.click()
    world.shop.trouble("signature_invalid")
    assert world.run(activation_id)["problem"] == "The signature is invalid. Verify and try again."


def test_an_operator_can_go_on_from_a_failure_that_was_not_final(world: World) -> None:
    activation_id = world.click()
    world.shop.trouble("maintenance", endpoint="access")
    assert world.run(activation_id)["state"] == "failed"
    world.shop.clear_troubles()
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    assert json.dumps(world.row(activation_id)["state"]) == '"connected"'
    assert world.credentials_work()
