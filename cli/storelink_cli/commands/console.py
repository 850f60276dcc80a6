"""The operators' web pages: `console`."""

from typing import Annotated

import typer

from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure, to_install

PORT = 8180


@command
def console(
    context: Context,
    port: Annotated[int, typer.Option(help="The port to listen on, on this machine; 0 for any.", max=65535)] = PORT,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show everything and change nothing.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
) -> None:
    """Serve web pages of this stack on this machine until Ctrl-C, with your AWS credentials.

    The printed URL lets one browser in, once.
    """
    try:
        from storelink_cli.console.server import Server
    except ModuleNotFoundError as missing:
        problem = f"{missing.name} is missing"
        raise Failure(Exit.AWS, "not-installed", problem, to_install("console")) from None
    _ = context.stack.outputs  # fails before anything is served
    server = Server(context.stack, port, read_only)
    if context.out.as_json:
        context.out.json_line({"url": server.url})
    else:
        context.out.text(server.url)
    context.out.note("Open this URL; it works once. Ctrl-C ends the console.")
    if open_:
        typer.launch(server.url)
    server.run()
