"""What lasts longer than a call: a disabled key, AWS that is gone, a bus that fails for an hour, wrong clocks."""

from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError

import storelink
from storelink import aws as doors
from storelink.client import session as client_session
from storelink.errors import Unavailable
from storelink.state import activations
from tests.jobs.test_sweep import refusing
from tests.reliability import matrix
from tests.reliability.calls import Call, Point, Send, WatchedWorld, error_answer
from tests.reliability.matrix import STARTS, Stage
from tests.world import CLOCK, due, request, sample

FIRST, AGAIN, *_ = STARTS


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits between its tries; here it does not."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def world(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedWorld]:
    """A new world, with new clients and with the right time."""
    doors.client.cache_clear()
    monkeypatch.setattr(CLOCK, "ahead", 0.0)
    with stage.world() as made:
        yield made


def disabled(call: Call, send: Send) -> AWSResponse | None:
    """KMS, as it answers for a key that is disabled; Secrets Manager needs the key, too."""
    if call.name.startswith("kms."):
        return error_answer("DisabledException")
    needs_key = ("CreateSecret", "PutSecretValue", "GetSecretValue")
    return error_answer("AccessDeniedException") if call.name.endswith(needs_key) else None


class TestKeyThatIsDisabled:
    def test_before_the_click_nothing_is_written_and_a_later_click_connects(self, world: WatchedWorld) -> None:
        form = STARTS[FIRST](world)
        world.watch.instead = disabled
        assert world.post(form)["status"] == 503
        assert world.row_of(form) == {}
        world.watch.instead = None
        activation_id = str(world.post(form)["activation_id"])
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)

    def test_between_click_and_first_step_the_failure_names_it_and_a_click_connects(self, world: WatchedWorld) -> None:
        form = STARTS[FIRST](world)
        activation_id = str(world.post(form)["activation_id"])
        world.watch.instead = disabled
        outcome = world.run(activation_id)
        assert (outcome["state"], outcome["reason"]) == ("failed", "aws")
        assert "KMS: DisabledException" in outcome["problem"]
        assert "FormerKmsKeyArns" in outcome["problem"]
        assert world.shop.state()["requests"]["request"] == 0
        world.watch.instead = None
        activation_id = world.heal(activations.action_of(world.row(activation_id)))
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)

    def test_between_the_steps_the_request_token_stays_and_an_operator_runs_the_step_again(
        self, world: WatchedWorld
    ) -> None:
        activation_id = str(world.post(STARTS[FIRST](world))["activation_id"])
        world.step("RequestTokenFunction", activation_id)
        world.watch.instead = disabled
        assert world.run(activation_id)["reason"] == "aws"
        assert world.shop.state()["requests"]["access"] == 0
        world.watch.instead = None
        CLOCK.wait(6 * 3600)
        assert world.step("AccessTokenFunction", activation_id, holder="an operator")["state"] == "connected"
        matrix.assert_connected(world, activation_id)

    def test_a_connected_store_stays_connected_and_the_app_is_given_the_cause(self, world: WatchedWorld) -> None:
        STARTS[AGAIN](world)
        due(world)
        world.watch.instead = disabled
        assert world.call("HealthCheckFunction", sample("health_check.json"))["trouble"] == 1
        assert world.connection()["state"] == "connected"
        world.watch.instead = None
        for service in ("kms", "secretsmanager"):
            doors.client(service).meta.events.register_first(
                "before-send", lambda request, **_: error_answer("AccessDeniedException")
            )
        client_session._kept.cache_clear()
        with pytest.raises(Unavailable, match=r"docs/operations\.md, Keys"):
            storelink.connect(world.url, stack=world.aws.stack).get("V1/store/storeConfigs")
        doors.client.cache_clear()
        client_session._kept.cache_clear()


def gone(call: Call, send: Send) -> AWSResponse | None:
    raise EndpointConnectionError(endpoint_url="https://aws.invalid")


class TestAwsThatIsGoneForSeconds:
    """No call gets through during whole runs of a function; the state machine repeats it after 1, 5 and 25 s."""

    def test_during_the_callback_the_merchant_clicks_again(self, world: WatchedWorld) -> None:
        form = STARTS[FIRST](world)
        world.watch.instead = gone
        assert world.post(form)["status"] == 503
        world.watch.instead = None
        activation_id = str(world.post(world.shop.activate(matrix.CALLBACK_URL).form)["activation_id"])
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)

    @pytest.mark.parametrize("runs", [1, 3])
    @pytest.mark.parametrize("start", [FIRST, AGAIN])
    def test_during_the_steps_it_connects_all_the_same(self, world: WatchedWorld, start: str, runs: int) -> None:
        activation_id = str(world.post(STARTS[start](world))["activation_id"])
        world.watch.runs.clear()

        def for_some_runs(call: Call, send: Send) -> AWSResponse | None:
            return gone(call, send) if world.watch.runs.count(call.function) <= runs else None

        world.watch.instead = for_some_runs
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)
        assert world.watch.runs == ["request_token"] * (runs + 1) + ["access_token"] * (runs + 1)


def test_an_hour_without_the_event_bus_loses_no_event_and_keeps_their_order(world: WatchedWorld) -> None:
    """A store connects, is lost by a health check and fails to reauthorize; the sweep runs meanwhile."""
    with refusing("events", "PutEvents"):
        activation_id = str(world.post(STARTS[FIRST](world))["activation_id"])
        with pytest.raises(Unavailable):
            world.run(activation_id)
        world.shop.trouble("revoked", endpoint="rest")
        known = {"connection_id": world.store.connection_id}
        world.call("HealthCheckFunction", request("POST", "/test", pathParameters=known))
        world.shop.clear_troubles()
        failing = world.click_reauthorize()
        world.shop.trouble("signature_invalid")
        with pytest.raises(Unavailable):
            world.run(failing)
        for _ in range(12):
            CLOCK.wait(300)
            world.call("SweepFunction", sample("sweep.json"))
        assert world.events() == []
    assert [change["what"] for change in world.connection()["pending_events"]] == ["connected", "disconnected"]
    CLOCK.wait(60)
    world.call("SweepFunction", sample("sweep.json"))
    published = [kind for kind, _ in world.events()]
    assert sorted(published) == ["Activation Failed", "Store Connected", "Store Disconnected", "Suspicious Activation"]
    assert published.index("Store Connected") < published.index("Store Disconnected")
    CLOCK.wait(60)
    world.call("SweepFunction", sample("sweep.json"))
    assert world.events() == []


class TestClocksThatAreOff:
    """Lambda's clocks agree; here each function has its own."""

    @pytest.mark.parametrize("minutes", [-4, -1, 1, 4])
    def test_steps_with_another_clock_than_the_callback_connect(self, world: WatchedWorld, minutes: int) -> None:
        activation_id = str(world.post(STARTS[AGAIN](world))["activation_id"])
        CLOCK.wait(60 * minutes)
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)

    def test_a_step_whose_clock_is_fast_by_more_than_magentos_time_says_so_and_a_click_connects(
        self, world: WatchedWorld
    ) -> None:
        activation_id = str(world.post(STARTS[FIRST](world))["activation_id"])
        CLOCK.wait(6 * 60)
        assert world.run(activation_id)["reason"] == "expired"
        assert world.shop.state()["requests"]["request"] == 0
        activation_id = world.heal(activations.action_of(world.row(activation_id)))
        assert world.run(activation_id)["state"] == "connected"

    @pytest.mark.parametrize("step", ["request_token", "access_token"])
    def test_a_run_whose_fast_clock_ends_anothers_lease_undoes_nothing(self, world: WatchedWorld, step: str) -> None:
        activation_id = str(world.post(STARTS[FIRST](world))["activation_id"])
        function = "".join(word.title() for word in step.split("_")) + "Function"

        def other() -> None:
            CLOCK.wait(120)
            others.append(world.step(function, activation_id, holder="an operator"))
            CLOCK.wait(-120)

        others: list[dict[str, str]] = []
        name = f"store POST oauth/token/{step.partition('_')[0]}"
        world.watch.at, world.watch.then = Point("before", Call(step, name)), other
        assert world.run(activation_id)["state"] == "connected"
        assert [one["state"] for one in others] == ["requested" if step == "request_token" else "connected"]
        matrix.assert_connected(world, activation_id)

    @pytest.mark.parametrize("minutes", [-10, 4])
    def test_sweeps_with_another_clock_end_nothing_that_is_under_way(self, world: WatchedWorld, minutes: int) -> None:
        activation_id = str(world.post(STARTS[FIRST](world))["activation_id"])
        CLOCK.wait(60 * minutes)
        world.call("SweepFunction", sample("sweep.json"))
        CLOCK.wait(-60 * minutes)
        assert world.row(activation_id)["state"] == "pending"
        assert world.run(activation_id)["state"] == "connected"
        matrix.assert_connected(world, activation_id)
