"""The API's end of a tunnel: what a stranger reaches there, and which URLs a store that is elsewhere gets."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from local import serve
from local.api_gateway import Api
from local.aws import LocalAws
from local.lambda_runtime import Invocation, free_ports
from local.template import Template
from local.tunnel import Tunnel
from tests.stacks import PORTS

TEMPLATE = Template.read()
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=anyone"}
URL = "https://abc.example:8443"


class Echo:
    """A function that answers with the URL that its caller used, as the functions see it."""

    def invoke(self, event: str) -> Invocation:
        headers = json.loads(event)["headers"]
        url = f"{headers.get('x-forwarded-proto')}://{headers['host']}"
        return Invocation(json.dumps({"statusCode": 200, "body": url}), failed=False)


FUNCTIONS: Any = dict.fromkeys(TEMPLATE.functions, Echo())


@pytest.fixture(scope="module")
def end() -> Iterator[str]:
    """The URL of the tunnel's end on this machine."""
    (port,) = free_ports(1)
    with Tunnel(URL, "127.0.0.1", port).serving(TEMPLATE, LocalAws("", "", {}, FUNCTIONS, "")):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("route", [route for route in TEMPLATE.routes if route.iam], ids=lambda one: one.path)
def test_an_operators_route_is_not_there(end: str, route: Any) -> None:
    answer = requests.request(route.method, end + route.path, headers=SIGNED, timeout=5)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", sorted({route.path for route in TEMPLATE.routes if not route.iam}))
def test_a_public_route_is_there_under_the_tunnels_url(end: str, path: str) -> None:
    method = next(route.method for route in TEMPLATE.routes if route.path == path)
    answer = requests.request("GET" if method == "ANY" else method, end + path, timeout=5)
    assert (answer.status_code, answer.text) == (200, URL)


def test_an_operator_gets_invitations_with_the_tunnels_url_and_the_sandbox_store_the_usual_one() -> None:
    api = Api("127.0.0.1", 0, TEMPLATE.routes, URL)
    with api.serving(FUNCTIONS):
        made = requests.post(f"{api.url}/invitations", headers=SIGNED, timeout=5).text
        shown = requests.get(f"{api.url}/identity", timeout=5).text
    api.close()
    assert made == URL
    assert api.url.partition("://")[2] in shown


def test_without_a_url_there_is_no_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "")
    assert Tunnel.from_environment() is None


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://abc.example", "https://abc.example"),
        ("https://ABC.example:443/", "https://abc.example"),
        ("http://host.docker.internal:3001", "http://host.docker.internal:3001"),
    ],
)
def test_a_url_is_normalized(monkeypatch: pytest.MonkeyPatch, url: str, read: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", url)
    assert Tunnel.from_environment() == Tunnel(read, "127.0.0.1", 3001)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"PUBLIC_URL": "abc.example"}, "PUBLIC_URL must begin with https://"),
        ({"PUBLIC_URL": "https://abc.example/path"}, "PUBLIC_URL must be a URL without a path"),
        ({"PUBLIC_URL": "https://abc.example/?a=b"}, "PUBLIC_URL must be the base URL alone"),
        ({"PUBLIC_URL": "ftp://abc.example"}, "PUBLIC_URL must begin with https://"),
        ({"PUBLIC_URL": "https://abc.example", "PUBLIC_PORT": "0"}, "PUBLIC_PORT must be a port"),
        ({"PUBLIC_URL": "https://abc.example", "PUBLIC_PORT": "x"}, "PUBLIC_PORT must be a port"),
    ],
)
def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=problem):
        Tunnel.from_environment()


Serve = Callable[..., tuple[int, str]]


@pytest.fixture
def serves(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Serve:
    """`make serve` with these variables, in this process; what it ends with, and what it says."""
    monkeypatch.setattr("local.serve.signals.taken", lambda: lambda: None)

    def run(**variables: str) -> tuple[int, str]:
        ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
        for name, value in (ports | variables).items():
            monkeypatch.setenv(name, value)
        return serve.main(), capsys.readouterr().out

    return run


def test_a_wrong_url_is_refused_before_anything_starts(serves: Serve) -> None:
    code, said = serves(PUBLIC_URL="abc.example")
    assert code == 1
    assert "PUBLIC_URL must begin with https://" in said
    assert "Starting" not in said


@pytest.mark.parametrize("variable", [*PORTS, "PUBLIC_PORT"])
def test_a_taken_port_is_a_clear_message(serves: Serve, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serves(PUBLIC_URL=URL, **{variable: str(port)})
    assert code == 1
    assert f"Port {port} is taken" in said
    assert f"make {variable}=" in said
