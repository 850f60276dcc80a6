"""Each row of Magento's error table, met at a store that plays it, ends in its state and with its advice."""

import json

import pytest

from storelink.advice import ACTIONS, Action
from storelink.state import activations, step_retry
from tests.world import CLOCK, World

FINAL = {
    # trouble: the reason it ends with, a word of the advice
    "signature_invalid": ("signature-invalid", "Base URLs"),
    "unknown_key": ("integration-deleted", "does not know"),
    "key_length": ("consumer-key-length", "length"),
    "verifier_length": ("verifier-mismatch", "another verifier"),
    "verifier_mismatch": ("verifier-mismatch", "another verifier"),
    "revoked": ("reauthorize", "once"),
    "token_used": ("reauthorize", "once"),
    "header_lost": ("header-lost", "CGIPassAuth"),
    "redirect": ("redirected", "Base URLs"),
}
ACTIVATE, RECREATE, REAUTHORIZE = (ACTIONS[name] for name in ("activate", "recreate", "reauthorize"))
DONE = {("revoked", "request"): RECREATE}
DONE |= {("token_used", "request"): RECREATE}
DONE |= {
    (trouble, endpoint): RECREATE for trouble in ("unknown_key", "key_length") for endpoint in ("request", "access")
}
"""What heals a failure, where it is not Activate at the request step and a new integration after that."""
TRANSIENT = {
    "nonce_error": ("clock", "clock"),
    "internal_error": ("store-error", "exception.log"),
    "maintenance": ("maintenance", "maintenance mode"),
    "rate_limit": ("rate-limited", "rate limit"),
    "forbidden": ("blocked", "firewall"),
    "html": ("no-token", "oauth/token/"),
    "huge": ("unreadable", "oauth/token/"),
    "drop_before": ("unreachable", "reached from the internet"),
}
STEPS = ("request", "access")


def assert_failed(world: World, activation_id: str, outcome: dict[str, str], reason: str) -> None:
    row = world.row(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", reason)
    assert (row["state"], row["reason"]) == ("failed", reason)
    assert outcome["advice"] == activations.advice_of(row)
    ((kind, detail),) = world.events()
    assert (kind, detail["reason"], detail["advice"]) == ("Activation Failed", reason, outcome["advice"])
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
    assert outcome["advice"].endswith(DONE.get((trouble, endpoint), ACTIVATE if endpoint == "request" else RECREATE))
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
def test_a_transient_answer_that_stays_ends_the_activation(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: str, endpoint: str
) -> None:
    monkeypatch.setattr(step_retry, "LAST_REQUEST", 10)
    monkeypatch.setattr(step_retry, "ACCESS_PERIOD", 10)
    reason, advice = TRANSIENT[trouble]
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint)
    outcome = world.run(activation_id)
    assert_failed(world, activation_id, outcome, reason)
    assert advice in outcome["advice"]
    assert outcome["advice"].endswith(ACTIVATE if endpoint == "request" else RECREATE)


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("trouble", ["drop", "cut", "half"])
def test_an_answer_that_is_lost_after_the_store_gave_it_names_what_heals_it(
    world: World, trouble: str, endpoint: str
) -> None:
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint, times=1)
    outcome = world.run(activation_id)
    assert_failed(world, activation_id, outcome, "reauthorize")
    action: Action = "recreate" if endpoint == "request" else "reauthorize"
    assert outcome["advice"].endswith(ACTIONS[action])
    assert world.run(world.heal(action))["state"] == "connected"


def test_an_expired_key_asks_to_activate_again(world: World) -> None:
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


@pytest.mark.parametrize("later", [0, 3600])
def test_activate_after_the_request_step_continues_with_the_request_token(world: World, later: int) -> None:
    """Magento posts a verifier that it refuses, and the request token that the app has stays good."""
    first = world.click()
    world.step("RequestTokenFunction", first)
    CLOCK.wait(later)
    second = world.click()
    assert second != first
    assert world.run(second)["state"] == "connected"
    assert world.credentials_work()
    assert world.step("AccessTokenFunction", first)["state"] == "superseded"


def test_a_second_activate_after_a_lost_answer_asks_for_a_new_integration(world: World) -> None:
    activation_id = world.click()
    world.shop.trouble("drop", endpoint="request", times=1)
    assert world.run(activation_id)["advice"].endswith(RECREATE)
    outcome = world.run(world.click())
    assert (outcome["state"], outcome["reason"]) == ("failed", "reauthorize")
    assert outcome["advice"].endswith(RECREATE)


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


def test_an_operator_can_go_on_from_a_failure_that_was_not_final(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_retry, "LAST_REQUEST", 10)
    monkeypatch.setattr(step_retry, "ACCESS_PERIOD", 10)
    activation_id = world.click()
    world.shop.trouble("maintenance", endpoint="access")
    assert world.run(activation_id)["state"] == "failed"
    world.shop.clear_troubles()
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    assert json.dumps(world.row(activation_id)["state"]) == '"connected"'
    assert world.credentials_work()


CLOSED = [60, 20 * 60]
"""Seconds for which a store is closed."""


@pytest.mark.parametrize("seconds", CLOSED)
def test_a_store_that_was_closed_at_the_access_step_connects_by_itself(world: World, seconds: int) -> None:
    activation_id = world.click()
    world.step("RequestTokenFunction", activation_id)
    world.shop.trouble("maintenance", endpoint="access")
    began = CLOCK.ahead
    outcome = world.step("AccessTokenFunction", activation_id)
    while CLOCK.ahead - began < seconds:
        assert (outcome["state"], outcome["reason"]) == ("requested", "maintenance")
        assert outcome["advice"].endswith(ACTIONS["wait"])
        CLOCK.wait(outcome["retry_in"])
        outcome = world.step("AccessTokenFunction", activation_id)
    world.shop.clear_troubles()
    assert world.run(activation_id)["state"] == "connected"
    assert world.credentials_work()
    assert [kind for kind, _ in world.events()] == ["Store Connected"]


@pytest.mark.parametrize("seconds", CLOSED)
def test_a_store_that_was_closed_at_the_request_step_connects_within_magentos_time(world: World, seconds: int) -> None:
    activation_id = world.click()
    world.shop.trouble("maintenance", endpoint="request")
    outcome = world.step("RequestTokenFunction", activation_id)
    while "retry_in" in outcome and CLOCK.ahead < seconds:
        CLOCK.wait(outcome["retry_in"])
        outcome = world.step("RequestTokenFunction", activation_id)
    world.shop.clear_troubles()
    if seconds < 300:
        assert world.run(activation_id)["state"] == "connected"
    else:
        assert 240 < CLOCK.ahead < 300
        assert_failed(world, activation_id, outcome, "maintenance")
        assert world.run(world.heal("activate"))["state"] == "connected"


def test_a_wait_is_no_longer_than_a_step_function_can_name(world: World) -> None:
    """Step Functions' Wait takes whole seconds."""
    world.shop.trouble("maintenance")
    outcome = world.step("RequestTokenFunction", world.click())
    assert type(outcome["retry_in"]) is int
    assert outcome["retry_in"] >= 1
