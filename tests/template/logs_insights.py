"""CloudWatch Logs Insights over lines of JSON: as much of its query language as docs/operations.md uses.

`fields`, `filter` (`ispresent` and comparisons, joined by `and`), `stats` (count, max, avg, by), `sort`, `limit`.
Whatever else a query says is an error, and so is a field that no line has.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">=": lambda left, right: bool(float(left) >= float(right)),
}
_AGGREGATED: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
}


class Malformed(ValueError):
    """The query says what this does not know, or names a field that no line has."""


def run(query: str, lines: list[str]) -> list[Row]:
    """What a query finds in log lines, each a JSON object."""
    rows: list[Row] = [json.loads(line) for line in lines]
    known = {name for row in rows for name in row}
    for command in query.split("|"):
        word, _, told = " ".join(command.split()).partition(" ")
        if word not in _COMMANDS:
            raise Malformed(f"{word} is no command")
        rows, known = _COMMANDS[word](told, rows, known)
    return rows


def _known(name: str, known: set[str]) -> str:
    if name not in known:
        raise Malformed(f"no line has the field {name}")
    return name


def _fields(told: str, rows: list[Row], known: set[str]) -> tuple[list[Row], set[str]]:
    names = [_known(name, known) for name in told.split(", ")]
    return [{name: row[name] for name in names if name in row} for row in rows], set(names)


def _filter(told: str, rows: list[Row], known: set[str]) -> tuple[list[Row], set[str]]:
    for condition in told.split(" and "):
        if present := re.fullmatch(r"ispresent\((\w+)\)", condition):
            rows = [row for row in rows if _known(present[1], known) in row]
            continue
        match = re.fullmatch(r'(\w+) (=|!=|>=) (?:"([^"]*)"|(\d+))', condition)
        if match is None:
            raise Malformed(condition)
        name, operator, text, number = match.groups()
        _known(name, known)
        value = int(number) if text is None else text
        rows = [row for row in rows if name in row and _COMPARED[operator](row[name], value)]
    return rows, known


def _stats(told: str, rows: list[Row], known: set[str]) -> tuple[list[Row], set[str]]:
    made, _, by = told.partition(" by ")
    names = [_known(name, known) for name in by.split(", ")] if by else []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in names), []).append(row)
    results = [dict(zip(names, group, strict=True)) for group in groups]
    for aggregate in made.split(", "):
        match = re.fullmatch(r"(\w+)\((\*|\w+)\) as (\w+)", aggregate)
        if match is None:
            raise Malformed(aggregate)
        function, field, name = match.groups()
        for result, found in zip(results, groups.values(), strict=True):
            values = found if field == "*" else [row[_known(field, known)] for row in found]
            result[name] = _AGGREGATED[function](values)
        names.append(name)
    return results, set(names)


def _sort(told: str, rows: list[Row], known: set[str]) -> tuple[list[Row], set[str]]:
    name, _, order = told.partition(" ")
    if order not in ("asc", "desc"):
        raise Malformed(told)
    _known(name, known)
    return sorted(rows, key=lambda row: row[name], reverse=order == "desc"), known


def _limit(told: str, rows: list[Row], known: set[str]) -> tuple[list[Row], set[str]]:
    return rows[: int(told)], known


_COMMANDS = {"fields": _fields, "filter": _filter, "stats": _stats, "sort": _sort, "limit": _limit}
