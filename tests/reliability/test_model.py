"""Whatever happens in whatever order: what is connected works, states move as they may, one click heals it all."""

import contextlib
import json
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from storelink import activations
from storelink.errors import Unavailable
from tests.reliability import matrix
from tests.reliability.calls import Died, Point
from tests.reliability.matrix import CALLBACK_URL, STARTS, Stage
from tests.reliability.test_races import STEPS
from tests.world import request

REACHED = ("pending", "requested", "exchanged", "connected")
"""What an attempt may have reached, in the one order there is."""

POINTS = [point for start, point in matrix.documented_points() if start == list(STARTS)[1]]
TROUBLES = ("maintenance", "internal_error", "html", "drop_before", "drop", "half", "signature_invalid", "sha1_only")

steps = st.sampled_from(sorted(STEPS.values()))
attempts = st.sampled_from([1, 1, 1, 2, 3])
"""Which attempt: counted from the newest."""


class Handshakes(RuleBasedStateMachine):
    """One integration of one store: the merchant clicks, steps run and die, the store has its troubles."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.world = self._open.enter_context(self.stage.world())
        self._passed = 0
        now = activations.now
        patch = self._open.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(activations, "now", lambda: now() + self._passed)
        self._attempts: list[str] = []
        self._cuts = 0  # how often Magento has deleted its token
        self._posted_after: dict[str, int] = {}  # how many cuts had been made when an attempt was last posted
        self._seen: dict[str, dict[str, Any]] = {}

    # What the merchant does

    @initialize()
    def clicks_first(self) -> None:
        self.clicks_activate()

    @rule()
    def clicks_activate(self) -> None:
        self._post(self.world.shop.activate(CALLBACK_URL).form)

    @rule()
    def clicks_reauthorize(self) -> None:
        self._cuts += 1
        self._post(self.world.shop.reauthorize(CALLBACK_URL).form)

    def _post(self, form: dict[str, str]) -> None:
        before = self._attempts[-1:]
        with contextlib.suppress(Died):
            assert self.world.post(form)["status"] == 200
        row = self.world.row_of(form)
        if row:
            attempt = f"{row['line']}-{row['attempt']}"
            if [attempt] != before:
                self._attempts.append(attempt)
            self._posted_after[attempt] = self._cuts

    # What is run

    @rule(function=steps, nth=attempts)
    def state_machine_runs(self, function: str, nth: int) -> None:
        if attempt := self._attempt(nth):
            self._run(function, {"activation_id": attempt, "holder": attempt}, attempt)

    @rule(function=steps, nth=attempts)
    def operator_runs(self, function: str, nth: int) -> None:
        if attempt := self._attempt(nth):
            self._run(function, request("POST", "/step", body=json.dumps({"activation_id": attempt})), attempt)

    @rule(nth=attempts)
    def state_machine_goes_to_the_end(self, nth: int) -> None:
        if attempt := self._attempt(nth):
            self.world.run(attempt)

    @rule(nth=attempts)
    def state_machine_gives_up(self, nth: int) -> None:
        if attempt := self._attempt(nth):
            error = {"Error": "Runtime.ExitError", "Cause": "{}"}
            self._run("RecordFailureFunction", {"activation_id": attempt, "error": error}, attempt)

    @rule(point=st.sampled_from(POINTS))
    def something_is_going_to_die(self, point: Point) -> None:
        self.world.watch.at = point

    def _attempt(self, nth: int) -> str | None:
        return self._attempts[-nth] if nth <= len(self._attempts) else None

    def _run(self, function: str, event: dict[str, Any], attempt: str) -> None:
        with contextlib.suppress(Unavailable, Died):
            answer = self.world.call(function, event)
            told = json.loads(answer["body"]) if "body" in answer else answer
            if "state" in told and attempt != self._attempts[-1]:
                assert told["state"] == "superseded"

    # What happens around them

    @rule(trouble=st.sampled_from(TROUBLES), endpoint=st.sampled_from(["request", "access"]))
    def store_gets_into_trouble(self, trouble: str, endpoint: str) -> None:
        self.world.shop.trouble(trouble, times=2, endpoint=endpoint)

    @rule()
    def store_gets_well(self) -> None:
        self.world.shop.clear_troubles()

    @rule()
    def a_lease_passes(self) -> None:
        self._passed += (activations.LEASE + 1) * 1000

    # What always holds

    @invariant()
    def what_is_connected_works(self) -> None:
        connection = self.world.connection()
        if connection and self._posted_after[connection["activation_id"]] == self._cuts:
            assert self.world.credentials_work()

    @invariant()
    def an_attempt_moves_as_it_may(self) -> None:
        if not self._attempts:
            return
        attempt = self._attempts[-1]
        row = self.world.row(attempt)
        assert attempt.endswith(row["attempt"])
        before = self._seen.get(attempt, {"reached": "pending", "state": "pending", "sealed": b""})
        assert REACHED.index(row["reached"]) >= REACHED.index(before["reached"])
        assert row["state"] in (row["reached"], "failed")
        assert ("sealed" in row) or row["state"] in ("connected", "failed")
        if row["state"] == "connected" or row["reached"] == "connected":
            assert row["state"] == row["reached"]
            assert "sealed" not in row
        if "sealed" not in before:
            assert (row["state"], "sealed" in row) == (before["state"], False)
        self._seen[attempt] = row

    def teardown(self) -> None:
        """At any moment: the merchant clicks Reauthorize, and the store is connected."""
        try:
            if self._attempts:
                self.world.watch.at = None
                self.world.shop.clear_troubles()
                activation_id = self.world.click_reauthorize()
                if activation_id in self._attempts:  # joined, and maybe somebody is at it
                    self.a_lease_passes()
                assert self.world.run(activation_id)["state"] == "connected"
                matrix.assert_connected(self.world, activation_id)
        finally:
            self._open.close()


def test_the_model(stage: Stage) -> None:
    Handshakes.stage = stage
    run_state_machine_as_test(
        Handshakes,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
