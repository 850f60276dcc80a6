"""`doctor`: why a store cannot be connected, and what to do about it."""

import os
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from storelink.store import Store
from storelink_cli import doctor as checks
from storelink_cli.command import Run, command
from storelink_cli.doctor import Finding
from storelink_cli.exits import Exit
from storelink_cli.output import STYLES


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


@command
def doctor(
    run: Run,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store's base URL, or its host.", show_default=False)],
    private: Annotated[
        bool, typer.Option("--private", help="The store may be on this machine or your own network, and on http.")
    ] = False,
) -> None:
    """Find out why a store cannot be connected. Asks the store only, without credentials, and uses nothing up."""
    store = Store.from_url(url if "://" in url else f"https://{url}/", field="URL")
    os.environ["STORELINK_ALLOWED_PORTS"] = f"443,{store.port}"
    os.environ["STORELINK_ALLOW_PRIVATE_STORES"] = str(private or run.where.local).lower()
    findings = []
    for finding in checks.examine(store, private or run.where.local):
        findings.append(finding)
        if not run.out.as_json:
            _show(run, finding)
    failed = any(finding.level == "fail" for finding in findings)
    if run.out.as_json:
        run.out.json({"store_url": store.url, "healthy": not failed, "findings": [one.to_dict() for one in findings]})
    if failed:
        raise typer.Exit(Exit.TROUBLE)


def _show(run: Run, finding: Finding) -> None:
    mark = {"ok": "✓", "warn": "!", "fail": "✗"}[finding.level]
    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(width=10)
    grid.add_column(overflow="fold")
    style = STYLES[finding.level]
    grid.add_row(Text(mark, style=style), Text(finding.check, style="bold"), finding.said)
    if finding.fix:
        grid.add_row("", "", Text(finding.fix, style=style if finding.level == "fail" else "dim"))
    run.out.console.print(grid)
