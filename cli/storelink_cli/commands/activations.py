"""Handshakes: `activation` shows one, `watch` shows them as they happen."""

import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from storelink_cli import lookup
from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure
from storelink_cli.times import iso, with_age

Activation = dict[str, Any]

REF = Annotated[
    str, typer.Argument(metavar="REF", help="The reference: an id, or at least 8 characters of it.", show_default=False)
]
ATTEMPT_TITLES = ("Reference", "State", "Store", "Reason", "Problem", "Advice")
DETAILS = 3
"""Those of the titles that stand below the others in a terminal."""

_FIELDS = ("activation_id", "store_url", "state", "reason", "problem", "advice", "tenant")
_TIMES = ("received_at", "updated_at", "next_try_at")


@command
def activation(context: Context, reference: REF) -> None:
    """Show one activation, by the reference that the merchant's page shows."""
    found = lookup.activation(context.stack, reference)
    if context.out.as_json:
        context.out.json(found)
        return
    context.out.fields(_with_retry(found), *_FIELDS, *_TIMES)
    short = found["activation_id"][: lookup.REFERENCE_LENGTH]
    context.out.note(f"Log lines: storelink logs {short}. AWS consoles: storelink open {short}.")


@command
def watch(
    context: Context,
    limit: Annotated[int, typer.Option(help="How many of the newest.", min=1, max=lookup.PAGE)] = 20,
    interval: Annotated[float, typer.Option(help="Seconds between two requests.", min=0.2)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print the newest once and end.")] = False,
) -> None:
    """Show the newest activations until Ctrl-C. In a pipe, and with --json, print a line each time one changes."""
    pages = _pages(context, limit, interval, once)
    try:
        if once and not context.out.as_json:
            _print_once(context, next(pages))
        elif context.out.is_terminal and not context.out.as_json:
            with context.out.live_table(["At", *ATTEMPT_TITLES], DETAILS) as update:
                for page in pages:
                    update(_row(context, one) for one in page)
        else:
            _print_changes(context, pages)
    except KeyboardInterrupt:  # the ordinary way to end it
        raise typer.Exit(Exit.DONE) from None


def print_attempts(context: Context, activations: list[Activation], title: str) -> None:
    """Print activations as a table. title: of their times."""
    context.out.table([title, *ATTEMPT_TITLES], [_row(context, one) for one in activations], DETAILS)


def _row(context: Context, activation: Activation) -> list[str]:
    at = activation.get("received_at", "")
    texts = ("state", "store_url", "reason", "problem", "advice")
    return [
        with_age(at) if context.out.is_terminal else iso(at),
        activation["activation_id"][: lookup.REFERENCE_LENGTH],
        *(str(_with_retry(activation).get(name, "")) for name in texts),
    ]


def _with_retry(activation: Activation) -> Activation:
    """The same, with the reason and problem after which a step is tried again as its reason and problem."""
    retry = {"reason": activation.get("retry_reason", ""), "problem": activation.get("retry_problem", "")}
    return {**retry, **activation}


def _print_once(context: Context, page: list[Activation]) -> None:
    if page:
        print_attempts(context, page, "At")
    else:
        context.out.note("No activation in the last day.")


def _print_changes(context: Context, pages: Iterable[list[Activation]]) -> None:
    known: dict[str, Activation] = {}
    for page in pages:
        for activation in reversed(page):
            if known.get(activation["activation_id"]) == activation:
                continue
            if context.out.as_json:
                context.out.json_line(activation)
            else:
                context.out.row(_row(context, activation))
        known = {activation["activation_id"]: activation for activation in page}


def _pages(context: Context, limit: int, interval: float, once: bool) -> Iterator[list[Activation]]:
    """The newest activations, again and again. Only the first request may fail."""
    yield context.stack.api.get("activations", limit=limit)["activations"]
    while not once:
        time.sleep(interval)
        try:
            yield context.stack.api.get("activations", limit=limit)["activations"]
        except Failure as failure:
            if failure.code != Exit.UNAVAILABLE:
                raise
            context.out.note(f"{failure.problem}; trying again", "yellow")
