"""What every command has in common: its options, and the context that they make."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Annotated, Any

import typer

from storelink_cli.output import Output
from storelink_cli.stack import Stack, Target

_PANEL = "Stack"
_JSON = typer.Option("--json", help="Print JSON, in ASCII; a failure is JSON on standard error.")
_OPTIONS: dict[str, tuple[Any, Any, Any]] = {
    "stack": (
        str,
        typer.Option(envvar="STORELINK_STACK", help="The name of the stack.", rich_help_panel=_PANEL),
        "storelink",
    ),
    "region": (
        str | None,
        typer.Option(
            envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The AWS region of the stack.", rich_help_panel=_PANEL
        ),
        None,
    ),
    "profile": (
        str | None,
        typer.Option(envvar="AWS_PROFILE", help="The AWS profile to use.", rich_help_panel=_PANEL),
        None,
    ),
    "local": (
        bool,
        typer.Option(
            "--local",
            envvar="STORELINK_LOCAL",
            help="Use the stack of `make serve` on this machine.",
            rich_help_panel=_PANEL,
        ),
        False,
    ),
    "as_json": (bool, _JSON, False),
}


@dataclass(frozen=True)
class Context:
    """One run of a command: where it prints, and which stack it is about."""

    out: Output
    target: Target

    @cached_property
    def stack(self) -> Stack:
        """The stack; the first use sets up AWS."""
        return Stack(self.target)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function that takes a Context first. The command has the common options, too."""
    own = list(inspect.signature(function).parameters.values())[1:]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
        for name, (kind, option, default) in _OPTIONS.items()
    ]

    @wraps(function)
    def run(stack: str, region: str | None, profile: str | None, local: bool, as_json: bool, **arguments: Any) -> None:
        function(Context(Output(as_json), Target(stack, region, profile, local)), **arguments)

    run.__signature__ = inspect.Signature([*own, *common])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *common)}
    return run
