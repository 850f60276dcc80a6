"""Serves sandbox stores over HTTP or HTTPS.

One server plays several stores: the default one at `/`, and at `/stores/NAME/` as many as are asked for.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from storelink.testing.sandbox import admin, controls, oauth
from storelink.testing.sandbox.responses import json_response, page
from storelink.testing.sandbox.rest import METHODS, rest
from storelink.testing.sandbox.signature import DEFAULT_DIALECT
from storelink.testing.sandbox.store import LinkNotShown, SandboxStore, UnknownIntegration, dialect_named

LARGEST_BODY = 16 * 1024 * 1024  # bytes: an image in base64 has some


class PortTaken(OSError):
    """The port asked for is not free."""

    def __init__(self, host: str, port: int) -> None:
        advice = "Stop what listens there, or choose another with --port."
        super().__init__(f"Port {port} on {host} is taken. {advice}")
        self.port = port


class Sandbox:
    """A running server of sandbox stores. dialect: the one of stores that are made later."""

    def __init__(
        self, origin: str, port: int, callback_url: str | None, identity_url: str | None, dialect: str
    ) -> None:
        self.origin = origin
        self.port = port
        self.callback_url = callback_url
        self.identity_url = identity_url
        self.dialect = dialect_named(dialect).name
        self.closing = threading.Event()
        self._stores: dict[str | None, SandboxStore] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The default store's base URL, ending in `/`."""
        return f"{self.origin}/"

    def store(self, name: str | None = None) -> SandboxStore:
        """Return the default store, or the one at `/stores/NAME/`, made on first use.

        A name is of `a` to `z`, digits and `-`, so that its base URL needs no encoding. Raises ValueError for another.
        """
        if name is not None and not re.fullmatch(r"[a-z0-9-]+", name):
            raise ValueError(f"A store's name is of a to z, digits and -, not {name!r}.")
        with self._lock:
            if name not in self._stores:
                base_url = self.url if name is None else f"{self.url}stores/{name}/"
                self._stores[name] = SandboxStore(base_url, self.dialect)
            return self._stores[name]


@contextmanager
def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    callback_url: str | None = None,
    identity_url: str | None = None,
    tls: ssl.SSLContext | None = None,
    dialect: str = DEFAULT_DIALECT,
) -> Iterator[Sandbox]:
    """Run sandbox stores in the background for as long as the context lasts.

    port: 0 takes a free one. callback_url, identity_url: what the controls and the admin page use by default.
    tls: for https instead of http. dialect: how the stores verify signatures. Raises PortTaken when the port is taken,
    ValueError for an unknown dialect.
    """
    dialect_named(dialect)
    with _listening(host, port) as listener:
        port = listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        origin = f"{'https' if tls else 'http'}://{name}:{port}"
        sandbox = Sandbox(origin, port, callback_url, identity_url, dialect)
        app = application(sandbox)
        server = make_server(
            host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno(), ssl_context=tls
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="sandbox-store", daemon=True)
    thread.start()
    try:
        yield sandbox
    finally:
        sandbox.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _listening(host: str, port: int) -> socket.socket:
    # Bound here: werkzeug would end the process on a port that is taken.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        raise
    return listener


class _Quiet(WSGIRequestHandler):
    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status only: a Date of the store's own clock follows."""
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no access log."""


def application(sandbox: Sandbox) -> Flask:
    """Return the WSGI application that plays all of a sandbox's stores."""
    app = Flask(__name__, template_folder=str(Path(__file__).parent / "pages"), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.merge_slashes = False  # a redirect would hide a wrong URL from the client
    routes = _routes(sandbox)
    app.register_blueprint(routes, name="default")
    app.register_blueprint(routes, name="named", url_prefix="/stores/<name>")
    app.register_blueprint(routes, name="default_unwritten", url_prefix="/index.php")
    app.register_blueprint(routes, name="named_unwritten", url_prefix="/stores/<name>/index.php")
    app.register_error_handler(UnknownIntegration, lambda error: json_response({"message": error.args[0]}, 404))
    app.register_error_handler(LinkNotShown, lambda error: json_response({"message": error.args[0]}, 409))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _routes(sandbox: Sandbox) -> Blueprint:
    routes = Blueprint("store", __name__)

    @routes.url_value_preprocessor
    def find_store(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.sandbox = sandbox
        try:
            g.store = sandbox.store((values or {}).pop("name", None))
        except ValueError as error:
            abort(404, str(error))
        below = request.path.removeprefix(urlsplit(g.store.base_url).path)
        if not g.store.rewrites and not below.startswith(("index.php/", "sandbox/")):
            abort(404)

    @routes.after_request
    def add_date(response: Response) -> Response:
        now = g.store.now() if "store" in g else time.time()
        response.date = datetime.fromtimestamp(now, UTC)
        return response

    routes.add_url_rule("/", view_func=admin.home)
    routes.add_url_rule("/magento_version", view_func=admin.version)
    routes.add_url_rule("/admin", view_func=admin.admin, strict_slashes=False)
    routes.add_url_rule(f"/{admin.SUCCESS_PATH}", view_func=admin.login_success_callback)
    for path, step in {"request": oauth.request_token, "access": oauth.access_token}.items():
        routes.add_url_rule(f"/oauth/token/{path}", view_func=step, methods=["GET", "POST"], strict_slashes=False)
    routes.add_url_rule("/rest/<path:path>", view_func=rest, methods=METHODS)
    for control in controls.CONTROLS:
        routes.add_url_rule(f"/sandbox/{control.__name__}", control.__name__, controls.view(control), methods=["POST"])
    routes.add_url_rule(
        "/sandbox/trouble", "clear_troubles", controls.view(controls.clear_troubles), methods=["DELETE"]
    )
    routes.add_url_rule("/sandbox/state", "state", controls.view(controls.state))
    return routes


def _http_error(error: HTTPException) -> Response:
    prefix = urlsplit(g.store.base_url).path if "store" in g else "/"
    if request.path.startswith(f"{prefix}sandbox/"):
        return json_response({"message": error.description}, error.code or 500)
    return page(error.code or 500, error.name, error.description or "")
