"""Events of the stack: `listen` prints and delivers them, `trigger` sends a sample."""

import json
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer

from storelink import advice
from storelink.aws.eventbridge import SOURCE
from storelink.models import validate_tenant
from storelink.state import event_details
from storelink.store import Store
from storelink_cli import lookup, prompts, receiver
from storelink_cli.context import Context, command
from storelink_cli.errors import Exit, Failure, bad_input
from storelink_cli.receiver import Receiver
from storelink_cli.stack import Stack
from storelink_cli.subscription import RETRY_SECONDS, TRIES, Message, Subscription, subscribed
from storelink_cli.times import iso

SAMPLE_STORE = "https://shop.example/"
SAMPLE_TENANT = "acme"

EventName = StrEnum(  # type: ignore[misc]  # mypy wants literals
    "EventName",
    {name.replace(" ", "_").upper(): name for name in (*event_details.OF_CHANGES.values(), *event_details.OF_FAILURES)},
)

_SHOWN = ("store_url", "tenant", "reason", "problem", "activation_id")
"""Fields of an event that its line shows, beside its time and name."""


@command
def listen(
    context: Context,
    forward_to: Annotated[
        str | None, typer.Option(metavar="URL", help="POST each event to this URL.", show_default=False)
    ] = None,
    handler: Annotated[
        str | None,
        typer.Option("--exec", metavar="MODULE:HANDLER", help="Call a Lambda handler.", show_default=False),
    ] = None,
    event: Annotated[
        list[EventName] | None,
        typer.Option(help="Only these events; may be repeated.", case_sensitive=False, show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="End after so many events.", min=1, show_default=False)] = None,
) -> None:
    """Print the stack's events as they are published, and deliver them to an app on this machine, until Ctrl-C."""
    deliver = _receiver(context, forward_to, handler)
    try:
        with (
            _ended_by_signals(),
            subscribed(context.stack, context.out, [one.value for one in event or []]) as subscription,
        ):
            context.out.note("Listening for events. Ctrl-C ends.", "dim")
            _follow(context, subscription, deliver, limit)
    except KeyboardInterrupt:  # the ordinary way to end it
        raise typer.Exit(Exit.DONE) from None


def _receiver(context: Context, forward_to: str | None, handler: str | None) -> Receiver:
    if forward_to and handler:
        raise bad_input("--forward-to and --exec exclude each other", "Give one of them.")
    if forward_to:
        return receiver.forward_to(forward_to)
    if handler:
        _ = context.stack.outputs  # with which the handler's storelink.connect finds the stack
        return receiver.execute(handler, context.out)
    return lambda _: ""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End by SIGTERM and SIGHUP (a closed terminal) as by Ctrl-C, so that nothing is left."""
    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {one: signal.signal(one, signal.default_int_handler) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _follow(context: Context, subscription: Subscription, deliver: Receiver, limit: int | None) -> None:
    done = 0
    for message in subscription.messages():
        if message.tries == 1:
            _print(context, message)
        problem = deliver(message.body)
        if problem and message.tries < TRIES:
            context.out.note(f"{problem}; trying again in {RETRY_SECONDS} s", "yellow")
            subscription.put_back(message)
            continue
        if problem:
            context.out.note(f"{problem}; given up after {TRIES} tries", "red")
        subscription.delete(message)
        done += 1
        if done == limit:
            return


def _print(context: Context, message: Message) -> None:
    event = message.event
    if context.out.as_json:
        context.out.json_line(event)
        return
    fields = [str(event["detail"].get(name, "")) for name in _SHOWN]
    fields[-1] = fields[-1][: lookup.REFERENCE_LENGTH]
    if event["detail"].get("sample"):
        fields.append("sample")
    context.out.row([iso(event["time"]), event["detail-type"], *fields])


@command
def trigger(
    context: Context,
    event: Annotated[EventName, typer.Argument(help="The event's name.", case_sensitive=False, show_default=False)],
    store: Annotated[
        str | None, typer.Option(metavar="STORE", help="Send it about this connected store.", show_default=False)
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The store's tenant.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send a sample of an event to the stack's bus. It has the shape of the real event, and `"sample": true`."""
    name = event.value
    bus = context.stack.outputs["EventBusName"]
    detail = _detail(context.stack, name, store, tenant)
    if not context.stack.is_local:
        prompts.confirm(f"Every consumer of the bus {bus} receives this event. Send it?", yes)
    entry = {"EventBusName": bus, "Source": SOURCE, "DetailType": name, "Detail": json.dumps(detail)}
    (answer,) = context.stack.client("events").put_events(Entries=[entry])["Entries"]
    if "ErrorCode" in answer:
        raise Failure(Exit.AWS, "aws", f"PutEvents: {answer['ErrorCode']}", "Try again.")
    sent = {"id": answer["EventId"], "source": SOURCE, "detail-type": name, "detail": detail}
    if context.out.as_json:
        context.out.json(sent)
    else:
        context.out.record({"sent": name, **{field.replace("_", " "): str(text) for field, text in detail.items()}})


def _detail(stack: Stack, name: str, store: str | None, tenant: str | None) -> dict[str, Any]:
    """The detail of a sample. store: the connected store that it is about; None for an invented one."""
    detail: dict[str, Any]
    if name in event_details.OF_FAILURES:
        url = lookup.store(stack, store).url if store else SAMPLE_STORE
        problem = "The consumer's Authorization header is missing"
        text = advice.text("header-lost", advice.action("header-lost", "pending"))
        detail = event_details.of_failure(_activation_id(), url, "header-lost", problem, text)
    else:
        (what,) = [what for what, named in event_details.OF_CHANGES.items() if named == name]
        row = _connection(stack, lookup.connection(stack, store) if store else {})
        if tenant or what == "claimed":
            row["tenant"] = validate_tenant(tenant or row.get("tenant", SAMPLE_TENANT))
        _, detail = event_details.of_change(row, _change(what))
    return {**detail, "sample": True}


def _connection(stack: Stack, shown: dict[str, Any]) -> dict[str, Any]:
    """A connection's row as far as events show it. shown: the connection by the API; {} for an invented one."""
    store = Store.from_url(shown.get("store_url", SAMPLE_STORE))
    row: dict[str, Any] = {"connection_id": store.connection_id, "store": store.url}
    arn = f"arn:aws:secretsmanager:{stack.region}:000000000000:secret:{stack.name}/connections/{store.connection_id}"
    if not shown and stack.parameters.get("CredentialStore") != "dynamodb":
        row["secret_arn"] = f"{arn}-sample"
    row |= {name: shown[name] for name in ("secret_arn", "tenant") if name in shown}
    return row if "secret_arn" in row else row | {"backend": "dynamodb"}


def _change(what: str) -> dict[str, Any]:
    change: dict[str, Any] = {"what": what, "at": int(time.time() * 1000)}
    if what == "connected":
        change["activation_id"] = _activation_id()
    if what == "disconnected":
        change |= {"reason": "revoked", "problem": "HTTP 401, The integration's access token is no longer valid"}
    return change


def _activation_id() -> str:
    return f"{secrets.token_hex(16)}-{secrets.token_hex(6)}"
