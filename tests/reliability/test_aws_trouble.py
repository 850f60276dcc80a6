"""AWS refuses, or does it and does not say so: for a moment, or for longer than the SDK asks again."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from storelink import aws as doors
from storelink.errors import Unavailable
from tests.reliability import matrix
from tests.reliability.calls import PUTTING, Call, Point, Send, Watch, WatchedWorld, answer, error_answer
from tests.reliability.matrix import CLICK, CONNECTED, REAUTHORIZE, RECREATE, STARTS, Stage

FIRST, AGAIN, _, FIRST_ON_ROWS, AGAIN_ON_ROWS = STARTS
KEEPING = [Call("access_token", "kms.Encrypt"), Call("access_token", "dynamodb.TransactWriteItems")]
"""The calls that keep credentials on a connection's row."""

CALLS = {
    call: start
    for start in (AGAIN, FIRST)  # the first one wins: a reauthorization where it has a call of its own
    for begun, point in matrix.documented_points()
    if (begun, call := point.call)[0] == start and not call.is_to_store
}
FAILING = [*((start, call) for call, start in CALLS.items()), *((AGAIN_ON_ROWS, call) for call in KEEPING)]
"""Every call to AWS, and the start in which it is made to fail."""


def throttled(send: Send) -> AWSResponse:
    """Too many requests; nothing was done."""
    return error_answer("ThrottlingException")


def over_capacity(send: Send) -> AWSResponse:
    """DynamoDB's own way to say so."""
    return error_answer("ProvisionedThroughputExceededException")


def broken(send: Send) -> AWSResponse:
    """An error of AWS' own; nothing was done."""
    return error_answer("InternalServerError", 500)


def lost(send: Send) -> AWSResponse:
    """It is done, and the answer never comes."""
    send()
    raise ReadTimeoutError(endpoint_url="https://aws.invalid")


Trouble = Callable[[Send], AWSResponse]


def refused(call: Call) -> Trouble:
    """How the service says that it is too much."""
    return over_capacity if call.name.startswith("dynamodb") else throttled


def for_a_moment(watch: Watch, call: Call, *troubles: Trouble) -> None:
    """Let the first tries of a call meet one trouble each."""
    left = list(troubles)
    watch.instead = lambda now, send: left.pop(0)(send) if left and now == call else None


def for_an_invocation(watch: Watch, call: Call, trouble: Trouble) -> None:
    """Let this call meet the trouble, and each later one by its name, until the function ends."""
    met: list[int] = []

    def instead(now: Call, send: Send) -> AWSResponse | None:
        if (now.function, now.name) != (call.function, call.name) or now.nth < call.nth:
            return None
        met.append(len(watch.runs))
        return trouble(send) if met[0] == met[-1] else None

    watch.instead = instead


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits between its tries; here it does not."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def world(stage: Stage) -> Iterator[WatchedWorld]:
    """A new world, and new clients: the SDK counts its retries by client, and at some time has had enough."""
    doors.client.cache_clear()
    with stage.world() as made:
        yield made


def moments(call: Call) -> list[tuple[Trouble, ...]]:
    """The troubles that the SDK outlasts: as many in a row as it tries again, each of them once."""
    troubles = (refused(call), broken, lost)
    in_a_row = doors.RETRIES.get(call.service, len(troubles))
    return [troubles[at : at + in_a_row] for at in range(0, len(troubles), in_a_row)]


@pytest.mark.parametrize(
    ("start", "call", "troubles"),
    [
        pytest.param(
            start, call, troubles, id=f"{start}: {call.function}: {call}: {[one.__name__ for one in troubles]}"
        )
        for start, call in FAILING
        for troubles in moments(call)
    ],
)
def test_the_sdk_outlasts_a_moment(world: WatchedWorld, start: str, call: Call, troubles: tuple[Trouble, ...]) -> None:
    """After a lost answer it meets its own write: a condition that fails once."""
    form = STARTS[start](world)
    world.watch.runs.clear()
    for_a_moment(world.watch, call, *troubles)
    assert matrix.outcome_of(world, form) == CONNECTED
    assert world.watch.runs == ["callback", "request_token", "access_token"]


@pytest.mark.parametrize(
    ("start", "call", "trouble"),
    [
        pytest.param(start, call, trouble, id=f"{trouble.__name__}: {start}: {call.function}: {call}")
        for start, call in FAILING
        for trouble in (refused(call), broken, lost)
    ],
)
def test_a_retry_outlasts_what_the_sdk_does_not(world: WatchedWorld, start: str, call: Call, trouble: Trouble) -> None:
    form = STARTS[start](world)
    world.watch.runs.clear()
    for_an_invocation(world.watch, call, trouble)
    end = matrix.outcome_of(world, form)
    if call.function != "callback" and has_the_only_copy(call) and not (trouble is lost and "UpdateItem" in call.name):
        assert end == (RECREATE if call.function == "request_token" else REAUTHORIZE)
    elif call.function == "callback" and not (trouble is lost and "StartExecution" in call.name):
        assert end == CLICK
    else:
        assert end == CONNECTED
    asked = world.shop.state()["requests"]
    assert end in (REAUTHORIZE, RECREATE) or asked["access"] == asked["request"]


def has_the_only_copy(call: Call) -> bool:
    """The calls after the store has answered, without which nothing can be kept of the answer."""
    return call == Call("request_token", "dynamodb.UpdateItem", 2)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (FIRST, "secretsmanager.CreateSecret"),
        (FIRST_ON_ROWS, "kms.Encrypt"),
        (FIRST_ON_ROWS, "dynamodb.TransactWriteItems"),
    ],
)
def test_credentials_that_their_home_does_not_take_wait_sealed(world: WatchedWorld, start: str, name: str) -> None:
    form = matrix.STARTS[start](world)
    activation_id = world.post(form)["activation_id"]
    world.step("RequestTokenFunction", activation_id)
    for_an_invocation(world.watch, Call("access_token", name), broken)
    with pytest.raises(Unavailable):
        world.call("AccessTokenFunction", {"activation_id": activation_id, "holder": activation_id})
    row = world.row(activation_id)
    assert (row["state"], "encrypted_secrets" in row) == ("exchanged", True)
    assert world.connection() == {}
    assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"
    matrix.assert_connected(world, activation_id)
    assert world.shop.state()["requests"]["access"] == 1


def test_what_was_kept_without_an_answer_is_not_sealed_over_what_a_retry_connected(world: WatchedWorld) -> None:
    activation_id = world.post(matrix.STARTS[FIRST](world))["activation_id"]
    world.step("RequestTokenFunction", activation_id)
    event = {"activation_id": activation_id, "holder": activation_id}

    def retry() -> None:
        assert world.call("AccessTokenFunction", event)["state"] == "connected"

    for_an_invocation(world.watch, Call("access_token", "secretsmanager.CreateSecret"), lost)
    world.watch.at, world.watch.then = Point("before", Call("access_token", "dynamodb.UpdateItem", 2)), retry
    with pytest.raises(Unavailable):
        world.call("AccessTokenFunction", event)
    assert world.watch.is_past
    matrix.assert_connected(world, activation_id)


def test_an_answer_that_neither_its_home_nor_its_row_takes_asks_for_reauthorization(world: WatchedWorld) -> None:
    form = matrix.STARTS[AGAIN](world)
    failing = (Call("access_token", "secretsmanager.PutSecretValue"), Call("access_token", "dynamodb.UpdateItem", 2))
    world.watch.runs.clear()
    world.watch.instead = lambda call, send: (
        broken(send) if call in failing and world.watch.runs.count("access_token") == 1 else None
    )
    activation_id = world.post(form)["activation_id"]
    world.step("RequestTokenFunction", activation_id)
    outcome = world.step("AccessTokenFunction", activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", "reauthorize")
    world.watch.instead = None
    healed = world.click_reauthorize()
    assert world.run(healed)["state"] == "connected"
    matrix.assert_connected(world, healed)


def test_an_activate_while_credentials_wait_stores_them(world: WatchedWorld) -> None:
    """The store refuses its verifier, and the access token that waits is still good."""
    form = matrix.STARTS[FIRST](world)
    world.watch.instead = lambda call, send: broken(send) if call.name in PUTTING else None
    outcome = world.run(world.post(form)["activation_id"])
    assert (outcome["state"], outcome["reason"]) == ("failed", "aws")
    world.watch.instead = None
    healed = world.click()
    assert world.run(healed)["state"] == "connected"
    matrix.assert_connected(world, healed)


def test_the_store_is_asked_once_where_it_is_not_known_what_an_earlier_run_kept(world: WatchedWorld) -> None:
    """The first run dies with the answer in the secret; the next ones cannot look into it for a while."""
    describing = Call("access_token", "secretsmanager.DescribeSecret")
    world.watch.at = Point("after", Call("access_token", "secretsmanager.CreateSecret"))
    world.watch.instead = lambda call, send: broken(send) if call == describing else None
    activation_id = world.post(matrix.STARTS[FIRST](world))["activation_id"]
    outcome = world.run(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", "aws")
    world.watch.instead = None
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    matrix.assert_connected(world, activation_id)
    assert world.shop.state()["requests"]["access"] == 1


def refused_entry(send: Send) -> AWSResponse:
    """EventBridge takes the call, and not the event in it."""
    return answer(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}]})


@pytest.mark.parametrize("trouble", [throttled, broken, refused_entry])
def test_a_connection_stands_while_the_event_bus_refuses(world: WatchedWorld, trouble: Trouble) -> None:
    form = matrix.STARTS[FIRST](world)
    world.watch.instead = lambda call, send: trouble(send) if call.name == "events.PutEvents" else None
    activation_id = world.post(form)["activation_id"]
    with pytest.raises(Unavailable):  # the state machine and its Catch have tried; the execution ends here
        world.run(activation_id)
    assert (world.row(activation_id)["state"], world.connection()["state"]) == ("connected", "connected")
    assert world.credentials_work()
    assert world.events() == []
    world.watch.instead = None
    assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
    matrix.assert_connected(world, activation_id)


def test_a_failure_is_told_later_where_the_event_bus_refuses(world: WatchedWorld) -> None:
    form = matrix.STARTS[FIRST](world)
    world.shop.trouble("signature_invalid")
    world.watch.instead = lambda call, send: broken(send) if call.name == "events.PutEvents" else None
    activation_id = world.post(form)["activation_id"]
    with pytest.raises(Unavailable):
        world.run(activation_id)
    assert (world.row(activation_id)["state"], world.events()) == ("failed", [])
    world.watch.instead = None
    outcome = world.step("RequestTokenFunction", activation_id, holder="an operator")
    assert (outcome["state"], outcome["reason"]) == ("failed", "signature-invalid")
    assert [kind for kind, _ in world.events()] == ["Activation Failed"]
    world.step("RequestTokenFunction", activation_id, holder="an operator")
    assert world.events() == []


def test_a_transaction_that_meets_another_one_is_tried_again(world: WatchedWorld) -> None:
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "ongoing"}]
    conflict = answer(400, {"__type": "TransactionCanceledException", "CancellationReasons": reasons})
    form = matrix.STARTS[FIRST](world)
    for_a_moment(world.watch, Call("access_token", "dynamodb.TransactWriteItems"), lambda send: conflict)
    assert matrix.outcome_of(world, form) == CONNECTED
