"""`make load`: activates many stores at once, some with trouble, and checks that no activation is lost."""

import argparse
import contextlib
import json
import os
import queue
import random
import sys
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
from local import stack
from local.lambda_runtime import MOST_ENVIRONMENTS
from local.serve import LOGS
from local.stack import Ports, PortTaken, Stack

AT_ONCE = 8
"""Activations at once: as many as two cores take without callbacks that wait for each other."""

PATIENCE = 420.0
"""Seconds after which an activation that has not finished is lost: by then the sweep would have ended it."""

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
    Trouble("forbidden", "blocked", endpoint="request"),
    Trouble("html", "no-token", endpoint="request"),
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

    wanted: str
    end: str
    answered: float
    ended: float
    wrong: str = ""


class Shop:
    """One sandbox store, its merchant who clicks again when an activation has ended, and the app that calls it."""

    def __init__(self, running: Stack, name: str) -> None:
        self.url = f"{running.store_url}stores/{name}/"
        self._running = running

    def activate(self, trouble: Trouble | None) -> End:
        """Click the link that the grid shows, and wait for the end."""
        self._delete_what_activate_cannot_heal()
        if trouble:
            asked = {"kind": trouble.kind, "times": trouble.times, "endpoint": trouble.endpoint}
            self._control("POST", "trouble", asked)
        began = time.time()
        clicked = self._control(
            "POST",
            "click",
            {"callback_url": self._running.callback_url, "identity_url": self._running.identity_url},
        )
        wanted = trouble.end if trouble else CONNECTED
        answered = clicked["callback_seconds"]
        if clicked["callback_status"] not in (200, None):  # None: no answer in the 5 s that Magento waits
            return End(
                wanted, "not accepted", answered, answered, f"the callback answered {clicked['callback_status']}"
            )
        row = self._ended(clicked["consumer_key"], began)
        if not row:
            return End(wanted, "lost", answered, PATIENCE, "has no end")
        end = row["reason"] if row["state"] == "failed" else row["state"]
        wrong = self._wrong(wanted, end)
        if trouble:
            self._control("DELETE", "trouble")
        return End(wanted, end, answered, int(row["updated_at"]) / 1000 - began, wrong)

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


def main() -> int:
    """Run the load. Returns the exit code: 0 when every activation ended as expected, else 1."""
    asked = _asked()
    console = Console(highlight=False)
    try:
        with contextlib.ExitStack() as ending:
            with console.status("Starting AWS (moto), the functions, the API and the sandbox stores …"):
                running = ending.enter_context(
                    stack.running(Ports.from_environment(), LOGS, dialect=stack.chosen_dialect())
                )
                _warm(running)
            _be_an_app(running)
            began = time.monotonic()
            ends = _run(console, running, asked)
            took = time.monotonic() - began
            events = Counter(event["detail-type"] for event in running.events())
    except (PortTaken, ValueError) as error:
        console.print(str(error), style="red")
        return 1
    return _report(console, ends, events, took)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.load_test", description=__doc__)
    parser.add_argument("--activations", type=int, default=1000, help="clicks in all (1000)")
    parser.add_argument("--stores", type=int, default=200, help="stores that share them (200)")
    parser.add_argument("--trouble", type=float, default=5, help="percent of them that meet trouble (5)")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"activations under way at once ({AT_ONCE})")
    asked = parser.parse_args()
    if asked.activations < 1 or asked.stores < 1 or asked.at_once < 1 or not 0 <= asked.trouble <= 100:
        parser.error("--activations, --stores and --at-once are numbers from 1; --trouble is from 0 to 100")
    return asked


def _warm(running: Stack) -> None:
    """Start all environments that the steps may have, so that their start is not measured."""
    refused = json.dumps({"requestContext": {"http": {"method": "GET"}}, "headers": {}, "body": "{}"})
    steps = [running.aws.functions[f"{step}Function"] for step in ("Callback", "RequestToken", "AccessToken")]
    with ThreadPoolExecutor(len(steps) * MOST_ENVIRONMENTS) as pool:
        list(pool.map(lambda function: function.invoke(refused), steps * MOST_ENVIRONMENTS))


def _be_an_app(running: Stack) -> None:
    """Give this process the environment of an app that calls the stores."""
    os.environ.update(local_aws.environment(running.aws.url))
    os.environ["STORELINK_ALLOW_PRIVATE_STORES"] = "true"


def _run(console: Console, running: Stack, asked: argparse.Namespace) -> list[End]:
    """Click at each store in turn, as many at once as asked. Returns the result of each activation."""
    dice = random.Random(SEED)
    troubled = set(dice.sample(range(asked.activations), round(asked.activations * asked.trouble / 100)))
    kinds = _in_turns(dice)
    troubles = [next(kinds) if number in troubled else None for number in range(asked.activations)]
    shops: queue.Queue[Shop] = queue.Queue()
    for number in range(min(asked.stores, asked.activations)):
        shops.put(Shop(running, f"load-{number}"))
    shown = Progress(TextColumn("Activations"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    with shown, ThreadPoolExecutor(min(asked.at_once, asked.stores)) as pool:
        task = shown.add_task("", total=asked.activations)
        return list(pool.map(lambda trouble: _one(shops, trouble, lambda: shown.advance(task)), troubles))


def _in_turns(dice: random.Random) -> Iterator[Trouble]:
    while True:
        yield from dice.sample(TROUBLES, len(TROUBLES))


def _one(shops: "queue.Queue[Shop]", trouble: Trouble | None, done: Callable[[], None]) -> End:
    """Activate the store that has waited longest."""
    shop = shops.get()
    try:
        return shop.activate(trouble)
    except (requests.RequestException, storelink.StorelinkError) as error:
        return End(trouble.end if trouble else CONNECTED, "lost", 0.0, 0.0, f"{type(error).__name__}: {error}")
    finally:
        shops.put(shop)
        done()


def _report(console: Console, ends: list[End], events: Counter[str], took: float) -> int:
    counted = Table(title="Ends")
    for column in ("end", "wanted", "count"):
        counted.add_column(column, justify="right" if column == "count" else "left")
    for (end, wanted), count in Counter((one.end, one.wanted) for one in ends).most_common():
        counted.add_row(end, "yes" if end == wanted else f"no: {wanted}", str(count))
    console.print(counted)
    times = Table(title="Times")
    for column in ("", "p50", "p95", "p99", "most"):
        times.add_column(column, justify="right" if column else "left")
    times.add_row("callback → answer", *_spread([one.answered for one in ends]))
    connected = [one.ended for one in ends if one.end == CONNECTED]
    times.add_row("callback → connected", *_spread(connected))
    times.add_row("callback → any end", *_spread([one.ended for one in ends]))
    console.print(times)
    console.print(f"{len(ends)} activations in {took:.1f} s: {len(ends) / took:.1f} a second")
    console.print(f"Events: {', '.join(f'{count} {kind}' for kind, count in sorted(events.items()))}")
    wrong = [one for one in ends if one.wrong]
    unpublished = len(ends) - events["Store Connected"] - events["Activation Failed"]
    for one in wrong[:20]:
        console.print(one.wrong, style="red", markup=False)
    if wrong or unpublished > 0:
        console.print(f"{len(wrong)} did not end as expected, {max(unpublished, 0)} have no event.", style="bold red")
        return 1
    console.print(
        "No activation is lost: each ended as expected, has its event, and its credentials work.",
        style="green",
    )
    return 0


def _spread(seconds: list[float]) -> list[str]:
    if len(seconds) < 2:
        return [f"{one * 1000:.0f} ms" for one in seconds * 4]
    cut = quantiles(seconds, n=100, method="inclusive")
    return [f"{one * 1000:.0f} ms" for one in (cut[49], cut[94], cut[98], max(seconds))]


if __name__ == "__main__":
    sys.exit(main())
