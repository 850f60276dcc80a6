"""Credentials are moved to the other home: interrupted anywhere, and overtaken by an activation, nothing is lost."""

import os
from typing import Any

import pytest

from storelink.aws import dynamodb
from storelink.credentials import secretsmanager
from storelink.errors import Invalid
from storelink.jobs import migrate_credentials
from storelink.state import activations
from tests.reliability.calls import Call, Died, Point, WatchedWorld
from tests.reliability.matrix import WHEN, Stage, new_name
from tests.security.test_change_of_hands import claim
from tests.world import CLOCK, STORES, request, sample

FUNCTION = "MigrateCredentialsFunction"
WAYS = [(home, other) for home in STORES for other in STORES if home != other]
"""From where, to where."""

each_way = pytest.mark.parametrize(("home", "other"), WAYS, ids=[f"to {other}" for _, other in WAYS])


def kept_in(home: str) -> None:
    """Say where new credentials are kept; the world puts the environment back at its end."""
    os.environ["STORELINK_CREDENTIAL_STORE"] = home


def clear(world: WatchedWorld) -> str:
    """Leave this store alone in its shard, which is given."""
    shard: str = world.connection()["shard"]
    table = world.aws.outputs["ConnectionsTableName"]
    for home in STORES:
        for row in dynamodb.page(table, "by_backend", {"shard": shard, "backend": home}, 1000)[0]:
            if row["connection_id"] != world.store.connection_id:
                key = {"connection_id": {"S": row["connection_id"]}}
                world.aws.client("dynamodb").delete_item(TableName=table, Key=key)
    return shard


def age(world: WatchedWorld) -> None:
    table, key = world.aws.outputs["ConnectionsTableName"], {"connection_id": world.store.connection_id}
    long_ago = dict.fromkeys(("connected_at", "migrated_at"), 0)
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=long_ago)


def begin(world: WatchedWorld, home: str, other: str) -> dict[str, Any]:
    """Connect a store whose credentials have been in the other home before, and say that they belong there now.

    A store that was moved there is such a one.
    """
    kept_in(other)
    if world.connection().get("backend") != other:
        world.connect()
    kept_in(home)
    world.connect_again()
    world.events()
    kept_in(other)
    age(world)
    world.watch.calls.clear()
    return sample("migrate_credentials.json") | {"shards": clear(world), "delete_left_over": True}


def assert_moved(world: WatchedWorld, other: str) -> None:
    connection = world.connection()
    assert connection["backend"] == other
    assert ("encrypted_credentials" in connection) == (other == "dynamodb")
    if other == "secretsmanager":
        found = secretsmanager.read(connection["secret_arn"])
        assert found
        assert found[1] == connection["secret_version"] == connection["activation_id"]
    assert world.credentials_work()


@pytest.fixture(scope="module")
def moments(stage: Stage) -> dict[str, list[Point]]:
    """Every moment of a move, by where it goes."""
    found = {}
    for home, other in WAYS:
        with stage.world() as world:
            event = begin(world, home, other)
            assert world.call(FUNCTION, event)["done"]
            age(world)
            assert world.call(FUNCTION, event)["done"]
            found[other] = [Point(when, call) for call in world.watch.calls for when in WHEN]
    return found


@each_way
def test_credentials_move_and_are_found_on_the_way(watched: WatchedWorld, home: str, other: str) -> None:
    event = begin(watched, home, other)
    before = watched.credentials()
    answer = watched.call(FUNCTION, event)
    assert answer == {"moved": 1, "reencrypted": 0, "deleted": 0, "gone": 0, "trouble": 0, "done": True}
    assert watched.credentials() == before
    assert_moved(watched, other)
    assert watched.call(FUNCTION, event)["moved"] == 0
    assert watched.events() == []


@each_way
def test_a_move_that_is_killed_at_any_moment_loses_nothing(
    stage: Stage, moments: dict[str, list[Point]], home: str, other: str
) -> None:
    name = new_name()
    first, *rest = moments[other]
    # To die before a call is to die after the one before it.
    for point in [first, *(point for point in rest if point.when == "after")]:
        with stage.world(name) as world:
            event = begin(world, home, other)
            world.watch.at = point
            for _ in range(3):
                try:
                    # A write whose answer was late is made again and finds itself; the next slice sees that it is done.
                    assert any(world.call(FUNCTION, event)["done"] for _ in range(2)), point
                except Died:
                    assert world.credentials_work(), point
                else:
                    age(world)
            assert world.watch.is_past, point
            assert_moved(world, other)


@each_way
def test_an_activation_that_comes_at_any_moment_of_a_move_wins(
    stage: Stage, moments: dict[str, list[Point]], home: str, other: str
) -> None:
    """One that began before the parameter was changed, and so keeps its credentials in the old home."""
    name = new_name()
    for point in [point for point in moments[other][::2] if "Query" not in point.call.name]:
        with stage.world(name) as world:
            event = begin(world, home, other)

            def overtake(world: WatchedWorld = world) -> None:
                kept_in(home)
                world.connect_again()
                kept_in(other)

            world.watch.at, world.watch.then = point, overtake
            world.call(FUNCTION, event)
            age(world)
            assert world.credentials_work(), point
            world.watch.at = None
            assert world.call(FUNCTION, event)["done"], point
            assert_moved(world, other)


@each_way
def test_an_activation_in_flight_across_a_move_wins(stage: Stage, home: str, other: str) -> None:
    """The move comes at each of its calls, in the old home."""
    name = new_name()
    with stage.world(name) as world:
        event = begin(world, home, other)
        kept_in(home)
        world.connect_again()
        calls = [call for call in world.watch.calls if call.function == "access_token"]
        kept_in(other)
        assert world.call(FUNCTION, event)["done"]
    assert len(calls) > 5
    for call in calls:
        with stage.world(name) as world:
            event = begin(world, home, other)
            kept_in(home)

            def move(world: WatchedWorld = world, event: dict[str, Any] = event) -> None:
                kept_in(other)
                world.call(FUNCTION, event)
                kept_in(home)

            world.watch.at, world.watch.then = Point("before", call), move
            world.connect_again()
            assert world.watch.is_past, call
            assert world.credentials_work(), call
            kept_in(other)
            assert world.call(FUNCTION, event)["done"], call
            assert_moved(world, other)


def test_a_claimed_stores_move_that_is_killed_at_any_moment_is_finished_and_then_its_event_is_published(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORELINK_UNCLAIMED_ON_ROWS", "true")

    def claimed(world: WatchedWorld) -> None:
        world.connect()
        world.events()
        claim(world, "acme")
        world.watch.calls.clear()

    with stage.world() as world:
        claimed(world)
        world.run_rules()
        calls = list(world.watch.calls)
    assert len(calls) > 8
    for point in [Point(when, call) for call in calls for when in WHEN]:
        with stage.world() as world:
            claimed(world)
            world.watch.at = point
            with pytest.raises(Died):
                world.run_rules()
            CLOCK.wait(activations.SWEEP_DELAY + 1)
            world.call("SweepFunction", sample("sweep.json"))
            world.run_rules()
            assert {(kind, "secret_arn" in detail) for kind, detail in world.events()} == {("Store Claimed", True)}, (
                point
            )
            assert "pending_events" not in world.connection(), point
            assert_moved(world, "secretsmanager")


def test_what_is_left_over_is_deleted_once_it_is_quiet_and_only_when_asked(watched: WatchedWorld) -> None:
    event = begin(watched, "secretsmanager", "dynamodb")
    assert watched.call(FUNCTION, event)["moved"] == 1
    assert watched.call(FUNCTION, event)["deleted"] == 0  # it has just been moved
    age(watched)
    assert watched.call(FUNCTION, event | {"delete_left_over": False})["deleted"] == 0
    secret_arn = watched.connection()["secret_arn"]
    assert watched.call(FUNCTION, event)["deleted"] == 1
    assert "secret_arn" not in watched.connection()
    assert "DeletedDate" in watched.aws.client("secretsmanager").describe_secret(SecretId=secret_arn)
    assert watched.credentials_work()
    assert watched.call(FUNCTION, event)["deleted"] == 0


def test_what_was_deleted_comes_back_by_moving_back(watched: WatchedWorld) -> None:
    event = begin(watched, "secretsmanager", "dynamodb")
    watched.call(FUNCTION, event)
    age(watched)
    assert watched.call(FUNCTION, event)["deleted"] == 1
    kept_in("secretsmanager")
    assert watched.call(FUNCTION, event)["moved"] == 1
    assert_moved(watched, "secretsmanager")


def test_a_slice_ends_in_time_and_the_next_one_goes_on(watched: WatchedWorld) -> None:
    event = begin(watched, "secretsmanager", "dynamodb")
    counts, done = migrate_credentials.migrate(lambda: 0, event["shards"], delete_left_over=False)
    assert (counts["moved"], done) == (0, False)
    assert watched.call(FUNCTION, event)["moved"] == 1


def test_a_connection_that_is_forgotten_leaves_no_credentials_behind(watched: WatchedWorld) -> None:
    event = begin(watched, "dynamodb", "secretsmanager")
    connections_id = {"pathParameters": {"connection_id": watched.store.connection_id}}

    def forget() -> None:
        assert watched.call("ForgetFunction", request("DELETE", "/connections", **connections_id))["statusCode"] == 200

    watched.watch.at, watched.watch.then = (
        Point("before", Call("migrate_credentials", "secretsmanager.PutSecretValue")),
        forget,
    )
    watched.call(FUNCTION, event)
    assert watched.watch.is_past
    with pytest.raises(Invalid, match="not connected"):
        watched.credentials()
    assert "encrypted_credentials" not in watched.connection()


@pytest.mark.parametrize("meanwhile", ["activation_id", "backend", "changed_at"])
def test_a_connection_of_which_something_has_become_meanwhile_is_left(watched: WatchedWorld, meanwhile: str) -> None:
    watched.connect()
    before = watched.connection()
    with pytest.raises(dynamodb.Conflict):
        migrate_credentials._write(before | {meanwhile: "as it was"}, {"backend": "elsewhere"})
    assert watched.connection() == before


@pytest.mark.parametrize("meanwhile", [{"backend": "secretsmanager"}, {"secret_arn": "another"}], ids=str)
def test_a_secret_that_is_in_use_again_stays_on_the_row(
    watched: WatchedWorld, meanwhile: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.call(FUNCTION, begin(watched, "secretsmanager", "dynamodb"))
    age(watched)
    table, key = watched.aws.outputs["ConnectionsTableName"], {"connection_id": watched.store.connection_id}

    def delete(_: str) -> None:
        dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=meanwhile)

    monkeypatch.setattr(secretsmanager, "delete", delete)
    with pytest.raises(dynamodb.Conflict):
        migrate_credentials._delete_left_over(watched.connection())
    assert "secret_arn" in watched.connection()


@pytest.mark.parametrize(("field", "value"), [("shards", "xyz"), ("shards", 7), ("delete_left_over", "yes")])
def test_a_wrong_input_is_named(watched: WatchedWorld, field: str, value: object) -> None:
    with pytest.raises(Invalid, match=field):
        watched.call(FUNCTION, sample("migrate_credentials.json") | {field: value})
