"""Whatever happens in whatever order: what is connected works, states move as they may, one click heals it all."""

import contextlib
import json
from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storelink.credentials.secretsmanager import secret_name
from storelink.errors import Unavailable
from storelink.jobs.health_check import MAX_MISSES
from storelink.models import EXPIRATION_PERIOD
from storelink.state import activations
from tests.reliability import matrix
from tests.reliability.calls import PUTTING, Died, Point, error_answer
from tests.reliability.matrix import CALLBACK_URL, STARTS, Stage
from tests.reliability.model import UNAVAILABLE, Attempt, Connection, Model, Token
from tests.reliability.test_races import STEPS
from tests.world import request

REACHED = ("pending", "requested", "exchanged", "connected")
"""What an attempt may have reached, in the one order there is."""

POINTS = [point for start, point in matrix.documented_points() if start == list(STARTS)[1]]
TROUBLES = ("maintenance", "internal_error", "html", "drop_before", "drop", "half", "signature_invalid", "sha1_only")

steps = st.sampled_from(sorted(STEPS.values()))
attempts = st.sampled_from([1, 1, 1, 2, 3])
"""Which attempt: counted from the newest."""

LONG_AGO = 6 * 3600 * 1000
"""How long ago it all happens, in ms: what passes here ends before the other tests."""

FULL = "full"
troubles = st.sampled_from([FULL, None, "access", None, "request"])
"""Where the store is closed, or that Secrets Manager takes no value."""


class Handshakes(RuleBasedStateMachine):
    """One integration of one store: the merchant clicks, steps run and die, the store has its troubles."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.world = self._open.enter_context(self.stage.world())
        self._passed = -LONG_AGO
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
        self._passed += (activations.LEASE_SECONDS + 1) * 1000

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


class Modelled(RuleBasedStateMachine):
    """The same integration without deaths: every answer and every row is what the model says."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.world = self._open.enter_context(self.stage.world())
        self.model = Model()
        now = activations.now
        self._open.enter_context(pytest.MonkeyPatch.context()).setattr(
            activations, "now", lambda: now() - LONG_AGO + self.model.now
        )
        self._forms: list[tuple[dict[str, str], Token]] = []
        self._ids: dict[Attempt, str] = {}

    # The merchant

    @initialize(connects=st.booleans())
    def clicks_first(self, connects: bool) -> None:
        self.clicks_activate()
        if connects:
            self._both(None)

    @rule()
    def clicks_activate(self) -> None:
        self._forms.append((self.world.shop.activate(CALLBACK_URL).form, self.model.activate()))
        self.post_comes(1)

    @rule(is_lost=st.sampled_from([False, False, True]))
    def clicks_reauthorize(self, is_lost: bool) -> None:
        self._forms.append((self.world.shop.reauthorize(CALLBACK_URL).form, self.model.reauthorize()))
        if not is_lost:
            self.post_comes(1)

    @rule(nth=attempts)
    def post_comes(self, nth: int) -> None:
        """The newest form, or an older one again."""
        form, verifier = self._forms[-min(nth, len(self._forms))]
        activation_id = self.world.post(form)["activation_id"]
        attempt = self.model.post(verifier)
        assert self._ids.setdefault(attempt, activation_id) == activation_id
        assert len(set(self._ids.values())) == len(self._ids)

    # What is run

    @rule(nth=attempts, trouble=troubles)
    def request_step_runs(self, nth: int, trouble: str | None) -> None:
        attempt = self._attempt(nth)
        heard = self._run("RequestTokenFunction", attempt, trouble)
        assert heard == self.model.request_step(attempt, closed=trouble == "request")

    @rule(nth=attempts, trouble=troubles)
    def access_step_runs(self, nth: int, trouble: str | None) -> None:
        attempt = self._attempt(nth)
        heard = self._run("AccessTokenFunction", attempt, trouble)
        assert heard == self.model.access_step(attempt, closed=trouble == "access", full=trouble == FULL)

    @rule(trouble=troubles)
    def clicks_reauthorize_and_it_runs(self, trouble: str | None) -> None:
        self.clicks_reauthorize(is_lost=False)
        self._both(trouble)

    def _both(self, trouble: str | None) -> None:
        self.request_step_runs(1, trouble)
        self.access_step_runs(1, trouble)

    @rule(nth=attempts)
    def tries_are_over(self, nth: int) -> None:
        attempt = self._attempt(nth)
        event = {"activation_id": self._ids[attempt], "error": {"Error": "Runtime.ExitError", "Cause": "{}"}}
        assert self.world.call("RecordFailureFunction", event)["state"] == self.model.give_up(attempt)

    @rule()
    def lifetime_passes(self) -> None:
        self.model.now += (EXPIRATION_PERIOD + 1) * 1000

    def _attempt(self, nth: int) -> Attempt:
        return self.model.attempts[-min(nth, len(self.model.attempts))]

    def _run(self, function: str, attempt: Attempt, trouble: str | None) -> str:
        if trouble == FULL:
            self.world.watch.instead = lambda call, _: (
                error_answer("LimitExceededException") if call.name in PUTTING else None
            )
        elif trouble:
            self.world.shop.trouble("maintenance", endpoint=trouble)
        try:
            told = self.world.call(function, {"activation_id": self._ids[attempt], "holder": self._ids[attempt]})
        except Unavailable:
            return UNAVAILABLE
        finally:
            self.world.shop.clear_troubles()
            self.world.watch.instead = None
        return str(told["state"])

    # Who looks after the connection

    @precondition(lambda self: self.model.connection)
    @rule()
    def operator_forgets(self) -> None:
        assert self._asked("ForgetFunction", "DELETE")["state"] == self.model.forget()

    @precondition(lambda self: self.model.connection)
    @rule(tenant=st.sampled_from(["acme", "other"]))
    def operator_claims(self, tenant: str) -> None:
        told = self._asked("ClaimFunction", "POST", body=json.dumps({"tenant": tenant}))
        assert told.get("tenant", told.get("error")) == self.model.claim(tenant)

    @precondition(lambda self: self.model.secret)
    @rule()
    def secret_is_restored(self) -> None:
        name = secret_name(self.world.aws.stack, self.world.store)
        self.world.aws.client("secretsmanager").restore_secret(SecretId=name)
        self.model.restore()

    @precondition(lambda self: self.model.connection)
    @rule()
    def connection_is_checked(self) -> None:
        assert self._asked("CheckFunction", "POST")["connection"]["state"] == self.model.check(closed=False)

    @precondition(lambda self: self.model.connection)
    @rule(times=st.sampled_from([MAX_MISSES, 1]))
    def connection_is_checked_while_the_store_is_closed(self, times: int) -> None:
        self.world.shop.trouble("maintenance", endpoint="rest")
        for _ in range(times):
            assert self._asked("CheckFunction", "POST")["connection"]["state"] == self.model.check(closed=True)
            self._tick()
        self.world.shop.clear_troubles()

    def _asked(self, function: str, method: str, **more: str) -> dict[str, Any]:
        path = {"pathParameters": {"connection_id": self.world.store.connection_id}}
        told: dict[str, Any] = json.loads(self.world.call(function, request(method, "/", **path, **more))["body"])
        return told

    # What has to be

    def _tick(self) -> None:
        """Nothing here happens in the millisecond of another thing."""
        self.model.now += 1

    @invariant()
    def rows_are_what_the_model_says(self) -> None:
        self._tick()
        if self.model.attempts:
            attempt = self.model.attempts[-1]
            row = self.world.row(self._ids[attempt])
            assert f"{row['line']}-{row['attempt']}" == self._ids[attempt]
            assert (row["state"], row["reached"], row.get("reason", ""), "sealed" in row) == (
                attempt.state,
                attempt.reached,
                attempt.reason,
                attempt.sealed,
            )
        assert self._connection() == self._wanted(self.model.connection)

    @invariant()
    def credentials_work_if_the_model_says_so(self) -> None:
        if self.model.works:
            assert self.world.credentials_work()

    def _connection(self) -> tuple[str, ...]:
        row = self.world.connection()
        return (row["activation_id"], *(row.get(name, "") for name in ("state", "reason", "tenant"))) if row else ()

    def _wanted(self, known: Connection | None) -> tuple[str, ...]:
        return (self._ids[known.attempt], known.state, known.reason, known.tenant) if known else ()

    def teardown(self) -> None:
        """All was told, and nothing twice."""
        try:
            told = Counter(kind for kind, _ in self.world.events() if kind != "Suspicious Activation")
            assert told == self.model.told
        finally:
            self._open.close()


def settled(examples: int, steps: int) -> settings:
    """The same examples each time."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_whatever_dies_one_click_heals_it(stage: Stage) -> None:
    Handshakes.stage = stage
    run_state_machine_as_test(Handshakes, settings=settled(examples=10, steps=12))


def test_everything_is_what_the_model_says(stage: Stage) -> None:
    Modelled.stage = stage
    run_state_machine_as_test(Modelled, settings=settled(examples=24, steps=16))
