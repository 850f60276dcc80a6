"""API Gateway's HTTP API on this machine: the template's routes, with the events that SAM CLI makes."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Flask, Request, Response, request
from samcli.local.apigw.event_constructor import construct_v2_event_http
from samcli.local.apigw.path_converter import PathConverter
from werkzeug.serving import WSGIRequestHandler, make_server

from local.lambda_runtime import Function
from local.template import Route

MESSAGES = {403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no access log; the functions have logs."""


class Api:
    """The HTTP API. It listens at once, and answers as soon as it has its functions.

    public_url: where a tunnel leads here from. Invitations name it, and so does each answer of an API without routes
    for operators.
    """

    def __init__(self, host: str, port: int, routes: list[Route], public_url: str = "") -> None:
        self._functions: dict[str, Function] = {}
        self._public_url = public_url
        self._is_public = not any(route.iam for route in routes)
        app = Flask("storelink-api", static_folder=None)
        for route in routes:
            methods = _METHODS if route.method == "ANY" else [route.method]
            app.add_url_rule(
                PathConverter.convert_path_to_flask(route.path),
                f"{route.method} {route.path}",
                partial(self._answer, route),
                methods=methods,
                provide_automatic_options=False,
            )
        for unknown in (404, 405):
            app.register_error_handler(unknown, lambda _: _message(404))
        self._server = make_server(host, port, app, threaded=True, request_handler=_Silent)
        self.url = f"http://{host}:{self._server.server_port}"

    @contextlib.contextmanager
    def serving(self, functions: dict[str, Function]) -> Iterator[None]:
        """Answer with these functions while the context lasts."""
        self._functions = functions
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()

    def close(self) -> None:
        """Close the port."""
        self._server.server_close()

    def _answer(self, route: Route, **_parameters: str) -> Response:
        # Only AWS can verify a signature; here it is enough that there is one.
        if route.iam and not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return _message(403)
        event = _event(request, route)
        if self._public_url and (self._is_public or route.iam):
            scheme, _, host = self._public_url.partition("://")
            event["headers"] |= {"host": host, "x-forwarded-proto": scheme}
        answer = self._functions[route.function].invoke(json.dumps(event))
        if answer.failed:
            return _message(500)
        return _response(json.loads(answer.payload))


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def _event(incoming: Request, route: Route) -> dict[str, Any]:
    """Return an event in payload format 2.0. As in API Gateway, every body but text and JSON is base64, forms too."""
    is_text = incoming.mimetype.startswith("text/") or incoming.mimetype in ("", "application/json")
    at = datetime.now(UTC)
    try:
        if is_text:
            incoming.get_data().decode()
    except UnicodeDecodeError:
        is_text = False
    event: dict[str, Any] = construct_v2_event_http(
        incoming,
        port=incoming.environ["SERVER_PORT"],
        binary_types=[] if is_text else ["*/*"],
        stage_name="$default",
        route_key=f"{route.method} {route.path}",
        request_time_epoch=int(time.time()),
        request_time=at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
    )
    event["headers"] = {name.lower(): value for name, value in event["headers"].items()}
    return event


def _response(answer: dict[str, Any]) -> Response:
    body = answer.get("body", "")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body
    response = Response(content, status=answer["statusCode"], headers=answer.get("headers", {}))
    for cookie in answer.get("cookies", []):
        response.headers.add("Set-Cookie", cookie)
    return response


def _message(status: int) -> Response:
    return Response(
        json.dumps({"message": MESSAGES[status]}), status=status, headers={"Content-Type": "application/json"}
    )
