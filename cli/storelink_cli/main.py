"""The commands of `storelink`, and how a command line is run."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from storelink import __version__
from storelink_cli.commands import (
    activations,
    aws_pages,
    calls,
    console,
    doctor,
    events,
    invitations,
    logins,
    logs,
    module,
    passwords,
    stores,
)
from storelink_cli.errors import CONVERTED, Exit, Failure, bad_input, fault
from storelink_cli.output import Output

app = typer.Typer(
    name="storelink",
    help="Inspect, call and manage the Magento and Adobe Commerce stores that are connected to a Storelink stack.",
    epilog="Every command has --help. docs/cli.md has exit codes and recipes.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
_PANELS = {
    "Find out why a store does not connect": (
        doctor.doctor,
        activations.activation,
        activations.watch,
        logs.logs,
        aws_pages.open_,
        console.console,
    ),
    "Manage connected stores": (stores.stores, stores.show, stores.test, stores.claim, stores.forget),
    "Connect stores": (
        invitations.invite,
        invitations.invitations,
        invitations.revoke,
        module.module,
        stores.add,
        passwords.password,
        logins.login,
    ),
    "Call a store": (calls.call, calls.curl),
    "Develop an app": (events.listen, events.trigger),
}
for panel, commands in _PANELS.items():
    for function in commands:
        app.command(function.__name__.rstrip("_"), rich_help_panel=panel)(function)


def _version(asked: bool) -> None:
    if asked:
        Output().text(f"storelink {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


_COMMAND = get_command(app)


def run() -> None:
    """Run the console script."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has what it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.DONE
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command line. Returns one of `Exit`; prints no traceback. Raises BrokenPipeError alone."""
    try:
        return int(_COMMAND.main(args=list(arguments), prog_name="storelink", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not error.format_message():  # the help was printed
            return int(Exit.USAGE)
        problem = error.format_message().replace("Value error, ", "")  # how pydantic begins a value that is no choice
        failure = bad_input(problem, "`storelink COMMAND --help` shows how a command is used.")
    except typer.Abort:
        failure = Failure(Exit.INTERRUPTED, "interrupted", "interrupted", "")
    except Failure as failed:
        failure = failed
    except CONVERTED as error:
        failure = Failure.of(error)
    except BrokenPipeError:
        raise
    except Exception as error:
        failure = fault(error)
    Output("--json" in arguments).failure(failure)
    return int(failure.code)
