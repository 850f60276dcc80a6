"""Log lines of the functions: `logs`."""

import json
import shlex
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from storelink_cli import lookup
from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure
from storelink_cli.stack import Stack
from storelink_cli.times import duration, iso

Line = dict[str, Any]

CONCURRENCY = 5
"""Log groups that are searched at once: CloudWatch Logs throttles FilterLogEvents."""

_SHOWN = frozenset({"timestamp", "level", "message", "service", "location", "function", "activation_id"})
"""Fields that have a column, or say nothing about what happened."""
_ORDINARY = ("function_", "cold_start", "xray_trace_id", "_aws", "stack")


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
    limit: Annotated[int, typer.Option(help="The newest lines that are printed.", min=1, max=10_000)] = 200,
) -> None:
    """Print the functions' log lines from CloudWatch Logs; with REF those of one activation."""
    seconds = duration(since or ("2d" if reference else "15m"), "--since")
    wanted = _activation_id(context.stack, reference) if reference else ""
    groups = _groups(context.stack)
    start = int(time.time()) - seconds
    lines = _search(context.stack, groups, wanted, start)[-limit:]
    if context.out.as_json:
        context.out.json({"lines": lines})
    else:
        context.out.table(["Time", "Function", "Level", "Message", "Activation", "Fields"], map(_row, lines))
        if not lines:
            context.out.note("No log lines. --since looks further back.")
    if not context.stack.is_local:
        context.out.note(f"The same in Logs Insights:\n{_insights(context.stack, groups, wanted, start)}", "dim")


def _activation_id(stack: Stack, reference: str) -> str:
    """The id of an activation that the API still knows; else what was given, whose lines may still be there."""
    try:
        return str(lookup.activation(stack, reference)["activation_id"])
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND:
            raise
        return reference.strip().lower()


def _groups(stack: Stack) -> dict[str, str]:
    """The stack's log groups: the part of the stack that writes to each, by the group's name. Raises Failure."""
    found = {
        name: logical.removesuffix("Logs")
        for logical, (kind, name) in stack.resources.items()
        if kind == "AWS::Logs::LogGroup" and name
    }
    if not found:
        raise Failure(Exit.AWS, "no-logs", f"the stack {stack.name} has no log groups", "Deploy it again.")
    return found


def _search(stack: Stack, groups: dict[str, str], wanted: str, start: int) -> list[Line]:
    """The lines of all groups, the oldest first. wanted: an activation's id or its beginning. start: s since 1970."""
    client = stack.client("logs")

    def search(group: str) -> list[Line]:
        return [_parsed(event, groups[group]) for event in _events(client, group, wanted, start)]

    try:
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            found = [line for lines in pool.map(search, groups) for line in lines if line]
    except (ClientError, BotoCoreError) as error:
        raise stack.failure(error) from None
    return sorted(found, key=lambda line: str(line["timestamp"]))


def _events(client: Any, group: str, wanted: str, start: int) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=start * 1000, **({"filterPattern": _pattern(wanted)} if wanted else {})
    )
    for page in pages:
        yield from (event for event in page["events"] if wanted in event["message"])


def _pattern(wanted: str) -> str:
    """CloudWatch's filter pattern: a whole id as a phrase, which the state machine's lines hold, too."""
    return f'"{wanted}"' if "-" in wanted else f'{{ $.activation_id = "{wanted}*" }}'


def _parsed(event: dict[str, Any], function: str) -> Line:
    """A log event as a line of fields; {} for the lines that Lambda itself writes and for metrics."""
    try:
        line = json.loads(event["message"])
    except ValueError:
        line = {"message": event["message"].strip()}
    if not isinstance(line, dict) or "_aws" in line or _is_lambdas(str(line.get("message", ""))):
        return {}
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
    return line | {"timestamp": at, "function": function}


def _is_lambdas(message: str) -> bool:
    return message.startswith(("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START"))


def _row(line: Line) -> list[str]:
    rest = {name: value for name, value in line.items() if name not in _SHOWN and not name.startswith(_ORDINARY)}
    return [
        iso(line["timestamp"]),
        line["function"],
        str(line.get("level", "")),
        str(line.get("message", line.get("type", ""))),
        str(line.get("activation_id", ""))[: lookup.REFERENCE_LENGTH],
        " ".join(f"{name}={value}" for name, value in rest.items()),
    ]


def _insights(stack: Stack, groups: Iterable[str], wanted: str, start: int) -> str:
    """The `aws` command that makes the same query in Logs Insights."""
    matches = f" | filter activation_id like /^{wanted}/" if wanted else ""
    query = f"fields @timestamp, level, message, reason, problem{matches} | sort @timestamp"
    words = ["aws", "logs", "start-query", "--region", stack.region, "--start-time", str(start)]
    words += ["--end-time", str(int(time.time())), "--query-string", query, "--log-group-names", *groups]
    return shlex.join(words)
