"""Why a store does not connect: `doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from storelink_cli import diagnosis, lookup
from storelink_cli.context import Context, command
from storelink_cli.diagnosis import attempt
from storelink_cli.errors import Exit

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@command
def doctor(
    context: Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store's base URL, or its host.", show_default=False)],
    private: Annotated[
        bool, typer.Option("--private", help="The store may be in a private network, and use plain http.")
    ] = False,
) -> None:
    """Find out why a store does not connect: its last attempt, and what the store answers now.

    The store is asked without credentials, and nothing is used up. Without an Identity link URL in the integration
    Magento posts nothing and shows four values; `storelink add` connects a store by those.
    """
    store = lookup.read_store(url, field="URL")
    known, last_attempt = attempt.ask(lambda: context.stack, store.url)
    findings = []
    for finding in diagnosis.diagnose(store, private or context.local, known, last_attempt):
        findings.append(finding)
        if not context.out.as_json:
            context.out.finding(finding.level, MARKS[finding.level], finding.check, finding.message, finding.fix)
    healthy = known.is_healthy and all(finding.level != "fail" for finding in findings)
    verdict = known.verdict(findings)
    if context.out.as_json:
        result = {"store_url": store.url, "healthy": healthy, "last_attempt": known.attempt or None}
        context.out.json(result | {"findings": [asdict(finding) for finding in findings], "verdict": verdict})
    else:
        context.out.text(verdict, "green" if healthy else "red")
    if not healthy:
        raise typer.Exit(Exit.TROUBLE)
