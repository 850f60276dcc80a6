"""A vendor's app with a login: it verifies the state by the documented sample, asks, and goes back with the answer."""

import contextlib
import threading
from collections.abc import Iterator
from html import escape
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.serving import make_server

from tests.popup.test_sign_in import sample


@contextlib.contextmanager
def login(url: str, key: str) -> Iterator[None]:
    """Serve the login until the end. key: what the stack made to sign with."""
    app = Flask("vendor")

    @app.get("/login")
    def ask() -> str:
        state = sample().read_state(request.args["state"], key, url)
        return (
            '<!doctype html><html lang="en"><title>Acme login</title><h1>Acme</h1>'
            f"<p>Connect {escape(state['store_url'])} to your account?</p>"
            f'<form method="post"><input type="hidden" name="state" value="{escape(request.args["state"])}">'
            "<button>Connect</button></form>"
        )

    @app.post("/login")
    def agreed() -> Response:
        sent = redirect(sample().return_url(request.form["state"], key, url, "acme"), 303)
        return Response(sent.get_data(), 303, dict(sent.headers))

    server = make_server("127.0.0.1", urlsplit(url).port or 80, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
