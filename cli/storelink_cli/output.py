"""What is printed: results to standard output, all else to standard error. Nobody's text is read as markup."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from storelink_cli.exits import Failure

PIPED_WIDTH = 400
"""Columns where no terminal sets them: what is piped on is not cut."""

STYLES = {"connected": "green", "disconnected": "red", "failed": "red", "ok": "green", "warn": "yellow", "fail": "red"}


class Output:
    """The two streams of a command. as_json: results are JSON, and so is a failure."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = _console(stderr=False)
        self._aside = _console(stderr=True)

    def json(self, value: Any) -> None:
        """A result, for programs."""
        print(json.dumps(value, indent=2, ensure_ascii=False))

    def line(self, value: Any) -> None:
        """One result of many, as a line of JSON."""
        print(json.dumps(value, ensure_ascii=False), flush=True)

    def text(self, line: str, style: str = "") -> None:
        """A line of a result, as it is."""
        self.console.print(Text(line, style=style), soft_wrap=True)

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A result of many lines."""
        self.console.print(table(titles, rows))

    def pairs(self, told: dict[str, str]) -> None:
        """A result of names and values, those without value left out."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in told.items():
            if value:
                grid.add_row(Text(name), _cell(value))
        self.console.print(grid)

    def aside(self, line: str, style: str = "") -> None:
        """What a person should know and a program should not read."""
        self._aside.print(Text(line, style=style), soft_wrap=True)

    def failure(self, failure: Failure) -> None:
        """One line and a hint; or one JSON object, also on standard error."""
        if self.as_json:
            told = {
                "error": failure.reason,
                "problem": failure.problem,
                "hint": failure.hint,
                "exit": int(failure.code),
            }
            self._aside.print(Text(json.dumps(told, ensure_ascii=False)), soft_wrap=True)
            return
        self._aside.print(Text.assemble(("storelink: ", "bold red"), failure.problem), soft_wrap=True)
        if failure.hint:
            self._aside.print(Text(f"  {failure.hint}", style="dim"), soft_wrap=True)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table without lines; values that do not fit are folded, never cut."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def at(seconds: float) -> str:
    """A time since 1970 as the API writes its times, in UTC to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _cell(value: str) -> Text:
    return Text(value, style=STYLES.get(value.partition(",")[0], ""))


def _console(stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console
