"""Stores whose web server asks for a password: an operator sets it, and every call to the store has it."""

import json
from typing import Any

import pytest
from requests import Response

import storelink
from storelink.aws import kms
from storelink.client import session as client_session
from storelink.credentials import basic_auth
from storelink.credentials.basic_auth import BasicAuthRequest
from storelink.testing.sandbox.accounts import PASSWORD, STAGING_USER
from tests.world import World, due, in_both_stores, request, sample

pytestmark = in_both_stores
WRONG = "not-the-password"
CALL = "V1/store/storeConfigs"


def put(world: World, password: object = PASSWORD, **fields: Any) -> dict[str, Any]:
    """What PUT /stores/basic-auth answers: its status and its body, read."""
    body = {"store_url": world.url, "username": STAGING_USER, "password": password, **fields}
    return answered(world, "PUT", body)


def remove(world: World) -> dict[str, Any]:
    return answered(world, "DELETE", {"store_url": world.url})


def answered(world: World, method: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = world.call("BasicAuthFunction", request(method, "/stores/basic-auth", body=json.dumps(body)))
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


def called(world: World) -> Response:
    """The answer to an app's call, from a process that begins now."""
    client_session._kept.cache_clear()
    return storelink.connect(world.url).get(CALL)


def checked(world: World) -> dict[str, Any]:
    """What POST /connections/{connection_id}/test answers."""
    known = {"pathParameters": {"connection_id": world.store.connection_id}}
    result: dict[str, Any] = json.loads(world.call("HealthCheckFunction", request("POST", "/test", **known))["body"])
    return result


class TestAStoreBehindAPassword:
    @pytest.fixture(autouse=True)
    def behind_a_password(self, world: World) -> None:
        world.shop.trouble("password")

    def test_is_not_connected_without_it_and_the_advice_names_it(self, world: World) -> None:
        outcome = world.run(world.click())
        assert (outcome["state"], outcome["reason"]) == ("failed", "password-protected")
        assert "storelink password" in outcome["advice"]
        assert "Activate" in outcome["advice"]

    def test_is_connected_with_it(self, world: World) -> None:
        world.run(world.click())
        assert put(world)["connection_changed"] is False
        world.connect()
        assert called(world).status_code == 200
        due(world)
        counts = world.call("HealthCheckFunction", sample("health_check.json"))
        assert (counts["checked"], counts["missed"]) == (1, 0)

    def test_is_connected_again_with_it(self, world: World) -> None:
        put(world)
        world.connect()
        world.connect_again()
        assert called(world).status_code == 200

    def test_says_that_a_password_is_wrong_and_takes_the_right_one(self, world: World) -> None:
        put(world, WRONG)
        outcome = world.run(world.click())
        assert (outcome["state"], outcome["reason"]) == ("failed", "password-refused")
        assert "storelink password" in outcome["advice"]
        put(world)
        world.connect()
        assert called(world).status_code == 200

    def test_is_asked_as_often_as_any_store_once_it_is_connected(self, world: World) -> None:
        put(world)
        world.connect()
        before = world.shop.state()["requests"]["rest"]
        called(world)
        assert world.shop.state()["requests"]["rest"] == before + 1

    def test_is_connected_by_four_values(self, world: World) -> None:
        world.shop.clear_troubles()
        world.connect()
        kept = json.loads(world.credentials().to_text())
        world.call("ForgetFunction", request("DELETE", "/connections", pathParameters=row_key(world)))
        world.shop.trouble("password")
        kept.pop("signature_method")
        event = request("POST", "/connections", body=json.dumps(kept | {"store_url": world.url}))
        refused = world.call("ConnectManuallyFunction", event)
        assert json.loads(refused["body"])["error"] == "password-protected"
        put(world)
        entered = world.call("ConnectManuallyFunction", event)
        assert entered["statusCode"] == 202, entered["body"]
        activation_id = json.loads(entered["body"])["activation_id"]
        assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"
        assert called(world).status_code == 200


def row_key(world: World) -> dict[str, str]:
    return {"connection_id": world.store.connection_id}


class TestAConnectedStore:
    @pytest.fixture(autouse=True)
    def connected(self, world: World) -> None:
        world.connect()
        world.shop.trouble("password")

    def test_that_gets_a_password_is_called_with_it(self, world: World) -> None:
        assert (checked(world)["ok"], checked(world)["reason"]) == (False, "password-protected")
        with pytest.raises(storelink.NotAuthorized, match="password"):
            called(world).raise_for_status()
        assert put(world)["connection_changed"] is True
        assert called(world).status_code == 200
        assert checked(world)["ok"]

    def test_gets_another_password(self, world: World) -> None:
        for password, reason in ((WRONG, "password-refused"), (PASSWORD, None), (WRONG, "password-refused")):
            assert put(world, password)["connection_changed"] is True
            assert checked(world).get("reason") == reason
        with pytest.raises(storelink.NotAuthorized) as refused:
            called(world).raise_for_status()
        assert refused.value.reason == "password-refused"
        assert put(world, WRONG)["connection_changed"] is False

    def test_loses_its_password(self, world: World) -> None:
        put(world)
        gone = remove(world)
        assert (gone["is_set"], gone["connection_changed"]) == (False, True)
        assert checked(world)["reason"] == "password-protected"
        assert basic_auth.read(world.store) is None
        assert remove(world) == gone | {"connection_changed": False}

    def test_keeps_its_password_when_it_is_connected_again(self, world: World) -> None:
        put(world)
        world.connect_again()
        assert called(world).status_code == 200

    def test_forgets_its_password_when_it_is_forgotten(self, world: World) -> None:
        put(world)
        world.call("ForgetFunction", request("DELETE", "/connections", pathParameters=row_key(world)))
        assert basic_auth.read(world.store) is None
        assert put(world)["connection_changed"] is False

    def test_keeps_its_credentials_while_an_activation_replaces_them(self, world: World) -> None:
        activation_id = world.click_reauthorize()
        put(world)
        assert world.run(activation_id)["state"] == "connected"
        assert world.credentials_work()

    def test_is_migrated_with_its_password(
        self, world: World, credential_store: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(world)
        elsewhere = "dynamodb" if credential_store == "secretsmanager" else "secretsmanager"
        monkeypatch.setenv("STORELINK_CREDENTIAL_STORE", elsewhere)
        told = put(world, WRONG)
        assert (told["status"], told["error"]) == (503, "busy")
        event = sample("migrate_credentials.json") | {"shards": world.connection()["shard"]}
        assert world.call("MigrateCredentialsFunction", event)["moved"] >= 1
        assert called(world).status_code == 200
        assert put(world)["status"] == 200
        assert called(world).status_code == 200

    def test_has_its_password_encrypted_by_another_key(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        put(world)
        key = world.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        monkeypatch.setenv("STORELINK_KMS_KEY", key)
        event = sample("migrate_credentials.json") | {"reencrypt": True, "shards": world.connection()["shard"]}
        assert world.call("MigrateCredentialsFunction", event)["reencrypted"] >= 1
        row = {"connection_id": {"S": f"basic_auth:{world.store.connection_id}"}}
        table = world.aws.outputs["ConnectionsTableName"]
        item = world.aws.client("dynamodb").get_item(TableName=table, Key=row)["Item"]
        context = {"connection_id": world.store.connection_id}
        assert kms._decrypt(item["encrypted_basic_auth"]["B"], {"purpose": basic_auth.PURPOSE, **context})[1] == key
        assert basic_auth.read(world.store) == f"{STAGING_USER}:{PASSWORD}"


class TestAReplacement:
    def test_that_was_cut_off_is_finished_by_the_next_one(
        self, world: World, credential_store: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.connect()
        world.shop.trouble("password")
        backend = storelink.credentials.BACKENDS[credential_store]
        with monkeypatch.context() as patch:
            patch.setattr(backend, "promote", unavailable)
            assert put(world, WRONG)["status"] == 503
        assert put(world)["status"] == 200
        assert checked(world)["ok"]
        world.connect_again()
        assert checked(world)["ok"]

    def test_waits_for_an_activation_that_has_replaced_the_credentials(
        self, world: World, credential_store: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.connect()
        activation_id = world.click_reauthorize()
        world.step("RequestTokenFunction", activation_id)
        with monkeypatch.context() as patch:
            patch.setattr("storelink.handshake.transaction.connect", unavailable)
            with pytest.raises(storelink.Unavailable):
                world.call("AccessTokenFunction", {"activation_id": activation_id, "holder": activation_id})
        assert put(world)["status"] == (503 if credential_store == "secretsmanager" else 200)
        assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"
        assert put(world)["status"] == 200
        assert world.credentials_work()


def unavailable(*_: Any) -> None:
    raise storelink.Unavailable("aws", "gone for a moment")


class TestTheOperatorsCall:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"store_url": "ftp://shop.example"}, "store_url"),
            ({"store_url": None}, "store_url"),
            ({"username": ""}, "username"),
            ({"username": "a:b"}, "username"),
            ({"username": 7}, "username"),
            ({"password": None}, "password"),
            ({"password": "a\r\nb"}, "password"),
            ({"password": "\ud800"}, "password"),
            ({"password": "\u00e9" * 128}, "password"),
            ({"user": "staging"}, "user"),
        ],
    )
    def test_names_what_is_wrong(self, world: World, fields: dict[str, Any], named: str) -> None:
        told = put(world, **fields)
        assert (told["status"], list(told["fields"])) == (400, [named])
        assert basic_auth.read(world.store) is None

    def test_takes_every_other_text(self, world: World) -> None:
        put(world, ": \u00e9\U0001f511 " * 10)
        assert basic_auth.read(world.store) == f"{STAGING_USER}:" + ": \u00e9\U0001f511 " * 10

    def test_shows_no_password_in_answers_logs_or_objects(
        self, world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        world.shop.trouble("password")
        body = {"store_url": world.url, "username": STAGING_USER, "password": PASSWORD}
        came: list[Any] = [
            put(world, WRONG),
            put(world, 7),
            world.run(world.click()),
            put(world),
            world.run(world.click()),
        ]
        came += [checked(world), remove(world), world.events()]
        written = capfd.readouterr()
        out = json.dumps(came) + written.out + written.err + caplog.text + repr(BasicAuthRequest.from_request(body))
        out += repr(world.credentials()) + repr(world.connection())
        for secret in (PASSWORD, WRONG):
            assert secret not in out
