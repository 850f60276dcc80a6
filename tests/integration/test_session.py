"""`storelink.connect`: signed calls to a store that verifies them."""

from collections.abc import Iterator
from typing import Any

import pytest

import storelink
from storelink import aws, session
from tests.world import World

CONFIGS = "rest/V1/store/storeConfigs"


@pytest.fixture
def shop(world: World) -> storelink.StoreSession:
    """A session of a connected store."""
    session._kept.cache_clear()
    world.connect()
    return storelink.connect(world.url, stack=world.aws.stack)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls to Secrets Manager, as they are made."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    aws.client("secretsmanager").meta.events.register("before-call.secrets-manager", note)
    yield made
    aws.client.cache_clear()


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


def test_credentials_are_read_once_for_all_sessions(world: World, reads: list[str]) -> None:
    world.connect()
    session._kept.cache_clear()
    reads.clear()
    for _ in range(3):
        storelink.connect(world.url, stack=world.aws.stack).get(CONFIGS)
    assert reads == ["GetSecretValue"]


def test_after_a_reauthorization_a_session_reads_the_new_credentials_once(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.run(world.click_reauthorize())
    reads.clear()
    assert shop.get(CONFIGS).status_code == 200
    assert shop.get(CONFIGS).status_code == 200
    assert reads == ["GetSecretValue"]


def test_a_token_that_stays_dead_is_answered_as_the_store_does(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.shop.reauthorize()
    reads.clear()
    answer = shop.get(CONFIGS)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Specified token does not exist"
    assert reads == ["GetSecretValue"]


def test_a_missing_permission_is_not_taken_for_a_dead_token(
    shop: storelink.StoreSession, world: World, reads: list[str]
) -> None:
    world.shop.delete()
    reads.clear()
    assert shop.get(CONFIGS).status_code == 401
    assert reads == []


def test_a_store_that_is_not_connected_says_so(world: World) -> None:
    session._kept.cache_clear()
    with pytest.raises(storelink.Invalid) as refused:
        storelink.connect(world.url, stack=world.aws.stack)
    assert refused.value.reason == "not-connected"
    assert world.url in str(refused.value)


def test_the_stack_is_named_by_the_environment(world: World) -> None:
    world.connect()
    session._kept.cache_clear()
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
