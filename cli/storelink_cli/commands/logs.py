"""Log lines of the functions: `logs`."""

import shlex
import time
from typing import Annotated

import typer

from storelink_cli import log_lines, lookup
from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure
from storelink_cli.log_lines import Line
from storelink_cli.stack import Stack
from storelink_cli.times import duration, iso

MAX_LINES = 10_000

_COLUMNS = ("level", "function_name", "message", "activation_id")
_HIDDEN = ("timestamp", "service", "location", "cold_start", "function_", "xray_trace_id", *_COLUMNS)
"""The beginnings of fields that have a column, or say nothing about what happened."""


@command
def logs(
    context: Context,
    reference: Annotated[
        str | None,
        typer.Argument(metavar="[REF]", help="An activation's reference; without it all lines.", show_default=False),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="How far back: 15m, 12h, 7d. Default: 2d with REF, else 15m.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many of the newest lines.", min=1, max=MAX_LINES)] = 200,
) -> None:
    """Print log lines of the functions from CloudWatch Logs; with REF those of one activation."""
    start = int(time.time()) - duration(since or ("2d" if reference else "15m"), "--since")
    wanted = _activation_id(context.stack, reference) if reference else ""
    group = context.stack.outputs["FunctionLogsName"]
    lines = log_lines.search(context.stack, wanted, start)[-limit:]
    code = Exit.NOT_FOUND if wanted and not lines else Exit.DONE
    if context.out.as_json:
        context.out.json({"lines": lines})
    elif lines:
        context.out.table(
            ["Time", "Level", "Function", "Message", "Activation", "Fields"],
            [_row(line, context.stack.name) for line in lines],
        )
    else:
        context.out.note("No log lines. --since looks further back.")
    context.out.note(f"The same in Logs Insights: {_insights(context.stack, group, wanted, start)}", "dim")
    raise typer.Exit(code)


def _activation_id(stack: Stack, reference: str) -> str:
    """The id of an activation that the API knows; else the reference, because log lines are kept for longer."""
    try:
        return str(lookup.activation(stack, reference)["activation_id"])
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND:
            raise
        return reference.strip().lower()


def _row(line: Line, stack: str) -> list[str]:
    level, function, message, activation_id = (str(line.get(name, "")) for name in _COLUMNS)
    function = function.removeprefix(f"{stack}-").partition("Function-")[0]  # as template.yaml names it
    fields = [f"{name}={value}" for name, value in line.items() if not name.startswith(_HIDDEN)]
    reference = activation_id[: lookup.REFERENCE_LENGTH]
    return [iso(line["timestamp"]), level, function, message, reference, " ".join(fields)]


def _insights(stack: Stack, group: str, wanted: str, start: int) -> str:
    """The `aws` command that makes the same query in Logs Insights."""
    matches = f" | filter activation_id like /^{wanted}/" if wanted else ""
    query = f"fields @timestamp, level, function_name, message, reason, problem{matches} | sort @timestamp"
    words = ["aws", "logs", "start-query", "--region", stack.region, "--log-group-name", group]
    words += ["--start-time", str(start), "--end-time", str(int(time.time())), "--query-string", query]
    return shlex.join(words)
