"""The console's pages. None of them changes anything."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, session, stream_template, url_for
from werkzeug.wrappers import Response as Answer

from storelink.advice import REASONS
from storelink.errors import Invalid
from storelink.models import validate_tenant
from storelink_cli import aws_console, log_lines, lookup
from storelink_cli.console import metrics, preview, progress
from storelink_cli.console.context import console
from storelink_cli.errors import Exit, Failure
from storelink_cli.times import duration

routes = Blueprint("pages", __name__)

PAGE = 50
"""Rows of a list."""
FEW = 5
"""Rows of a list that is a part of a page."""

ACTIVATION_STATES = ("pending", "requested", "exchanged", "connected", "failed")
CONNECTION_STATES = ("connected", "disconnected")

Calls = dict[str, Callable[[], Any]]


@routes.get("/")
def overview() -> Iterator[str]:
    """What an operator looks at first. Each part is sent as soon as it is known."""
    calls = {name: call for part_ in _parts().values() for name, call in part_.items()}
    return stream_template("overview.html", **_spans(), **console().begin(**calls))


@routes.get("/parts/<name>")
def part(name: str) -> str:
    """A part of the overview as it is now."""
    parts = _parts()
    if name not in parts:
        abort(404)
    return render_template(f"part_{name}.html", **_spans(), **console().begin(**parts[name]))


def _parts() -> dict[str, Calls]:
    """The calls of each part of the overview."""
    api, stack, span = console().stack.api, console().stack, _spans()["span"]
    hour = _since("1h")
    return {
        "states": {"summary": lambda: api.get("summary")},
        "attention": {
            "failed": lambda: api.get("activations", state="failed", since=hour, limit=PAGE),
            "disconnected": lambda: api.get("connections", state="disconnected", limit=FEW),
            "unclaimed": lambda: api.get("connections", state="connected", unclaimed="true", limit=FEW),
        },
        "activity": {"activity": lambda: metrics.read(stack, span)},
        "newest": {"newest": lambda: api.get("activations", limit=2 * FEW)},
    }


def _spans() -> dict[str, Any]:
    """The time that the plot shows, and all that it can show."""
    chosen = metrics.SPANS.get(request.args.get("span", ""), metrics.SPANS["day"])
    return {"span": chosen, "spans": metrics.SPANS.values()}


# Lists


@routes.get("/stores")
def stores() -> str:
    """Connected and disconnected stores, page by page."""
    filters = _filters("state", "tenant", "host", "reason", "unclaimed")
    page = console().stack.api.get("connections", limit=PAGE, cursor=request.args.get("cursor"), **filters)
    return render_template(
        "stores.html", page=page, filters=filters, following=_following(page, filters), states=CONNECTION_STATES
    )


@routes.get("/activations")
def activations() -> str:
    """Activations, the newest first, page by page."""
    filters = _filters("state", "tenant", "reason", "suspicious", "since")
    sent = filters | ({"since": _since(filters["since"])} if "since" in filters else {})
    page = console().stack.api.get("activations", limit=PAGE, cursor=request.args.get("cursor"), **sent)
    return render_template(
        "activations.html", page=page, filters=filters, following=_following(page, filters), states=ACTIVATION_STATES
    )


def _filters(*names: str) -> dict[str, str]:
    """The filters that the query gives; an empty field of a form is none."""
    given = {name: request.args.get(name, "").strip() for name in names}
    return {name: text for name, text in given.items() if text}


def _since(text: str) -> str:
    """The time that a duration such as 1h before now names; another text as it is, which the API judges."""
    try:
        return (datetime.now(UTC) - timedelta(seconds=duration(text, "since"))).isoformat(timespec="seconds")
    except Invalid:
        return text


def _following(page: dict[str, Any], filters: dict[str, str]) -> str:
    """The URL of the next page, "" for none."""
    query: dict[str, Any] = {**filters, "cursor": page.get("cursor")}
    return url_for(str(request.endpoint), **query) if "cursor" in page else ""


@routes.get("/search")
def search() -> str | Answer | Iterator[str]:
    """Whatever a text names: a store, an activation, a tenant or a reason."""
    text = request.args.get("q", "").strip()
    calls, searched = _searches(text), lookup.SEARCHED_PAGES * lookup.PAGE
    if "reference" not in calls:  # the page's frame is sent before anything is found
        return stream_template("search.html", text=text, find=lambda: _found(calls), searched=searched)
    hits, failures = _found(calls)
    activations = hits.get("reference", {}).get("activations", [])
    if len(activations) == 1 and len(hits) == 1:
        return redirect(url_for("pages.activation", reference=activations[0]["activation_id"]), 303)
    return render_template("search.html", text=text, find=lambda: (hits, failures), searched=searched)


def _found(calls: Calls) -> tuple[dict[str, Any], list[Failure]]:
    """What the calls have found, and those that failed."""
    found = console().together(**calls)
    hits = {name: one for name, one in found.items() if not isinstance(one, Failure) and any(one.values())}
    return hits, [one for one in found.values() if isinstance(one, Failure) and one.code != Exit.NOT_FOUND]


def _searches(text: str) -> Calls:
    """The calls that can find a text, by what they take it for."""
    api, stack, lower, calls = console().stack.api, console().stack, text.lower(), {}
    try:
        reference = lookup.read_reference(text)
        calls["reference"] = lambda: api.get("activations", reference=reference)
    except Invalid:
        pass
    if lower in REASONS:
        calls["reason_activations"] = lambda: api.get("activations", reason=lower, limit=PAGE)
        calls["reason_connections"] = lambda: api.get("connections", reason=lower, limit=PAGE)
    try:
        tenant = validate_tenant(text)
        calls["tenant"] = lambda: api.get("connections", tenant=tenant, limit=PAGE)
        calls["invitations"] = lambda: api.get("invitations", tenant=tenant, limit=PAGE)
    except Invalid:
        pass
    if address := lookup.address_of(text):
        calls["host"] = lambda: {"connections": lookup.connections_at(stack, address, PAGE)}
        calls["attempts"] = lambda: {"activations": lookup.attempts_at(stack, address, PAGE)}
    return calls


# A store


@routes.get("/stores/<connection_id>")
def store(connection_id: str) -> str:
    """A store: its connection, its history and its last attempts."""
    api, stack = console().stack.api, console().stack
    attempts: Any
    try:
        connection = api.get("connections", connection_id)
    except Failure as failure:
        attempts = lookup.attempts(stack, connection_id)[:PAGE] if failure.code == Exit.NOT_FOUND else []
        if not attempts:
            raise
        connection = {"connection_id": connection_id, "store_url": attempts[0]["store_url"], "state": "not connected"}
    else:
        url = connection["store_url"]
        attempts = console().together(found=lambda: api.get("activations", store_url=url, limit=PAGE))["found"]
        attempts = attempts if isinstance(attempts, Failure) else attempts["activations"]
    return render_template("store.html", connection=connection, attempts=attempts)


# An activation


@routes.get("/activations/<reference>")
def activation(reference: str) -> str | Answer:
    """An activation: its steps and every try, what the merchant sees, and what to do."""
    found = lookup.activation(console().stack, reference)
    if found["activation_id"] != reference:
        return redirect(url_for("pages.activation", reference=found["activation_id"]), 303)
    return render_template("activation.html", **_activation_view(found))


@routes.get("/activations/<activation_id>/<any(progress, details):part>")
def activation_part(activation_id: str, part: str) -> str:
    """A part of an activation's page as it is now."""
    found = console().stack.api.get("activations", activation_id)
    shown = _activation_view(found) if part == "progress" else {"activation": found}
    return render_template(f"part_{part}.html", **shown)


def _activation_view(activation: dict[str, Any]) -> dict[str, Any]:
    stack = console().stack
    shown: dict[str, Any] = {"activation": activation, "urls": aws_console.urls(stack, activation["activation_id"])}
    if activation["state"] == "superseded":
        return shown
    start, end = progress.log_period(activation)
    lines = console().together(lines=lambda: log_lines.search(stack, activation["activation_id"], start, end))["lines"]
    failure = lines if isinstance(lines, Failure) else None
    return shown | {"progress": progress.of(activation, [] if failure else lines), "no_lines": failure}


@routes.get("/activations/<activation_id>/popup")
def popup(activation_id: str) -> Response:
    """The page that the merchant sees now."""
    activation = console().stack.api.get("activations", activation_id)
    if activation["state"] == "superseded":
        abort(404, "A newer activation has replaced this one.")
    page, headers = preview.render(activation, console().stack.parameters, str(request.accept_languages))
    return Response(page, headers=headers)


# Invitations


@routes.get("/invitations")
def invitations() -> str:
    """The newest invitations, and a form for another."""
    tenant = request.args.get("of", "").strip() or None
    form = {name: request.args.get(name, "") for name in ("tenant", "store_url")}
    made = console().made.pop(session.pop("made", ""), None)
    return render_template("invitations.html", form=form, of=tenant, made=made, **invitation_list(tenant))


def invitation_list(tenant: str | None) -> dict[str, Any]:
    """The newest invitations, of all tenants or of one."""
    return {"invitations": lookup.invitations(console().stack, tenant)}
