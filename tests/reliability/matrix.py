"""The crash matrix: the handshake is killed before and after each of its calls, and each time comes to a good end.

    PYTHONPATH=.:layers/storelink .venv/bin/python -m tests.reliability.matrix

runs it and writes its table into docs/reliability.md.
"""

import contextlib
import os
import re
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local import aws as local_aws
from local.aws import LocalAws
from local.template import ROOT
from storelink.credentials.backend import DYNAMODB, SECRETS_MANAGER
from storelink.models import Activation, ActivationId
from storelink.state import activations, connections
from storelink.testing import sandbox
from storelink.testing.sandbox import Sandbox
from tests.reliability.calls import FOLDERS, Call, Died, Point, Send, Watch, WatchedWorld, error_answer, watching
from tests.world import function_environment

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- matrix: written by tests/reliability/matrix.py -->", "<!-- end of matrix -->"

CALLBACK_URL = "http://app.invalid/callback"

CONNECTED = "connected"
CLICK = "connected by a second click"
ACTIVATE = "**Activate again**"
RECREATE = "**delete the integration, add it again, Activate**"
REAUTHORIZE = "**Reauthorize**"
ACTIONS = {"activate": ACTIVATE, "recreate": RECREATE, "reauthorize": REAUTHORIZE}
"""What the merchant has to do, where the handshake does not connect."""
NOT_MADE = "-"


def _first(world: WatchedWorld) -> dict[str, str]:
    return world.shop.activate(CALLBACK_URL).form


def _again(world: WatchedWorld) -> dict[str, str]:
    if world.connection().get("state") != CONNECTED:
        world.connect()
    world.events()
    return world.shop.reauthorize(CALLBACK_URL).form


def _sha1(world: WatchedWorld) -> dict[str, str]:
    world.shop.trouble("sha1_only")
    return world.shop.activate(CALLBACK_URL).form


def _on_rows(start: Callable[[WatchedWorld], dict[str, str]]) -> Callable[[WatchedWorld], dict[str, str]]:
    """The same, with credentials on the connections' rows; the world puts the environment back at its end."""

    def begin(world: WatchedWorld) -> dict[str, str]:
        os.environ["STORELINK_CREDENTIAL_STORE"] = DYNAMODB
        return start(world)

    return begin


def _refused(world: WatchedWorld) -> dict[str, str]:
    form = _again(world)
    world.shop.trouble("signature_invalid")
    return form


def _refused_at_last(world: WatchedWorld) -> dict[str, str]:
    world.shop.trouble("signature_invalid", endpoint="access")
    return _first(world)


def _closed(world: WatchedWorld) -> dict[str, str]:
    form = _again(world)
    world.shop.trouble("maintenance", endpoint="request")
    return form


def _not_taken(world: WatchedWorld) -> dict[str, str]:
    form, runs = _again(world), list[int]()

    def instead(call: Call, _: Send) -> AWSResponse | None:
        if call.name != "secretsmanager.PutSecretValue":
            return None
        runs.append(len(world.watch.runs))
        return error_answer("LimitExceededException") if runs[-1] == runs[0] else None

    world.watch.instead = instead
    return form


def _no_kms(world: WatchedWorld) -> dict[str, str]:
    def instead(call: Call, _: Send) -> AWSResponse | None:
        return error_answer("DependencyTimeoutException") if call.name == "kms.Decrypt" else None

    form = _first(world)
    world.watch.instead = instead
    return form


def _forgotten(world: WatchedWorld) -> dict[str, str]:
    form = _again(world)
    connections.forget(world.store.connection_id, "an operator")
    world.events()
    return form


Start = Callable[[WatchedWorld], dict[str, str]]
"""Makes the world from which a handshake begins, and gives the form that Magento posts."""

STARTS: dict[str, Start] = {
    "first activation": _first,
    "reauthorization": _again,
    "store that takes SHA1 only": _sha1,
    "first activation, DynamoDB": _on_rows(_first),
    "reauthorization, DynamoDB": _on_rows(_again),
}
"""Those of handshakes in which nothing goes wrong."""

DETOURS: dict[str, Start] = {
    "store that says no": _refused,
    "store that says no at the last step": _refused_at_last,
    "store that stays closed": _closed,
    "Secrets Manager refuses": _not_taken,
    "KMS that stays down": _no_kms,
    "store that was forgotten": _forgotten,
}
"""Those of handshakes that come to another end, or to the same one by another way."""

ENDS = {
    "store that says no": ("signature-invalid", ACTIVATE),
    "store that says no at the last step": ("signature-invalid", RECREATE),
    "store that stays closed": ("maintenance", ACTIVATE),
    "KMS that stays down": ("aws", ACTIVATE),
}
"""How detours end when no function dies, if not connected: the reason, and what the merchant has to do."""

LEAVES = {
    "store that takes SHA1 only": ("request_token",),
    "first activation, DynamoDB": ("access_token",),
    "reauthorization, DynamoDB": ("access_token",),
    "store that says no": ("request_token",),
    "store that says no at the last step": ("access_token",),
    "store that stays closed": ("request_token",),
    "Secrets Manager refuses": ("access_token",),
    "KMS that stays down": ("record_failure",),
    "store that was forgotten": ("access_token",),
}
"""The functions in which a way is one of its own. The others' calls are those of the first two."""

WAYS = STARTS | DETOURS

FIRST_TIME = (
    "first activation",
    "store that takes SHA1 only",
    "first activation, DynamoDB",
    "store that says no at the last step",
    "KMS that stays down",
)
"""The ways that a store takes which nobody has met. The others begin where one that is connected was left."""


def new_name() -> str:
    """The name of a store that nobody has met."""
    return uuid.uuid4().hex[:12]


class KeptClients(LocalAws):
    """A cloud whose clients are made once."""

    @cache  # noqa: B019  as long as the tests
    def client(self, service: str) -> Any:
        """As LocalAws's."""
        return super().client(service)

    __hash__ = object.__hash__


class Stage:
    """Where worlds are made, all of them in one cloud."""

    def __init__(self, aws: LocalAws, shops: Sandbox) -> None:
        self.aws = KeptClients(**vars(aws))
        self.shops = shops
        self._clean: dict[str, list[Call]] = {}
        self._follows: dict[str, dict[Call, Call]] = {}
        self._ends: dict[tuple[str, Point], str] = {}
        self._met: dict[str, str] = {}

    @contextlib.contextmanager
    def world(self, name: str = "") -> Iterator[WatchedWorld]:
        """A store nobody has met, or the one of this name, and functions that are watched."""
        name = name or new_name()
        world = WatchedWorld(self.aws, self.shops.store(name), f"{self.shops.url}stores/{name}/")
        world.watch = Watch()
        with watching(world.watch), pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORELINK_CREDENTIAL_STORE", SECRETS_MANAGER)
            yield world

    def clean_run(self, start: str) -> list[Call]:
        """The calls of a handshake in which nobody dies, each once; of a way in `LEAVES`, those of its functions."""
        if start not in self._clean:
            with self.world() as world:
                form = WAYS[start](world)
                world.watch.calls.clear()
                world.watch.follows.clear()
                outcome = world.run(world.post(form)["activation_id"])
                assert (outcome["reason"] or outcome["state"]) == ENDS.get(start, (CONNECTED,))[0]
                calls = list(dict.fromkeys(world.watch.calls))
                self._follows[start] = world.watch.follows
            self._clean[start] = [call for call in calls if call.function in LEAVES.get(start, call.function)]
        return self._clean[start]

    def points(self) -> list[tuple[str, Point]]:
        """Every moment in every start at which the function can be killed."""
        return [(start, Point(when, call)) for start in WAYS for call in self.clean_run(start) for when in WHEN]

    def moment(self, start: str, point: Point) -> Point:
        """The same, or the end of the call before it: between two calls, nothing happens that outlives the function."""
        self.clean_run(start)
        before = self._follows[start].get(point.call)
        return Point("after", before) if before and point.when == "before" else point

    def end(self, start: str, point: Point) -> str:
        """What comes of a handshake that is killed at a point: its end, which was looked at. Run once."""
        point = self.moment(start, point)
        if (start, point) not in self._ends:
            name = self._met.pop(start, "") or new_name()
            with self.world(name) as world:
                form = WAYS[start](world)
                world.watch.at = point
                try:
                    self._ends[start, point] = outcome_of(world, form, ENDS.get(start, ("",))[0])
                    assert world.watch.is_past, "this point is never reached: run this module to see what is"
                except AssertionError as error:
                    error.add_note(f"{start}, {point}")
                    raise
            if start not in FIRST_TIME:
                self._met[start] = name
        return self._ends[start, point]


WHEN = ("before", "after")


def outcome_of(world: WatchedWorld, form: dict[str, str], failure: str = "") -> str:
    """Play a handshake to its end, and see that it is what it says.

    failure: the reason with which it ends, if it cannot connect.
    """
    before = world.connection()
    activation_id, clicked = activated(world, form)
    outcome = world.run(activation_id)
    if outcome["state"] == "connected":
        assert not failure
        assert_connected(world, activation_id)
        return CLICK if clicked else CONNECTED
    row = world.row(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", failure or "reauthorize")
    assert "encrypted_secrets" not in row or outcome["reason"] == "aws"
    assert not {"needs_publish", "sweep_shard", "lease_until"} & set(row)
    assert "Activation Failed" in [kind for kind, _ in world.events()]
    assert world.connection() == before
    world.shop.clear_troubles()
    world.watch.instead = None
    action = activations.action_of(row)
    healed = world.heal(action)
    assert world.run(healed)["state"] == "connected"
    assert_connected(world, healed)
    return ACTIONS[action]


def activated(world: WatchedWorld, form: dict[str, str]) -> tuple[str, bool]:
    """Magento posts once. Where nothing runs after that, the merchant clicks Activate again: Magento posts the same.

    The activation's id, and whether it took the second click.
    """
    with contextlib.suppress(Died):
        answer = world.post(form)
        if answer["status"] == 200:
            return str(answer["activation_id"]), False
    if running := execution(world, form):
        return running, False
    again = world.shop.activate(CALLBACK_URL).form
    assert again == form
    return str(world.post(again)["activation_id"]), True


def execution(world: WatchedWorld, form: dict[str, str]) -> str | None:
    """The activation that this form began, if an execution of it has been started."""
    row = world.row_of(form)
    if row.get("fingerprint") != Activation.from_form(form).fingerprint:
        return None
    activation_id = str(ActivationId(row["integration_key"], row["attempt"]))
    machine = world.aws.outputs["StateMachineArn"]
    states = world.aws.client("stepfunctions")
    try:
        states.describe_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{activation_id}")
    except states.exceptions.ExecutionDoesNotExist:
        return None
    return activation_id


def assert_connected(world: WatchedWorld, activation_id: str) -> None:
    """The end that was wanted: credentials that work, the app told, nothing sealed left."""
    row, connection = world.row(activation_id), world.connection()
    assert (row["state"], connection["state"]) == ("connected", "connected")
    assert connection["activation_id"] == activation_id
    assert "encrypted_secrets" not in row
    assert "lease_until" not in row
    assert "pending_events" not in connection
    if connection["backend"] == SECRETS_MANAGER:
        assert current_version(world, connection) == connection["secret_version"] == activation_id
    assert world.credentials_work()
    told = [detail["activation_id"] for kind, detail in world.events() if kind == "Store Connected"]
    assert activation_id in told


def current_version(world: WatchedWorld, connection: dict[str, Any]) -> str | None:
    """Which version of the store's secret is AWSCURRENT."""
    found = world.aws.client("secretsmanager").describe_secret(SecretId=connection["secret_arn"])
    versions: dict[str, list[str]] = found["VersionIdsToStages"]
    return next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None)


def table(stage: Stage) -> str:
    """The matrix in Markdown: a row for each call; a cell says what comes of a crash before it and after it."""
    points = stage.points()
    ends = Counter(stage.end(start, point) for start, point in points)
    counted = ", ".join(f"{count} end {end}" for end, count in ends.items())
    lines = [BEGIN, f"{len(points)} points: {counted}.", "", *_part(stage, STARTS), "", *_part(stage, DETOURS), END]
    return "\n".join(lines)


def _part(stage: Stage, starts: Collection[str]) -> list[str]:
    rows: list[Call] = []
    for start in starts:
        at = 0
        for call in stage.clean_run(start):
            if call in rows:
                at = rows.index(call) + 1
            else:
                rows.insert(at, call)
                at += 1
    rows.sort(key=lambda call: list(FOLDERS.values()).index(call.function))
    return [
        "| step | call | " + " | ".join(starts) + " |",
        "| --- | --- |" + " --- |" * len(starts),
        *(
            f"| {call.function} | `{call}` | " + " | ".join(_cell(stage, start, call) for start in starts) + " |"
            for call in rows
        ),
    ]


def _cell(stage: Stage, start: str, call: Call) -> str:
    if call not in stage.clean_run(start):
        return NOT_MADE
    before, after = (stage.end(start, Point(when, call)) for when in WHEN)
    return before if before == after else f"{before} / {after}"


def documented() -> str:
    """The table as docs/reliability.md has it."""
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", DOCUMENT.read_text(), re.DOTALL)
    return found.group() if found else ""


def documented_points() -> Iterator[tuple[str, Point]]:
    """The points of that table."""
    row = re.compile(r"^\| (?P<function>\w+) \| `(?P<name>[^`(]+?)(?: \((?P<nth>\d+)\))?` \| (?P<cells>.*) \|$")
    starts: list[str] = []
    for line in documented().splitlines():
        if line.startswith("| step | call |"):
            starts = line.strip("| ").split(" | ")[2:]
        elif found := row.match(line):
            call = Call(found["function"], found["name"], int(found["nth"] or 1))
            for start, cell in zip(starts, found["cells"].split(" | "), strict=True):
                if cell != NOT_MADE:
                    yield from ((start, Point(when, call)) for when in WHEN)


@contextlib.contextmanager
def staged(aws: LocalAws, shops: Sandbox) -> Iterator[Stage]:
    """A stage, and the functions' environment in this process."""
    with pytest.MonkeyPatch.context() as patch:
        function_environment(aws, patch)
        yield Stage(aws, shops)


def main() -> None:
    """Run the matrix and write its table down."""
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws: Any = stack.enter_context(local_aws.running(0, "http://127.0.0.1:3000", logs, execute=False))
        stage = stack.enter_context(staged(aws, stack.enter_context(sandbox.serve())))
        written = table(stage)
    print(written)
    text = DOCUMENT.read_text()
    old = documented()
    if not old:
        sys.exit(f"{DOCUMENT} has no place for it: {BEGIN} … {END}")
    DOCUMENT.write_text(text.replace(old, written))


if __name__ == "__main__":
    main()
