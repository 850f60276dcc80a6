"""The console script `storelink`."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.main import get_command

from storelink.errors import StorelinkError
from storelink_cli import calls, connections, diagnosis, shipping, watching
from storelink_cli.exits import Exit, Failure, aws_failure
from storelink_cli.output import Output

app = typer.Typer(
    name="storelink",
    help="Connections of Magento and Adobe Commerce stores: look at them, use them, look after them.",
    epilog="Every command has --help. Exit codes and recipes: docs/cli.md.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
for part in (connections, watching, calls, diagnosis, shipping):
    part.add_to(app)


def run() -> None:
    """What the console script runs."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command line and say how it ended: one of `Exit`. Nothing is raised, and no traceback is printed."""
    try:
        return int(get_command(app).main(args=list(arguments), prog_name="storelink", standalone_mode=False) or 0)
    except typer.TyperException as error:
        if not error.format_message():  # it was the help that was printed
            return int(Exit.USAGE)
        failure = Failure(
            Exit.USAGE, "bad-input", error.format_message(), "`--help` after a command tells how it is used."
        )
    except typer.Abort:
        failure = Failure(Exit.INTERRUPTED, "interrupted", "ended without an answer", "")
    except Failure as failed:
        failure = failed
    except StorelinkError as error:
        failure = Failure.of(error)
    except (ClientError, BotoCoreError) as error:
        failure = aws_failure(error, "--local" in arguments)
    except Exception as error:  # a fault's text may hold what it should not
        place = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        failure = Failure(Exit.FAULT, "fault", problem, "This is a fault of the tool: please report it with this line.")
    Output("--json" in arguments).failure(failure)
    return int(failure.code)
