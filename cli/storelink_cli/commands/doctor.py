"""Why a store does not connect: `doctor`."""

import itertools
import os
from typing import Annotated

import typer

from storelink.store import Store
from storelink_cli import diagnosis, lookup
from storelink_cli.context import Context, command
from storelink_cli.diagnosis.attempt import Known, unknown
from storelink_cli.diagnosis.finding import Finding
from storelink_cli.errors import Exit, Failure

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
    known, last_attempt = _ask_stack(context, store)
    private = private or context.target.local
    os.environ["STORELINK_ALLOWED_PORTS"] = ",".join(map(str, known.ports | {store.port}))
    os.environ["STORELINK_ALLOW_PRIVATE_STORES"] = str(private).lower()
    findings = []
    for found in itertools.chain([last_attempt], diagnosis.examine(store, private, known.ports)):
        finding = known.judge(found)
        findings.append(finding)
        if not context.out.as_json:
            context.out.finding(finding.level, MARKS[finding.level], finding.check, finding.message, finding.fix)
    healthy = known.is_healthy and all(finding.level != "fail" for finding in findings)
    verdict = known.verdict(findings)
    if context.out.as_json:
        result = {"store_url": store.url, "healthy": healthy, "last_attempt": known.attempt or None}
        context.out.json(result | {"findings": [finding.to_dict() for finding in findings], "verdict": verdict})
    else:
        context.out.text(verdict, "green" if healthy else "red")
    if not healthy:
        raise typer.Exit(Exit.TROUBLE)


def _ask_stack(context: Context, store: Store) -> tuple[Known, Finding]:
    """What the stack knows of the store, and the finding about that. Without a stack the store is examined alone."""
    try:
        known = Known.read(context.stack, store.url)
    except Failure as failure:
        return Known(), unknown(failure)
    return known, known.finding(store.url)
