"""Nothing is lost: what was left undone is found by the sweep, and done."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.config import default_user_config

from local.aws import LocalAws, make_state_machine
from local.template import Template, state_machine_arn
from storelink import aws as doors
from storelink import observability
from storelink.advice import REASONS
from storelink.aws import dynamodb
from storelink.jobs import batch, sweep
from storelink.models import EXPIRATION_PERIOD, ActivationId
from storelink.state import activations, connections
from storelink.state.activations import SWEEP_SHARDS, shard
from tests.world import World, sample

OVER = sweep.EXECUTION_SECONDS + 1
SERVICES = ("dynamodb", "stepfunctions", "events", "secretsmanager", "kms")


def swept(world: World) -> dict[str, int]:
    """What a run of the sweep did."""
    counts: dict[str, int] = world.call("SweepFunction", sample("sweep.json"))
    return counts


@pytest.fixture(autouse=True)
def nothing_left(world: World) -> None:
    """Each test begins with nothing to sweep: what other tests left behind is marked as finished."""
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ActivationsTableName"]
    for item in client.scan(TableName=table, IndexName="unfinished")["Items"]:
        client.update_item(
            TableName=table, Key={"integration_key": item["integration_key"]}, UpdateExpression="REMOVE sweep_shard"
        )


@contextlib.contextmanager
def refusing(service: str, operation: str) -> Iterator[None]:
    """AWS does not take these calls of the functions."""
    client = doors.client(service)
    name = f"before-parameter-build.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServiceError"}}, operation)

    client.meta.events.register(name, refuse)
    try:
        yield
    finally:
        client.meta.events.unregister(name, refuse)


@contextlib.contextmanager
def executing(aws: LocalAws) -> Iterator[None]:
    """The state machine runs for real: its executions call the functions' own processes."""
    told = default_user_config["stepfunctions"]
    told["execute_state_machine"] = True
    try:
        if not aws.client("stepfunctions").list_state_machines()["stateMachines"]:
            names = {logical: function.name for logical, function in aws.functions.items()}
            make_state_machine(aws, aws.stack, names, Template.read())
        yield
    finally:
        told["execute_state_machine"] = False


def ended(world: World, activation_id: str) -> dict[str, Any]:
    """The row of an activation, once it is connected and the app was told."""
    end = time.monotonic() + 60
    while (row := world.row(activation_id))["state"] != "connected" or "pending_events" in world.connection():
        assert time.monotonic() < end, row
        time.sleep(0.02)
    return row


def aged(world: World, activation_id: str, seconds: int) -> None:
    """Let the row of an activation be as old as that."""
    line = ActivationId.from_text(activation_id).integration_key
    row = world.row(activation_id)
    dynamodb.update(
        world.aws.outputs["ActivationsTableName"],
        {"integration_key": line},
        condition="attribute_exists(#integration_key)",
        values={},
        changes={name: row[name] - seconds * 1000 for name in ("updated_at", "received_at", "sweep_at")},
    )


def lost_start(world: World) -> str:
    """An activation whose execution could not be started. Its id."""
    form = world.shop.activate("http://app.invalid/callback").form
    with refusing("stepfunctions", "StartExecution"):
        assert world.post(form)["status"] == 503
    found = dynamodb.page(
        world.aws.outputs["ActivationsTableName"],
        "by_consumer_key",
        {"consumer_key": form["oauth_consumer_key"]},
        dynamodb.PAGE_SIZE,
    )[0]
    (row,) = found
    return str(activations.id_of(row))


def waiting_token(world: World) -> str:
    """An activation that failed because Secrets Manager did not take its token. Its id."""
    activation_id = world.click()
    world.step("RequestTokenFunction", activation_id)
    with refusing("secretsmanager", "CreateSecret"):
        outcome = world.step("AccessTokenFunction", activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", "aws")
    assert [kind for kind, _ in world.events()] == ["Activation Failed"]
    return activation_id


def executions(world: World, activation_id: str) -> list[dict[str, Any]]:
    """The executions that were started for an activation: name and input."""
    states = world.aws.client("stepfunctions")
    found = states.list_executions(stateMachineArn=state_machine_arn(world.aws.stack))["executions"]
    return [
        {"name": one["name"], **json.loads(states.describe_execution(executionArn=one["executionArn"])["input"])}
        for one in found
        if one["name"].startswith(activation_id)
    ]


def test_a_start_that_was_lost_is_mended(world: World) -> None:
    activation_id = lost_start(world)
    aged(world, activation_id, activations.SWEEP_DELAY + 1)
    with executing(world.aws):
        assert swept(world)["started"] == 1
        ended(world, activation_id)
    assert world.credentials_work()
    assert [kind for kind, _ in world.events()] == ["Store Connected"]


def test_a_start_is_mended_under_the_activations_own_name(world: World) -> None:
    activation_id = lost_start(world)
    aged(world, activation_id, activations.SWEEP_DELAY + 1)
    swept(world)
    swept(world)
    assert executions(world, activation_id) == [{"name": activation_id, "activation_id": activation_id}]


def test_a_young_activation_is_left_alone(world: World) -> None:
    activation_id = lost_start(world)
    assert set(swept(world).values()) == {0}
    assert executions(world, activation_id) == []


def test_an_activation_that_is_too_old_for_magento_is_not_started_again(world: World) -> None:
    activation_id = lost_start(world)
    aged(world, activation_id, EXPIRATION_PERIOD + 1)
    assert set(swept(world).values()) == {0}


@pytest.mark.parametrize("steps", [[], ["RequestTokenFunction"]])
def test_an_activation_that_is_stuck_is_ended_and_told(world: World, steps: list[str]) -> None:
    activation_id = world.click()
    for step in steps:
        world.step(step, activation_id)
    aged(world, activation_id, OVER)
    assert swept(world)["ended"] == 1
    row = world.row(activation_id)
    assert (row["state"], row["reason"]) == ("failed", "unfinished")
    ((kind, detail),) = world.events()
    assert (kind, detail["activation_id"], detail["reason"]) == ("Activation Failed", activation_id, "unfinished")
    assert detail["advice"].startswith(REASONS["unfinished"].happened)
    assert set(swept(world).values()) == {0}


def test_an_operator_can_go_on_from_what_was_ended_as_stuck(world: World) -> None:
    activation_id = world.click()
    world.step("RequestTokenFunction", activation_id)
    aged(world, activation_id, OVER)
    swept(world)
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    assert world.credentials_work()


def test_a_token_is_moved_after_a_long_outage_of_secrets_manager(world: World) -> None:
    activation_id = waiting_token(world)
    aged(world, activation_id, OVER)
    with executing(world.aws):
        assert swept(world)["moved"] == 1
        ended(world, activation_id)
    assert world.connection()["activation_id"] == activation_id
    assert world.credentials_work()
    assert [kind for kind, _ in world.events()] == ["Store Connected"]
    assert [entry["endpoint"] for entry in world.shop.state()["log"]] == ["request", "access", "rest"]


def test_a_token_whose_failure_was_never_recorded_is_moved_too(world: World) -> None:
    activation_id = world.click()
    world.step("RequestTokenFunction", activation_id)
    with refusing("secretsmanager", "CreateSecret"), pytest.raises(Exception, match="aws"):
        world.call("AccessTokenFunction", {"activation_id": activation_id, "holder": activation_id})
    assert world.row(activation_id)["state"] == "exchanged"
    aged(world, activation_id, OVER)
    with executing(world.aws):
        assert swept(world)["moved"] == 1
        ended(world, activation_id)
    assert world.credentials_work()


def test_a_waiting_token_is_tried_once_an_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    activation_id = waiting_token(world)
    aged(world, activation_id, OVER)
    swept(world)
    swept(world)
    later = activations.now() + 3600 * 1000
    monkeypatch.setattr(activations, "now", lambda: later)
    swept(world)
    started = executions(world, activation_id)
    assert len({one["name"] for one in started} - {activation_id}) == 2
    assert all(len(one["name"]) <= 80 for one in started)
    assert [one["reached"] for one in started if one["name"] != activation_id] == ["exchanged"] * 2


def test_a_token_that_cannot_be_moved_again_goes_on_waiting_and_is_told_once(world: World) -> None:
    activation_id = waiting_token(world)
    with refusing("secretsmanager", "CreateSecret"):
        assert world.step("AccessTokenFunction", activation_id, holder="next")["reason"] == "aws"
    assert world.events() == []
    assert world.row(activation_id)["sweep_shard"]
    assert world.step("AccessTokenFunction", activation_id, holder="next")["state"] == "connected"


def test_a_waiting_token_of_a_store_that_a_newer_activation_connected_is_let_go(world: World) -> None:
    activation_id = waiting_token(world)
    second = world.shop.activate("http://app.invalid/callback", integration="another").form
    assert world.run(world.post(second)["activation_id"])["state"] == "connected"
    current = world.credentials()
    assert world.step("AccessTokenFunction", activation_id, holder="sweep")["reason"] == "superseded"
    assert world.credentials() == current
    row = world.row(activation_id)
    assert "sweep_shard" not in row
    assert "encrypted_secrets" not in row


def test_a_failure_that_was_not_told_is_told(world: World) -> None:
    activation_id = world.click()
    world.shop.trouble("unknown_key")
    with refusing("events", "PutEvents"), contextlib.suppress(Exception):
        world.step("RequestTokenFunction", activation_id)
    assert world.events() == []
    assert world.row(activation_id)["state"] == "failed"
    aged(world, activation_id, activations.SWEEP_DELAY + 1)
    assert swept(world)["published"] == 1
    ((kind, detail),) = world.events()
    assert (kind, detail["reason"]) == ("Activation Failed", "integration-deleted")
    assert set(swept(world).values()) == {0}
    assert world.events() == []


def told_by_the_sweep(world: World, kind: str = "Store Connected") -> dict[str, Any]:
    """Have the one change of which the app has not heard be old enough for the sweep; what the app hears."""
    assert world.events() == []
    age = {"changed_at": world.connection()["changed_at"] - (activations.SWEEP_DELAY + 1) * 1000}
    dynamodb.update(
        world.aws.outputs["ConnectionsTableName"],
        {"connection_id": world.store.connection_id},
        condition="attribute_exists(#pending_events)",
        values={},
        changes=age,
    )
    assert swept(world)["published"] == 1
    ((heard, detail),) = world.events()
    assert heard == kind
    return detail


def test_a_connection_that_was_not_told_is_told(world: World) -> None:
    activation_id = world.click()
    world.step("RequestTokenFunction", activation_id)
    with refusing("events", "PutEvents"), contextlib.suppress(Exception):
        world.step("AccessTokenFunction", activation_id)
    assert world.connection()["pending_events_shard"]
    assert told_by_the_sweep(world)["activation_id"] == activation_id
    assert not {"pending_events_shard", "pending_events"} & set(world.connection())
    assert set(swept(world).values()) == {0}


def test_a_claim_that_was_not_told_stands_and_is_told(world: World) -> None:
    world.connect()
    world.events()
    with refusing("events", "PutEvents"):
        assert connections.claim(world.store.connection_id, "acme", "an operator")["tenant"] == "acme"
    assert told_by_the_sweep(world, "Store Claimed")["tenant"] == "acme"
    assert "pending_events_shard" not in world.connection()


def test_a_bad_row_does_not_stop_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(observability.logger, "exception", lambda _, **fields: said.append(fields))
    activation_id = world.click()
    line = ActivationId.from_text(activation_id).integration_key
    bad = {
        "integration_key": "bad",
        "attempt": "one",
        "sweep_shard": shard(line, SWEEP_SHARDS),
        "sweep_at": 0,
        "state": "pending",
    }
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ActivationsTableName"]
    client.put_item(TableName=table, Item=dynamodb.item(bad))
    aged(world, activation_id, OVER)
    try:
        counts = swept(world)
    finally:
        client.delete_item(TableName=table, Key=dynamodb.item({"integration_key": "bad"}))
    assert (counts["trouble"], counts["ended"]) == (1, 1)
    assert said == [{"activation_id": "bad-one"}]


def test_an_index_that_does_not_answer_does_not_stop_the_sweep(world: World) -> None:
    with refusing("dynamodb", "Query"):
        assert swept(world)["trouble"] == 2 * len(SWEEP_SHARDS)


def test_nothing_is_begun_that_there_is_no_time_for(world: World) -> None:
    activation_id = world.click()
    aged(world, activation_id, OVER)
    assert set(sweep.run(lambda: sweep.MIN_REMAINING - 1).values()) == {0}
    assert world.row(activation_id)["state"] == "pending"


def test_a_run_that_is_cut_short_begins_elsewhere_the_next_time() -> None:
    begins = {batch.rotate(SWEEP_SHARDS, minute * 60_000)[0] for minute in range(len(SWEEP_SHARDS))}
    assert begins == set(SWEEP_SHARDS)
    assert sorted(batch.rotate(SWEEP_SHARDS, 7 * 60_000)) == sorted(SWEEP_SHARDS)


def test_more_rows_than_a_page_are_all_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "PAGE_SIZE", 2)
    client, table = world.aws.client("dynamodb"), world.aws.outputs["ActivationsTableName"]
    lines = [f"page-{number}" for number in range(5)]
    for line in lines:
        row = {"integration_key": line, "attempt": "one", "sweep_shard": "f", "sweep_at": 0}
        client.put_item(TableName=table, Item=dynamodb.item(row))
    try:
        found = [
            row["integration_key"]
            for row in dynamodb.older_than(table, "unfinished", "sweep_shard", "f", "sweep_at", 1)
        ]
    finally:
        for line in lines:
            client.delete_item(TableName=table, Key=dynamodb.item({"integration_key": line}))
    assert sorted(found) == lines


def test_the_sweep_never_scans(world: World) -> None:
    made: set[str] = set()
    for service in SERVICES:
        doors.client(service).meta.events.register("before-call", lambda model, **_: made.add(model.name))
    stuck = world.shop.activate("http://app.invalid/callback", integration="another").form
    aged(world, world.post(stuck)["activation_id"], OVER)
    aged(world, lost_start(world), activations.SWEEP_DELAY + 1)
    made.clear()
    swept(world)
    doors.client.cache_clear()
    assert made == {"Query", "GetItem", "UpdateItem", "StartExecution", "PutEvents"}


def test_a_row_expires_but_while_its_failure_is_untold(world: World) -> None:
    def marks(activation_id: str) -> set[str]:
        return {"sweep_shard", "expires_at"} & set(world.row(activation_id))

    first = world.click()
    assert marks(first) == {"sweep_shard", "expires_at"}
    world.step("RequestTokenFunction", first)
    assert marks(first) == {"sweep_shard", "expires_at"}
    world.step("AccessTokenFunction", first)
    assert marks(first) == {"expires_at"}
    assert world.row(first)["expires_at"] == pytest.approx(time.time() + activations.RETENTION, abs=60)

    second = world.click_reauthorize()
    assert marks(second) == {"sweep_shard", "expires_at"}
    world.shop.trouble("unknown_key", times=1)
    with refusing("events", "PutEvents"), contextlib.suppress(Exception):
        world.call("RequestTokenFunction", {"activation_id": second, "holder": second})
    assert marks(second) == {"sweep_shard"}
    world.step("RequestTokenFunction", second)
    assert marks(second) == {"expires_at"}


def test_a_token_that_waits_does_not_expire(world: World) -> None:
    activation_id = waiting_token(world)
    row = world.row(activation_id)
    assert "expires_at" not in row
    assert "sweep_shard" in row


def test_what_was_done_is_measured(world: World) -> None:
    aged(world, world.click(), OVER)
    function = world.aws.functions["SweepFunction"]
    assert not function.invoke(json.dumps(sample("sweep.json"))).failed
    log = Path(function._log.name).read_text()
    measured = json.loads([line for line in log.splitlines() if '"_aws"' in line][-1])
    assert measured["Ended"] == [1]
    (directive,) = measured["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Storelink"
    assert [sorted(names) for names in directive["Dimensions"]] == [["service", "stack"]]
    assert measured["stack"] == world.aws.stack
