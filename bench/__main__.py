"""`make bench`: measures all of it, says which budgets hold, and writes docs/performance.md's figures."""

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from unittest import mock

from bench import cold, handshakes, scale, stores
from bench.rounds import Compared
from bench.server import serving
from local.template import ROOT

CALLS = ROOT / "bench" / "calls.json"
"""The AWS calls of an activation, by credential backend and function."""
BUDGETS = tomllib.loads((ROOT / "bench" / "budgets.toml").read_text())
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
HEAD = "| what | ours | floor or peer | figure | budget | holds |\n| --- | --- | --- | --- | --- | --- |"
HANDSHAKE = ("CallbackFunction", "RequestTokenFunction", "AccessTokenFunction")
"""The functions that a merchant waits for."""


@dataclass(frozen=True)
class Figure:
    """One line of the table. value: what the budget is for. quartiles: the first and the third, where there are any."""

    what: str
    ours: str
    beside: str
    value: float
    budget: str
    quartiles: tuple[float, float] | None = None

    @property
    def holds(self) -> bool:
        """Whether the budget does, for the figure as it is written."""
        kind, limit = BUDGETS[self.budget].split()
        value = round(self.value, 2)
        return value <= float(limit) if kind == "≤" else value >= float(limit)

    def __str__(self) -> str:
        spread = "" if self.quartiles is None else " ({:.2f} to {:.2f})".format(*self.quartiles)
        holds = "yes" if self.holds else "**no**"
        cells = self.what, self.ours, self.beside, f"{self.value:.2f}{spread}", BUDGETS[self.budget], holds
        return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure, print, write. The exit code is 1 where a budget is missed."""
    figures: list[Figure] = []
    # What the functions print, their metrics, is not for this table.
    with contextlib.redirect_stdout(None), serving() as served:
        made = handshakes.Handshakes(served)
        # In this order, as moto's transactions take longer the more rows there are.
        for part in (_handshakes(made), _stores(made), _cold_starts(), _scale(), _run()):
            for figure in part:
                figures.append(figure)
                print(figure, file=sys.__stdout__, flush=True)
    _write(figures)
    missed = [figure.what for figure in figures if not figure.holds]
    print(f"{len(figures) - len(missed)} of {len(figures)} budgets hold.", *(f"Missed: {what}." for what in missed))
    return 1 if missed else 0


def _handshakes(made: handshakes.Handshakes) -> Iterator[Figure]:
    bare = handshakes.Bare(made)
    whole = handshakes.handshakes_beside_bare(made, bare)
    yield _ratio("handshake, warm, callback to connected", whole, "its AWS and store calls, bare", "handshake")
    middle, slow = handshakes.callbacks_beside_bare(made, bare)
    yield _ratio("callback, warm, p50", middle, "its three AWS calls, bare", "callback_p50")
    yield _ratio("callback, warm, p99", slow, "its three AWS calls, bare", "callback_p99")
    counted = {"secretsmanager": bare.counted()}
    os.environ["STORELINK_CREDENTIAL_STORE"] = "dynamodb"
    counted["dynamodb"] = handshakes.Bare(made).counted()
    os.environ["STORELINK_CREDENTIAL_STORE"] = "secretsmanager"
    CALLS.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n")
    for backend, functions in counted.items():
        calls = ", ".join(f"{part} {calls.total()}" for part, calls in functions.items())
        total = sum(map(Counter.total, functions.values()))
        yield Figure(f"AWS calls, activation, `{backend}`", calls, "", total, "activation_calls")
    with serving("execute") as executing:
        count = handshakes.transitions(handshakes.Handshakes(executing))
    made.use()
    yield Figure("state transitions, activation", f"the start and {count - 1} states", "", count, "transitions")


def _stores(made: handshakes.Handshakes) -> Iterator[Figure]:
    calls, peer = stores.Calls(made), "requests-oauthlib"
    yield _ratio("signing one GET", calls.signing(), peer, "signing", 1000 / stores.SIGNED)
    yield _ratio("signed GETs, 8 threads", _rates(calls.in_bulk()), peer, "bulk", stores.SENT, "/s")
    pulled = _rates(calls.pull())
    yield _ratio("catalogue pull, 200 ms a page, `parallel=4`", pulled, f"{peer}, sequential", "pull", 60, " a minute")
    what = f"peak memory of a pull of {stores.LARGE:,} products"
    yield _ratio(what, calls.memory(), "one page", "pull_memory", 2**-20, " MiB")


def _rates(times: Compared) -> Compared:
    """The reciprocals of times."""
    return Compared([1 / one for one in times.ours], [1 / one for one in times.other])


def _cold_starts() -> Iterator[Figure]:
    parameters = f"{os.environ['PARAMETERS']} SignInUrl=https://login.example/storelink"
    # A stack of its own: the sweep would have all callbacks of the other one to finish.
    with _layer() as layer, mock.patch.dict(os.environ, PARAMETERS=parameters), serving() as empty:
        taken = dict(cold.starts(handshakes.Handshakes(empty), layer))
    floor, plain = cold.FLOORS
    for name in HANDSHAKE:
        yield _ratio(f"cold start, {name}", taken[name][floor], f"{floor}, same clients", "cold_start_handshake")
    others = taken.keys() - set(HANDSHAKE)
    for budget, floor_, names in (("cold_start", floor, others), ("cold_start_boto3", plain, taken.keys())):
        slowest = max(names, key=lambda name: taken[name][floor_].quartiles[1])
        what = f"cold start, slowest of {len(names)}: {slowest}"
        yield _ratio(what, taken[slowest][floor_], f"{floor_}, same clients", budget)


def _scale() -> Iterator[Figure]:
    with serving() as empty:
        read = scale.items_read(handshakes.Handshakes(empty))
    few, many = (", ".join(f"{what} {counts[nth]}" for what, counts in read.items()) for nth in (0, 1))
    value = sum(counts[1] for counts in read.values()) / sum(counts[0] for counts in read.values())
    yield Figure(f"items read with {scale.MANY:,} stores", many, f"with {scale.FEW}: {few}", value, "items_read")


def _run() -> Iterator[Figure]:
    taken, ready = scale.fresh_clone()
    yield Figure("`make run`, stack ready, s", "", "", ready, "stack_seconds")
    yield Figure("`make run` in a fresh clone, s", "", "", taken, "run_seconds")


def _ratio(what: str, compared: Compared, beside: str, budget: str, factor: float = 1000, unit: str = " ms") -> Figure:
    ours, other = (f"{value * factor:.3g}{unit}" for value in map(median, (compared.ours, compared.other)))
    low, middle, high = compared.quartiles
    return Figure(what, ours, f"{beside}: {other}", middle, budget, (low, high))


@contextlib.contextmanager
def _layer() -> Iterator[Path]:
    """The layer as `sam build` makes it, by its Makefile, for the Python of cold starts."""
    variables = {"PYTHON": sys.executable, "LAYER_PYTHON": _version().rpartition(".")[0], "MAKEFLAGS": ""}
    with tempfile.TemporaryDirectory() as folder:
        variables |= {"ARTIFACTS_DIR": folder, "LAYER_MACHINE": platform.machine()}
        command = ["make", "-C", "layers/storelink", "build-StorelinkLayer", *map("=".join, variables.items())]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=300)
        yield Path(folder) / "python"


def _version() -> str:
    """Of the Python that runs cold starts, as "3.13.0"."""
    return subprocess.check_output([cold.PYTHON, "--version"], text=True).split()[1]


def _write(figures: list[Figure]) -> None:
    where = f"By `make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.machine()}, Python "
    where += f"{platform.python_version()}; cold starts by {_version()}.\nIn brackets are the quartiles of the ratio."
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + "\n".join([BEGIN, where, "", HEAD, *map(str, figures), END]) + rest.partition(END)[2])


if __name__ == "__main__":
    sys.exit(main())
