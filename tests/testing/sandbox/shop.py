"""A client's view of a sandbox store, and an app that receives its posts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

import requests
from oauthlib.oauth1 import Client

from storelink.testing.sandbox import SandboxStore
from tests.processes import started

Method = Literal["GET", "POST", "PUT", "DELETE"]
SHA1, SHA256 = "HMAC-SHA1", "HMAC-SHA256"
VALUE = re.compile(r"[a-z0-9]{32}")
SIGNATURE_INVALID = "The signature is invalid. Verify and try again."
NOT_A_VERIFIER = "Cannot create request token because consumer token is not a verifier token"
NOT_AUTHORIZED = "The consumer isn't authorized to access %resources."
NO_TOKEN = "Specified token does not exist"


@dataclass
class Shop:
    """A client's view of one store: it signs with oauthlib and keeps what it is given."""

    store: SandboxStore
    key: str = ""
    secret: str = ""
    verifier: str = ""
    request_token: dict[str, str] = field(default_factory=dict)
    access_token: dict[str, str] = field(default_factory=dict)

    def activated(self, integration: str = "storelink") -> Shop:
        return self.take(self.store.activate("http://app.invalid/callback", integration=integration).form)

    def reauthorized(self) -> Shop:
        return self.take(self.store.reauthorize().form)

    def take(self, form: dict[str, str]) -> Shop:
        self.key, self.secret = form["oauth_consumer_key"], form["oauth_consumer_secret"]
        self.verifier = form["oauth_verifier"]
        return self

    def requested(self) -> Shop:
        self.request_token = dict(parse_qsl(self.request().text))
        return self

    def connected(self) -> Shop:
        return self.requested().connected_from_request()

    def connected_from_request(self) -> Shop:
        self.access_token = dict(parse_qsl(self.access().text))
        return self

    def request(self, **changes: Any) -> requests.Response:
        return self.send("POST", "oauth/token/request", {}, **changes)

    def access(self, token: dict[str, str] | None = None, **changes: Any) -> requests.Response:
        changes = {"verifier": self.verifier, **changes}
        return self.send("POST", "oauth/token/access", token or self.request_token, **changes)

    def get(self, path: str, **changes: Any) -> requests.Response:
        return self.send("GET", path, self.access_token, **changes)

    def post(self, path: str, body: object, method: Method = "POST") -> requests.Response:
        return self.send(method, path, self.access_token, body=body)

    def send(
        self,
        method: Method,
        path: str,
        token: dict[str, str],
        url: str | None = None,
        body: object = None,
        **changes: Any,
    ) -> requests.Response:
        """Sign a request and send it. url: what is signed over instead. body: sent as JSON. changes: of oauthlib."""
        settings = {"client_secret": self.secret, "signature_method": SHA256, **changes}
        key = settings.pop("client_key", self.key)
        signer = Client(
            key,
            resource_owner_key=token.get("oauth_token"),
            resource_owner_secret=token.get("oauth_token_secret"),
            **settings,
        )
        target = self.store.base_url + path
        _, headers, _ = signer.sign(url or target, method)
        return call(method, target, headers=headers, json=body)


def call(method: str, url: str, **options: Any) -> requests.Response:
    """Send one request exactly as written; requests would encode the query anew."""
    with requests.Session() as session:
        session.trust_env = False
        prepared = requests.Request(method, url, **options).prepare()
        prepared.url = url
        return session.send(prepared, timeout=10, allow_redirects=False)


@dataclass
class App:
    """A callback URL that keeps what it receives. status: what it answers."""

    url: str
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)


def control(shop: Shop, name: str, **wishes: Any) -> requests.Response:
    return call("POST", f"{shop.store.base_url}sandbox/{name}", json=wishes)


def problem(answer: requests.Response) -> tuple[int, str]:
    """Return an answer's status and `oauth_problem`, after a check of its form."""
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    [(name, value)] = parse_qsl(answer.text, strict_parsing=True)
    assert name == "oauth_problem"
    return answer.status_code, value


def command(*arguments: str, **variables: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start the sandbox store as a command, with more environment variables."""
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root / "layers" / "storelink"), **variables}
    line = [sys.executable, "-m", "storelink.testing.sandbox", *arguments]
    pipe = subprocess.PIPE
    return started(line, cwd=root, env=environment, stdout=pipe, stderr=pipe)
