"""`make bench`: measures all of it, says which budgets hold, and writes docs/performance.md's figures."""

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import calls_to_stores, cold, warm
from bench.rounds import Compared
from bench.server import Served, serving
from local.lambda_runtime import Function
from local.template import ROOT

CALLS = ROOT / "bench" / "calls.json"
"""The AWS calls of an activation, by credential backend and function."""
BUDGETS = tomllib.loads((ROOT / "bench" / "budgets.toml").read_text())
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Figure:
    """One line of the table. value: what the budget is for; None where none is."""

    what: str
    ours: str
    beside: str
    value: float
    budget: str

    @property
    def limit(self) -> str:
        """The budget in words."""
        ((kind, limit),) = BUDGETS[self.budget].items()
        return f"{'≤' if kind == 'most' else '≥'} {limit:g}"

    @property
    def holds(self) -> bool:
        """Whether the budget does."""
        ((kind, limit),) = BUDGETS[self.budget].items()
        return bool(self.value <= limit if kind == "most" else self.value >= limit)


def main() -> int:
    """Measure, print, write. The exit code is 1 where something could not be measured.

    It is 0 also where a budget is missed: the table says so.
    """
    console = Console(file=sys.stdout, width=150, highlight=False)
    figures: list[Figure] = []
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        deployed, built = Path(folder) / "deployed", Path(folder) / "built"
        with console.status("sam build …"):
            _build(deployed)
            # The same for the Python and the machine that run it here.
            _build(built, LAYER_PYTHON=cold.version().rpartition(".")[0], LAYER_MACHINE=platform.machine())
        # What the functions print, their metrics, is not for this table.
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            serving() as served,
            console.status("Measuring …") as status,
        ):
            for part in _parts(served, deployed, built):
                try:
                    for figure in part():
                        figures.append(figure)
                        console.print(f"{figure.what}: {figure.value:.2f}", style="dim")
                        status.update(f"Measured {len(figures)} figures …")
                except Exception:  # what was measured is not lost for what was not
                    broken += 1
                    console.print(traceback.format_exc(), style="red", markup=False)
    table = Table("what", "ours", "beside it", "figure", "budget", "holds")
    for figure in figures:
        verdict = "[green]yes[/green]" if figure.holds else "[red]no[/red]"
        table.add_row(figure.what, figure.ours, figure.beside, f"{figure.value:.2f}", figure.limit, verdict)
    console.print(table)
    console.print(f"{sum(figure.holds for figure in figures)} of {len(figures)} budgets hold.")
    _write(figures)
    if broken:
        console.print(f"{broken} measurements ended in an error, above; their figures are missing.", style="red")
    return 1 if broken else 0


def _parts(served: Served, deployed: Path, built: Path) -> list[Callable[[], Iterator[Figure]]]:
    """What is measured, in this order: moto's transactions take longer the more rows there are, cold starts longest."""
    handshakes = warm.Handshakes(served)
    return [
        lambda: _calls(handshakes),
        lambda: _whole(handshakes),
        lambda: _callbacks(handshakes),
        lambda: _calls_to_stores(handshakes),
        lambda: _sizes(deployed),
        lambda: _memories(handshakes, served, built),
        lambda: _cold_starts(built),
    ]


def _whole(handshakes: warm.Handshakes) -> Iterator[Figure]:
    whole, waiting = warm.handshakes_beside_a_script(handshakes)
    with serving(execute=True) as executing:
        try:
            own = warm.state_machine(warm.Handshakes(executing))
        finally:
            handshakes.use()
    figure = _ratio("handshake, warm, callback to connected", whole, "script: two calls, one secret", "handshake")
    apart = f"the state machine's own, apart: {own * 1000:.3g} ms"
    yield replace(figure, ours=f"{figure.ours}, {waiting:.0%} of it waiting for AWS; {apart}")


def _callbacks(handshakes: warm.Handshakes) -> Iterator[Figure]:
    median, slow = warm.callbacks(handshakes)
    yield _ratio("callback, warm, p50", median, "its three AWS calls, bare", "callback_p50")
    yield _ratio("callback, warm, p99", slow, "its three AWS calls, bare", "callback_p99")


def _calls_to_stores(handshakes: warm.Handshakes) -> Iterator[Figure]:
    signing = calls_to_stores.signing(handshakes)
    yield _ratio("signing one GET", signing, "requests-oauthlib", "signing", per=calls_to_stores.SIGNED)
    bulk = calls_to_stores.in_bulk(handshakes)
    faster = Compared(bulk.other, bulk.ours)  # throughput is the reciprocal of time
    rate = [calls_to_stores.SENT / sorted(side)[len(side) // 2] for side in (bulk.ours, bulk.other)]
    yield Figure(
        "signed GETs, 8 threads", f"{rate[0]:.0f}/s", f"requests-oauthlib: {rate[1]:.0f}/s", faster.ratio, "bulk"
    )
    pulled = calls_to_stores.pull(handshakes)
    times = [f"{sum(side) / len(side):.2g} s" for side in (pulled.ours, pulled.other)]
    what = "catalogue pull, 200 ms a page, parallel=4"
    other = f"requests-oauthlib, page by page: {times[1]}"
    yield Figure(what, times[0], other, Compared(pulled.other, pulled.ours).ratio, "pull")


def _sizes(deployed: Path) -> Iterator[Figure]:
    files = [file for file in (deployed / "StorelinkLayer").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 2**20
    compiled = any(file.suffix == ".pyc" for file in files)
    yield Figure(
        "layer, unzipped", f"{size:.1f} MiB, {'with' if compiled else 'without'} byte code", "", size, "layer_mib"
    )


def _memories(handshakes: warm.Handshakes, served: Served, built: Path) -> Iterator[Figure]:
    memory = _memory(handshakes, served, built)
    yield Figure("memory at a handshake's end", f"{memory:.0f} MiB", "", memory, "memory_mib")


def _cold_starts(built: Path) -> Iterator[Figure]:
    os.environ["PARAMETERS"] = "SignInUrl=https://login.example/storelink"
    with serving() as empty:  # else the sweep would have all of those callbacks to finish
        for name, compared in cold.starts(warm.Handshakes(empty), built):
            yield _ratio(f"cold start, {name}", compared, "import boto3, the same clients", "cold_start")


def _ratio(what: str, compared: Compared, beside: str, budget: str, per: int = 1) -> Figure:
    ours, other = (sorted(side)[len(side) // 2] / per * 1000 for side in (compared.ours, compared.other))
    low, high = compared.spread
    return Figure(what, f"{ours:.3g} ms", f"{beside}: {other:.3g} ms ({low:.2f} to {high:.2f})", compared.ratio, budget)


def _calls(handshakes: warm.Handshakes) -> Iterator[Figure]:
    counted = {}
    for backend in ("secretsmanager", "dynamodb"):
        os.environ["STORELINK_CREDENTIAL_STORE"] = backend
        counted[backend] = handshakes.counted()
    os.environ["STORELINK_CREDENTIAL_STORE"] = "secretsmanager"
    CALLS.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n")
    callback = counted["secretsmanager"]["callback"]
    yield Figure("AWS calls, callback", _told(callback), "", callback.total(), "callback_calls")
    for backend, functions in counted.items():
        every = sum(functions.values(), Counter())
        yield Figure(f"AWS calls, activation, {backend}", _told(every), "", every.total(), "activation_calls")


def _told(calls: Counter[str]) -> str:
    services: Counter[str] = Counter()
    for name, times in calls.items():
        services[name.partition(".")[0]] += times
    return ", ".join(f"{service} {times}" for service, times in services.most_common())


def _memory(handshakes: warm.Handshakes, served: Served, built: Path) -> float:
    """The most that the access step's process took, once it has kept credentials and told the app: MiB."""
    form = handshakes.post_of(handshakes.store())
    activation_id = handshakes.callback(form)
    event = {"activation_id": activation_id, "holder": activation_id}
    handshakes.call("RequestTokenFunction", event)
    template = cold.built_template(built)
    log = built.parent / "memory.log"
    wrapped = built.parent / "memory"
    wrapped.mkdir()
    code = template.folders["AccessTokenFunction"]
    (wrapped / "measured.py").write_text(
        "import resource\nfrom app import handler as ours\n"
        "def handler(event, context):\n"
        "    answer = ours(event, context)\n"
        "    return {**answer, 'kib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n"
    )
    (wrapped / "app.py").write_text((code / "app.py").read_text())
    function = Function(
        "AccessTokenFunction",
        code=wrapped,
        layer=template.packages,
        variables=served.variables["AccessTokenFunction"],
        handler="measured.handler",
        timeout=30,
        memory=512,
        log=log,
        python=str(cold.PYTHON),
    )
    try:
        answer = json.loads(function.invoke(json.dumps(event)).payload)
    finally:
        function.stop()
    if answer.get("state") != "connected":
        raise RuntimeError(f"the access step answered {answer}")
    return float(answer["kib"]) / 1024


def _build(folder: Path, **variables: str) -> None:
    subprocess.run(
        [Path(sys.executable).parent / "sam", "build", "--build-dir", folder, "--no-cached"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0", "MAKEFLAGS": "", **variables},
        capture_output=True,
        check=True,
        timeout=300,
    )


def _write(figures: list[Figure]) -> None:
    written = [
        BEGIN,
        f"By `make bench` on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.machine()}; cold starts and memory: Python {cold.version()}. Medians of 7 alternating rounds; in "
        "brackets the quartiles of the ratio.",
        "",
        "| what | ours | beside it | figure | budget | holds |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one.what} | {one.ours} | {one.beside} | {one.value:.2f} | {one.limit} | "
            f"{'yes' if one.holds else '**no**'} |"
            for one in figures
        ),
        END,
    ]
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + "\n".join(written) + after)


if __name__ == "__main__":
    sys.exit(main())
