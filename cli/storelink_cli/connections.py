"""What an operator does with connections: list, show, test, add, claim and forget them, invite stores, log in."""

import re
import time
from typing import Annotated, Any

import typer

from storelink.errors import ADVICE, Invalid
from storelink.oauth.credentials import TOKEN_PATTERN
from storelink.store import Store
from storelink_cli import naming
from storelink_cli.command import Run, command, sure, value
from storelink_cli.exits import Exit, Failure
from storelink_cli.output import at

PATIENCE = 60.0
"""Seconds that `add` waits for the store to be connected."""

STORE = Annotated[str, typer.Argument(help="A store URL, a host, or a connection id.", show_default=False)]

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for one in (stores, show, test, add, claim, login, forget, invite, revoke):
        app.command()(one)


@command
def stores(
    run: Run,
    state: Annotated[str | None, typer.Option(help="Those in this state: connected or disconnected.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Those of this tenant.")] = None,
    limit: Annotated[int, typer.Option(help="How many on a page.", min=1, max=200)] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where to go on, as the page before says.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All pages.")] = False,
) -> None:
    """List the stores that are connected, or were."""
    if every:
        told: dict[str, Any] = {
            "connections": list(naming.connections(run.stack, state=state, tenant=tenant, limit=limit))
        }
    else:
        told = run.stack.api.get("connections", state=state, tenant=tenant, limit=limit, cursor=cursor)
    if run.out.as_json:
        run.out.json(told)
        return
    rows = [
        [one["store_url"], _standing(one), one.get("tenant", ""), one.get("connected_at", "").partition("T")[0]]
        for one in told["connections"]
    ]
    if rows:
        run.out.table(["Store", "State", "Tenant", "Connected"], rows)
    else:
        run.out.aside("No such stores.")
    if "cursor" in told:
        run.out.aside(f"There may be more: --cursor {told['cursor']}, or --all.")


@command
def show(run: Run, store: STORE) -> None:
    """Show a store's connection with its history."""
    _shown(run, naming.connection_of(run.stack, store))


@command
def test(run: Run, store: STORE) -> None:
    """Have the stack call a store now, and say whether it takes the credentials."""
    connection_id = naming.connection_of(run.stack, store)["connection_id"]
    told = run.stack.api.post("connections", connection_id, "test")
    if run.out.as_json:
        run.out.json(told)
    elif told["ok"]:
        run.out.text(f"{told['connection']['store_url']} takes its credentials.", style="green")
    else:
        run.out.text(f"{told['connection']['store_url']} does not take them: {_why(told)}", style="red")
        run.out.text(told.get("advice", ""))
    if not told["ok"]:
        raise typer.Exit(Exit.TROUBLE)


@command
def add(
    run: Run,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store's base URL.", show_default=False)],
    tenant: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
) -> None:
    """Connect a store by the four values of an integration without callback URL. Asks for them; they are tried first.

    Where nobody is there to be asked, they are read from STORELINK_CONSUMER_KEY, STORELINK_CONSUMER_SECRET,
    STORELINK_ACCESS_TOKEN and STORELINK_ACCESS_TOKEN_SECRET, or as four lines of standard input in this order.
    """
    store = Store.from_url(url, field="URL")
    values = {
        name: _copied(name.replace("_", " ").capitalize(), f"STORELINK_{name.upper()}", hidden=name != "consumer_key")
        for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    }
    told = run.stack.api.post("connections", store_url=store.url, tenant=tenant, **values)
    _connected(run, told, store)


@command
def login(
    run: Run,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store's base URL.", show_default=False)],
    username: Annotated[str, typer.Argument(help="An admin's, or with --customer a customer's.", show_default=False)],
    customer: Annotated[bool, typer.Option("--customer", help="Log a customer in.")] = False,
    otp: Annotated[bool, typer.Option("--otp", help="Ask for a one-time password, too (two-factor).")] = False,
) -> None:
    """Log a customer or an admin in, and have the token kept for apps. Asks for the password, which is not kept.

    Where nobody is there to be asked, it is read from STORELINK_PASSWORD, the one-time password from STORELINK_OTP, or
    both as lines of standard input. Nothing is tried twice: Magento locks accounts.
    """
    store = Store.from_url(url, field="URL")
    password = value("Password", "STORELINK_PASSWORD")
    second = value("One-time password", "STORELINK_OTP") if otp else None
    told = run.stack.api.post(
        "logins", store_url=store.url, username=username, password=password, customer=customer, otp=second
    )
    if run.out.as_json:
        run.out.json(told)
        return
    names = ("store_url", "kind", "secret_arn")
    until = {"expires at": at(told["expires_at"])}
    run.out.pairs({name.replace("_", " "): str(told[name]) for name in names} | until)


@command
def claim(
    run: Run, store: STORE, tenant: Annotated[str, typer.Argument(help="Whose it is.", show_default=False)]
) -> None:
    """Say whose a store is that came without an invitation."""
    connection_id = naming.connection_of(run.stack, store)["connection_id"]
    _shown(run, run.stack.api.post("connections", connection_id, "claim", tenant=tenant))


@command
def forget(
    run: Run,
    store: STORE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Disconnect a store and delete its credentials. They can be restored for some days."""
    found = naming.connection_of(run.stack, store)
    sure(f"Forget {found['store_url']}? Apps cannot call it any more.", yes)
    _shown(run, run.stack.api.delete("connections", found["connection_id"]))


@command
def invite(
    run: Run,
    tenant: Annotated[str, typer.Argument(help="In whose name stores come by it.", show_default=False)],
    store: Annotated[str | None, typer.Option(metavar="URL", help="The only store that may come by it.")] = None,
    lifetime: Annotated[str, typer.Option(metavar="TIME", help="How long it takes new stores: 3600, 12h, 7d.")] = "7d",
) -> None:
    """Make an invitation: the two URLs that one tenant's merchant pastes into the integration. They are told once."""
    told = run.stack.api.post("invitations", tenant=tenant, store_url=store, lifetime=_seconds(lifetime))
    if run.out.as_json:
        run.out.json(told)
        return
    until = {"valid until": at(told["valid_until"] / 1000)}
    names = ("invitation_id", "tenant", "store", "callback_url", "identity_url")
    run.out.pairs({name.replace("_", " "): str(told.get(name, "")) for name in names} | until)
    run.out.aside("Whoever has these URLs can connect a store in the tenant's name; they are not told again.", "yellow")


@command
def revoke(
    run: Run,
    invitation_id: Annotated[str, typer.Argument(metavar="INVITATION", help="Its id.", show_default=False)],
) -> None:
    """Take an invitation back: nobody comes in by it any more."""
    told = run.stack.api.delete("invitations", invitation_id)
    if run.out.as_json:
        run.out.json(told)
    else:
        run.out.text(f"Revoked: {invitation_id}")


def _shown(run: Run, told: dict[str, Any]) -> None:
    if run.out.as_json:
        run.out.json(told)
        return
    names = (
        "store_url",
        "state",
        "reason",
        "problem",
        "advice",
        "tenant",
        "connected_at",
        "checked_at",
        "next_check_at",
    )
    more = ("connection_id", "activation_id", "consumer_key", "secret_arn")
    run.out.pairs({name.replace("_", " "): str(told.get(name, "")) for name in (*names, *more)})
    if told.get("history"):
        run.out.text("")
        run.out.table(
            ["History", "What", "Reason", "Activation"],
            [[one["at"], one["what"], _why(one), one.get("activation_id", "")] for one in told["history"]],
        )


def _why(told: dict[str, Any]) -> str:
    """Reason and problem, on one line."""
    return ": ".join(told[name] for name in ("reason", "problem") if told.get(name))


def _standing(told: dict[str, Any]) -> str:
    """A connection's state, and the reason beside it where there is one."""
    return f"{told['state']}, {told['reason']}" if "reason" in told else str(told["state"])


def _copied(name: str, variable: str, hidden: bool) -> str:
    given = value(name, variable, hidden)
    if not TOKEN_PATTERN.fullmatch(given):
        raise Invalid({name: "must be 32 characters of a-z and 0-9, as Magento shows it"})
    return given


def _connected(run: Run, told: dict[str, Any], store: Store) -> None:
    """Wait for an activation to end, and say how. Raises Failure where it did not end connected."""
    end = time.monotonic() + PATIENCE
    while told["state"] not in ("connected", "failed", "superseded") and time.monotonic() < end:
        time.sleep(0.3)
        told = run.stack.api.get("activations", told["activation_id"])
    if told["state"] == "connected":
        _shown(run, run.stack.api.get("connections", store.connection_id))
        return
    if told["state"] == "failed":
        raise Failure(Exit.REFUSED, told["reason"], f"not connected: {_why(told)}", ADVICE.get(told["reason"], ""))
    raise Failure(
        Exit.UNAVAILABLE,
        "unfinished",
        f"the activation {told['activation_id']} is {told['state']}",
        "`storelink watch` shows how it goes on.",
    )


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if not match:
        raise Invalid({"--lifetime": "must be a number of seconds, or one with s, m, h or d: 7d"})
    return int(match[1]) * _UNITS[match[2]]
