"""`make run`: activates the sandbox store and shows each step, from Magento's post to a signed call."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import requests
from rich.console import Console

import storelink
from local import aws as local_aws
from local import stack
from local.serve import LOGS
from local.stack import Ports, PortTaken, Stack
from storelink.errors import ADVICE, StorelinkError

PATIENCE = 60.0
"""Seconds that the activation may take."""

SIGNED_CALL = "rest/V1/store/storeConfigs"

STEPS = {
    "requested": "Request token fetched from the store, encrypted",
    "connected": "Access token fetched from the store, now in Secrets Manager",
}


class Failed(Exception):
    """The run did not finish. The message says why, and who has to act."""


def main() -> int:
    """Run everything. Returns the exit code: 0 when the store is connected and has answered a signed call, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    try:
        with contextlib.ExitStack() as ending:
            with console.status("Starting AWS (moto), the functions, the API and the sandbox store …"):
                running = ending.enter_context(
                    stack.running(Ports.from_environment(), LOGS, dialect=stack.chosen_dialect())
                )
            console.print(f"[dim]Stack started in {time.monotonic() - began:.1f} s[/dim]")
            _show(console, running)
    except (PortTaken, ValueError, Failed, StorelinkError) as error:
        console.print("Not connected.", style="red")
        console.print(str(error), markup=False)
        return 1
    return 0


def _show(console: Console, running: Stack) -> None:
    began = time.monotonic()

    def done(what: str) -> None:
        console.print(f"[green]✓[/green] {time.monotonic() - began:5.2f} s  {what}")

    with console.status("Activating the sandbox store …"):
        posted = requests.post(
            f"{running.store_url}sandbox/activate", json={"callback_url": running.callback_url}, timeout=30
        ).json()
        status, took = posted["callback_status"], posted["callback_seconds"] * 1000
        if status != 200:
            raise Failed(f"The callback answered {status}: {posted.get('callback_error')}. Look into {LOGS}.")
        done(f"Magento posted the keys to {running.callback_url}, which answered 200 in {took:.0f} ms")
        _follow(running, posted["consumer_key"], done)
        event = _event(running)
        done(f"Event “{event['detail-type']}”: {event['detail']['connection_id']}")
        answer = _called(running)
        done(f"storelink.connect(…).get({SIGNED_CALL!r}) → 200")
    console.print_json(json.dumps(answer))
    console.print(f"[bold green]Connected:[/bold green] {running.store_url}")


def _follow(running: Stack, consumer_key: str, done: Callable[[str], None]) -> None:
    """Show each state when it is reached, until the store is connected. Raises Failed when it does not connect."""
    to_come = dict(STEPS)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        row = running.activation(consumer_key)
        if row.get("state") == "failed":
            raise Failed(f"{row['reason']}: {row['problem']}\n{ADVICE[row['reason']]}\nLogs: {LOGS}")
        reached = row.get("reached", "")
        for state in [state for state in to_come if reached in (state, "connected")]:
            done(to_come.pop(state))
        if reached == "connected":
            return
        time.sleep(0.02)
    raise Failed(f"No end after {PATIENCE:.0f} s. Look into {LOGS}.")


def _event(running: Stack) -> dict[str, Any]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for event in running.events():
            if event["detail-type"] == "Store Connected":
                return event
        time.sleep(0.05)
    raise Failed(f"The event “Store Connected” did not come. Look into {LOGS}.")


def _called(running: Stack) -> Any:
    """Return the store's answer to one signed call, made as an app makes it. Raises Failed when it is refused."""
    os.environ.update(local_aws.environment(running.aws.url))
    os.environ["STORELINK_ALLOW_PRIVATE_STORES"] = "true"
    answer = storelink.connect(running.store_url, stack=running.aws.stack).get(SIGNED_CALL)
    if answer.status_code != 200:
        raise Failed(f"The signed call was answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


if __name__ == "__main__":
    sys.exit(main())
