"""Slow stores hold up no other one: steps of one host are limited, and what was silent is asked with a short limit."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from local.stack import Stack
from storelink.aws import dynamodb
from storelink.config import config
from storelink.errors import Unavailable
from storelink.oauth import client as oauth_client
from storelink.state import hosts
from storelink.store import Store
from storelink.testing.sandbox import Sandbox
from storelink.transport import http
from storelink.transport.http import Response
from tests.raw_store import listening, silent
from tests.stacks import activated, ended
from tests.world import CLOCK, World

CALLBACK = "http://app.invalid/callback"
TARPITS = 40
IN_TIME = 10.0
"""Seconds that an honest handshake may take; alone it takes 0.4. Without the limit of a host it takes over 30."""


def posted(running: Stack, store_url: str) -> float:
    """Post an activation of a store as Magento does. The seconds until the callback's answer."""
    form = {name: uuid.uuid4().hex for name in ("oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier")}
    began = time.monotonic()
    answer = requests.post(running.callback_url, data=form | {"store_base_url": store_url}, timeout=30)
    assert answer.status_code == 200
    return time.monotonic() - began


def test_forty_posts_of_a_store_that_never_answers_hold_up_no_honest_handshake(running: Stack) -> None:
    """Over sockets, with the functions in processes of their own: it accepts each connection and sends nothing."""
    activated(running, "stores/first/")
    with listening(silent) as tarpit, ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda number: posted(running, f"{tarpit.url}{number}/"), range(TARPITS)))
        while tarpit.most_at_once < 5:
            time.sleep(0.01)
        began = time.monotonic()
        told = activated(running, "stores/honest/")
        row = ended(running, told["consumer_key"], patience=120)
        took = time.monotonic() - began
        print(f"{took:.1f} s, callback {told['callback_seconds']:.1f} s; the others' callbacks {max(answered):.1f} s")
    assert row["state"] == "connected"
    assert took < IN_TIME
    assert tarpit.most_at_once == 5  # StepsPerHost
    assert told["callback_seconds"] < 2.5  # Magento waits 5 s


@pytest.fixture
def two_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("STORELINK_STEPS_PER_HOST", "2")
    # The stores of all tests are on one host, and its row has their leases.
    key = {"integration_key": f"host:{world.store.host}:{world.store.port}"}
    world.aws.client("dynamodb").delete_item(
        TableName=world.aws.outputs["ActivationsTableName"], Key=dynamodb.item(key)
    )
    return world


@contextmanager
def holding(store: Store) -> Iterator[None]:
    """Another step of the store's host, which ends well: a handshake has its lease until it ends, too."""
    row = {"integration_key": uuid.uuid4().hex}
    with hosts.hold_lease(row, store):
        yield
    hosts.end_handshake(row, store)


@pytest.mark.parametrize("step", ["request", "access"])
def test_a_step_waits_while_as_many_others_of_its_host_are_under_way(two_at_once: World, step: str) -> None:
    world = two_at_once
    activation_id = world.click()
    function = "RequestTokenFunction"
    if step == "access":
        assert world.step(function, activation_id)["state"] == "requested"
        function = "AccessTokenFunction"
    CLOCK.wait(hosts.LEASE_SECONDS + 1)  # the lease that the post took has ended
    with holding(world.store), holding(world.store):
        before = world.shop.state()["requests"]
        outcome = world.step(function, activation_id)
        assert (outcome["reason"], outcome["retry_in"]) == ("host-busy", 1)
        assert world.shop.state()["requests"] == before
    CLOCK.wait(1)
    assert world.run(activation_id)["state"] == "connected"


def test_other_hosts_and_other_ports_have_leases_of_their_own(two_at_once: World, shops: Sandbox) -> None:
    world = two_at_once
    port = world.store.port
    others = [Store.from_url(f"http://{where}/") for where in (f"other.example:{port}", f"127.0.0.1:{port + 1}")]
    with ExitStack() as held:
        for other in others * 2:
            held.enter_context(holding(other))
        world.connect()


def test_a_lease_that_a_dead_step_left_ends(two_at_once: World) -> None:
    for _ in range(2):
        hosts.hold_lease({}, two_at_once.store).__enter__()
    activation_id = two_at_once.click()
    assert two_at_once.step("RequestTokenFunction", activation_id)["reason"] == "host-busy"
    CLOCK.wait(hosts.LEASE_SECONDS + 1)
    assert two_at_once.run(activation_id)["state"] == "connected"


def test_a_handshake_has_one_lease_from_the_post_to_its_end(two_at_once: World) -> None:
    world, key = two_at_once, {"integration_key": f"host:{two_at_once.store.host}:{two_at_once.store.port}"}

    def leases() -> set[int]:
        found: set[int] = dynamodb.get(config.activations_table, key).get("leases", set())
        return found

    for _ in range(5):
        world.shop.trouble("maintenance", endpoint="access", times=1)
        activation_id = world.click()
        assert len(leases()) == 1
        assert world.step("RequestTokenFunction", activation_id)["state"] == "requested"
        assert len(leases()) == 1
        assert world.step("AccessTokenFunction", activation_id)["reason"] == "maintenance"
        assert leases() == set()  # given back while it waits
        assert world.run(activation_id)["state"] == "connected"
        assert leases() == set()
        world.shop.delete()
    world.shop.trouble("signature_invalid", endpoint="request")
    assert world.run(world.click())["state"] == "failed"
    assert leases() == set()


def test_a_step_that_a_newer_click_overtakes_gives_its_lease_back(
    two_at_once: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, fetch = two_at_once, oauth_client.fetch_request_token
    newer: list[str] = []

    def overtaken(*args: Any, **more: Any) -> Any:
        token = fetch(*args, **more)
        if len(newer) < 3:
            newer.append(world.click_reauthorize())
        return token

    monkeypatch.setattr(oauth_client, "fetch_request_token", overtaken)
    activation_id = world.click()
    for nth in range(3):
        outcome = world.step("RequestTokenFunction", (activation_id, *newer)[nth])
        assert outcome["state"] == "superseded"
    assert world.run(newer[-1])["state"] == "connected"


def test_fifty_threads_never_hold_more_than_there_are(two_at_once: World) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def run(_: int) -> None:
        nonlocal at_once, most
        try:
            with holding(two_at_once.store):
                with lock:
                    at_once += 1
                    most = max(most, at_once)
                with lock:
                    at_once -= 1
        except Unavailable:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(50)))
    assert 1 <= most <= 2


@pytest.mark.parametrize("step", ["request", "access"])
def test_a_store_that_was_silent_is_asked_something_harmless_with_a_short_limit_first(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A token is given once, so its request is not sent to a store that may be silent again."""
    asked: list[tuple[str, str]] = []

    def call(method: str, url: str, *rest: Any) -> Response:
        asked.append((method, url.removeprefix(world.url)))
        return send(method, url, *rest)

    send = http._call
    activation_id, function = world.click(), f"{step.title()}TokenFunction"
    if step == "access":
        world.step("RequestTokenFunction", activation_id)
    monkeypatch.setattr(http, "_call", call)
    monkeypatch.setattr(oauth_client, "TIMEOUT", 0.2)
    monkeypatch.setattr(oauth_client, "SHORT_TIMEOUT", 0.1)
    world.shop.trouble("slow", seconds=0.4)
    for _ in range(3):
        assert world.step(function, activation_id)["reason"] == "unreachable"
    assert asked == [("POST", f"oauth/token/{step}"), *[("GET", "oauth/token/request")] * 2]
    world.shop.clear_troubles()
    monkeypatch.setattr(oauth_client, "TIMEOUT", 8.0)
    monkeypatch.setattr(oauth_client, "SHORT_TIMEOUT", 5.0)
    world.step(function, activation_id)
    assert asked[3:] == [("GET", "oauth/token/request"), ("POST", f"oauth/token/{step}")]


def test_a_post_of_a_dead_port_is_no_error_of_a_function(world: World) -> None:
    """An error would set off StepErrorsAlarm and roll a new version back; any stranger can post one."""
    with listening(silent) as dead:
        url = dead.url
    form = {name: uuid.uuid4().hex for name in ("oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier")}
    activation_id = world.post(form | {"store_base_url": url})["activation_id"]
    outcome = world.call("RequestTokenFunction", {"activation_id": activation_id, "holder": activation_id})
    assert (outcome["state"], outcome["reason"], outcome["retry_in"]) == ("pending", "unreachable", 1)
