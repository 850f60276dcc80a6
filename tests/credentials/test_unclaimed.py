"""Where merchants sign in or unclaimed connections end, a connection has a secret once it has a tenant, not before."""

import contextlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.client import BaseClient
from moto.backends import get_backend

import storelink
from local.template import ACCOUNT, REGION, ROOT
from storelink import credentials
from storelink.aws import dynamodb
from storelink.client import session as client_session
from storelink.config import config
from storelink.credentials import basic_auth
from storelink.credentials.basic_auth import BasicAuthRequest
from storelink.errors import Invalid, Unavailable
from storelink.jobs import health_check
from storelink.state import activations, connections
from storelink.testing.sandbox import Sandbox
from tests.jobs.test_migrate_credentials import migrate, new_key
from tests.jobs.test_sweep import nothing_left, swept  # noqa: F401  a fixture of this file, too
from tests.popup.test_sign_in import LOGIN, Browser, returned, signed
from tests.security.test_change_of_hands import CALLBACK, claim, forget, moved
from tests.state.test_invitations import invite, knock
from tests.world import CLOCK, World, merchants_sign_in, sample

READS, _ = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / "docs/credentials.md").read_text(), re.DOTALL)[0])
"""The right of an app that reads secrets alone."""


@pytest.fixture(autouse=True)
def claims_are_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable as the template sets it there."""
    monkeypatch.setenv("STORELINK_UNCLAIMED_ON_ROWS", "true")


@contextlib.contextmanager
def role_of_an_app(world: World) -> Iterator[None]:
    """Within it, the environment and the rights of an app that reads secrets alone."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined]
    pattern = READS["Resource"].rpartition(":secret:")[2].replace("STACK", world.aws.stack)

    def call(client: Any, operation: str, parameters: Any) -> Any:
        assert f"{client.meta.service_model.signing_name}:{operation}" == READS["Action"]
        assert fnmatchcase(parameters["SecretId"], pattern)
        return original(client, operation, parameters)

    with pytest.MonkeyPatch.context() as context:
        context.delenv("STORELINK_CONNECTIONS_TABLE")
        context.setattr(BaseClient, "_make_api_call", call)
        client_session._kept.cache_clear()
        yield


def an_app_calls(world: World) -> bool:
    """Whether an app that reads secrets alone gets an answer of the store."""
    with role_of_an_app(world):
        shop = storelink.connect(world.url, stack=world.aws.stack)
        return bool(shop.get("V1/store/storeConfigs").status_code == 200)


def secrets(world: World) -> list[str]:
    """The ARNs of the connections' secrets that are not deleted."""
    pages = world.aws.client("secretsmanager").get_paginator("list_secrets").paginate()
    return [one["ARN"] for page in pages for one in page["SecretList"] if "/connections/" in one["Name"]]


def is_on_row(world: World) -> bool:
    row = world.connection()
    assert (row["backend"] == "dynamodb") == ("encrypted_credentials" in row)
    return bool(row["backend"] == "dynamodb")


def test_150_unclaimed_connections_cost_no_secret_and_a_claimed_one_costs_one(world: World, shops: Sandbox) -> None:
    before = secrets(world)

    def connected(nth: int) -> World:
        name = f"unclaimed-{nth}"
        one = World(world.aws, shops.store(name), f"{shops.url}stores/{name}/")
        one.connect()
        return one

    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(connected, range(150)))
    assert secrets(world) == before
    assert all(map(is_on_row, stores))
    stores[77].events()
    claim(stores[77], "acme")
    assert stores[77].events() == []
    world.run_rules()
    ((kind, detail),) = stores[77].events()
    assert (kind, detail["tenant"]) == ("Store Claimed", "acme")
    assert [arn for arn in secrets(world) if arn not in before] == [detail["secret_arn"]]
    assert an_app_calls(stores[77])
    assert sum(map(is_on_row, stores)) == 149


def test_an_app_that_reads_secrets_alone_is_told_why_it_cannot_read_an_unclaimed_ones(world: World) -> None:
    world.connect()
    ((kind, detail),) = world.events()
    assert (kind, "secret_arn" in detail) == ("Store Connected", False)
    with pytest.raises(Invalid, match="belongs to no tenant there yet") as raised:
        an_app_calls(world)
    assert (raised.value.reason, "claim" in raised.value.advice) == ("not-connected", True)
    assert world.credentials_work()  # with the rights for rows


def test_a_merchant_who_signs_in_gets_the_store_its_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = merchants_sign_in(world.aws, monkeypatch, LOGIN)
    world.connect()
    world.events()
    browser = Browser(world)
    consumer_key = world.connection()["consumer_key"]
    state = browser.state(f"/identity/sign-in?oauth_consumer_key={consumer_key}&success_call_back={world.url}")
    browser.sign_in(returned(state, signed(key, state)))
    assert world.connection()["tenant"] == "acme"
    world.run_rules()
    assert [(kind, "secret_arn" in detail) for kind, detail in world.events()] == [("Store Claimed", True)]
    assert an_app_calls(world)


def test_an_invitation_of_a_later_activation_does_so_at_once(world: World) -> None:
    world.connect()
    world.events()
    posted = knock(world, dict(world.shop.reauthorize(CALLBACK).form), invite(world)["code"])
    assert world.run(posted["activation_id"])["state"] == "connected"
    ((kind, detail),) = world.events()
    assert (kind, detail["tenant"], detail["secret_arn"]) == ("Store Connected", "acme", world.secret()["ARN"])
    assert an_app_calls(world)
    assert not is_on_row(world)


def test_a_reauthorization_goes_to_the_row_until_the_store_is_claimed_and_to_the_secret_then(world: World) -> None:
    world.connect()
    world.connect_again()
    assert is_on_row(world)
    assert world.secret() == {}
    claim(world, "acme")
    world.connect_again()  # before the credentials were moved
    assert not is_on_row(world)
    world.run_rules()
    world.connect_again()
    assert an_app_calls(world)
    assert not is_on_row(world)
    assert [kind for kind, _ in world.events()].count("Store Claimed") == 1


def test_one_that_is_claimed_while_it_reauthorizes_ends_with_the_new_credentials_in_its_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    activation_id = world.click_reauthorize()
    world.step("RequestTokenFunction", activation_id)
    save = credentials.save

    def claimed_meanwhile(*args: Any) -> Any:
        stored = save(*args)
        if stored.row_changes["backend"] == "dynamodb":
            claim(world, "acme")
            world.run_rules()
        return stored

    monkeypatch.setattr(credentials, "save", claimed_meanwhile)
    assert world.run(activation_id)["state"] == "connected"
    row = world.connection()
    assert (row["tenant"], row["activation_id"]) == ("acme", activation_id)
    assert an_app_calls(world)
    assert not is_on_row(world)


def test_events_wait_for_the_secret_and_the_sweep_asks_for_it_again(world: World) -> None:
    world.connect()
    world.events()
    claim(world, "acme")
    queue = world.aws.client("sqs").get_queue_url(QueueName="MigrateCredentialsFunction")["QueueUrl"]
    world.aws.client("sqs").purge_queue(QueueUrl=queue)  # what EventBridge could not deliver
    CLOCK.wait(600)
    assert swept(world)["published"] == 0
    assert world.events() == []
    world.run_rules()
    assert [kind for kind, _ in world.events()] == ["Store Claimed"]
    assert swept(world)["published"] == 0
    world.call("MigrateCredentialsFunction", moves(world))  # delivered twice
    assert world.events() == []
    assert an_app_calls(world)


def moves(world: World) -> dict[str, Any]:
    """The event that has a connection's credentials moved."""
    event = sample("migrate_credentials.claim.json")
    return event | {"detail": event["detail"] | {"connection_id": world.store.connection_id}}


def test_a_move_that_is_asked_for_too_early_or_too_late_does_nothing(world: World) -> None:
    world.call("MigrateCredentialsFunction", moves(world))
    assert world.connection() == {}
    world.connect()
    world.call("MigrateCredentialsFunction", moves(world))
    assert is_on_row(world)
    claim(world, "acme")
    forget(world)
    world.run_rules()
    assert world.secret() == {}
    assert [kind for kind, _ in world.events()][-2:] == ["Store Claimed", "Store Disconnected"]


def test_a_move_that_something_else_comes_between_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    claim(world, "acme")
    before = world.connection()
    claim(world, "other", reassign=True)
    with monkeypatch.context() as patch:
        patch.setattr(connections, "get", lambda _: before)
        with pytest.raises(Unavailable, match="changed meanwhile"):
            world.call("MigrateCredentialsFunction", moves(world))
    world.run_rules()
    assert [detail["tenant"] for kind, detail in world.events() if kind == "Store Claimed"] == ["acme", "other"]
    assert an_app_calls(world)


def test_forgetting_an_unclaimed_one_leaves_nothing_and_it_connects_to_its_row_again(world: World) -> None:
    world.connect()
    forget(world)
    assert "encrypted_credentials" not in world.connection()
    world.connect_again()
    assert is_on_row(world)
    claim(world, "acme")
    world.run_rules()
    forget(world)
    assert "DeletedDate" in world.secret()
    world.connect_again()
    assert is_on_row(world)
    assert "DeletedDate" in world.secret()
    claim(world, "acme")
    world.run_rules()
    assert "DeletedDate" not in world.secret()
    assert an_app_calls(world)


def test_one_that_changes_hands_keeps_its_secret_with_the_new_credentials(world: World) -> None:
    world.connect()
    claim(world, "acme")
    world.run_rules()
    world.shop.delete()
    world.connect()
    assert "tenant" not in world.connection()
    assert not is_on_row(world)
    assert an_app_calls(world)


def test_one_that_changes_hands_before_the_move_stays_on_its_row(world: World) -> None:
    world.connect()
    claim(world, "acme")
    world.shop.delete()
    world.connect()
    world.run_rules()
    assert "tenant" not in world.connection()
    assert is_on_row(world)
    assert world.secret() == {}


def test_another_base_url_of_the_store_gets_a_secret_with_the_tenant(world: World) -> None:
    world.connect()
    claim(world, "acme")
    world.run_rules()
    other = moved(world)
    assert is_on_row(other)
    assert other.events() == []
    world.run_rules()
    ((kind, detail),) = other.events()
    assert (kind, detail["tenant"], detail["secret_arn"]) == ("Store Connected", "acme", other.secret()["ARN"])
    assert an_app_calls(other)
    assert "DeletedDate" in world.secret()


def test_an_invited_activation_that_another_one_overtakes_leaves_no_secret(world: World) -> None:
    world.connect()
    form = dict(world.shop.reauthorize(CALLBACK).form)
    invited = knock(world, form, invite(world)["code"])["activation_id"]
    world.step("RequestTokenFunction", invited)
    newer = {"activated_at": activations.now(), "activation_id": "of a newer one"}
    dynamodb.update(
        config.connections_table,
        connections.row_key(world.store.connection_id),
        "#store = :url",
        {"url": world.url},
        changes=newer,
    )
    assert world.step("AccessTokenFunction", invited)["reason"] == "superseded"
    assert is_on_row(world)
    assert "DeletedDate" in world.secret()


def test_the_operators_migration_leaves_unclaimed_ones_on_their_rows_and_reencrypts_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test's connection may be in the same shard, with an activation under way that holds up its move.
    get_backend("dynamodb")[ACCOUNT][REGION].tables[world.aws.outputs["ConnectionsTableName"]].items.clear()
    world.connect()
    before = world.connection()
    assert migrate(world)["moved"] == 0
    assert world.connection() == before
    key = new_key(world, monkeypatch)
    assert migrate(world, reencrypt=True)["reencrypted"] == 1
    assert world.connection()["kms_key"] == key
    assert is_on_row(world)
    assert world.credentials_work()
    monkeypatch.setenv("STORELINK_UNCLAIMED_ON_ROWS", "false")
    assert migrate(world)["moved"] == 1
    assert an_app_calls(world)


def test_the_operators_migration_moves_a_claimed_one_whose_move_was_lost(world: World) -> None:
    world.connect()
    claim(world, "acme")
    assert migrate(world)["moved"] >= 1
    CLOCK.wait(600)
    assert swept(world)["published"] >= 1
    assert an_app_calls(world)


def test_the_health_check_and_a_web_servers_password_reach_it_on_its_row(world: World) -> None:
    world.connect()
    row, error = health_check.check_now(world.store.connection_id)
    assert (row["state"], error) == ("connected", None)
    assert basic_auth.save(BasicAuthRequest(world.store, "staging:password"))
    assert is_on_row(world)
    assert world.credentials().basic_auth == "staging:password"
    claim(world, "acme")
    with pytest.raises(Unavailable, match="migrated"):
        basic_auth.save(BasicAuthRequest(world.store, "staging:other"))
    world.run_rules()
    assert basic_auth.save(BasicAuthRequest(world.store, "staging:other"))
    assert world.credentials().basic_auth == "staging:other"
    assert not is_on_row(world)
