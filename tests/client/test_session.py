"""`storelink.connect`: signed calls to a store that verifies them."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

import storelink
from storelink import aws
from storelink.client import session as client_session
from storelink.oauth.credentials import LEGACY_METHOD, Consumer, Credentials, Token
from storelink.store import Store
from tests.client.conftest import Clock
from tests.world import World, in_both_stores

CONFIGS = "rest/V1/store/storeConfigs"
THREADS = 8


@pytest.fixture
def shop(world: World) -> storelink.StoreSession:
    """A session of a connected store."""
    client_session._kept.cache_clear()
    world.connect()
    return storelink.connect(world.url, stack=world.aws.stack)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls that open credentials, as they are made."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    aws.client("secretsmanager").meta.events.register("before-call.secrets-manager.GetSecretValue", note)
    aws.client("kms").meta.events.register("before-call.kms.Decrypt", note)
    yield made
    aws.client.cache_clear()


@in_both_stores
def test_a_call_is_signed_and_relative_to_the_store(shop: storelink.StoreSession, world: World) -> None:
    answer = shop.get(CONFIGS)
    assert answer.status_code == 200
    assert answer.request.url == world.url + CONFIGS
    assert shop.get(f"/{CONFIGS}").status_code == 200
    assert shop.get(world.url + CONFIGS).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"a": "with space"},
        {"a": "1+1=2 & 100%"},
        {"a": "Größe ✓"},
        {"searchCriteria[filter_groups][0][filters][0][field]": "sku", "searchCriteria[page_size]": "2"},
        {"a": "", "b": "~"},
    ],
)
def test_parameters_are_written_as_magento_verifies_them(shop: storelink.StoreSession, params: dict[str, str]) -> None:
    answer = shop.get(CONFIGS, params=params)
    assert answer.status_code == 200, answer.text
    assert "+" not in str(answer.request.url).partition("?")[2].replace("%2B", "")


@pytest.mark.parametrize("query", ["a", "a=1&a=2", "1=2"])
def test_parameters_that_magento_cannot_verify_are_refused(shop: storelink.StoreSession, query: str) -> None:
    with pytest.raises(storelink.Invalid) as refused:
        shop.get(f"{CONFIGS}?{query}")
    assert refused.value.reason == "bad-parameter"


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/rest/V1/modules",
        "../../rest",
        "rest/%2E%2E/%2e%2e/other",
        "http:evil",
        "javascript:alert(1)",
    ],
)
def test_nothing_is_signed_for_another_place(shop: storelink.StoreSession, url: str) -> None:
    with pytest.raises(storelink.Invalid):
        shop.get(url)


@in_both_stores
def test_credentials_are_read_once_for_all_sessions(world: World, reads: list[str]) -> None:
    world.connect()
    client_session._kept.cache_clear()
    reads.clear()
    for _ in range(3):
        storelink.connect(world.url, stack=world.aws.stack).get(CONFIGS)
    assert len(reads) == 1


@in_both_stores
def test_after_an_integration_was_deleted_and_added_again_a_session_reads_the_new_credentials(
    shop: storelink.StoreSession, world: World
) -> None:
    """Magento says of the deleted one what it says of a missing resource."""
    world.shop.delete()
    world.run(world.click())
    assert shop.get("V1/products/24-BO003").status_code == 200


def test_a_missing_resource_is_no_reason_to_read_credentials_at_each_call(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.shop.deny("Magento_Sales::actions_view")
    reads.clear()
    assert [shop.get("V1/orders/4").status_code for _ in range(3)] == [401, 401, 401]
    assert len(reads) == 1


@in_both_stores
def test_after_a_reauthorization_a_session_reads_the_new_credentials_once(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.run(world.click_reauthorize())
    reads.clear()
    assert shop.get(CONFIGS).status_code == 200
    assert shop.get(CONFIGS).status_code == 200
    assert len(reads) == 1


@in_both_stores
def test_a_token_that_stays_dead_is_answered_as_the_store_does(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.shop.reauthorize()
    reads.clear()
    answer = shop.get(CONFIGS)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Specified token does not exist"
    assert len(reads) == 1


@in_both_stores
def test_a_store_that_is_not_connected_says_so(world: World) -> None:
    client_session._kept.cache_clear()
    with pytest.raises(storelink.Invalid) as refused:
        storelink.connect(world.url, stack=world.aws.stack)
    assert refused.value.reason == "not-connected"
    assert world.url in str(refused.value)


def test_the_stack_is_named_by_the_environment(world: World) -> None:
    world.connect()
    client_session._kept.cache_clear()
    assert storelink.connect(world.url).get(CONFIGS).status_code == 200


def test_a_stack_that_is_not_named_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORELINK_STACK")
    with pytest.raises(storelink.Invalid, match="STORELINK_STACK"):
        storelink.connect(world.url)


def test_no_secret_is_in_a_repr(shop: storelink.StoreSession, world: World) -> None:
    credentials = world.credentials()
    for text in (repr(shop), repr(vars(shop)), repr(credentials), str(credentials)):
        for secret in (
            credentials.consumer.secret,
            credentials.access_token.key,
            credentials.access_token.secret,
        ):
            assert secret not in text


def nonces(world: World) -> set[str]:
    """Those that the store has seen, each used up."""
    return world.shop._integrations["storelink"].nonces


def rest_calls(world: World) -> int:
    told: int = world.shop.state()["requests"]["rest"]
    return told


class TestAShortPath:
    @pytest.mark.parametrize(
        ("path", "url"),
        [
            ("V1/products/24-BO003", "rest/V1/products/24-BO003"),
            ("/V1/products/24-BO003", "rest/V1/products/24-BO003"),
            ("rest/V1/products/24-BO003", "rest/V1/products/24-BO003"),
        ],
    )
    def test_is_written_as_adobes_reference_names_the_call(
        self, shop: storelink.StoreSession, world: World, path: str, url: str
    ) -> None:
        answer = shop.get(path)
        assert (answer.status_code, answer.request.url) == (200, world.url + url)
        assert answer.json()["sku"] == "24-BO003"

    @pytest.mark.parametrize(
        ("view", "url", "name"),
        [
            ("de", "rest/de/V1/products/24-BO003", "Flasche 3"),
            ("all", "rest/all/V1/products/24-BO003", "Bottle 3"),
            (None, "rest/V1/products/24-BO003", "Bottle 3"),
        ],
    )
    def test_goes_to_the_sessions_store_view(
        self, shop: storelink.StoreSession, world: World, view: str | None, url: str, name: str
    ) -> None:
        viewed = storelink.connect(world.url, store_view=view)
        answer = viewed.get("V1/products/24-BO003")
        assert (answer.request.url, answer.json()["name"]) == (world.url + url, name)

    def test_leaves_a_whole_path_alone(self, shop: storelink.StoreSession, world: World) -> None:
        viewed = storelink.connect(world.url, store_view="de")
        assert viewed.get("rest/all/V1/products/24-BO003").json()["name"] == "Bottle 3"

    @pytest.mark.parametrize("view", ["", "de/../all", "a b", "x" * 65])
    def test_takes_a_store_views_code_only(self, shop: storelink.StoreSession, world: World, view: str) -> None:
        with pytest.raises(storelink.Invalid, match="store_view"):
            storelink.connect(world.url, store_view=view)


def test_nested_parameters_are_verified_and_read(shop: storelink.StoreSession) -> None:
    filters = [{"field": "name", "value": "%a 1_", "condition_type": "like"}]
    params = {"searchCriteria": {"filter_groups": [{"filters": filters}], "pageSize": 3, "currentPage": 1}}
    answer = shop.get("V1/products", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["search_criteria"]["filter_groups"][0]["filters"] == filters


def test_parameters_of_the_url_and_of_params_come_together(shop: storelink.StoreSession) -> None:
    answer = shop.get("V1/products?searchCriteria[pageSize]=2", params={"searchCriteria": {"currentPage": 3}})
    assert [item["id"] for item in answer.json()["items"]] == [5, 6]


@pytest.mark.parametrize("params", [{"1": "a"}, {"oauth_token": "a"}, {"a b": {"c": object()}}])
def test_params_that_magento_cannot_verify_are_refused(shop: storelink.StoreSession, params: Any) -> None:
    with pytest.raises(storelink.Invalid) as refused:
        shop.get("V1/products", params=params)
    assert refused.value.reason == "bad-parameter"


def test_a_form_is_refused_before_it_is_sent(shop: storelink.StoreSession, world: World) -> None:
    with pytest.raises(storelink.Invalid, match="JSON"):
        shop.post("V1/orders/3/comments", data={"comment": "text"})
    assert rest_calls(world) == 0
    assert shop.post("V1/orders/3/comments", json={"statusHistory": {"comment": "text"}}).json() is True


class TestASearch:
    def test_finds_each_item_once(self, shop: storelink.StoreSession, world: World) -> None:
        found = [product["id"] for product in shop.search("products", page_size=60)]
        assert found == list(range(1, 251))
        assert rest_calls(world) == 5

    @pytest.mark.parametrize(
        ("filters", "holds"),
        [
            ({"status": 2}, lambda item: item["status"] == 2),
            ({"type_id": "simple", "status": True}, lambda item: item["type_id"] == "simple" and item["status"] == 1),
            ({"id": [3, 5, 999]}, lambda item: item["id"] in (3, 5)),
            ({"special_price": None}, lambda item: item["special_price"] is None),
            ([("special_price", "notnull")], lambda item: item["special_price"] is not None),
            ([("price", "gteq", 40), ("price", "lt", 42)], lambda item: 40 <= item["price"] < 42),
            (
                [("price", "lt", 8), [("name", "like", "%bag%"), ("sku", "like", "24-sh%")]],
                lambda item: item["price"] < 8 and (item["name"].startswith("Bag") or "24-SH" in item["sku"]),
            ),
            ([("category_ids", "finset", 5)], lambda item: "5" in item["category_ids"].split(",")),
            (
                [("updated_at", "gt", datetime(2026, 11, 20, tzinfo=UTC))],
                lambda item: item["updated_at"] > "2026-11-20 00:00:00",
            ),
        ],
    )
    def test_finds_what_holds(self, shop: storelink.StoreSession, filters: Any, holds: Callable[[Any], bool]) -> None:
        everything = list(shop.search("products", page_size=250))
        found = list(shop.search("products", filters, page_size=50))
        assert found == [item for item in everything if holds(item)]
        assert 0 < len(found) < 250
        assert shop.search("products", filters).count() == len(found)

    def test_is_in_order(self, shop: storelink.StoreSession) -> None:
        found = [(item["price"], item["id"]) for item in shop.search("products", sort=["-price", "entity_id"])]
        assert found == sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def test_tells_its_progress(self, shop: storelink.StoreSession) -> None:
        told: list[str] = []
        found = shop.search("V1/orders", page_size=20, progress=lambda page: told.append(f"{page.seen}/{page.total}"))
        assert len(list(found)) == 45
        assert told == ["20/45", "40/45", "45/45"]

    def test_is_of_the_sessions_store_view(self, shop: storelink.StoreSession, world: World) -> None:
        viewed = storelink.connect(world.url, store_view="de")
        assert [item["name"] for item in viewed.search("products", {"id": 3})] == ["Flasche 3"]

    def test_raises_what_the_store_says(self, shop: storelink.StoreSession, world: World) -> None:
        world.shop.deny("Magento_Sales::actions_view")
        with pytest.raises(storelink.NotAuthorized) as refused:
            list(shop.search("orders"))
        assert refused.value.resource == "Magento_Sales::actions_view"
        with pytest.raises(storelink.CallRefused, match="Unknown column 'colour'"):
            list(shop.search("products", {"colour": "red"}))

    def test_of_what_is_no_search_says_so(self, shop: storelink.StoreSession) -> None:
        with pytest.raises(storelink.CallRefused) as refused:
            list(shop.search("store/storeConfigs"))
        assert refused.value.reason == "no-search"


class TestAnError:
    def test_is_returned_and_raised_on_demand(self, shop: storelink.StoreSession) -> None:
        answer = shop.get("V1/orders/4711")
        assert answer.status_code == 404
        with pytest.raises(storelink.NotFound) as missing:
            answer.raise_for_status()
        assert missing.value.problem == "The entity that was requested doesn't exist. Verify orderId = 4711."
        assert missing.value.status == 404
        shop.get("V1/orders/4").raise_for_status()

    def test_names_the_missing_resource(self, shop: storelink.StoreSession, world: World) -> None:
        world.shop.deny("Magento_Sales::actions_view")
        with pytest.raises(storelink.NotAuthorized) as refused:
            shop.get("V1/orders/4").raise_for_status()
        assert refused.value.resource == "Magento_Sales::actions_view"
        assert refused.value.problem == "The consumer isn't authorized to access Magento_Sales::actions_view."
        assert refused.value.reason == "forbidden"
        assert shop.get("V1/products/24-BO003").status_code == 200

    def test_of_a_dead_token_is_told_from_a_missing_resource(self, shop: storelink.StoreSession, world: World) -> None:
        world.shop.reauthorize()
        with pytest.raises(storelink.NotAuthorized) as refused:
            shop.get("V1/orders/4").raise_for_status()
        assert (refused.value.reason, refused.value.resource) == ("revoked", "")

    def test_of_a_redirect_is_raised_too(self, shop: storelink.StoreSession, world: World) -> None:
        world.shop.trouble("redirect", endpoint="rest", times=1)
        answer = shop.get("V1/orders/4")
        assert answer.status_code == 302
        with pytest.raises(storelink.CallRefused, match="redirected"):
            answer.raise_for_status()

    def test_of_a_body_that_breaks_off_is_one_of_the_family(
        self, shop: storelink.StoreSession, world: World, clock: Clock
    ) -> None:
        world.shop.trouble("cut", endpoint="rest")
        with pytest.raises(storelink.Unavailable):
            shop.get("V1/products", params={"searchCriteria": {"pageSize": 100}})


class TestARetry:
    @pytest.mark.parametrize(
        "kind", ["rate_limit", "bad_gateway", "maintenance", "gateway_timeout", "drop_before", "drop", "cut"]
    )
    def test_is_made_until_the_store_answers(
        self, shop: storelink.StoreSession, world: World, clock: Clock, kind: str
    ) -> None:
        world.shop.trouble(kind, endpoint="rest", times=3)
        answer = shop.get("V1/orders/4")
        assert answer.json()["entity_id"] == 4
        assert (rest_calls(world), len(clock.waits)) == (4, 3)

    def test_has_a_nonce_of_its_own(self, shop: storelink.StoreSession, world: World, clock: Clock) -> None:
        before = len(nonces(world))
        world.shop.trouble("drop", endpoint="rest", times=3)  # the store has done each of these
        shop.get("V1/orders/4").raise_for_status()
        assert len(nonces(world)) - before == 4

    @pytest.mark.parametrize("said", ["3", "date"])
    def test_comes_as_late_as_the_store_asks(
        self, shop: storelink.StoreSession, world: World, clock: Clock, said: str
    ) -> None:
        in_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
        world.shop.retry_after = in_seconds if said == "date" else said
        world.shop.trouble("rate_limit", endpoint="rest", times=1)
        assert shop.get("V1/orders/4").status_code == 200
        assert len(clock.waits) == 1
        assert 1.5 < clock.waits[0] <= 3

    @pytest.mark.parametrize("said", ["soon", "-1", ""])
    def test_comes_soon_where_it_cannot_be_read_how_late(
        self, shop: storelink.StoreSession, world: World, clock: Clock, said: str
    ) -> None:
        world.shop.retry_after = said
        world.shop.trouble("rate_limit", endpoint="rest", times=1)
        assert shop.get("V1/orders/4").status_code == 200
        assert 0 <= clock.waits[0] <= 0.5

    def test_ends_with_the_stores_answer_when_the_patience_is_over(
        self, shop: storelink.StoreSession, world: World, clock: Clock
    ) -> None:
        world.shop.trouble("maintenance", endpoint="rest")
        shop.patience = 20
        answer = shop.get("V1/orders/4")
        assert answer.status_code == 503
        assert len(clock.waits) >= 3
        assert sum(clock.waits) < 20
        with pytest.raises(storelink.NotNow):
            answer.raise_for_status()

    def test_is_not_waited_for_where_the_store_asks_for_more_than_the_patience(
        self, shop: storelink.StoreSession, world: World, clock: Clock
    ) -> None:
        world.shop.retry_after = "3600"
        world.shop.trouble("rate_limit", endpoint="rest")
        assert shop.get("V1/orders/4").status_code == 429
        assert (rest_calls(world), clock.waits) == (1, [])

    def test_is_not_made_of_what_changes_something(
        self, shop: storelink.StoreSession, world: World, clock: Clock
    ) -> None:
        world.shop.trouble("maintenance", endpoint="rest", times=1)
        assert shop.post("V1/orders/3/comments", json={}).status_code == 503
        world.shop.trouble("drop", endpoint="rest", times=1)
        with pytest.raises(storelink.Unavailable):
            shop.post("V1/orders/3/comments", json={})
        assert (rest_calls(world), clock.waits) == (2, [])

    @pytest.mark.parametrize("kind", ["internal_error", "forbidden", "html"])
    def test_is_not_made_after_an_answer_that_will_be_the_same(
        self, shop: storelink.StoreSession, world: World, clock: Clock, kind: str
    ) -> None:
        world.shop.trouble(kind, endpoint="rest", times=1)
        shop.get("V1/orders/4")
        assert (rest_calls(world), clock.waits) == (1, [])

    def test_is_not_made_by_a_session_without_patience(self, shop: storelink.StoreSession, world: World) -> None:
        hasty = storelink.connect(world.url, patience=0)
        world.shop.trouble("maintenance", endpoint="rest", times=1)
        assert hasty.get("V1/orders/4").status_code == 503


class Keeping:
    """A server that keeps connections open and sets a cookie, and says what it was sent."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                told = {
                    "path": self.path,
                    "connection": self.client_address[1],
                    "cookie": self.headers["Cookie"],
                    "authorization": self.headers["Authorization"],
                }
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Set-Cookie", "PHPSESSID=one")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
                """No access log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def session(self) -> storelink.StoreSession:
        """A session with this server for a store."""
        known = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
        store = Store.from_url(f"http://127.0.0.1:{self.server.server_port}/")
        return client_session.session_for(store, known)


@pytest.fixture
def keeping(world: World) -> Iterator[Keeping]:
    """The server, while it runs."""
    keeping = Keeping()
    thread = threading.Thread(target=keeping.server.serve_forever, args=(0.02,))
    thread.start()
    yield keeping
    keeping.server.shutdown()
    keeping.server.server_close()
    thread.join()


class TestOneSessionInManyThreads:
    def test_gives_each_the_answer_to_its_own_call(self, shop: storelink.StoreSession) -> None:
        def read(number: int) -> tuple[int, str]:
            order = shop.get(f"V1/orders/{number}", params={"fields": f"entity_id,for_{number}"})
            return order.json()["entity_id"], str(order.request.headers["Authorization"])

        numbers = [*range(1, 46), *range(1, 46)]
        with ThreadPoolExecutor(THREADS) as pool:
            told = list(pool.map(read, numbers))
        assert [number for number, _ in told] == numbers
        assert len({header for _, header in told}) == len(told)

    def test_keeps_a_connection_for_each_and_no_cookie(self, keeping: "Keeping") -> None:
        """PHP serves one request of a session at a time: threads that send its cookie would wait for each other."""
        shop = keeping.session()
        with ThreadPoolExecutor(THREADS) as pool:
            told = [response.json() for response in pool.map(lambda n: shop.get(f"V1/{n}"), range(120))]
        assert {one["path"] for one in told} == {f"/rest/V1/{n}" for n in range(120)}
        assert len({one["connection"] for one in told}) <= THREADS
        assert {one["cookie"] for one in told} == {None}
        assert len({one["authorization"] for one in told}) == 120

    def test_reads_the_new_credentials_once_when_the_old_ones_die(
        self, shop: storelink.StoreSession, world: World, reads: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All threads have sent with the old token before one of them reads the new one."""
        world.connect_again()
        reads.clear()
        together = threading.Barrier(THREADS)
        sent = client_session.StoreSession._sent
        seen: Counter[int] = Counter()

        def send_together(self: Any, *args: Any, **kwargs: Any) -> requests.Response:
            response = sent(self, *args, **kwargs)
            seen[response.status_code] += 1
            if response.status_code == 401:
                together.wait(10)
            return response

        monkeypatch.setattr(client_session.StoreSession, "_sent", send_together)
        with ThreadPoolExecutor(THREADS) as pool:
            statuses = list(pool.map(lambda _: shop.get(CONFIGS).status_code, range(THREADS)))
        assert statuses == [200] * THREADS
        assert seen == {401: THREADS, 200: THREADS}
        assert len(reads) == 1

    def test_reads_the_first_credentials_once(self, world: World, reads: list[str]) -> None:
        world.connect()
        client_session._kept.cache_clear()
        reads.clear()
        with ThreadPoolExecutor(THREADS) as pool:
            told = list(pool.map(lambda _: storelink.connect(world.url).get(CONFIGS).status_code, range(THREADS)))
        assert told == [200] * THREADS
        assert len(reads) == 1


def test_a_store_that_took_the_fallback_method_is_signed_for_by_it(world: World) -> None:
    world.shop.trouble("sha1_only")
    world.connect()
    client_session._kept.cache_clear()
    assert world.credentials().consumer.signature_method == LEGACY_METHOD
    assert storelink.connect(world.url).get(CONFIGS).status_code == 200


def test_a_session_allows_an_answer_as_much_as_it_was_told(
    shop: storelink.StoreSession, world: World, clock: Clock
) -> None:
    size = len(shop.get(CONFIGS).content)
    exact = storelink.connect(world.url, stack=world.aws.stack, max_bytes=size)
    assert len(exact.get(CONFIGS).content) == size
    with pytest.raises(storelink.Unavailable) as refused:
        storelink.connect(world.url, stack=world.aws.stack, max_bytes=size - 1).get(CONFIGS)
    assert refused.value.reason == "call-too-large"
    with pytest.raises(storelink.Unavailable):
        storelink.connect(world.url, stack=world.aws.stack, max_seconds=0).get(CONFIGS)
