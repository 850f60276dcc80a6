"""Twice, late, out of order: one attempt, one call to the store, and the newer activation wins."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from moto.dynamodb.models import DynamoDBBackend
from moto.secretsmanager.models import SecretsManagerBackend
from moto.stepfunctions.models import StepFunctionBackend

from storelink import credentials
from storelink.aws import dynamodb
from storelink.credentials.backend import DYNAMODB
from storelink.credentials.secretsmanager import secret_name
from storelink.errors import Unavailable
from storelink.models import EXPIRATION_PERIOD, Activation, ActivationId
from storelink.state import activations, attempts, connections, events
from tests.reliability import matrix
from tests.reliability.calls import Call, Died, Point, Send, WatchedWorld, error_answer, kill
from tests.reliability.matrix import CALLBACK_URL, STARTS
from tests.world import callback_event, request

FIRST, AGAIN, _, _, AGAIN_ON_ROWS = STARTS
STEPS = {"request_token": "RequestTokenFunction", "access_token": "AccessTokenFunction"}
CALLS = {start: [point.call for begun, point in matrix.documented_points() if begun == start][::2] for start in STARTS}
"""The calls of a handshake, in their order, by its start."""


def each_moment(*functions: str) -> pytest.MarkDecorator:
    """A test for each call of these functions."""
    calls = [call for call in CALLS[AGAIN] if call.function in functions]
    return pytest.mark.parametrize("call", [pytest.param(call, id=f"{call.function}: {call}") for call in calls])


in_both_homes = pytest.mark.parametrize(
    ("start", "call"),
    [
        pytest.param(start, call, id=f"{start}: {call}")
        for start in (AGAIN, AGAIN_ON_ROWS)
        for call in CALLS[start]
        if call.function == "access_token"
    ],
)
"""A test for each call of the access step, with credentials in either home."""


# One after the other, at each moment


@each_moment("callback", *STEPS)
def test_a_twin_that_comes_at_any_moment_changes_nothing(watched: WatchedWorld, call: Call) -> None:
    form = STARTS[AGAIN](watched)
    asked = watched.shop.state()["requests"]
    told = []

    def twin() -> None:
        event = callback_event(form) if call.function == "callback" else by_operator(watched, form)
        answer = watched.call(STEPS.get(call.function, "CallbackFunction"), event)
        told.append((answer["statusCode"], json.loads(answer["body"])))

    watched.watch.at, watched.watch.then = Point("before", call), twin
    activation_id = watched.post(form)["activation_id"]
    assert watched.run(activation_id)["state"] == "connected"
    matrix.assert_connected(watched, activation_id)
    ((status, answer),) = told
    assert (status, answer.get("error")) == (503, "busy") or answer["activation_id"] == activation_id
    assert {name: watched.shop.state()["requests"][name] - asked[name] for name in ("request", "access")} == {
        "request": 1,
        "access": 1,
    }


@each_moment(*STEPS)
def test_a_retry_that_begins_while_the_first_try_still_works_undoes_nothing(watched: WatchedWorld, call: Call) -> None:
    """Step Functions may run a function again whose answer it did not get; both come in the execution's name.

    Where the store has answered the first try and it is not written down yet, the second one can only see a refusal.
    """
    form = STARTS[AGAIN](watched)
    retried: list[str] = []

    def retry() -> None:
        event = {"activation_id": activation_id, "holder": activation_id}
        retried.append(watched.call(STEPS[call.function], event)["state"])

    watched.watch.at, watched.watch.then = Point("before", call), retry
    activation_id = watched.post(form)["activation_id"]
    assert watched.run(activation_id)["state"] == "connected"
    assert retried[0] in ("requested" if call.function == "request_token" else "connected", "failed")
    matrix.assert_connected(watched, activation_id)


@each_moment(*STEPS)
def test_an_attempt_that_is_overtaken_at_any_moment_spoils_nothing(watched: WatchedWorld, call: Call) -> None:
    assert_spoils_nothing(watched, AGAIN, call, killed=False)


@in_both_homes
def test_nor_does_one_that_is_killed_right_after(watched: WatchedWorld, start: str, call: Call) -> None:
    assert_spoils_nothing(watched, start, call, killed=True)


def assert_spoils_nothing(watched: WatchedWorld, start: str, call: Call, killed: bool) -> None:
    form = STARTS[start](watched)
    newer: list[str] = []
    was_first = False

    def overtake() -> None:
        nonlocal was_first
        with watched.watch.running("this test"):  # whose calls are not the function's
            was_first = watched.connection()["activation_id"] == activation_id
        newer.append(watched.click_reauthorize())
        assert watched.run(newer[0])["state"] == "connected"
        if killed:
            watched.watch.at, watched.watch.then = Point("after", call), kill

    watched.watch.at, watched.watch.then = Point("before", call), overtake
    activation_id = watched.post(form)["activation_id"]
    outcome = watched.run(activation_id)
    assert outcome["state"] == ("connected" if was_first and not killed else "superseded")
    matrix.assert_connected(watched, newer[0])


@pytest.mark.parametrize(
    "call",
    [
        Call("request_token", "dynamodb.UpdateItem", 2),
        Call("access_token", "secretsmanager.CreateSecret"),
        Call("access_token", "dynamodb.TransactWriteItems"),
    ],
    ids=str,
)
def test_an_attempt_does_not_write_what_it_got_into_a_newer_one(watched: WatchedWorld, call: Call) -> None:
    newer: list[str] = []
    watched.watch.at, watched.watch.then = Point("before", call), lambda: newer.append(watched.click_reauthorize())
    assert watched.run(watched.post(STARTS[FIRST](watched))["activation_id"])["state"] == "superseded"
    assert watched.row(newer[0])["state"] == "pending"
    assert watched.run(newer[0])["state"] == "connected"
    matrix.assert_connected(watched, newer[0])


def test_nor_does_it_fail_a_newer_one(watched: WatchedWorld) -> None:
    newer: list[str] = []
    watched.shop.trouble("signature_invalid", times=1, endpoint="request")
    watched.watch.at = Point("before", Call("request_token", "dynamodb.UpdateItem", 2))
    watched.watch.then = lambda: newer.append(watched.click_reauthorize())
    older = watched.post(STARTS[FIRST](watched))["activation_id"]
    assert watched.run(older)["state"] == "superseded"
    error = {"Error": "States.Timeout", "Cause": ""}
    outcome = watched.call("RecordFailureFunction", {"activation_id": older, "error": error})
    assert outcome["state"] == "superseded"
    assert watched.row(newer[0])["state"] == "pending"
    assert watched.run(newer[0])["state"] == "connected"


def test_two_runs_that_the_store_refuses_fail_and_tell_it_once(watched: WatchedWorld) -> None:
    watched.shop.trouble("signature_invalid", endpoint="request")
    activation_id = watched.post(STARTS[FIRST](watched))["activation_id"]
    by_retry = {"activation_id": activation_id, "holder": activation_id}

    def retry() -> None:
        watched.call("RequestTokenFunction", by_retry)

    watched.watch.at, watched.watch.then = Point("before", Call("request_token", "dynamodb.UpdateItem", 2)), retry
    assert watched.run(activation_id)["reason"] == "signature-invalid"
    assert [kind for kind, _ in watched.events()] == ["Activation Failed"]


def test_two_runs_that_connect_a_store_tell_it_once(watched: WatchedWorld) -> None:
    activation_id = watched.post(STARTS[FIRST](watched))["activation_id"]
    by_retry = {"activation_id": activation_id, "holder": activation_id}

    def retry() -> None:
        watched.call("AccessTokenFunction", by_retry)

    watched.watch.at, watched.watch.then = Point("before", Call("access_token", "dynamodb.TransactWriteItems")), retry
    assert watched.run(activation_id)["state"] == "connected"
    assert [kind for kind, _ in watched.events()] == ["Store Connected"]


def test_a_step_of_what_has_failed_for_good_only_says_so(watched: WatchedWorld) -> None:
    watched.shop.trouble("signature_invalid", endpoint="request")
    activation_id = watched.post(STARTS[FIRST](watched))["activation_id"]
    by_operator = {"activation_id": activation_id, "holder": "an operator"}
    for _ in range(2):
        assert watched.call("RequestTokenFunction", by_operator)["reason"] == "signature-invalid"
    assert watched.shop.state()["requests"]["request"] == 1


def test_an_activation_has_one_sign_in(watched: WatchedWorld) -> None:
    activation_id = ActivationId.from_text(watched.connect())
    for _ in range(2):
        attempts.record_sign_in(activation_id, "one", "acme")
    with pytest.raises(dynamodb.Conflict):
        attempts.record_sign_in(activation_id, "another", "acme")


@each_moment("access_token")
def test_a_newer_attempt_that_has_kept_its_credentials_is_not_undone(
    watched: WatchedWorld, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer one dies between Secrets Manager and DynamoDB; the older one goes on; then the newer one's retry."""
    assert_not_undone(watched, AGAIN, call, monkeypatch)


def test_nor_are_the_first_credentials_of_a_store(watched: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_not_undone(watched, FIRST, Call("access_token", "secretsmanager.CreateSecret"), monkeypatch)


def test_nor_is_one_that_is_connected_by_an_older_one_that_dies(watched: WatchedWorld) -> None:
    """The newer one is current before the older one looks. Did that move the label then, nobody would move it back."""
    form, newer = STARTS[AGAIN](watched), list[str]()

    def overtake() -> None:
        newer.append(watched.click_reauthorize())
        assert watched.run(newer[0])["state"] == "connected"
        watched.watch.at = Point("after", Call("access_token", "secretsmanager.UpdateSecretVersionStage"))
        watched.watch.then = kill

    watched.watch.at = Point("before", Call("access_token", "secretsmanager.DescribeSecret"))
    watched.watch.then = overtake
    assert watched.run(watched.post(form)["activation_id"])["state"] == "superseded"
    matrix.assert_connected(watched, newer[0])


def assert_not_undone(watched: WatchedWorld, start: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    form = STARTS[start](watched)
    newer: list[str] = []

    def overtake() -> None:
        newer.append(watched.click_reauthorize())
        watched.step("RequestTokenFunction", newer[0])
        with monkeypatch.context() as patch:
            patch.setattr(connections, "connect", lambda *_: kill())
            with pytest.raises(Died):
                watched.call("AccessTokenFunction", {"activation_id": newer[0], "holder": newer[0]})

    watched.watch.at, watched.watch.then = Point("before", call), overtake
    watched.run(watched.post(form)["activation_id"])
    assert watched.step("AccessTokenFunction", newer[0])["state"] == "connected"
    matrix.assert_connected(watched, newer[0])


@in_both_homes
def test_an_older_integration_that_ends_last_does_not_replace_the_newer_ones_credentials(
    watched: WatchedWorld, start: str, call: Call
) -> None:
    """Killed on its way or not: each point's crash is mended by the retry."""
    if start == AGAIN_ON_ROWS:
        os.environ["STORELINK_CREDENTIAL_STORE"] = DYNAMODB
    older = watched.post(watched.shop.activate(CALLBACK_URL, integration="one").form)["activation_id"]
    newer = watched.post(watched.shop.activate(CALLBACK_URL, integration="two").form)["activation_id"]
    assert watched.run(newer)["state"] == "connected"
    kept = watched.credentials()
    watched.watch.at = Point("after", call)
    outcome = watched.run(older)
    assert (outcome["state"], outcome["reason"]) in (("failed", "superseded"), ("failed", "reauthorize"))
    assert watched.credentials() == kept
    matrix.assert_connected(watched, newer)


def test_a_newer_integration_replaces_the_older_ones_credentials(watched: WatchedWorld) -> None:
    older = watched.post(watched.shop.activate(CALLBACK_URL, integration="one").form)["activation_id"]
    newer = watched.post(watched.shop.activate(CALLBACK_URL, integration="two").form)["activation_id"]
    assert watched.run(older)["state"] == "connected"
    assert watched.run(newer)["state"] == "connected"
    matrix.assert_connected(watched, newer)


def test_what_goes_on_while_its_failure_is_told_is_not_over(watched: WatchedWorld) -> None:
    activation_id = watched.post(watched.shop.activate(CALLBACK_URL).form)["activation_id"]

    def go_on() -> None:
        assert watched.step("RequestTokenFunction", activation_id, holder="an operator")["state"] == "requested"

    watched.watch.at, watched.watch.then = Point("before", Call("record_failure", "events.PutEvents")), go_on
    event = {"activation_id": activation_id, "error": {"Error": "Lambda.Unknown", "Cause": "{}"}}
    assert watched.call("RecordFailureFunction", event)["reason"] == "unfinished"
    assert watched.watch.is_past
    assert "sweep_shard" in watched.row(activation_id)


def test_nor_is_an_attempt_that_begins_in_the_millisecond_of_the_failure(
    watched: WatchedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, newer = activations.now(), list[str]()
    monkeypatch.setattr(activations, "now", lambda: now)
    watched.shop.trouble("signature_invalid", endpoint="request")
    activation_id = watched.post(watched.shop.activate(CALLBACK_URL).form)["activation_id"]
    watched.watch.at = Point("before", Call("request_token", "events.PutEvents"))
    watched.watch.then = lambda: newer.append(watched.click_reauthorize())
    watched.run(activation_id)
    assert "sweep_shard" in watched.row(newer[0])


def test_a_failure_that_comes_late_does_not_undo_what_is_connected(watched: WatchedWorld) -> None:
    activation_id = watched.connect()
    error = {"Error": "States.Timeout", "Cause": ""}
    outcome = watched.call("RecordFailureFunction", {"activation_id": activation_id, "error": error})
    assert outcome["state"] == "connected"
    matrix.assert_connected(watched, activation_id)


def test_a_run_that_died_keeps_others_out_for_its_lease_and_no_longer(
    watched: WatchedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    activation_id = watched.click()
    watched.watch.at = Point("before", Call("request_token", "store POST oauth/token/request"))
    with pytest.raises(Died):
        watched.call("RequestTokenFunction", {"activation_id": activation_id, "holder": "who died"})
    by_another = {"activation_id": activation_id, "holder": "another"}
    with pytest.raises(Unavailable, match="busy"):
        watched.call("RequestTokenFunction", by_another)
    later = activations.now() + activations.LEASE_SECONDS * 1000 + 1
    monkeypatch.setattr(activations, "now", lambda: later)
    assert watched.call("RequestTokenFunction", by_another)["state"] == "requested"


# Forgotten, told


def test_a_change_that_comes_while_another_is_published_is_published_too(watched: WatchedWorld) -> None:
    """Whoever made the change died before it was published."""

    def forget() -> None:
        connections.forget(watched.store.connection_id, "an operator")

    watched.watch.at, watched.watch.then = Point("after", Call("access_token", "events.PutEvents")), forget
    watched.connect()
    assert [kind for kind, _ in watched.events()] == ["Store Connected", "Store Disconnected"]
    assert not {"pending_events", "pending_events_shard"} & set(watched.connection())


def test_a_claim_while_it_connects_again_is_kept(connected: WatchedWorld) -> None:
    def claim() -> None:
        connections.claim(connected.store.connection_id, "acme", "an operator")

    call = Call("access_token", "dynamodb.TransactWriteItems", 2)
    connected.watch.at, connected.watch.then = Point("before", call), claim
    connected.connect_again()
    assert connected.watch.is_past
    row = connected.connection()
    assert (row["tenant"], row.get("unclaimed_shard")) == ("acme", None)


def refuse(*_: object) -> None:
    raise Unavailable("aws")


def test_two_who_shorten_a_history_take_the_oldest_changes_once(connected: WatchedWorld) -> None:
    row, table = connected.connection(), connected.aws.outputs["ConnectionsTableName"]
    changes = [{"at": nth, "what": "claimed"} for nth in range(connections.HISTORY_LENGTH + 2)]
    key = {"connection_id": connected.store.connection_id}
    pending = {"history": changes, "pending_events": changes[-1:]}
    row = dynamodb.update(table, key, "attribute_exists(#store)", {}, pending)
    events.publish_changes(row)
    events.publish_changes(row)
    assert connected.connection()["history"] == changes[2:]


def test_a_store_that_is_forgotten_twice_at_once_is_kept_from_connecting_until_both_are_done(
    connected: WatchedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again_and_not_to_its_end() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(credentials, "delete", refuse)
            with pytest.raises(Unavailable):
                connections.forget(connected.store.connection_id, "an operator")

    connected.watch.at = Point("before", Call("forget", "dynamodb.UpdateItem", 2))
    connected.watch.then = again_and_not_to_its_end
    path = {"pathParameters": {"connection_id": connected.store.connection_id}}
    assert connected.call("ForgetFunction", request("DELETE", "/connections", **path))["statusCode"] == 200
    assert connected.watch.is_past
    assert connected.connection()["forgotten_at"] > activations.now()


def by_operator(world: WatchedWorld, form: dict[str, str]) -> dict[str, Any]:
    """An operator's call of a step, for the activation that a form began."""
    row = world.row_of(form)
    body = json.dumps({"activation_id": f"{row['integration_key']}-{row['attempt']}"})
    return request("POST", "/step", body=body)


# At the same moment


@pytest.fixture
def one_write_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In AWS a conditional write is one thing; in moto another thread's can come between its check and its write."""
    lock = threading.RLock()

    def locked(method: Callable[..., Any]) -> Callable[..., Any]:
        def alone(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return method(*args, **kwargs)

        return alone

    for backend, names in {
        DynamoDBBackend: ("update_item", "transact_write_items", "get_item", "query"),
        StepFunctionBackend: ("start_execution",),
        SecretsManagerBackend: ("create_secret", "put_secret_value", "update_secret_version_stage", "describe_secret"),
    }.items():
        for name in names:
            monkeypatch.setattr(backend, name, locked(getattr(backend, name)))


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What calls answer that are made at the same moment."""
    barrier = threading.Barrier(len(calls))

    def call(what: Callable[[], Any]) -> Any:
        barrier.wait()
        return what()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def executions(world: WatchedWorld, form: dict[str, str]) -> set[str]:
    """The executions of the activations that live in a form's row."""
    states = world.aws.client("stepfunctions")
    found = states.list_executions(stateMachineArn=world.aws.outputs["StateMachineArn"])["executions"]
    return {one["name"] for one in found if one["name"].startswith(Activation.from_form(form).integration_key)}


@pytest.mark.usefixtures("one_write_at_a_time")
def test_fifty_posts_of_one_click_are_one_attempt(watched: WatchedWorld) -> None:
    form = watched.shop.activate(CALLBACK_URL).form
    answers = at_once([lambda: watched.post(form)] * 50)
    assert {answer["status"] for answer in answers} == {200}
    (activation_id,) = {answer["activation_id"] for answer in answers}
    assert executions(watched, form) == {activation_id}
    assert watched.run(activation_id)["state"] == "connected"
    matrix.assert_connected(watched, activation_id)


@pytest.mark.usefixtures("one_write_at_a_time")
def test_of_fifty_posts_with_two_verifiers_one_attempt_wins(watched: WatchedWorld) -> None:
    old = watched.shop.activate(CALLBACK_URL).form
    new = watched.shop.reauthorize(CALLBACK_URL).form
    assert old["oauth_verifier"] != new["oauth_verifier"]
    answers = at_once([lambda: watched.post(old), lambda: watched.post(new)] * 25)
    began = {answer["activation_id"] for answer in answers}
    row = watched.row_of(new)
    winner = f"{row['integration_key']}-{row['attempt']}"
    assert winner in began
    assert executions(watched, new) == began
    ends = {activation_id: watched.run(activation_id) for activation_id in [*sorted(began - {winner}), winner]}
    assert {end["state"] for activation_id, end in ends.items() if activation_id != winner} <= {"superseded"}
    if row["fingerprint"] == Activation.from_form(new).fingerprint:
        assert ends[winner]["state"] == "connected"
    else:  # the old verifier came last, and the store does not take it any more
        assert ends[winner]["reason"] == "verifier-mismatch"
        winner = watched.click_reauthorize()
        assert watched.run(winner)["state"] == "connected"
    matrix.assert_connected(watched, winner)


@pytest.mark.usefixtures("one_write_at_a_time")
@pytest.mark.parametrize("round_", range(5))
def test_the_state_machine_and_an_operator_at_the_same_moment(watched: WatchedWorld, round_: int) -> None:
    form = watched.shop.activate(CALLBACK_URL).form
    activation_id = watched.post(form)["activation_id"]
    for function, state in (("RequestTokenFunction", "requested"), ("AccessTokenFunction", "connected")):

        def by(holder: str, function: str = function) -> str:
            try:
                return str(watched.call(function, {"activation_id": activation_id, "holder": holder})["state"])
            except Exception as error:
                return str(error).partition(":")[0]

        told = at_once([lambda: by(activation_id), lambda: by("an operator")])
        assert state in told
        assert set(told) <= {state, "busy"}
    asked = watched.shop.state()["requests"]
    assert (asked["request"], asked["access"]) == (1, 1)
    matrix.assert_connected(watched, activation_id)


# Late


@pytest.fixture
def connected(watched: WatchedWorld) -> WatchedWorld:
    """A world whose store is connected."""
    watched.connect()
    watched.events()
    return watched


def put_back(world: WatchedWorld, activation_id: str, seconds: int) -> None:
    """Make an activation that much older."""
    row = world.row(activation_id)
    dynamodb.update(
        world.aws.outputs["ActivationsTableName"],
        {"integration_key": row["integration_key"]},
        condition="attribute_exists(#received_at)",
        values={},
        changes={"received_at": row["received_at"] - seconds * 1000},
    )


def test_a_request_step_after_the_expiry_asks_nothing_of_the_store(watched: WatchedWorld) -> None:
    activation_id = watched.click()
    put_back(watched, activation_id, EXPIRATION_PERIOD + 1)
    outcome = watched.run(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", "expired")
    assert watched.shop.state()["requests"]["request"] == 0
    healed = watched.click_reauthorize()
    assert watched.run(healed)["state"] == "connected"
    matrix.assert_connected(watched, healed)


def test_the_same_post_after_the_expiry_is_a_new_attempt(watched: WatchedWorld) -> None:
    form = watched.shop.activate(CALLBACK_URL).form
    first = watched.post(form)["activation_id"]
    put_back(watched, first, EXPIRATION_PERIOD + 1)
    second = watched.post(form)["activation_id"]
    assert watched.run(first)["state"] == "superseded"
    assert watched.run(second)["state"] == "connected"
    matrix.assert_connected(watched, second)


def test_an_access_step_may_come_an_hour_late(watched: WatchedWorld) -> None:
    activation_id = watched.click()
    watched.step("RequestTokenFunction", activation_id)
    put_back(watched, activation_id, 3600)
    assert watched.step("AccessTokenFunction", activation_id)["state"] == "connected"
    matrix.assert_connected(watched, activation_id)


@pytest.mark.parametrize("function", STEPS.values())
def test_a_step_whose_row_has_expired_says_so(watched: WatchedWorld, function: str) -> None:
    activation_id = watched.click()
    line = watched.row(activation_id)["integration_key"]
    watched.aws.client("dynamodb").delete_item(
        TableName=watched.aws.outputs["ActivationsTableName"], Key={"integration_key": {"S": line}}
    )
    answer = watched.call(function, request("POST", "/step", body=json.dumps({"activation_id": activation_id})))
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (404, "not-found")
    assert watched.row(activation_id) == {}


def test_a_connection_removed_by_hand_comes_back_by_reauthorizing(connected: WatchedWorld) -> None:
    remove_connection(connected)
    activation_id = connected.click_reauthorize()
    assert connected.run(activation_id)["state"] == "connected"
    matrix.assert_connected(connected, activation_id)


def test_a_connection_removed_by_hand_does_not_come_back_by_itself(connected: WatchedWorld) -> None:
    activation_id = connected.connection()["activation_id"]
    remove_connection(connected)
    assert connected.step("AccessTokenFunction", activation_id)["state"] == "connected"
    assert connected.connection() == {}
    assert connected.events() == []


def remove_connection(world: WatchedWorld) -> None:
    key = {"connection_id": {"S": world.store.connection_id}}
    world.aws.client("dynamodb").delete_item(TableName=world.aws.outputs["ConnectionsTableName"], Key=key)


@pytest.mark.parametrize("at_once_", [True, False], ids=["at once", "in 30 days"])
def test_a_secret_deleted_by_hand_comes_back_by_reauthorizing(connected: WatchedWorld, at_once_: bool) -> None:
    delete_secret(connected, at_once_)
    activation_id = connected.click_reauthorize()
    assert connected.run(activation_id)["state"] == "connected"
    matrix.assert_connected(connected, activation_id)


@pytest.mark.parametrize("at_once_", [True, False], ids=["at once", "in 30 days"])
def test_a_secret_deleted_under_way_loses_nothing(connected: WatchedWorld, at_once_: bool) -> None:
    def scheduled(call: Call, send: Send) -> AWSResponse | None:
        """A secret that is to be deleted takes no value; moto's does."""
        secret = connected.aws.client("secretsmanager").describe_secret(SecretId=connected.connection()["secret_arn"])
        return error_answer("InvalidRequestException") if "DeletedDate" in secret else None

    if not at_once_:
        connected.watch.instead = lambda call, send: scheduled(call, send) if "PutSecretValue" in call.name else None
    asked = connected.shop.state()["requests"]["access"]
    connected.watch.at = Point("before", Call("access_token", "secretsmanager.PutSecretValue"))
    connected.watch.then = lambda: delete_secret(connected, at_once_)
    activation_id = connected.click_reauthorize()
    assert connected.run(activation_id)["state"] == "connected"
    matrix.assert_connected(connected, activation_id)
    assert connected.shop.state()["requests"]["access"] == asked + 1


def delete_secret(world: WatchedWorld, at_once_: bool) -> None:
    world.aws.client("secretsmanager").delete_secret(
        SecretId=secret_name(world.aws.stack, world.store), ForceDeleteWithoutRecovery=at_once_
    )
