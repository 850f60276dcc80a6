"""What every command has in common: its options, and the context that they make."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Annotated, Any

import typer

from storelink_cli.output import Output
from storelink_cli.stack import Stack


@dataclass(frozen=True)
class Context:
    """One run of a command: where it prints, and which stack it is about. local: the stack of `make serve`."""

    out: Output
    stack_name: str
    region: str | None
    profile: str | None
    local: bool

    @cached_property
    def stack(self) -> Stack:
        """The stack; the first use sets up AWS."""
        return Stack(self.stack_name, self.region, self.profile, self.local)


_PANEL = "Stack"


def _context(
    *,
    stack: Annotated[
        str, typer.Option(envvar="STORELINK_STACK", help="The name of the stack.", rich_help_panel=_PANEL)
    ] = "storelink",
    region: Annotated[
        str | None,
        typer.Option(
            envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The AWS region of the stack.", rich_help_panel=_PANEL
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(envvar="AWS_PROFILE", help="The AWS profile to use.", rich_help_panel=_PANEL)
    ] = None,
    local: Annotated[
        bool,
        typer.Option(
            "--local",
            envvar="STORELINK_LOCAL",
            help="Use the stack of `make serve` on this machine.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in ASCII; a failure is JSON on standard error.")
    ] = False,
) -> Context:
    """The context that the options of every command make."""
    return Context(Output(as_json), stack, region, profile, local)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function that takes a Context first. The command has the common options, too."""
    own = list(inspect.signature(function).parameters.values())[1:]
    common = inspect.signature(_context).parameters

    @wraps(function)
    def run(**given: Any) -> None:
        context = _context(**{name: given.pop(name) for name in common})
        function(context, **given)

    run.__signature__ = inspect.Signature([*own, *common.values()])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *common.values())}
    return run
