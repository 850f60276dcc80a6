"""A small OpenID provider: what it checks is what one has to check, and it can be told to err."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server

CLIENT_ID = "storelink client"
CLIENT_SECRET = "client:secret/+ of these tests"


@dataclass
class Provider:
    """What it is told, and what it saw.

    told: what its discovery says beside or instead of the usual. claims: what an ID token says so; None takes a claim
    away. troubles: answers instead of its own, by path. method: how the client has to prove itself. asked: the paths
    that were asked for. forms: those of the token endpoint. issued: codes and ID tokens.
    """

    url: str
    told: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    troubles: dict[str, Callable[[], Any]] = field(default_factory=dict)
    method: str = "client_secret_basic"
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def discovery(self) -> Any:
        """OpenID Connect Discovery 1.0, section 3."""
        usual = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?realm=acme",
            "token_endpoint": f"{self.url}/token",
            "token_endpoint_auth_methods_supported": [self.method],
        }
        return jsonify(usual | self.told)

    def authorize(self) -> Any:
        """OpenID Connect Core 1.0, section 3.1.2: the user is signed in and agrees."""
        asked = request.args
        assert asked["realm"] == "acme"
        assert (asked["response_type"], asked["scope"], asked["client_id"]) == ("code", "openid", CLIENT_ID)
        assert (asked["redirect_uri"], asked["code_challenge_method"]) == (
            "https://api.example/identity/return",
            "S256",
        )
        code = secrets.token_urlsafe(16)
        self.issued.append(code)
        self._codes[code] = asked.to_dict()
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def token(self) -> Any:
        """OpenID Connect Core 1.0, section 3.1.3; RFC 7636, section 4.6."""
        form = request.form.to_dict()
        self.forms.append(form)
        if not self._knows_client(form):
            return jsonify(error="invalid_client"), 401
        asked = self._codes.pop(form["code"], {})
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if (form["grant_type"], form["redirect_uri"], base64.urlsafe_b64encode(challenge).decode().rstrip("=")) != (
            "authorization_code",
            asked.get("redirect_uri"),
            asked.get("code_challenge"),
        ):
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        usual = {"iss": self.url, "aud": CLIENT_ID, "sub": "acme", "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        id_token = jwt.encode(claims, secrets.token_hex(32), "HS256")
        self.issued.append(id_token)
        return jsonify(access_token="of no use here", token_type="Bearer", id_token=id_token)

    def _knows_client(self, form: dict[str, str]) -> bool:
        if self.method == "client_secret_basic":
            pair = base64.b64encode(b"storelink+client:client%3Asecret%2F%2B+of+these+tests").decode()
            return request.headers.get("Authorization") == f"Basic {pair}" and "client_id" not in form
        secret = CLIENT_SECRET if self.method == "client_secret_post" else None
        return (form["client_id"], form.get("client_secret")) == (CLIENT_ID, secret) and not request.authorization


@contextmanager
def serving() -> Iterator[Provider]:
    """One on a free port of loopback."""
    app = Flask(__name__)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")

    @app.before_request
    def before() -> Any:
        provider.asked.append(request.path)
        trouble = provider.troubles.get(request.path)
        return trouble() if trouble else None

    app.get("/.well-known/openid-configuration")(lambda: provider.discovery())
    app.get("/authorize", endpoint="authorize")(lambda: provider.authorize())
    app.post("/token", endpoint="token")(lambda: provider.token())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


TROUBLES: dict[str, Callable[[], Any]] = {
    "fails": lambda: (jsonify(error="of its own words: secret"), 500),
    "redirects": lambda: redirect("/elsewhere"),
    "redirects with an answer": lambda: (jsonify(id_token="a.b.c"), 307, {"Location": "/elsewhere"}),
    "answers too much": lambda: Response(b'{"x": "' + b"x" * 70_000 + b'"}', mimetype="application/json"),
    "answers with a page": lambda: "<html>",
    "answers with no object": lambda: jsonify([]),
}
"""Answers that are none."""
