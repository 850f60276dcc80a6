"""Nobody takes over a connection: what worked before works after each try, and the operator hears of it."""

import threading
import uuid
from typing import Any

import pytest

from storelink.client import session as client_session
from storelink.errors import Unavailable
from storelink.handshake.envelope import decrypt_secrets
from storelink.store import Store
from storelink.testing.sandbox import Sandbox
from tests.world import World, in_both_stores

pytestmark = in_both_stores

CALLBACK = "http://app.invalid/callback"


class Connected:
    """A store that is connected, and what has to stay as it is."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.form = dict(world.shop.activate(CALLBACK).form)
        assert world.run(world.post(self.form)["activation_id"])["state"] == "connected"
        self.row, self.credentials = world.connection(), world.credentials()
        world.events()

    def assert_untouched(self) -> None:
        assert self.world.connection() == self.row
        assert self.world.credentials() == self.credentials
        assert self.world.credentials_work()

    def assert_suspicion(self, activation_id: str, reason: str) -> None:
        told = [detail for kind, detail in self.world.events() if kind == "Suspicious Activation"]
        assert [(detail["activation_id"], detail["reason"]) for detail in told] == [(activation_id, reason)]


@pytest.fixture
def connected(world: World) -> Connected:
    return Connected(world)


def asked(world: World) -> int:
    return len(world.shop.state()["log"])


@pytest.fixture
def copy(connected: Connected, shops: Sandbox) -> World:
    """A copy of the connected store."""
    return connected.world.copy(shops)


def test_a_known_key_with_another_host_is_refused(connected: Connected, copy: World) -> None:
    activation_id = copy.click_reauthorize()
    outcome = copy.run(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", "another-store")
    assert outcome["problem"] == "known from 127.0.0.1, came with localhost"
    assert not copy.connection()
    assert "encrypted_secrets" not in copy.row(activation_id)
    assert not copy.secret() or "DeletedDate" in copy.secret()
    told = [(kind, detail["reason"]) for kind, detail in copy.events()]
    assert told == [("Activation Failed", "another-store"), ("Suspicious Activation", "another-store")]
    connected.assert_untouched()


@pytest.mark.parametrize("trouble", ["maintenance", "signature_invalid"])
def test_a_known_key_with_another_host_is_reported_whatever_that_host_answers(
    connected: Connected, copy: World, trouble: str
) -> None:
    copy.shop.trouble(trouble)
    assert copy.run(copy.click_reauthorize())["state"] == "failed"
    assert [kind for kind, _ in copy.events()] == ["Activation Failed", "Suspicious Activation"]
    connected.assert_untouched()


def test_a_connected_store_that_comes_with_another_ones_key_stays_as_it_is(connected: Connected, copy: World) -> None:
    copy.shop.activate(CALLBACK, integration="its own")
    form = copy.shop.reauthorize(CALLBACK, integration="its own").form
    assert copy.run(copy.post(form)["activation_id"])["state"] == "connected"
    row, credentials = copy.connection(), copy.credentials()
    assert copy.run(copy.click_reauthorize())["reason"] == "another-store"
    assert (copy.connection(), copy.credentials()) == (row, credentials)
    assert copy.credentials_work()
    connected.assert_untouched()


def test_of_two_hosts_that_come_with_one_key_at_once_the_first_to_connect_keeps_it(
    world: World, shops: Sandbox
) -> None:
    first = world.click()
    copied = world.copy(shops)
    second = copied.click()
    world.step("RequestTokenFunction", first)
    copied.step("RequestTokenFunction", second)
    assert world.step("AccessTokenFunction", first)["state"] == "connected"
    assert copied.step("AccessTokenFunction", second)["reason"] == "another-store"
    assert world.credentials_work()


def test_a_known_store_with_another_key_changes_nothing_until_the_store_confirms_it(connected: Connected) -> None:
    world = connected.world
    forged = {
        "oauth_consumer_key": "0" * 32,
        "oauth_consumer_secret": "1" * 32,
        "oauth_verifier": "2" * 32,
        "store_base_url": world.url,
    }
    activation_id = world.post(forged)["activation_id"]
    assert world.run(activation_id)["reason"] == "integration-deleted"
    connected.assert_untouched()
    connected.assert_suspicion(activation_id, "integration-deleted")


def test_a_second_integration_that_the_store_confirms_takes_its_place(connected: Connected) -> None:
    world = connected.world
    form = dict(world.shop.activate(CALLBACK, integration="another").form)
    assert world.run(world.post(form)["activation_id"])["state"] == "connected"
    assert world.connection()["consumer_key"] == form["oauth_consumer_key"]
    assert world.credentials_work()


def test_a_known_key_and_store_with_a_wrong_secret_changes_nothing(connected: Connected) -> None:
    world = connected.world
    activation_id = world.post(connected.form | {"oauth_consumer_secret": "0" * 32})["activation_id"]
    assert world.run(activation_id)["reason"] in ("signature-invalid", "reauthorize")
    connected.assert_untouched()
    connected.assert_suspicion(activation_id, world.row(activation_id)["reason"])


def test_an_old_post_that_is_replayed_changes_nothing(connected: Connected) -> None:
    world = connected.world
    activation_id = world.post(connected.form)["activation_id"]
    assert world.run(activation_id)["reason"] == "reauthorize"
    connected.assert_untouched()
    connected.assert_suspicion(activation_id, "reauthorize")


def test_a_forged_post_within_a_reauthorization_does_not_stop_it(connected: Connected) -> None:
    world = connected.world
    fresh = world.click_reauthorize()
    world.step("RequestTokenFunction", fresh)
    forged = world.post(connected.form | {"oauth_consumer_secret": "0" * 32})["activation_id"]
    world.run(forged)
    assert world.step("AccessTokenFunction", fresh)["state"] == "connected"
    assert world.credentials_work()


def test_an_old_post_that_is_replayed_within_a_reauthorization_does_not_stop_it(connected: Connected) -> None:
    """The store refuses its verifier, and the request token that the app has is used instead."""
    world = connected.world
    fresh = world.click_reauthorize()
    world.step("RequestTokenFunction", fresh)
    replayed = world.post(connected.form)["activation_id"]
    assert world.run(replayed)["state"] == "connected"
    assert world.step("AccessTokenFunction", fresh)["state"] == "superseded"
    assert world.credentials_work()


def test_a_forged_post_that_races_the_real_one_loses(connected: Connected) -> None:
    world = connected.world
    real = dict(world.shop.reauthorize(CALLBACK).form)
    forged = real | {"oauth_consumer_secret": "0" * 32}
    ends: dict[str, Any] = {}
    together = threading.Barrier(2)

    def run(name: str, form: dict[str, str]) -> None:
        together.wait()
        ends[name] = world.run(world.post(form)["activation_id"])

    threads = [threading.Thread(target=run, args=pair) for pair in {"real": real, "forged": forged}.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ends["real"]["state"], ends["forged"]["state"]) == ("connected", "failed")
    assert world.credentials_work()
    connected.assert_suspicion(ends["forged"]["activation_id"], ends["forged"]["reason"])


def test_an_encrypted_secret_can_be_decrypted_for_its_own_activation_alone(world: World) -> None:
    row = world.row(world.click())
    assert decrypt_secrets(row)
    for key, store in (("0" * 32, row["store"]), (row["consumer_key"], "https://evil.example/")):
        with pytest.raises(Unavailable):
            decrypt_secrets(row | {"consumer_key": key, "store": store})


def test_an_encrypted_answer_can_be_decrypted_for_its_own_activation_alone(world: World, shops: Sandbox) -> None:
    one, other = world.click(), world.copy(shops)
    another = other.click()
    world.step("RequestTokenFunction", one)
    other.step("RequestTokenFunction", another)
    row, answer = world.row(one), other.row(another)["encrypted_answer"]
    assert "request_token" in decrypt_secrets(row)
    for wrong in (answer, row["encrypted_answer"][:-1] + bytes([row["encrypted_answer"][-1] ^ 1])):
        with pytest.raises(Unavailable, match="cannot be decrypted"):
            decrypt_secrets(row | {"encrypted_answer": wrong})


def test_a_store_on_another_path_of_the_host_is_another_connection(world: World, shops: Sandbox) -> None:
    world.connect()
    neighbour = uuid.uuid4().hex[:12]
    other = World(world.aws, shops.store(neighbour), f"{shops.url}stores/{neighbour}/")
    other.connect()
    assert Store.from_url(world.url).connection_id != other.store.connection_id
    client_session._kept.cache_clear()
    assert world.credentials_work()
    assert other.credentials_work()
