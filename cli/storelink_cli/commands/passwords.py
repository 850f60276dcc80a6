"""Passwords of the web servers in front of stores: `password`."""

from typing import Annotated

import typer

from storelink_cli import lookup
from storelink_cli.commands.stores import STORE
from storelink_cli.context import Context, command
from storelink_cli.errors import bad_input
from storelink_cli.prompts import value


@command
def password(
    context: Context,
    store: STORE,
    user: Annotated[str | None, typer.Option(help="The user name. Asked for if it is not given.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove user name and password.")] = False,
) -> None:
    """Set the password that the web server in front of a store asks for, such as a staging server's.

    It is the password of HTTP Basic authentication, not one of Magento's. Without a terminal user name and password are
    read from STORELINK_USERNAME and STORELINK_PASSWORD, or from lines of standard input in this order.
    """
    if remove and user is not None:
        raise bad_input("--remove takes no --user", "Give one of the two.")
    named = lookup.store_to_connect(context.stack, store)
    if remove:
        result = context.stack.api.delete("stores", "basic-auth", store_url=named.url)
    else:
        username = user or value("User name", "STORELINK_USERNAME", hidden=False)
        secret = value("Password", "STORELINK_PASSWORD")
        result = context.stack.api.put("stores", "basic-auth", store_url=named.url, username=username, password=secret)
    if context.out.as_json:
        context.out.json(result)
        return
    context.out.text(f"The password of {named.url} is {'set' if result['is_set'] else 'removed'}.", "green")
    if result["connection_changed"]:
        context.out.text(f"Its connection was changed, too. `storelink test {named.url}` calls the store with it.")
    elif result["is_set"]:
        context.out.text("It is used when the web server asks for it. The merchant can click Activate.")
