"""`watch`: activations as they happen."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.live import Live

from storelink_cli.command import Run, command
from storelink_cli.exits import Exit, Failure
from storelink_cli.output import table

TITLES = ("At", "Store", "State", "Reason")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(watch)


@command
def watch(
    run: Run,
    limit: Annotated[int, typer.Option(help="How many of the newest.", min=1, max=200)] = 20,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Watch activations as they happen, until Ctrl-C. With --json: a line each time one changes."""
    looks = _looks(run, limit, interval, once)
    try:
        if run.out.as_json:
            _lines(run, looks)
        elif run.out.console.is_terminal and not once:
            with Live(console=run.out.console, auto_refresh=False) as live:
                for activations in looks:
                    live.update(table(TITLES, map(_row, activations)), refresh=True)
        else:
            for activations in looks:
                run.out.table(TITLES, map(_row, activations))
    except KeyboardInterrupt:  # the ordinary way to end it
        raise typer.Exit(Exit.DONE) from None


def _looks(run: Run, limit: int, interval: float, once: bool) -> Iterator[list[dict[str, Any]]]:
    """The newest activations, again and again. A look that fails for now is left out, but for the first."""
    yield run.stack.api.get("activations", limit=limit)["activations"]
    while not once:
        time.sleep(interval)
        try:
            yield run.stack.api.get("activations", limit=limit)["activations"]
        except Failure as failure:
            if failure.code != Exit.UNAVAILABLE:
                raise
            run.out.aside(f"{failure.problem}; trying again", style="yellow")


def _lines(run: Run, looks: Iterator[list[dict[str, Any]]]) -> None:
    seen: dict[str, dict[str, Any]] = {}
    for activations in looks:
        for activation in reversed(activations):
            if seen.get(activation["activation_id"]) != activation:
                run.out.line(activation)
        seen = {activation["activation_id"]: activation for activation in activations}


def _row(activation: dict[str, Any]) -> list[str]:
    at = activation["received_at"].partition("T")[2].partition(".")[0]
    return [at, activation["store_url"], activation["state"], activation.get("reason", "")]
