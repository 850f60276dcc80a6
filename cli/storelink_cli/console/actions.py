"""What the console's buttons do. Each is a POST."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, stream_template, url_for
from werkzeug.wrappers import Response as Answer

import storelink
from storelink_cli import diagnosis, lookup
from storelink_cli.console.context import attempt, console
from storelink_cli.console.pages import invitation_list
from storelink_cli.diagnosis.attempt import ask
from storelink_cli.diagnosis.finding import Finding
from storelink_cli.errors import Failure
from storelink_cli.times import lifetime

routes = Blueprint("actions", __name__)

MAX_SHOWN = 100_000
"""Characters of a store's answer that are shown."""

_MAX_FLASH = 300
"""Characters of a notice, which a cookie holds until it is shown."""

_diagnosing = threading.Lock()
"""A diagnosis sets what the layer's guard allows, so there is one at a time."""


@routes.post("/stores/<connection_id>/test")
def test(connection_id: str) -> Answer:
    """Have the stack call a store, and show whether it accepts the credentials."""
    result = _tried(lambda: console().stack.api.post("connections", connection_id, "test"))
    if result and result["ok"]:
        _notice("The store accepts its credentials.", "good")
    elif result:
        _notice(f"The store does not accept its credentials: {lookup.cause(result)}", "bad")
    return _to_store(connection_id)


@routes.post("/stores/<connection_id>/claim")
def claim(connection_id: str) -> Answer:
    """Assign a store to a tenant; `reassign` also one of another tenant."""
    tenant, reassign = request.form.get("tenant", "").strip(), "reassign" in request.form
    api = console().stack.api
    if _tried(lambda: api.post("connections", connection_id, "claim", tenant=tenant, reassign=reassign)):
        _notice(f"The store belongs to {tenant} now.", "good")
    return _to_store(connection_id)


@routes.post("/stores/<connection_id>/forget")
def forget(connection_id: str) -> Answer:
    """Disconnect a store and delete its credentials, if the form has its address."""
    connection = console().stack.api.get("connections", connection_id)
    address = lookup.address_of(connection["store_url"])
    if lookup.address_of(request.form.get("address", "")) != address:
        _notice(f"Nothing was changed: enter {address} to forget it.", "bad")
    elif _tried(lambda: console().stack.api.delete("connections", connection_id)):
        _notice("The store is forgotten. Its credentials can be restored for 30 days from Secrets Manager.", "good")
    return _to_store(connection_id)


@routes.post("/call")
def call() -> str:
    """Make one signed GET request to a store, and show the answer."""
    path = request.form.get("path", "").strip()
    _ = console().stack.outputs  # its rules for outgoing calls hold
    store = lookup.read_store(request.form.get("store_url", ""), field="store_url")
    url, began = store.url, time.monotonic()
    shown: dict[str, Any] = {"store_url": url, "connection_id": store.connection_id, "path": path}
    response = attempt(lambda: storelink.connect(url, stack=console().stack.name).get(path))
    if isinstance(response, Failure):
        return render_template("call.html", **shown, failure=response)
    text = response.text
    return render_template(
        "call.html",
        **shown,
        status=response.status_code,
        milliseconds=round((time.monotonic() - began) * 1000),
        text=_indented(response)[:MAX_SHOWN],
        is_cut=len(text) > MAX_SHOWN,
    )


@routes.post("/doctor")
def doctor() -> Iterator[str]:
    """Examine a store from this machine. Each finding is sent as it comes."""
    store = lookup.read_store(request.form.get("store_url", ""), field="store_url")
    stack = console().stack
    known, last_attempt = ask(lambda: stack, store.url)
    findings: list[Finding] = []

    def found() -> Iterator[Finding]:
        with _diagnosing:
            for finding in diagnosis.diagnose(store, stack.is_local, known, last_attempt):
                findings.append(finding)
                yield finding

    return stream_template(
        "doctor.html",
        store_url=store.url,
        connection_id=store.connection_id,
        findings=found(),
        verdict=lambda: known.verdict(findings),
    )


@routes.post("/invitations")
def invite() -> str | Answer:
    """Create an invitation, whose URLs the next page shows once."""
    form = {name: request.form.get(name, "").strip() for name in ("tenant", "store_url", "lifetime")}
    asked = {"tenant": form["tenant"], "store_url": form["store_url"] or None}
    api = console().stack.api
    made = attempt(lambda: api.post("invitations", lifetime=lifetime(form["lifetime"], "lifetime"), **asked))
    if isinstance(made, Failure):
        return render_template("invitations.html", problem=made, form=form, of=None, **invitation_list(None))
    session["made"] = made["invitation_id"]
    console().made[session["made"]] = made
    return redirect(url_for("pages.invitations"), 303)


@routes.post("/invitations/<invitation_id>/revoke")
def revoke(invitation_id: str) -> Answer:
    """Revoke an invitation."""
    if _tried(lambda: console().stack.api.delete("invitations", invitation_id)):
        _notice("The invitation is revoked: no store can connect by it.", "good")
    return redirect(url_for("pages.invitations"), 303)


def _tried(call: Any) -> Any:
    """The result of a call; None, and a notice, when it fails."""
    result = attempt(call)
    if isinstance(result, Failure):
        _notice(f"Nothing was changed: {result.problem}. {result.hint}", "bad")
        return None
    return result


def _notice(text: str, kind: str) -> None:
    flash(text if len(text) <= _MAX_FLASH else text[: _MAX_FLASH - 1] + "…", kind)


def _to_store(connection_id: str) -> Answer:
    return redirect(url_for("pages.store", connection_id=connection_id), 303)


def _indented(response: Any) -> str:
    """The answer's text; of JSON with an indentation."""
    try:
        return json.dumps(response.json(), indent=2, ensure_ascii=False)
    except ValueError:
        return str(response.text)
