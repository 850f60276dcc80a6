"""Connected stores: `stores`, `show`, `test`, `add`, `claim`, `forget`."""

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from storelink.store import Store
from storelink_cli import lookup
from storelink_cli.commands.activations import print_attempts
from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure
from storelink_cli.prompts import confirm, magento_value
from storelink_cli.times import with_age

ADD_SECONDS = 60.0
"""Seconds that `add` waits for the store to be connected."""

STORE = Annotated[str, typer.Argument(help="A store URL, a host, or a connection id.", show_default=False)]
URL = Annotated[str, typer.Argument(metavar="URL", help="The store's base URL.", show_default=False)]

_VALUES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_FIELDS = ("store_url", "state", "reason", "problem", "advice", "tenant")
_TIMES = ("connected_at", "checked_at", "next_check_at", "unclaimed_until")
_IDS = ("connection_id", "activation_id", "consumer_key", "secret_arn")


class State(StrEnum):
    """The states of a connection."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@command
def stores(
    context: Context,
    state: Annotated[State | None, typer.Option(help="Only stores in this state.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only stores of this tenant.")] = None,
    limit: Annotated[int, typer.Option(help="The size of a page.", min=1, max=200)] = 50,
    cursor: Annotated[str | None, typer.Option(help="The page to print: the cursor of the page before.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Print all pages.")] = False,
) -> None:
    """List the stores that are connected, or were."""
    filters = {"state": state and state.value, "tenant": tenant, "limit": limit}
    if every:
        page: dict[str, Any] = {"connections": list(lookup.connections(context.stack, **filters))}
    else:
        page = context.stack.api.get("connections", cursor=cursor, **filters)
    if context.out.as_json:
        context.out.json(page)
        return
    rows = [
        [one["store_url"], _state(one), one.get("tenant", ""), with_age(one.get("connected_at", ""))]
        for one in page["connections"]
    ]
    if rows:
        context.out.table(["Store", "State", "Tenant", "Connected"], rows)
    else:
        context.out.note("No such stores.")
    if "cursor" in page:
        context.out.note(f"There may be more: --cursor {page['cursor']}, or --all.")


@command
def show(context: Context, store: STORE) -> None:
    """Show a store's connection with its history. If it is not connected, show its last attempts to connect."""
    try:
        connection = lookup.connection(context.stack, store)
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND:
            raise
        if attempts := lookup.attempts(context.stack, store):
            _print_attempts(context, attempts)
        raise
    attempts = [] if connection["state"] == "connected" else lookup.attempts(context.stack, connection["store_url"])
    _show(context, connection | ({"attempts": attempts} if attempts else {}))
    if attempts and not context.out.as_json:
        context.out.text("")
        _print_attempts(context, attempts)


@command
def test(context: Context, store: STORE) -> None:
    """Have the stack call a store now, and print whether the store accepts the credentials."""
    connection_id = lookup.connection(context.stack, store)["connection_id"]
    result = context.stack.api.post("connections", connection_id, "test")
    url = result["connection"]["store_url"]
    if context.out.as_json:
        context.out.json(result)
    elif result["ok"]:
        context.out.text(f"{url} accepts its credentials.", "green")
    else:
        context.out.text(f"{url} does not accept its credentials: {lookup.cause(result)}", "red")
        context.out.text(result.get("advice", ""))
    if not result["ok"]:
        raise typer.Exit(Exit.TROUBLE)


@command
def add(
    context: Context,
    url: URL,
    tenant: Annotated[str | None, typer.Option(help="The tenant that the store belongs to.")] = None,
) -> None:
    """Connect a store by the four values that Magento shows to its admin.

    Magento shows them when an integration has no Callback URL or no Identity link URL: Activate posts nothing then. The
    values are asked for and tried before they are stored. Without a terminal they are read from STORELINK_CONSUMER_KEY,
    STORELINK_CONSUMER_SECRET, STORELINK_ACCESS_TOKEN and STORELINK_ACCESS_TOKEN_SECRET, or from four lines of standard
    input in this order.
    """
    store = Store.from_url(url, field="URL")
    values = {
        name: magento_value(
            name.replace("_", " ").capitalize(), f"STORELINK_{name.upper()}", hidden=name != "consumer_key"
        )
        for name in _VALUES
    }
    activation = context.stack.api.post("connections", store_url=store.url, tenant=tenant, **values)
    _wait_connected(context, activation)
    _show(context, context.stack.api.get("connections", store.connection_id))


@command
def claim(
    context: Context,
    store: STORE,
    tenant: Annotated[str, typer.Argument(help="The tenant that the store belongs to.", show_default=False)],
    reassign: Annotated[bool, typer.Option("--reassign", help="Also when it belongs to another tenant.")] = False,
) -> None:
    """Assign a store that connected without an invitation to a tenant."""
    connection_id = lookup.connection(context.stack, store)["connection_id"]
    _show(context, context.stack.api.post("connections", connection_id, "claim", tenant=tenant, reassign=reassign))


@command
def forget(
    context: Context,
    store: STORE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Disconnect a store and delete its credentials. They can be restored for some days."""
    connection = lookup.connection(context.stack, store)
    confirm(f"Forget {connection['store_url']}? Apps can no longer call it.", yes)
    _show(context, context.stack.api.delete("connections", connection["connection_id"]))


def _show(context: Context, connection: dict[str, Any]) -> None:
    """Print a connection with its history."""
    context.out.fields(connection, *_FIELDS, *_TIMES, *_IDS)
    history = connection.get("history")
    if history and not context.out.as_json:
        context.out.text("")
        context.out.table(
            ["History", "What", "By", "Tenant", "Reason", "Activation"],
            [
                [
                    with_age(change["at"]),
                    change["what"],
                    change.get("by", ""),
                    change.get("tenant", ""),
                    lookup.cause(change),
                    change.get("activation_id", "")[: lookup.REFERENCE_LENGTH],
                ]
                for change in history
            ],
        )


def _print_attempts(context: Context, attempts: list[dict[str, Any]]) -> None:
    if context.out.as_json:
        context.out.json({"attempts": attempts})
    else:
        print_attempts(context, attempts, "Last attempts")


def _state(connection: dict[str, Any]) -> str:
    """A connection's state, with the reason if there is one."""
    return ", ".join(connection[name] for name in ("state", "reason") if connection.get(name))


def _wait_connected(context: Context, activation: dict[str, Any]) -> None:
    """Wait until the activation connected the store. Raises Failure where it does not."""
    end = time.monotonic() + ADD_SECONDS
    while activation["state"] not in ("connected", "failed", "superseded") and time.monotonic() < end:
        time.sleep(0.3)
        activation = context.stack.api.get("activations", activation["activation_id"])
    if activation["state"] == "connected":
        return
    if activation["state"] == "failed":
        problem = f"not connected: {lookup.cause(activation)}"
        raise Failure(Exit.REFUSED, activation["reason"], problem, activation.get("advice", ""))
    problem = f"the activation {activation['activation_id']} is {activation['state']}"
    raise Failure(Exit.UNAVAILABLE, "unfinished", problem, "`storelink watch` shows its progress.")
