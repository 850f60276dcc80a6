"""`make load`: activates many stores at once, some with trouble, and checks that no activation is lost.

In its second half, hostile stores are activated, too. The honest ones must not lose anything by that, and not wait.
"""

import argparse
import contextlib
import json
import os
import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import storelink
from local import aws as local_aws
from local import background, stack
from local.lambda_runtime import MOST_ENVIRONMENTS
from local.serve import LOGS
from local.stack import Ports, PortTaken, Stack
from storelink.testing import sandbox
from storelink.testing.sandbox.hostile import HOSTILE

AT_ONCE = 8
"""Activations at once: as many as two cores take without callbacks that wait for each other."""

PATIENCE = 330.0
"""Seconds after which an activation that has not finished is lost: its store lets it end long before."""

HOSTS = 4
"""Hosts of the honest stores. A host has as many steps at once as the parameter StepsPerHost allows."""

SLOWER = 2.0
"""How many times as long honest activations may take beside hostile ones, by their 99th percentile."""

ENOUGH = 100
"""Honest activations in each half from which on their 99th percentiles are compared."""

PAUSE = 10.0
"""Seconds between two lines of the progress."""

SEED = 1
SIGNED_CALL = "rest/V1/store/storeConfigs"
CONNECTED = "connected"


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at the store. end: the expected result, `connected` or the reason of the failure."""

    kind: str
    end: str
    times: int | None = None
    endpoint: str | None = None


TROUBLES = (
    Trouble("maintenance", CONNECTED, times=1),
    Trouble("rate_limit", CONNECTED, times=2, endpoint="access"),
    Trouble("internal_error", CONNECTED, times=1, endpoint="access"),
    Trouble("drop_before", CONNECTED, times=1),
    Trouble("nonce_used", CONNECTED, times=1, endpoint="request"),
    Trouble("maintenance", CONNECTED, times=2, endpoint="access"),
    Trouble("forbidden", CONNECTED, times=2, endpoint="request"),
    Trouble("html", CONNECTED, times=2, endpoint="request"),
    Trouble("signature_invalid", "signature-invalid"),
    Trouble("unknown_key", "integration-deleted"),
    Trouble("redirect", "redirected"),
    Trouble("header_lost", "header-lost"),
    Trouble("drop", "reauthorize", times=1, endpoint="access"),
    Trouble("half", "reauthorize", times=1, endpoint="request"),
)


@dataclass(frozen=True)
class End:
    """The result of one activation. end: `connected`, a reason or `lost`. answered, ended: seconds from the click."""

    trouble: Trouble | None
    wanted: str
    end: str
    answered: float
    ended: float
    wrong: str = ""


class Shop:
    """One sandbox store, its merchant who clicks again when an activation has ended, and the app that calls it."""

    def __init__(self, running: Stack, server_url: str, name: str) -> None:
        self.url = f"{server_url}stores/{name}/"
        self._running = running

    def activate(self, trouble: Trouble | None) -> End:
        """Click the link that the grid shows, and wait for the end."""
        self._delete_what_activate_cannot_heal()
        if trouble:
            asked = {"kind": trouble.kind, "times": trouble.times, "endpoint": trouble.endpoint}
            self._control("POST", "trouble", asked)
        began = time.time()
        clicked = self._click()
        wanted = trouble.end if trouble else CONNECTED
        answered = clicked["callback_seconds"]
        if clicked["callback_status"] not in (200, None):  # None: no answer in the 5 s that Magento waits
            problem = f"the callback answered {clicked['callback_status']}"
            return End(trouble, wanted, "not accepted", answered, answered, problem)
        row = self._ended(clicked["consumer_key"], began)
        if not row:
            return End(trouble, wanted, "lost", answered, PATIENCE, "has no end")
        end = row["reason"] if row["state"] == "failed" else row["state"]
        wrong = self._wrong(wanted, end)
        if trouble:
            self._control("DELETE", "trouble")
        return End(trouble, wanted, end, answered, int(row["updated_at"]) / 1000 - began, wrong)

    def attack(self, kind: str) -> str:
        """Have a hostile store activated. Returns the consumer key of its activation, which nobody waits for."""
        self._control("POST", "trouble", {"kind": kind})
        return str(self._click()["consumer_key"])

    def _click(self) -> dict[str, Any]:
        urls = {"callback_url": self._running.callback_url, "identity_url": self._running.identity_url}
        return self._control("POST", "click", urls)

    def _delete_what_activate_cannot_heal(self) -> None:
        """Delete the integration when its request token was given and the answer was lost, as the advice says."""
        for integration in self._control("GET", "state")["integrations"].values():
            if integration["row"] == "request":
                self._control("POST", "delete", {})

    def _ended(self, consumer_key: str, began: float) -> dict[str, Any]:
        """Return the activation's row when it has ended, {} when it does not end."""
        pause = 0.1
        while time.time() - began < PATIENCE:
            row = self._running.activation(consumer_key)
            this_one = row and int(row["received_at"]) >= int(began * 1000)
            if this_one and row["state"] in ("connected", "failed"):
                return row
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)
        return {}

    def _wrong(self, wanted: str, end: str) -> str:
        """Return what is wrong with the result or with the stored credentials, "" when nothing is."""
        if end != wanted:
            return f"ended {end}, not {wanted}"
        if end != CONNECTED:
            return ""
        answer = storelink.connect(self.url, stack=self._running.aws.stack).get(SIGNED_CALL)
        return "" if answer.status_code == 200 else f"credentials: {answer.status_code}"

    def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = requests.request(method, f"{self.url}sandbox/{name}", json=body, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@dataclass(frozen=True)
class Load:
    """What a run found. before, beside: the honest activations of both halves. attacks: hostile ones by state."""

    before: list[End]
    beside: list[End]
    attacks: Counter[str]
    events: Counter[str]
    took: float


def main() -> int:
    """Run the load. Returns the exit code: 0 when every honest activation ended as expected and in time, else 1."""
    asked = _asked()
    console = Console(highlight=False)
    try:
        with contextlib.ExitStack() as ending:
            with console.status("Starting AWS (moto), the functions, the API and the sandbox stores …"):
                running = ending.enter_context(
                    stack.running(Ports.from_environment(), LOGS, dialect=stack.chosen_dialect())
                )
                servers = [ending.enter_context(sandbox.serve(dialect=stack.chosen_dialect())) for _ in range(HOSTS)]
                hostile = ending.enter_context(sandbox.serve()).url
                _warm(running, min(MOST_ENVIRONMENTS, asked.at_once, asked.stores))
            _be_an_app(running)
            load = _run(console, running, [server.url for server in servers], hostile, asked)
    except (PortTaken, ValueError) as error:
        console.print(str(error), style="red")
        return 1
    return _report(console, load)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.load_test", description=__doc__)
    parser.add_argument("--activations", type=int, default=1000, help="clicks of honest stores in all (1000)")
    parser.add_argument("--stores", type=int, default=200, help="stores that share them (200)")
    parser.add_argument("--trouble", type=float, default=5, help="percent of them that meet trouble (5)")
    parser.add_argument(
        "--hostile", type=float, default=5, help="hostile clicks for each hundred in the second half (5)"
    )
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"activations under way at once ({AT_ONCE})")
    asked = parser.parse_args()
    if asked.activations < 2 or asked.stores < 1 or asked.at_once < 1:
        parser.error("--activations is a number from 2; --stores and --at-once are numbers from 1")
    if not 0 <= asked.trouble <= 100 or not 0 <= asked.hostile <= 100:
        parser.error("--trouble and --hostile are from 0 to 100")
    return asked


def _warm(running: Stack, environments: int) -> None:
    """Start all environments that the steps may have at once, so that their start is not measured."""
    refused = json.dumps({"requestContext": {"http": {"method": "GET"}}, "headers": {}, "body": "{}"})
    steps = [running.aws.functions[f"{step}Function"] for step in ("Callback", "RequestToken", "AccessToken")]
    with ThreadPoolExecutor(len(steps) * environments) as pool:
        list(pool.map(lambda function: function.invoke(refused), steps * environments))


def _be_an_app(running: Stack) -> None:
    """Give this process the environment of an app that calls the stores."""
    os.environ.update(local_aws.environment(running.aws.url))
    os.environ["STORELINK_ALLOW_PRIVATE_STORES"] = "true"


def _run(console: Console, running: Stack, hosts: list[str], hostile: str, asked: argparse.Namespace) -> Load:
    """Click at each store in turn, as many at once as asked; in the second half at hostile stores, too."""
    dice = random.Random(SEED)
    troubled = set(dice.sample(range(asked.activations), round(asked.activations * asked.trouble / 100)))
    kinds = _in_turns(dice)
    troubles = [next(kinds) if number in troubled else None for number in range(asked.activations)]
    half = asked.activations // 2
    attacked = set(dice.sample(range(half, asked.activations), round((asked.activations - half) * asked.hostile / 100)))
    shops: queue.Queue[Shop] = queue.Queue()
    for number in range(min(asked.stores, asked.activations)):
        shops.put(Shop(running, hosts[number % len(hosts)], f"load-{number}"))
    attacks: list[str] = []

    began = time.monotonic()
    with _progress(console, asked.activations) as advance, ThreadPoolExecutor(min(asked.at_once, asked.stores)) as pool:

        def one(number: int) -> End:
            if number in attacked:
                kind = HOSTILE[len(attacks) % len(HOSTILE)]
                attacks.append(Shop(running, hostile, f"hostile-{number}").attack(kind))
            try:
                return _one(shops, troubles[number])
            finally:
                advance()

        before = list(pool.map(one, range(half)))
        beside = list(pool.map(one, range(half, asked.activations)))
    took = time.monotonic() - began
    states = Counter(str(running.activation(key).get("state", "refused")) for key in attacks)
    details = [(event["detail-type"], event["detail"]["store_url"]) for event in running.events()]
    events = Counter(kind for kind, url in details if not url.startswith(hostile))
    return Load(before, beside, states, events, took)


@contextlib.contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """Show how many activations have ended, in a pipe by a line every ten seconds. Yields what counts one."""
    columns = (TextColumn("Activations"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = Progress(*columns, console=console, disable=not console.is_terminal)
    task = shown.add_task("", total=total)
    began = time.monotonic()

    def lines(ended: threading.Event) -> None:
        while not console.is_terminal and not ended.wait(PAUSE):
            console.print(f"{shown.tasks[0].completed:.0f} of {total} after {time.monotonic() - began:.0f} s")

    with background.running(lines), shown:
        yield lambda: shown.advance(task)


def _in_turns(dice: random.Random) -> Iterator[Trouble]:
    while True:
        yield from dice.sample(TROUBLES, len(TROUBLES))


def _one(shops: "queue.Queue[Shop]", trouble: Trouble | None) -> End:
    """Activate the store that has waited longest."""
    shop = shops.get()
    try:
        return shop.activate(trouble)
    except (requests.RequestException, storelink.StorelinkError) as error:
        wanted = trouble.end if trouble else CONNECTED
        return End(trouble, wanted, "lost", 0.0, 0.0, f"{type(error).__name__}: {error}")
    finally:
        shops.put(shop)


def _report(console: Console, load: Load) -> int:
    ends = load.before + load.beside
    counted = Table(title="Ends of honest activations")
    for column in ("end", "wanted", "count"):
        counted.add_column(column, justify="right" if column == "count" else "left")
    for (end, wanted), count in Counter((one.end, one.wanted) for one in ends).most_common():
        counted.add_row(end, "yes" if end == wanted else f"no: {wanted}", str(count))
    console.print(counted)
    console.print(_times(load))
    console.print(f"{len(ends)} activations in {load.took:.1f} s: {len(ends) / load.took:.1f} a second")
    console.print(f"Events: {', '.join(f'{count} {kind}' for kind, count in sorted(load.events.items()))}")
    attacks = ", ".join(f"{count} {state}" for state, count in sorted(load.attacks.items()))
    console.print(f"Hostile activations: {attacks or 'none'}")
    wrong = [one.wrong for one in ends if one.wrong]
    unpublished = len(ends) - load.events["Store Connected"] - load.events["Activation Failed"]
    if unpublished > 0:
        wrong.append(f"{unpublished} have no event")
    if load.attacks[CONNECTED]:
        wrong.append("a hostile store is connected")
    if load.attacks and _is_slower(load):
        wrong.append(f"beside hostile stores, the 99th percentile is more than {SLOWER:.0f} times as long")
    for one in wrong[:20]:
        console.print(one, style="red", markup=False)
    if wrong:
        console.print(f"{len(wrong)} did not end as expected.", style="bold red")
        return 1
    console.print(
        "No activation is lost: each ended as expected, has its event, and its credentials work.",
        style="green",
    )
    return 0


def _times(load: Load) -> Table:
    times = Table(title="Times of honest activations")
    for column in ("", "p50", "p95", "p99", "most"):
        times.add_column(column, justify="right" if column else "left")
    ends = load.before + load.beside
    times.add_row("callback → answer", *_spread([one.answered for one in ends]))
    times.add_row("callback → any end", *_spread([one.ended for one in ends]))
    times.add_row("without trouble → connected", *_spread(_untroubled(load.before)))
    if load.attacks:
        times.add_row("the same, beside hostile stores", *_spread(_untroubled(load.beside)))
    return times


def _untroubled(ends: list[End]) -> list[float]:
    """Return the seconds of the honest activations that meet no trouble."""
    return [one.ended for one in ends if one.trouble is None]


def _is_slower(load: Load) -> bool:
    before, beside = _untroubled(load.before), _untroubled(load.beside)
    return min(len(before), len(beside)) >= ENOUGH and _percentiles(beside)[98] > SLOWER * _percentiles(before)[98]


def _percentiles(seconds: list[float]) -> list[float]:
    """Return the 99 percentiles; all of them the one value where there is only one."""
    return quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else (seconds or [0.0]) * 99


def _spread(seconds: list[float]) -> list[str]:
    cut = _percentiles(seconds)
    return [f"{one * 1000:.0f} ms" for one in (cut[49], cut[94], cut[98], max(seconds, default=0.0))]


if __name__ == "__main__":
    sys.exit(main())
