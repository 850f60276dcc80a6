"""The fixtures that an app's tests have: a store, and a session that needs no AWS."""

import inspect
import os
from typing import Any

import pytest

import storelink
from storelink import StoreSession, aws
from storelink.client.rest import RETRY_SECONDS, RestSession
from storelink.testing.connection import PATIENCE, STACK, connected
from storelink.testing.sandbox import Sandbox, SandboxStore
from storelink.testing.sandbox.signature import DIALECTS


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(service: str) -> Any:
        raise AssertionError(f"{service} was called")

    monkeypatch.setattr(aws, "client", refuse)
    monkeypatch.delenv("STORELINK_STACK", raising=False)
    monkeypatch.delenv("STORELINK_ALLOW_PRIVATE_STORES", raising=False)


def test_the_session_calls_the_store(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    (config,) = connected_shop.get("V1/store/storeConfigs").json()
    assert config["base_url"] == sandbox_store.base_url
    assert connected_shop.search("products").count() == 250


@pytest.mark.usefixtures("connected_shop")
def test_code_that_connects_finds_the_store_and_no_other(sandbox_store: SandboxStore) -> None:
    assert storelink.connect(sandbox_store.base_url).get("V1/modules").ok
    assert storelink.connect(sandbox_store.base_url, stack="another").get("V1/modules").ok
    with pytest.raises(storelink.Invalid) as caught:
        storelink.connect("https://shop.example/")
    assert caught.value.reason == "not-connected"


@pytest.mark.parametrize("sandbox_dialect", DIALECTS)
def test_the_store_verifies_in_the_dialect_of_ones_choice(
    connected_shop: StoreSession, sandbox_store: SandboxStore, sandbox_dialect: str
) -> None:
    assert sandbox_store.dialect == sandbox_dialect
    assert connected_shop.get("V1/products/{sku}", path={"sku": "24-SH001"}, params={"fields": "sku,name"}).ok


def test_a_trouble_has_a_name(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    sandbox_store.trouble("nonce_used", times=1, endpoint="rest")
    assert connected_shop.get("V1/modules").ok
    sandbox_store.trouble("revoked", endpoint="rest")
    with pytest.raises(storelink.NotAuthorized):
        connected_shop.get("V1/modules").raise_for_status()


def test_a_store_that_is_not_connected_says_which_fixture_connects_it(
    sandbox_store: SandboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORELINK_STACK", "storelink")
    with pytest.raises(storelink.Invalid, match="is not connected in this test: use the fixture connected_shop"):
        storelink.connect(sandbox_store.base_url)


def test_a_call_is_given_up_sooner_than_outside_of_tests(sandbox_server: Sandbox) -> None:
    store = sandbox_server.store("lasting")
    with connected(store):
        assert storelink.connect(store.base_url).patience == PATIENCE < RETRY_SECONDS
        assert storelink.connect(store.base_url, patience=0).patience == 0
    assert inspect.signature(RestSession).parameters["patience"].default == RETRY_SECONDS


def test_what_a_merchant_clicks_ends_the_apps_access(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    sandbox_store.reauthorize()
    with pytest.raises(storelink.NotAuthorized, match="Specified token does not exist") as caught:
        connected_shop.get("V1/modules").raise_for_status()
    assert caught.value.reason == "revoked"


def test_a_deleted_integration_looks_like_a_missing_permission(
    connected_shop: StoreSession, sandbox_store: SandboxStore
) -> None:
    sandbox_store.delete()
    with pytest.raises(storelink.NotAuthorized, match="The consumer isn't authorized to access") as caught:
        connected_shop.get("V1/modules").raise_for_status()
    assert (caught.value.reason, caught.value.resource) == ("forbidden", "Magento_Backend::admin")


def test_a_store_can_be_connected_again_after_its_integration_is_deleted(sandbox_server: Sandbox) -> None:
    store = sandbox_server.store("again")
    with connected(store):
        store.delete()
    with connected(store):
        assert storelink.connect(store.base_url).get("V1/modules").ok


def test_each_test_has_a_store_of_its_own(sandbox_store: SandboxStore, sandbox_server: Sandbox) -> None:
    assert sandbox_store.state()["troubles"] == []
    assert sandbox_store.base_url.startswith(sandbox_server.url)


def test_what_connects_a_store_is_undone(sandbox_server: Sandbox) -> None:
    one, other = sandbox_server.store("one"), sandbox_server.store("other")
    with connected(one, other):
        assert os.environ["STORELINK_STACK"] == STACK
        assert storelink.connect(one.base_url).get("V1/modules").ok
        assert storelink.connect(other.base_url).get("V1/modules").ok
    assert "STORELINK_STACK" not in os.environ
    assert "STORELINK_ALLOW_PRIVATE_STORES" not in os.environ
    with pytest.raises(AssertionError, match="secretsmanager was called"):
        storelink.connect(one.base_url, stack=STACK)
