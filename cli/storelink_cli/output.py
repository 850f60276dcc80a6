"""What is printed: results to standard output, everything else to standard error.

Every text passes `escape` here. In a terminal, tables have columns. In a pipe they have tabs. Nothing is cut.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from storelink_cli.errors import Failure
from storelink_cli.escape import escape
from storelink_cli.times import with_age

STYLES = {
    "connected": "green",
    "open": "green",
    "ok": "green",
    "warn": "yellow",
    "disconnected": "red",
    "failed": "red",
    "fail": "red",
}

Row = Sequence[str]


class Output:
    """The two streams of a command. as_json: results are JSON, and so is a failure."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self._console = Console(highlight=False, emoji=False, markup=False)
        self._errors = Console(stderr=True, highlight=False, emoji=False, markup=False)

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the results as they are printed."""
        return self._console.is_terminal

    def json(self, value: Any) -> None:
        """Print a result for programs, in ASCII."""
        self._print(json.dumps(value, indent=2))

    def json_line(self, value: Any) -> None:
        """Print one result of many, as a line of JSON."""
        self._print(json.dumps(value))

    def json_for_people(self, value: Any) -> None:
        """Print JSON whose letters can be read in any language."""
        self._print(escape(json.dumps(value, indent=2, ensure_ascii=False), keep="\n"))

    def text(self, text: str, style: str = "") -> None:
        """Print a text of one or many lines."""
        self._print(escape(text.replace("\r\n", "\n"), keep="\n\t"), style)

    def bytes(self, content: bytes) -> None:
        """Write a result unfiltered."""
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()

    def table(self, titles: Row, rows: Iterable[Row], details: int = 0) -> None:
        """Print a result of many lines. details: in a terminal, so many cells at the end of a row are put below it."""
        if self.is_terminal:
            self._console.print(_table(titles, rows, details))
            return
        for row in (titles, *rows):
            self.row(row)

    def row(self, row: Row) -> None:
        """Print one line of a table into a pipe: its cells separated by tabs."""
        self._print("\t".join(map(escape, row)).rstrip("\t"))

    @contextmanager
    def live_table(self, titles: Row, details: int) -> Iterator[Callable[[Iterable[Row]], None]]:
        """A table in a terminal that each call replaces."""
        with Live(console=self._console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda rows: live.update(_table(titles, rows, details), refresh=True)

    def record(self, values: dict[str, str]) -> None:
        """Print names and values; those without a value are left out."""
        shown = {name: value for name, value in values.items() if value}
        if not self.is_terminal:
            for name, value in shown.items():
                self.text(f"{name}: {escape(value)}")
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in shown.items():
            grid.add_row(Text(name), _cell(value))
        self._console.print(grid)

    def fields(self, value: Mapping[str, Any], *names: str) -> None:
        """Print a result: some of its fields, times with their age; or, for programs, all of it."""
        if self.as_json:
            self.json(value)
            return
        texts = {name: str(value.get(name, "")) for name in names}
        self.record({name.replace("_", " "): _with_age(name, text) for name, text in texts.items()})

    def finding(self, level: str, mark: str, title: str, said: str, fix: str) -> None:
        """Print what a check found, and under it what to do."""
        style = STYLES[level]
        if not self.is_terminal:
            self.text(f"{mark} {title}: {escape(said)}")
            if fix:
                self.text(f"  {escape(fix)}")
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column()
        grid.add_column(width=12)
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style=style), Text(title, style="bold"), Text(escape(said)))
        if fix:
            grid.add_row("", "", Text(escape(fix), style=style if level == "fail" else "dim"))
        self._console.print(grid)

    def note(self, text: str, style: str = "") -> None:
        """Print what a person should know and a program should not read."""
        self._errors.print(Text(escape(text, keep="\n"), style=style), soft_wrap=True)

    def failure(self, failure: Failure) -> None:
        """Print one line and a hint; or one JSON object, also on standard error."""
        if self.as_json:
            shown = {"error": failure.reason, "problem": failure.problem, "hint": failure.hint}
            self._errors.print(Text(json.dumps(shown | {"exit": int(failure.code)})), soft_wrap=True)
            return
        self._errors.print(Text.assemble(("storelink: ", "bold red"), escape(failure.problem)), soft_wrap=True)
        if failure.hint:
            self._errors.print(Text(f"  {escape(failure.hint)}", style="dim"), soft_wrap=True)

    def _print(self, text: str, style: str = "") -> None:
        """Print a text that is escaped. In a pipe it goes past rich, which makes spaces of tabs."""
        if self.is_terminal:
            self._console.print(Text(text, style=style), soft_wrap=True)
        else:
            print(text, flush=True)


def _table(titles: Row, rows: Iterable[Row], details: int) -> Group:
    """Columns as wide as their cells; lines that are longer than the terminal's are wrapped, and nothing is cut."""
    heads = len(titles) - details
    table = [list(map(_cell, row)) for row in rows]
    lines = [[Text(title, style="bold") for title in titles[:heads]], *table]
    widths = [max(line[column].cell_len for line in lines) for column in range(heads)]
    parts: list[Text | Padding] = []
    for line in lines:
        for cell, width in zip(line[: heads - 1], widths, strict=False):
            cell.pad_right(width + 2 - cell.cell_len)
        parts.append(Text.assemble(*line[:heads], overflow="fold"))
        parts += [Padding(detail, (0, 0, 0, 2)) for detail in line[heads:] if detail]
    return Group(*parts)


def _with_age(name: str, text: str) -> str:
    return with_age(text) if name.endswith(("_at", "_until")) else text


def _cell(value: str) -> Text:
    return Text(escape(value, keep="\n"), style=STYLES.get(value.partition(",")[0], ""))
