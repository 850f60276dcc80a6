"""How a command is made of a function: the options that every command has, and what they come to."""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Annotated, Any

import typer

from storelink_cli.exits import Exit, Failure
from storelink_cli.output import Output
from storelink_cli.stack import Stack, Where

DEFAULT_STACK = "storelink"

_WHERE = "Where"

_JSON = Annotated[bool, typer.Option("--json", help="Print JSON, and a failure as JSON on standard error.")]
_WHICH = {
    "stack": (
        str,
        typer.Option(envvar="STORELINK_STACK", show_default=True, help="The stack's name.", rich_help_panel=_WHERE),
        DEFAULT_STACK,
    ),
    "region": (
        str | None,
        typer.Option(envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="Its AWS region.", rich_help_panel=_WHERE),
        None,
    ),
    "profile": (
        str | None,
        typer.Option(envvar="AWS_PROFILE", help="The AWS profile to use.", rich_help_panel=_WHERE),
        None,
    ),
    "local": (
        bool,
        typer.Option(
            "--local",
            envvar="STORELINK_LOCAL",
            help="The stack of `make serve` on this machine.",
            rich_help_panel=_WHERE,
        ),
        False,
    ),
}


@dataclass(frozen=True)
class Run:
    """One run of a command: what it prints to, and which stack it is about."""

    out: Output
    where: Where

    @cached_property
    def stack(self) -> Stack:
        """The stack; the first use sets up AWS."""
        return Stack(self.where)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A command of the function, whose first parameter is the Run; those of every command are added to its own."""
    own = list(inspect.signature(function).parameters.values())[1:]
    added = [_option(name, Annotated[kind, option], default) for name, (kind, option, default) in _WHICH.items()]
    added.append(_option("as_json", _JSON, False))

    @wraps(function)
    def run(stack: str, region: str | None, profile: str | None, local: bool, as_json: bool, **asked: Any) -> None:
        function(Run(Output(as_json), Where(stack, region, profile, local)), **asked)

    run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return run


def _option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def value(name: str, variable: str, hidden: bool = True) -> str:
    """A value that no command line may hold: of the environment, of the next line of standard input, or asked for.

    hidden: not shown as it is typed. Raises Failure where there is none.
    """
    if found := os.environ.get(variable):
        return found
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=hidden, err=True)).strip()
    if line := sys.stdin.readline().strip():
        return line
    raise Failure(
        Exit.USAGE,
        "bad-input",
        f"{name} is missing",
        f"Set {variable}, give it as a line of standard input, or run this in a terminal to be asked.",
    )


def sure(question: str, yes: bool) -> None:
    """Go on only where a person says so. yes: said already. Raises Failure."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(Exit.USAGE, "bad-input", "nobody is there to answer", "Give --yes to go on without a question.")
    if not typer.confirm(question, err=True):
        raise Failure(Exit.INTERRUPTED, "not-confirmed", "nothing was done", "")
