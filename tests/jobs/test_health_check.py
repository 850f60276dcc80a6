"""The check: a store that was lost is told from one that is there, and comes back; nothing is overwritten by it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from storelink import credentials
from storelink.aws import dynamodb
from storelink.credentials.secretsmanager import secret_name
from storelink.handshake import transaction
from storelink.jobs import health_check
from storelink.magento import ping
from storelink.oauth.credentials import Credentials
from storelink.state import activations, connections
from storelink.store import Store
from storelink.transport import http
from storelink.transport.http import Response
from tests.jobs.test_sweep import refusing
from tests.world import World, due, request, sample

HOUR = 3_600_000
DAY = 24 * HOUR


def checked(world: World) -> dict[str, int]:
    """What a run of the schedule did, with this store's connection due."""
    due(world)
    counts: dict[str, int] = world.call("HealthCheckFunction", sample("health_check.json"))
    return {name: count for name, count in counts.items() if count and name != "overdue"}


def tried(world: World) -> tuple[int, dict[str, Any]]:
    """What an operator is told who tests this store's connection."""
    known = {"connection_id": world.store.connection_id}
    answer = world.call("HealthCheckFunction", request("POST", "/test", pathParameters=known))
    return answer["statusCode"], json.loads(answer["body"])


def stands(world: World) -> tuple[str, str | None]:
    connection = world.connection()
    return connection["state"], connection.get("reason")


@pytest.fixture
def connected(world: World) -> World:
    """A store that is connected, and the app has heard of it."""
    world.connect()
    world.events()
    return world


def delete_secret(world: World) -> None:
    name = secret_name(world.aws.stack, world.store)
    world.aws.client("secretsmanager").delete_secret(SecretId=name, RecoveryWindowInDays=7)


def restore_secret(world: World) -> None:
    name = secret_name(world.aws.stack, world.store)
    world.aws.client("secretsmanager").restore_secret(SecretId=name)


# What is seen


def test_a_store_that_takes_the_call_stays_connected_and_is_due_a_day_later(connected: World) -> None:
    before = activations.now()
    assert checked(connected) == {"checked": 1}
    assert stands(connected) == ("connected", None)
    row = connected.connection()
    assert before <= row["checked_at"] <= activations.now()
    assert before + 0.9 * DAY <= row["next_check_at"] <= activations.now() + 1.1 * DAY
    assert connected.events() == []
    assert len(row["history"]) == 1
    assert connected.shop.state()["requests"]["rest"] == 1


def test_a_new_connection_is_checked_at_once(connected: World) -> None:
    assert connected.connection()["next_check_at"] == connected.connection()["connected_at"]


def test_a_token_that_was_revoked_disconnects_the_store_at_once(connected: World) -> None:
    connected.shop.reauthorize("http://app.invalid/callback")  # its post got lost
    assert checked(connected) == {"checked": 1, "disconnected": 1}
    assert stands(connected) == ("disconnected", "revoked")
    ((kind, detail),) = connected.events()
    assert kind == "Store Disconnected"
    assert (detail["reason"], detail["problem"]) == ("revoked", "Specified token does not exist")
    assert "Reauthorize" in detail["advice"]
    assert detail["connection_id"] == connected.store.connection_id
    assert checked(connected) == {"checked": 1}  # told once
    assert connected.events() == []


def test_a_reauthorized_store_is_connected_again_by_itself(connected: World) -> None:
    form = dict(connected.shop.reauthorize("http://app.invalid/callback").form)
    checked(connected)
    assert connected.run(str(connected.post(form)["activation_id"]))["state"] == "connected"
    assert stands(connected) == ("connected", None)
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected", "Store Connected"]
    assert [one["what"] for one in connected.connection()["history"]] == ["connected", "disconnected", "connected"]


def test_a_resource_that_was_taken_away_disconnects_the_store(connected: World) -> None:
    checked(connected)
    connected.shop.delete()  # Magento says the same of a deleted integration
    assert checked(connected) == {"checked": 1, "disconnected": 1}
    assert stands(connected) == ("disconnected", "forbidden")
    ((_, detail),) = connected.events()
    assert detail["problem"].startswith("The consumer isn't authorized")


def test_a_resource_that_the_integration_never_had_tells_nothing(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses(connected, monkeypatch, NOT_ALLOWED)
    assert checked(connected) == {"checked": 1}
    assert stands(connected) == ("connected", "forbidden")
    assert connected.events() == []
    status, told = tried(connected)
    assert (status, told["ok"], told["reason"], told["connection"]["state"]) == (200, False, "forbidden", "connected")
    revoked = {"message": "Specified token does not exist"}
    refuses(connected, monkeypatch, revoked)
    checked(connected)
    assert stands(connected) == ("disconnected", "revoked")
    refuses(connected, monkeypatch, NOT_ALLOWED)  # and then the integration was deleted
    checked(connected)
    assert stands(connected)[0] == "disconnected"
    refuses(connected, monkeypatch, None)
    assert checked(connected)["recovered"] == 1


NOT_ALLOWED = {"message": "The consumer isn't authorized to access %resources.", "parameters": {"resources": "A::b"}}


def refuses(world: World, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any] | None) -> None:
    """Have the store answer 401 in these words, or well again."""
    if body is None:
        monkeypatch.setattr(http, "get", GET)
        return
    answer = Response(401, {"Content-Type": "application/json"}, json.dumps(body).encode())
    monkeypatch.setattr(http, "get", lambda *_: answer)


GET = http.get


@pytest.mark.parametrize("trouble", ["drop_before", "maintenance", "html", "redirect", "rate_limit", "internal_error"])
def test_a_store_that_does_not_answer_is_lost_after_some_misses_in_a_row(connected: World, trouble: str) -> None:
    connected.shop.trouble(trouble, endpoint="rest", times=health_check.MAX_MISSES - 1)
    for _ in range(health_check.MAX_MISSES - 1):
        before = activations.now()
        assert checked(connected) == {"checked": 1, "missed": 1}
        assert connected.connection()["next_check_at"] < before + 2 * HOUR  # soon again
    assert stands(connected)[0] == "connected"
    assert connected.connection()["reason"]
    assert checked(connected) == {"checked": 1}  # not in a row
    assert stands(connected) == ("connected", None)
    connected.shop.trouble(trouble, endpoint="rest", times=health_check.MAX_MISSES)
    done = [checked(connected) for _ in range(health_check.MAX_MISSES)]
    assert [one.get("disconnected", 0) for one in done] == [0] * (health_check.MAX_MISSES - 1) + [1]
    assert stands(connected)[0] == "disconnected"
    assert checked(connected) == {"checked": 1, "recovered": 1}
    assert stands(connected) == ("connected", None)
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected", "Store Recovered"]


def test_a_store_that_is_away_for_long_is_asked_at_its_usual_time(connected: World) -> None:
    connected.shop.trouble("maintenance", endpoint="rest", times=1)
    changes = {"missed_checks": 23, "state": "disconnected", "reason": "call-later"}
    key = {"connection_id": connected.store.connection_id}
    dynamodb.update(connected.aws.outputs["ConnectionsTableName"], key, "attribute_exists(#store)", {}, changes)
    checked(connected)
    assert connected.connection()["next_check_at"] > activations.now() + 0.8 * DAY


def test_a_connection_whose_secret_is_gone_says_so_and_recovers_with_it(connected: World) -> None:
    delete_secret(connected)
    assert checked(connected) == {"checked": 1, "disconnected": 1}
    assert stands(connected) == ("disconnected", "secret-gone")
    restore_secret(connected)
    assert checked(connected) == {"checked": 1, "recovered": 1}
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected", "Store Recovered"]


def test_aws_trouble_says_nothing_of_the_store(connected: World) -> None:
    with refusing("secretsmanager", "GetSecretValue"):
        assert checked(connected) == {"trouble": 1}
        assert tried(connected)[0] == 503
    assert stands(connected) == ("connected", None)


def test_an_event_that_did_not_get_out_is_told_by_the_sweep(connected: World) -> None:
    connected.shop.reauthorize("http://app.invalid/callback")
    with refusing("events", "PutEvents"):
        assert checked(connected) == {"checked": 1, "disconnected": 1}
    assert connected.events() == []
    old = {"changed_at": 0}
    key = {"connection_id": connected.store.connection_id}
    table = connected.aws.outputs["ConnectionsTableName"]
    dynamodb.update(table, key, "attribute_exists(#pending_events_shard)", {}, old)
    connected.call("SweepFunction", sample("sweep.json"))
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected"]
    assert "pending_events_shard" not in connected.connection()


# By an operator


def test_testing_a_connection_answers_what_was_seen_and_writes_it(connected: World) -> None:
    status, told = tried(connected)
    assert (status, told["ok"], told["connection"]["state"]) == (200, True, "connected")
    assert told["connection"]["checked_at"]
    connected.shop.delete()
    status, told = tried(connected)
    assert (status, told["ok"], told["reason"]) == (200, False, "forbidden")
    assert told["advice"]
    assert told["connection"]["state"] == "disconnected"
    assert told["connection"]["history"][0]["reason"] == "forbidden"
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected"]


def test_forgetting_is_undone_by_restoring_the_secret_and_a_test(connected: World) -> None:
    known = {"connection_id": connected.store.connection_id}
    connected.call("ForgetFunction", request("DELETE", "/connections", pathParameters=known))
    assert checked_without_making_due(connected) == 0
    status, told = tried(connected)
    assert (status, told["ok"], told["reason"], told["connection"]["reason"]) == (
        200,
        False,
        "secret-gone",
        "forgotten",
    )
    assert "health_check_shard" not in connected.connection()
    restore_secret(connected)
    status, told = tried(connected)
    assert (status, told["ok"], told["connection"]["state"]) == (200, True, "connected")
    assert connected.connection()["next_check_at"] > activations.now()
    assert [kind for kind, _ in connected.events()] == ["Store Disconnected", "Store Recovered"]


def checked_without_making_due(world: World) -> int:
    """How often the store is called by a run of the schedule as it is."""
    before = world.shop.state()["requests"]["rest"]
    world.call("HealthCheckFunction", sample("health_check.json"))
    return int(world.shop.state()["requests"]["rest"] - before)


# At the same time


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Has something happen once while a check waits for the store's answer, which it gets then."""
    ask = ping.ping

    def at_the_store(what: Callable[[], Any]) -> None:
        def asked(store: Store, kept: Credentials) -> tuple[str, ...]:
            monkeypatch.setattr(ping, "ping", ask)
            try:
                return ask(store, kept)
            finally:
                what()

        monkeypatch.setattr(ping, "ping", asked)

    return at_the_store


def test_a_check_does_not_overwrite_a_newer_activation(
    connected: World, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    form = dict(connected.shop.reauthorize("http://app.invalid/callback").form)
    activation_id = str(connected.post(form)["activation_id"])
    meanwhile(lambda: connected.run(activation_id))
    assert checked(connected) == {}
    assert stands(connected) == ("connected", None)
    assert [kind for kind, _ in connected.events()] == ["Store Connected"]


def test_a_check_does_not_bring_a_forgotten_store_back(
    connected: World, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    meanwhile(lambda: connections.forget(connected.store.connection_id, "an operator"))
    assert checked(connected) == {}
    assert stands(connected) == ("disconnected", "forgotten")
    assert "health_check_shard" not in connected.connection()


def test_of_two_checks_the_one_that_has_lost_the_row_writes_nothing(
    connected: World, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    """The first is slower than its lease; meanwhile an operator's test sees that the token is gone."""

    def lost() -> None:
        connected.shop.reauthorize("http://app.invalid/callback")
        assert tried(connected)[1]["ok"] is False

    meanwhile(lost)
    assert checked(connected) == {}
    assert stands(connected) == ("disconnected", "revoked")


def test_a_row_is_checked_by_one_of_two_that_found_it(connected: World) -> None:
    due(connected)
    row = connected.connection()
    health_check._acquire(row)
    assert health_check._check(row) == []
    with pytest.raises(dynamodb.Conflict):
        health_check._acquire(row)


def test_a_forgotten_store_is_tested_by_one_of_two(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = connections.forget(connected.store.connection_id, "an operator")
    later = activations.now() + 1000
    monkeypatch.setattr(activations, "now", lambda: later)
    health_check._acquire(row)
    with pytest.raises(dynamodb.Conflict):
        health_check._acquire(row)


def test_a_store_is_not_tested_while_it_is_being_forgotten(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its secret can still be read, and is gone a moment later."""
    told: list[tuple[int, str]] = []

    def deleting(row: dynamodb.Row) -> None:
        status, answer = tried(connected)
        told.append((status, answer["error"]))
        forget(row)

    forget = credentials.delete
    monkeypatch.setattr(credentials, "delete", deleting)
    connections.forget(connected.store.connection_id, "an operator")
    assert told == [(503, "busy")]
    assert stands(connected) == ("disconnected", "forgotten")


def test_a_store_is_not_connected_with_credentials_that_are_being_deleted(
    connected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step has kept its credentials when an operator forgets the store; the secret goes before the step ends."""
    activation_id = connected.click_reauthorize()
    connected.step("RequestTokenFunction", activation_id)
    connect = transaction.connect

    def forgotten_first(*args: Any) -> Any:
        monkeypatch.setattr(transaction, "connect", connect)
        connections.forget(connected.store.connection_id, "an operator")
        return connect(*args)

    monkeypatch.setattr(transaction, "connect", forgotten_first)
    assert connected.step("AccessTokenFunction", activation_id)["state"] == "connected"
    assert connected.connection()["state"] == "connected"
    assert connected.credentials_work()


# A million


def test_a_run_takes_its_part_and_leaves_the_rest_for_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_HEALTH_CHECKS_PER_RUN", "32")
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ConnectionsTableName"]
    seen: list[str] = []

    def check(row: dynamodb.Row) -> list[str]:
        seen.append(row["connection_id"])
        return ["checked"]

    monkeypatch.setattr(health_check, "_check", check)
    rows = [
        {"connection_id": f"{nth}.example-{'a' * 16}", "health_check_shard": "a", "next_check_at": nth + 1}
        for nth in range(5)
    ]
    world.connect()
    due(world)
    client.update_item(
        TableName=table,
        Key=dynamodb.item({"connection_id": world.store.connection_id}),
        UpdateExpression="REMOVE health_check_shard",
    )
    for row in rows:
        client.put_item(TableName=table, Item=dynamodb.item(row))
    try:
        counts = health_check.run(lambda: 240_000)
        assert health_check.run(lambda: health_check.MIN_REMAINING - 1)["checked"] == 0
    finally:
        for row in rows:
            client.delete_item(TableName=table, Key=dynamodb.item({"connection_id": row["connection_id"]}))
    assert sorted(seen) == [row["connection_id"] for row in rows[:2]]  # 32 of 16 parts, the latest first
    assert counts["checked"] == 2
    assert counts["overdue"] > DAY // 1000


def test_a_check_signs_in_the_stores_dialect_and_keeps_it(connected: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's own call has a value that dialects encode in different ways."""
    monkeypatch.setenv("STORELINK_HEALTH_CHECK_PATH", "rest/V1/store/storeConfigs?a=1%202")
    connected.shop.set_dialect("double")
    assert checked(connected) == {"checked": 1}
    assert connected.connection()["dialect"] == "double"
