"""Pages of the AWS console: `open`."""

from typing import Annotated

import typer

from storelink_cli import aws_console, lookup
from storelink_cli.aws_console import Page
from storelink_cli.context import Context, command


@command
def open_(
    context: Context,
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="[REF]", help="An activation's reference: adds the page of its execution.", show_default=False
        ),
    ] = None,
    page: Annotated[Page | None, typer.Option(help="Open this page in the browser.")] = None,
) -> None:
    """Print the URLs of the AWS console for this stack: execution, tables, logs, alarms, dashboard."""
    activation_id = lookup.activation(context.stack, reference)["activation_id"] if reference else ""
    urls = aws_console.urls(context.stack, activation_id)
    if page:
        url = urls.get(page) or next(iter(urls.values()))
        typer.launch(url)
        urls = {page.value: url}
    context.out.fields(urls, *urls)
    if context.stack.is_local:
        context.out.note("The stack of `make serve` has no AWS console; this page lists what its AWS holds.")
