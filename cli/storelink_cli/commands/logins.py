"""Logins of customers and admins: `login`."""

from typing import Annotated

import typer

from storelink.store import Store
from storelink_cli.commands.stores import URL
from storelink_cli.context import Context, command
from storelink_cli.prompts import value


@command
def login(
    context: Context,
    url: URL,
    username: Annotated[str, typer.Argument(help="An admin, or with --customer a customer.", show_default=False)],
    customer: Annotated[bool, typer.Option("--customer", help="Log in a customer.")] = False,
    otp: Annotated[bool, typer.Option("--otp", help="Also ask for a one-time password (two-factor).")] = False,
) -> None:
    """Log in a customer or an admin and store the token for apps. Asks for the password, which is not stored.

    Without a terminal the password is read from STORELINK_PASSWORD and the one-time password from STORELINK_OTP, or
    both from lines of standard input. Nothing is tried twice, because Magento locks accounts.
    """
    store = Store.from_url(url, field="URL")
    password = value("Password", "STORELINK_PASSWORD")
    second = value("One-time password", "STORELINK_OTP") if otp else None
    made = context.stack.api.post(
        "logins", store_url=store.url, username=username, password=password, customer=customer, otp=second
    )
    context.out.fields(made, "store_url", "kind", "secret_arn", "expires_at")
