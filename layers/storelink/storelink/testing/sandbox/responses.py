"""The store's HTTP answers, and the steps that every request to a token endpoint or to REST goes through."""

from __future__ import annotations

import base64
import json
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from flask import Response, g, render_template, request

from storelink.testing.sandbox import hostile
from storelink.testing.sandbox.accounts import PASSWORD, STAGING_USER
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.request import SignedRequest
from storelink.testing.sandbox.store import SandboxStore
from storelink.testing.sandbox.troubles import AROUND, WORDS, Met

HTML = "text/html; charset=UTF-8"
JSON = "application/json; charset=utf-8"
HUGE = 1024 * 1024  # bytes
DATABASE_GONE = "SQLSTATE[HY000] [2002] Connection refused"

Step = Callable[[SignedRequest, Met], Response]
Refusal = Callable[[Refused], Response]

PAGES = {
    "maintenance": (503, "Service Temporarily Unavailable", "Service Unavailable: we are back soon."),
    "bad_gateway": (502, "Bad Gateway", "The server got no answer that it could use."),
    "gateway_timeout": (504, "Gateway Timeout", "The server got no answer in time."),
    "rate_limit": (429, "Too Many Requests", "Slow down and try again."),
    "forbidden": (403, "Forbidden", "The request was blocked by the web application firewall."),
    "html": (200, "Home page", "Welcome to our store."),
    "too_large": (413, "Request Entity Too Large", "nginx"),
    "uri_too_long": (414, "Request-URI Too Large", "nginx"),
}
"""Troubles that answer with a page: status, title and text."""


def the_store() -> SandboxStore:
    """Return the store that the current request is for."""
    store: SandboxStore = g.store
    return store


def bearer() -> str | None:
    """Return the token of the current request, if it has one."""
    found = re.search(r"\bBearer (\S+)", request.headers.get("Authorization", ""), re.IGNORECASE)
    return found[1] if found else None


def json_response(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type=JSON)


def form_response(fields: dict[str, str], status: int = 200) -> Response:
    """Return a form-encoded body that says it is HTML, as Magento's token endpoints do."""
    return Response(urlencode(fields), status, content_type=HTML)


def page(status: int, title: str, text: str) -> Response:
    return Response(render_template("notice.html", title=title, text=text), status, content_type=HTML)


def password_page() -> Response | None:
    """Return the web server's refusal of a request without its password, None for a request with it."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    wanted = base64.b64encode(f"{STAGING_USER}:{PASSWORD}".encode()).decode()
    if scheme.lower() == "basic" and secrets.compare_digest(rest.partition(",")[0].strip().encode(), wanted.encode()):
        return None
    response = page(401, "Unauthorized", "This server asks for a password.")
    response.headers["WWW-Authenticate"] = 'Basic realm="Staging"'
    return response


def respond(endpoint: str, step: Step, refusal: Refusal) -> Response:
    """Answer one request: do `step`, unless a trouble comes before it or stands between it and its answer."""
    store = the_store()
    met = store.meet_troubles(endpoint)
    if met.slow:
        g.sandbox.closing.wait(met.slow)
    sent = _received(met)
    if met.answer in hostile.HOSTILE:
        store.record(endpoint, sent, None, None, met.answer)
        connection = request.environ["werkzeug.socket"]
        hostile.answer(met.answer, connection, g.sandbox.closing)
        _hang_up(connection)
        return Response("")
    problem = None
    response = (password_page() if "password" in met.conditions else None) or _instead(endpoint, met.answer)
    if response is None:
        try:
            if met.answer in WORDS:
                store.refuse(met.answer, sent)
            response = step(sent, met)
        except Refused as refused:
            refused = refused.worded(met.wordings)
            problem = refused.problem
            response = refusal(refused)
    is_dropped = met.answer in ("drop", "drop_before")
    store.record(endpoint, sent, None if is_dropped else response.status_code, problem, met.answer)
    return _spoiled(response, met.answer)


def _received(met: Met) -> SignedRequest:
    origin = urlsplit(the_store().base_url)
    # As it came over the wire: to decode and encode it again would change what was signed.
    target = urlsplit(request.environ["REQUEST_URI"])
    url = target._replace(scheme=origin.scheme, netloc=origin.netloc).geturl()
    body = request.get_data(as_text=True)
    form = body if request.mimetype == "application/x-www-form-urlencoded" else ""
    authorization = None if "header_lost" in met.conditions else request.headers.get("Authorization")
    return SignedRequest(request.method, url, authorization, form)


def _instead(endpoint: str, kind: str | None) -> Response | None:
    """Return what a trouble answers before the step is done, None where the step is to be done."""
    if kind in PAGES:
        response = page(*PAGES[kind])
        if kind == "rate_limit":
            response.headers["Retry-After"] = the_store().retry_after
        return response
    if kind == "internal_error":
        if endpoint == "rest":
            return json_response({"message": "Internal Error. Details are available in Magento log file."}, 500)
        return form_response({"oauth_problem": f"internal_error&message={DATABASE_GONE}"}, 500)
    if kind == "unauthorized":
        return json_response({"message": "Unauthorized"}, 401)
    if kind == "messages_error":
        error = {"code": 500, "message": "Server internal error. See details in report api/1077634518"}
        return json_response({"messages": {"error": [error]}}, 500)
    if kind == "plain_text":
        text = "An error has happened during application run. See exception log for details."
        return Response(text, 500, content_type="text/plain; charset=UTF-8")
    if kind in ("redirect", "moved"):
        path = "elsewhere/" if kind == "redirect" else f"oauth/token/{endpoint}"
        headers = {"Location": the_store().base_url + path}
        return Response("", 302 if kind == "redirect" else 301, headers, content_type=HTML)
    if kind == "huge":
        return Response(b"x" * HUGE, 200, content_type=HTML)
    return Response("") if kind == "drop_before" else None


def _spoiled(response: Response, kind: str | None) -> Response:
    """Return what a trouble makes of an answer after the step was done."""
    body = response.get_data()
    if kind in ("drop", "drop_before"):
        _hang_up(request.environ["werkzeug.socket"])
    elif kind == "cut":
        return _cut(response, request.environ["werkzeug.socket"])
    elif kind == "half" and response.status_code == HTTPStatus.OK:
        response.set_data(body.partition(b"&")[0] if b"&" in body else body[: len(body) // 2])
    elif kind in AROUND:
        before, after = (part.encode() for part in AROUND[kind])
        response.set_data(before + body + after)
    return response


def _cut(response: Response, connection: socket.socket) -> Response:
    """Return the response's headers with its whole length, half its body, and then no connection."""
    body = response.get_data()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        _hang_up(connection)

    cut = Response(half(), response.status_code, content_type=response.content_type)
    cut.headers["Content-Length"] = str(len(body))
    return cut


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # the client may have been quicker
        connection.shutdown(socket.SHUT_RDWR)
