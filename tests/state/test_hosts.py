"""One host cannot fill the tables: limits of what strangers can make without an invitation."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.errors import Unavailable
from storelink.observability import logger
from storelink.state import activations, connections, events, hosts, new_connections
from storelink.store import Store
from storelink.testing import sandbox
from storelink.testing.sandbox import Sandbox
from tests.jobs.test_sweep import nothing_left, swept  # noqa: F401  a fixture of this file, too
from tests.reliability.failures import popup
from tests.stacks import connections as connections_of
from tests.stacks import ended, serving
from tests.state.test_invitations import invite, knock
from tests.template.test_log_queries import StandardOutput
from tests.world import CLOCK, World

CALLBACK = "http://app.invalid/callback"
NewStore = Callable[[], World]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def host() -> str:
    """A host of whose stores none is connected: one of the addresses of this machine."""
    return "127.{}.{}.{}".format(*(part or 1 for part in uuid.uuid4().bytes[:3]))


@pytest.fixture
def hosted(host: str) -> Iterator[Sandbox]:
    with sandbox.serve(host=host) as serving_there:
        yield serving_there


@pytest.fixture
def new_store(world: World, hosted: Sandbox) -> NewStore:
    """Makes stores of the host, each at a path of its own."""

    def make() -> World:
        name = uuid.uuid4().hex[:12]
        return World(world.aws, hosted.store(name), f"{hosted.url}stores/{name}/")

    return make


def limit(monkeypatch: pytest.MonkeyPatch, **values: int) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"STORELINK_{name.upper()}", str(value))


def row_of(hosted: Sandbox) -> Row:
    authority = hosted.url.removeprefix("http://").rstrip("/")
    return dynamodb.get(config.activations_table, {"integration_key": f"host:{authority}"})


def under_way(hosted: Sandbox) -> set[str]:
    found: set[str] = row_of(hosted).get("handshakes", set())
    return found


def unclaimed(hosted: Sandbox) -> set[str]:
    found: set[str] = row_of(hosted).get("unclaimed", set())
    return found


class TestConnectionsOfAHost:
    @pytest.fixture(autouse=True)
    def three_at_most(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(monkeypatch, unclaimed_connections_per_host=3)

    @pytest.fixture
    def known(self, new_store: NewStore) -> list[World]:
        """As many connected stores as the host may have."""
        stores = [new_store() for _ in range(3)]
        for store in stores:
            store.connect()
        return stores

    @pytest.mark.usefixtures("known")
    def test_more_are_refused_before_the_store_is_called_and_leave_nothing(
        self, new_store: NewStore, world: World
    ) -> None:
        for _ in range(5):
            store = new_store()
            form = dict(store.shop.activate(CALLBACK).form)
            outcome = store.run(store.post(form)["activation_id"])
            assert (outcome["state"], outcome["reason"]) == ("failed", "too-many-connections")
            assert "UnclaimedConnectionsPerHost" in outcome["advice"]
            assert store.shop.state()["log"] == []
            assert store.connection() == store.secret() == {}
            key = {"connection_id": f"consumer_key:{form['oauth_consumer_key']}"}
            assert dynamodb.get(config.connections_table, key) == {}
            ((kind, detail),) = store.events()
            assert (kind, detail["reason"]) == ("Activation Failed", "too-many-connections")
            assert "as many stores of this host as it accepts without an invitation" in popup(store, form, "en")
        world.connect()  # of another host

    def test_a_place_is_free_after_a_claim(self, known: list[World], new_store: NewStore, hosted: Sandbox) -> None:
        events.publish_changes(connections.claim(known[0].store.connection_id, "acme", "an operator"))
        new_store().connect()
        known[0].connect_again()
        assert len(unclaimed(hosted)) == 3

    def test_a_place_is_free_after_a_connection_was_forgotten(self, known: list[World], new_store: NewStore) -> None:
        events.publish_changes(connections.forget(known[0].store.connection_id, "an operator"))
        new_store().connect()
        outcome = known[0].run(known[0].click_reauthorize())
        assert outcome["reason"] == "too-many-connections"

    def test_a_place_is_free_when_the_run_that_freed_it_died(
        self, known: list[World], new_store: NewStore, hosted: Sandbox
    ) -> None:
        row = connections.claim(known[0].store.connection_id, "acme", "an operator")  # and nothing was published
        assert len(unclaimed(hosted)) == 3
        CLOCK.wait(activations.SWEEP_DELAY + 1)
        assert swept(known[0])["published"] == 1
        assert row["tenant"] == "acme"
        new_store().connect()

    def test_a_connected_store_reauthorizes_and_comes_with_a_new_integration(
        self, known: list[World], hosted: Sandbox
    ) -> None:
        known[0].connect_again()
        known[1].shop.delete()
        known[1].connect()
        assert len(unclaimed(hosted)) == 3

    @pytest.mark.usefixtures("known")
    def test_an_invited_store_connects_and_takes_no_place(self, new_store: NewStore, hosted: Sandbox) -> None:
        for _ in range(2):
            store = new_store()
            form = dict(store.shop.activate(CALLBACK).form)
            posted = knock(store, form, invite(store)["code"])
            assert store.run(posted["activation_id"])["state"] == "connected"
        assert len(unclaimed(hosted)) == 3

    def test_handshakes_that_pass_each_other_do_not_exceed_it(self, new_store: NewStore, hosted: Sandbox) -> None:
        stores = [new_store() for _ in range(5)]
        ids = [store.click() for store in stores]
        for store, activation_id in zip(stores, ids, strict=True):
            assert store.step("RequestTokenFunction", activation_id)["state"] == "requested"
        with ThreadPoolExecutor(5) as pool:
            ends = list(pool.map(lambda one: one[0].step("AccessTokenFunction", one[1]), zip(stores, ids, strict=True)))
        assert sorted(end["state"] for end in ends) == ["connected"] * 3 + ["failed"] * 2
        for store, end in zip(stores, ends, strict=True):
            if end["state"] == "failed":
                assert end["reason"] == "too-many-connections"
                assert store.connection() == {}
                assert "DeletedDate" in store.secret()
        assert len(unclaimed(hosted)) == 3
        assert under_way(hosted) == set()


class TestHandshakesOfAHost:
    @pytest.fixture(autouse=True)
    def two_at_most(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(monkeypatch, handshakes_per_host=2)

    @pytest.fixture
    def waiting(self, new_store: NewStore) -> list[tuple[World, str]]:
        """As many handshakes under way as the host may have, of stores in maintenance."""
        stores = [new_store() for _ in range(2)]
        ids = []
        for store in stores:
            store.shop.trouble("maintenance", endpoint="request")
            ids.append(store.click())
            assert store.step("RequestTokenFunction", ids[-1])["reason"] == "maintenance"
        return list(zip(stores, ids, strict=True))

    @pytest.mark.usefixtures("waiting")
    def test_more_are_refused_and_do_not_call_the_store(self, new_store: NewStore, world: World) -> None:
        store = new_store()
        form = dict(store.shop.activate(CALLBACK).form)
        activation_id = store.post(form)["activation_id"]
        outcome = store.run(activation_id)
        assert (outcome["state"], outcome["reason"]) == ("failed", "too-many-handshakes")
        assert outcome["problem"] == f"{store.store.host} has 2 handshakes under way"
        assert outcome["advice"].endswith("click Activate in the integration's row.")
        assert store.shop.state()["log"] == []
        assert "Too many activations of your store's host" in popup(store, form, "en")
        assert "zu viele Aktivierungen" in popup(store, form, "de")
        world.connect()  # of another host

    def test_one_that_ends_makes_space(
        self, waiting: list[tuple[World, str]], new_store: NewStore, hosted: Sandbox
    ) -> None:
        store, activation_id = waiting[0]
        store.shop.clear_troubles()
        assert store.run(activation_id)["state"] == "connected"
        new_store().connect()
        other, activation_id = waiting[1]
        other.shop.clear_troubles()
        other.shop.trouble("signature_invalid", endpoint="request")
        assert other.run(activation_id)["state"] == "failed"
        assert under_way(hosted) == set()

    def test_trying_again_takes_one_place(self, waiting: list[tuple[World, str]], hosted: Sandbox) -> None:
        store, activation_id = waiting[0]
        store.step("RequestTokenFunction", activation_id)
        store.run(str(store.post(dict(store.shop.activate(CALLBACK).form))["activation_id"]))  # a new attempt
        assert len(under_way(hosted)) <= 2

    def test_strangers_posts_do_not_keep_a_connected_store_from_reauthorizing(
        self, new_store: NewStore, hosted: Sandbox
    ) -> None:
        known = new_store()
        known.connect()
        for _ in range(2):
            forged = {name: uuid.uuid4().hex for name in ("oauth_consumer_key", "oauth_consumer_secret")}
            form = forged | {"oauth_verifier": uuid.uuid4().hex, "store_base_url": known.url}
            known.shop.trouble("maintenance", endpoint="request", times=1)
            known.step("RequestTokenFunction", known.post(form)["activation_id"])
        assert len(under_way(hosted)) == 2
        known.connect_again()

    def test_a_run_that_died_before_it_made_space_is_made_good_by_the_sweep(
        self, new_store: NewStore, hosted: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(*_: Any) -> None:
            raise Unavailable("aws", "died")

        connected, refused = new_store(), new_store()
        refused.shop.trouble("signature_invalid", endpoint="request")
        ids = [connected.click(), refused.click()]
        assert connected.run(ids[0])["state"] == "connected"  # by a transaction, with its place
        with monkeypatch.context() as patch:
            patch.setattr(hosts, "end_handshake", die)
            with pytest.raises(Unavailable):
                refused.call("RequestTokenFunction", {"activation_id": ids[1], "holder": ids[1]})
        assert len(under_way(hosted)) == 1
        CLOCK.wait(activations.SWEEP_DELAY + 1)
        assert swept(connected)["published"] == 1
        assert under_way(hosted) == set()

    def test_posts_at_the_same_time_do_not_exceed_it(self, new_store: NewStore, hosted: Sandbox) -> None:
        stores = [new_store() for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            ids = list(pool.map(lambda store: store.click(), stores))
        assert len(under_way(hosted)) == 2
        ends = [store.run(activation_id) for store, activation_id in zip(stores, ids, strict=True)]
        assert sorted(end["state"] for end in ends) == ["connected"] * 2 + ["failed"] * 4
        assert {end["reason"] for end in ends if end["state"] == "failed"} == {"too-many-handshakes"}

    def test_the_row_of_a_host_expires_unless_it_has_unclaimed_connections(
        self, new_store: NewStore, hosted: Sandbox
    ) -> None:
        def fail() -> None:
            store = new_store()
            store.shop.trouble("signature_invalid", endpoint="request")
            assert store.run(store.click())["state"] == "failed"

        in_time = pytest.approx(activations.now() // 1000 + hosts.EXPIRY, abs=5)
        fail()
        assert row_of(hosted)["expires_at"] == in_time
        store = new_store()
        activation_id = store.click()
        assert row_of(hosted)["expires_at"] == in_time
        store.run(activation_id)
        fail()
        assert row_of(hosted)["expires_at"] == hosts.FOREVER
        events.publish_changes(connections.claim(store.store.connection_id, "acme", "an operator"))
        assert row_of(hosted)["expires_at"] == in_time


class TestNewConnectionsOfAnHour:
    @pytest.fixture(autouse=True)
    def two_an_hour(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(monkeypatch, new_connections_per_hour=2)
        CLOCK.wait(3600 * (2 + uuid.uuid4().int % 1000))  # an hour in which nothing was connected

    def test_more_wait_and_connect_in_the_next_hour(self, new_store: NewStore) -> None:
        for _ in range(2):
            new_store().connect()
        store = new_store()
        form = dict(store.shop.activate(CALLBACK).form)
        activation_id = store.post(form)["activation_id"]
        store.step("RequestTokenFunction", activation_id)
        assert store.step("AccessTokenFunction", activation_id)["state"] == "exchanged"
        outcome = store.step("AccessTokenFunction", activation_id)
        assert (outcome["state"], outcome["reason"]) == ("exchanged", new_connections.HOURLY)
        assert outcome["retry_in"] > 0
        assert "Nothing has to be done in Magento" in outcome["advice"]
        waiting = new_store()
        waiting_id = waiting.click()
        waiting.step("RequestTokenFunction", waiting_id)
        assert waiting.step("AccessTokenFunction", waiting_id)["reason"] == new_connections.HOURLY
        assert [one["endpoint"] for one in waiting.shop.state()["log"]] == ["request"]  # the limit is known by now
        assert "Yours is connected as soon as it is its turn." in popup(store, form, "en")
        CLOCK.wait(3600)
        assert store.step("AccessTokenFunction", activation_id)["state"] == "connected"
        assert [one["endpoint"] for one in store.shop.state()["log"]] == ["request", "access"]
        assert waiting.step("AccessTokenFunction", waiting_id)["state"] == "connected"

    def test_a_try_after_a_stores_trouble_and_a_reauthorization_are_not_new(self, new_store: NewStore) -> None:
        store = new_store()
        store.shop.trouble("maintenance", endpoint="access", times=3)
        store.run(store.click())
        store.connect_again()
        new_store().connect()
        store.connect_again()

    def test_none_waits_where_there_is_no_limit(self, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(monkeypatch, new_connections_per_hour=0)
        for _ in range(3):
            new_store().connect()

    def test_an_invited_store_does_not_wait(self, new_store: NewStore) -> None:
        for _ in range(2):
            new_store().connect()
        store = new_store()
        posted = knock(store, dict(store.shop.activate(CALLBACK).form), invite(store)["code"])
        assert store.run(posted["activation_id"])["state"] == "connected"


def test_a_limit_that_is_reached_is_logged_and_counted(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logger.registered_handler, "stream", StandardOutput())
    limit(monkeypatch, unclaimed_connections_per_host=1)
    new_store().connect()
    store = new_store()
    capsys.readouterr()
    activation_id = store.click()
    store.run(activation_id)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one.get("message") == "limit reached"]
    assert line["level"] == "WARNING"
    assert (line["store"], line["reason"]) == (store.store.host, "too-many-connections")
    assert line["activation_id"] == activation_id
    counted = [one for one in lines if "LimitReached" in one]
    assert [one.get("reason") for one in counted] == [None, "too-many-connections"]


def test_a_flood_by_paths_of_one_host_leaves_no_more_than_the_limit_and_stops_nobody() -> None:
    """A real stack, real posts and real stores: the attack by 150 paths, made smaller."""
    chosen = "UnclaimedConnectionsPerHost=3 HandshakesPerHost=30"
    with serving(PARAMETERS=chosen) as stack, sandbox.serve(host="127.7.7.7") as honest:
        urls = {"callback_url": stack.callback_url, "identity_url": stack.identity_url}

        def activate(url: str) -> str:
            told = requests.post(f"{url}sandbox/activate", json=urls, timeout=30).json()
            assert told["callback_status"] in (200, None), told  # None: no answer in 5 s; it is taken all the same
            return str(told["consumer_key"])

        with ThreadPoolExecutor(2) as pool:
            keys = list(pool.map(activate, [f"{stack.store_url}stores/path-{nth}/" for nth in range(9)]))
        mine = activate(honest.url)
        ends = [ended(stack, key, patience=60) for key in keys]
        assert sorted({row.get("reason", "") for row in ends}) == ["", "too-many-connections"]
        assert [row["state"] for row in ends].count("connected") == 3
        assert ended(stack, mine)["state"] == "connected"
        hosts = [Store.from_url(one["store"]["S"]).host for one in connections_of(stack.aws)]
        assert sorted(hosts) == ["127.0.0.1"] * 3 + ["127.7.7.7"]
        secrets = stack.aws.client("secretsmanager").list_secrets()["SecretList"]
        assert len([one for one in secrets if "/connections/" in one["Name"]]) == 4
        rows = stack.aws.client("dynamodb").scan(TableName=stack.aws.outputs["ConnectionsTableName"])["Items"]
        assert len(rows) == 4 + 4  # connections and their keys
