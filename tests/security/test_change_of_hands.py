"""A store that is forgotten, assigned anew, or that comes with another integration or base URL."""

import json
from typing import Any

import pytest

from storelink.state import connections
from storelink.store import Store
from storelink.testing.sandbox import Sandbox
from tests.world import World, in_both_stores, request

pytestmark = in_both_stores

CALLBACK = "http://app.invalid/callback"


def asked(world: World, function: str, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What an operator's call about the store's connection answers; `status` is HTTP's."""
    connection_id = world.store.connection_id
    path = f"/connections/{connection_id}{'/claim' if method == 'POST' else ''}"
    event = request(method, path, pathParameters={"connection_id": connection_id}, body=json.dumps(body or {}))
    event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/ops/anna"}}
    event["routeKey"] = f"{method} {path}"
    answer = world.call(function, event)
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


def claim(world: World, tenant: str, **more: Any) -> dict[str, Any]:
    return asked(world, "OperatorFunction", "POST", {"tenant": tenant, **more})


def forget(world: World) -> dict[str, Any]:
    return asked(world, "ForgetFunction", "DELETE")


@pytest.fixture
def claimed(world: World) -> World:
    """A connected store of the tenant acme."""
    world.connect()
    assert claim(world, "acme")["tenant"] == "acme"
    world.events()
    return world


def test_a_forgotten_store_connects_as_no_tenants(claimed: World) -> None:
    told = forget(claimed)
    assert "tenant" not in told
    ((kind, detail),) = claimed.events()
    assert (kind, detail["reason"], detail["tenant"]) == ("Store Disconnected", "forgotten", "acme")
    claimed.connect_again()
    assert "tenant" not in claimed.connection()
    assert claim(claimed, "other")["tenant"] == "other"


def test_the_key_of_a_forgotten_store_connects_from_another_host(claimed: World, shops: Sandbox) -> None:
    copied = claimed.copy(shops)
    assert copied.run(copied.click_reauthorize())["reason"] == "another-store"
    forget(claimed)
    assert copied.run(copied.click_reauthorize())["state"] == "connected"
    assert copied.credentials_work()


def test_a_claimed_store_that_comes_with_a_new_integration_is_to_be_claimed_again(claimed: World) -> None:
    claimed.shop.delete()
    claimed.connect()
    assert "tenant" not in claimed.connection()
    assert claimed.credentials_work()
    assert claim(claimed, "other")["tenant"] == "other"


def test_a_claimed_store_that_is_reauthorized_stays_its_tenants(claimed: World) -> None:
    claimed.connect_again()
    assert claimed.connection()["tenant"] == "acme"


def test_an_operator_assigns_a_store_to_another_tenant_and_history_says_who(claimed: World) -> None:
    refused = claim(claimed, "other")
    assert (refused["status"], refused["error"]) == (409, "claimed")
    told = claim(claimed, "other", reassign=True)
    assert (told["status"], told["tenant"]) == (200, "other")
    change = told["history"][0]
    assert (change["what"], change["tenant"], change["former_tenant"], change["by"]) == (
        "claimed",
        "other",
        "acme",
        "anna",
    )
    ((kind, detail),) = claimed.events()
    assert (kind, detail["tenant"]) == ("Store Claimed", "other")


@pytest.mark.parametrize("reassign", ["yes", 1, None])
def test_reassign_is_true_or_false(claimed: World, reassign: object) -> None:
    told = claim(claimed, "other", reassign=reassign)
    assert (told["status"], list(told["fields"])) == (400, ["reassign"])


def moved(world: World) -> World:
    """The same store once URL rewrites are off: its base URL ends in index.php/."""
    world.shop.set_base_url(f"{world.url}index.php/")
    form = dict(world.shop.reauthorize(CALLBACK).form)
    assert form["store_base_url"].endswith("/index.php/")
    activation_id = world.post(form)["activation_id"]
    other = World(world.aws, world.shop, f"{world.url}index.php/")
    assert other.run(activation_id)["state"] == "connected"
    return other


def test_the_same_key_from_another_base_url_of_the_host_supersedes_the_older_connection(claimed: World) -> None:
    other = moved(claimed)
    older, newer = claimed.connection(), other.connection()
    assert (older["state"], older["reason"]) == ("disconnected", "superseded")
    assert (newer["state"], newer["tenant"]) == ("connected", "acme")
    assert "health_check_shard" not in older
    assert [kind for kind, _ in claimed.events()] == ["Store Disconnected"]
    assert other.credentials_work()
    assert "encrypted_credentials" not in older
    assert claimed.secret().get("DeletedDate") or older["backend"] == "dynamodb"


def test_a_stranger_on_the_same_host_supersedes_nothing_by_a_key_that_was_seen(claimed: World, shops: Sandbox) -> None:
    """Without the consumer secret it is another integration, though its own store confirms it."""
    name = "stranger"
    other = World(claimed.aws, shops.store(name), f"{shops.url}stores/{name}/")
    other.shop.copy_database(claimed.shop)
    other.shop.set_base_url(other.url)
    form = dict(other.shop.reauthorize(CALLBACK).form)
    other.shop._integrations["storelink"].consumer_secret = form["oauth_consumer_secret"] = "0" * 32
    before = claimed.connection()
    assert other.run(other.post(form)["activation_id"])["state"] == "connected"
    assert claimed.connection() == before
    assert claimed.credentials_work()
    assert Store.from_url(other.url).connection_id != claimed.store.connection_id
    connections.forget(other.store.connection_id, "an operator")
