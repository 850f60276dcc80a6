"""The store is slow, broken or wrong: the end is honest, and what worked before is not changed."""

import pytest

from storelink.credentials.secretsmanager import secret_name
from storelink.oauth import client as oauth_client
from storelink.state import activations, step_retry
from storelink.testing.sandbox import Sandbox
from tests.reliability import matrix
from tests.reliability.calls import Call, Point, WatchedWorld, kill
from tests.reliability.matrix import STARTS

FIRST, AGAIN, *_ = STARTS
SECONDS = 0.25
"""How long an exchange may take where a store is too slow, and how long one takes where it is slow."""

ONCE = {
    # trouble: whether the state machine's retry mends it; else the answer is lost, and only the merchant can
    "maintenance": True,
    "rate_limit": True,
    "forbidden": True,
    "internal_error": True,
    "html": True,
    "huge": True,
    "nonce_used": True,
    "nonce_error": True,
    "drop_before": True,
    "drop": False,
    "cut": False,
    "half": False,
}
ALWAYS = {
    "maintenance": "maintenance",
    "rate_limit": "rate-limited",
    "html": "no-token",
    "redirect": "redirected",
    "drop_before": "unreachable",
}

each_endpoint = pytest.mark.parametrize("endpoint", ["request", "access"])
each_start = pytest.mark.parametrize("start", [FIRST, AGAIN])


@each_endpoint
@pytest.mark.parametrize("trouble", ONCE)
def test_a_trouble_that_passes(watched: WatchedWorld, trouble: str, endpoint: str) -> None:
    form = STARTS[AGAIN](watched)
    watched.shop.trouble(trouble, times=1, endpoint=endpoint)
    lost = matrix.RECREATE if endpoint == "request" else matrix.REAUTHORIZE
    assert matrix.outcome_of(watched, form) == (matrix.CONNECTED if ONCE[trouble] else lost)


@each_start
@each_endpoint
@pytest.mark.parametrize("trouble", ALWAYS)
def test_a_trouble_that_stays(
    watched: WatchedWorld, monkeypatch: pytest.MonkeyPatch, start: str, trouble: str, endpoint: str
) -> None:
    monkeypatch.setattr(step_retry, "LAST_REQUEST", 10)
    monkeypatch.setattr(step_retry, "ACCESS_PERIOD", 10)
    form = STARTS[start](watched)
    before = watched.connection()
    watched.shop.trouble(trouble, endpoint=endpoint)
    activation_id = watched.post(form)["activation_id"]
    outcome = watched.run(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", ALWAYS[trouble])
    assert watched.connection() == before
    watched.shop.clear_troubles()
    assert_healed(watched, activation_id)


@each_endpoint
def test_a_store_that_is_slow_and_in_time(watched: WatchedWorld, endpoint: str) -> None:
    form = STARTS[FIRST](watched)
    watched.shop.trouble("slow", times=1, endpoint=endpoint, seconds=SECONDS)
    assert matrix.outcome_of(watched, form) == matrix.CONNECTED
    assert watched.watch.runs == ["callback", "request_token", "access_token"]


@each_start
@each_endpoint
@pytest.mark.parametrize("times", [1, 3])
def test_a_store_that_answers_too_late(
    watched: WatchedWorld, monkeypatch: pytest.MonkeyPatch, start: str, endpoint: str, times: int
) -> None:
    """Whether the retry comes before or after the late answer that nobody hears, is for the store to say."""
    form = STARTS[start](watched)
    before = watched.connection()
    watched.watch.calls.clear()
    activation_id = watched.post(form)["activation_id"]
    watched.shop.trouble("slow", times=times, endpoint=endpoint, seconds=SECONDS * 1.5)
    done = watched.shop.state()["requests"][endpoint]
    with monkeypatch.context() as patch:
        patch.setattr(oauth_client, "TIMEOUT", SECONDS)
        patch.setattr(step_retry, "LAST_REQUEST", 5)
        patch.setattr(step_retry, "ACCESS_PERIOD", 5)
        outcome = watched.run(activation_id)
    if outcome["state"] == "connected":
        assert times == 1
        matrix.assert_connected(watched, activation_id)
    else:
        assert (outcome["state"], outcome["reason"]) in (("failed", "unreachable"), ("failed", "reauthorize"))
        assert watched.connection() == before
        asked = sum(call.name.endswith(endpoint) for call in watched.watch.calls)
        while watched.shop.state()["requests"][endpoint] < done + asked:
            pass  # what the store still works at would take the next verifier away
        watched.shop.clear_troubles()
        assert_healed(watched, activation_id)


@each_start
@pytest.mark.parametrize("seconds", [-3600, 200, 3600])
def test_a_store_whose_clock_is_wrong(watched: WatchedWorld, start: str, seconds: int) -> None:
    """Magento refuses a timestamp that lies too far in its future; it never misses one in its past."""
    form = STARTS[start](watched)
    before = watched.connection()
    watched.shop.set_clock(seconds)
    activation_id = watched.post(watched.shop.reauthorize(matrix.CALLBACK_URL).form)["activation_id"]
    outcome = watched.run(activation_id)
    if seconds > 0:
        assert outcome["state"] == "connected"
        matrix.assert_connected(watched, activation_id)
    else:
        assert (outcome["state"], outcome["reason"]) == ("failed", "clock")
        assert watched.connection() == before
        watched.shop.set_clock(0)
        assert_healed(watched, activation_id)
    assert form["oauth_consumer_key"] == watched.shop.state()["integrations"]["storelink"]["consumer_key"]


def is_to_be_deleted(world: WatchedWorld) -> bool:
    """Whether the deletion of the store's secret is scheduled."""
    return "DeletedDate" in world.secret()


@each_start
def test_a_refusal_at_the_last_step_leaves_no_secret_to_pay_for(watched: WatchedWorld, start: str) -> None:
    form = STARTS[start](watched)
    before = watched.secret()
    watched.shop.trouble("signature_invalid", times=1, endpoint="access")
    activation_id = watched.post(form)["activation_id"]
    assert watched.run(activation_id)["reason"] == "signature-invalid"
    assert watched.secret() == before
    assert bool(before) == (start == AGAIN)
    assert_healed(watched, activation_id)


def test_a_refusal_brings_no_secret_back_that_was_deleted(watched: WatchedWorld) -> None:
    form = STARTS[AGAIN](watched)
    watched.aws.client("secretsmanager").delete_secret(SecretId=secret_name(watched.aws.stack, watched.store))
    watched.shop.trouble("maintenance", times=1, endpoint="access")  # so that another run looks for what this one kept
    watched.shop.trouble("signature_invalid", times=1, endpoint="access")
    activation_id = watched.post(form)["activation_id"]
    assert watched.run(activation_id)["reason"] == "signature-invalid"
    assert is_to_be_deleted(watched)
    assert_healed(watched, activation_id)


@pytest.fixture
def copied(watched: WatchedWorld, shops: Sandbox) -> WatchedWorld:
    """A copy of a store that is connected: on another host, with the same key."""
    STARTS[AGAIN](watched)
    return watched.copy(shops)


DELETE = Call("access_token", "secretsmanager.DeleteSecret")


@pytest.mark.parametrize("when", matrix.WHEN)
def test_a_death_as_a_copys_secret_is_deleted_leaves_none(copied: WatchedWorld, when: str) -> None:
    copied.watch.at = Point(when, DELETE)
    assert copied.run(copied.click_reauthorize())["reason"] == "another-store"
    assert copied.watch.is_past
    assert is_to_be_deleted(copied)


@pytest.mark.parametrize("dies", [False, True])
def test_a_secret_that_another_activation_fills_meanwhile_stays(copied: WatchedWorld, dies: bool) -> None:
    """Also where the function dies right after it has deleted the secret: then its retry sees to it."""

    def fill() -> None:
        form = copied.shop.activate(matrix.CALLBACK_URL, integration="its own").form
        filled.append(str(copied.post(form)["activation_id"]))
        assert copied.run(filled[0])["state"] == "connected"
        if dies:
            copied.watch.at, copied.watch.then = Point("after", DELETE), kill

    filled: list[str] = []
    copied.watch.at, copied.watch.then = Point("before", DELETE), fill
    assert copied.run(copied.click_reauthorize())["reason"] == "another-store"
    assert copied.watch.is_past
    assert not is_to_be_deleted(copied)
    matrix.assert_connected(copied, filled[0])


def assert_healed(world: WatchedWorld, failed: str) -> None:
    """The merchant does what the advice says, and the store is connected.

    When an answer of the store was too late, Activate can find a verifier that is spent; then its advice heals it.
    """
    activation_id = world.heal(activations.action_of(world.row(failed)))
    outcome = world.run(activation_id)
    if outcome["reason"] == "reauthorize":
        activation_id = world.heal(activations.action_of(world.row(activation_id)))
        outcome = world.run(activation_id)
    assert outcome["state"] == "connected"
    matrix.assert_connected(world, activation_id)
