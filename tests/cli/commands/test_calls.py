"""`storelink call` and `storelink curl`."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from local.stack import Stack
from storelink import credentials
from storelink.store import Store
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, connect, handshake, integration, parsed, refused, shell
from tests.cli.terminal import Terminal

CONFIGS = "rest/V1/store/storeConfigs"


def test_a_call_is_signed_and_its_answer_printed(shop: str, local: Storelink) -> None:
    (config,) = parsed(local("call", shop, "get", CONFIGS, "--param", "a=b c", "-p", "x[y]=1"))
    assert config["base_url"] == shop
    answer = parsed(local("call", shop, "GET", CONFIGS, "--json"))
    assert (answer["status"], answer["body"][0]["base_url"]) == (200, shop)


def test_a_call_that_the_store_refuses_prints_the_answer_and_ends_with_its_code(
    running: Stack, local: Storelink
) -> None:
    url = connect(running, "refusing")
    result = local("call", url, "GET", "rest/V1/nothing")
    assert result.code == Exit.REFUSED
    assert json.loads(result.out)["message"]
    assert result.err.splitlines()[0] == "storelink: Request does not match any route."
    trouble = {"kind": "internal_error", "endpoint": "rest"}
    requests.post(f"{url}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    assert local("call", url, "GET", CONFIGS).code == Exit.UNAVAILABLE


def test_a_store_that_is_not_connected_cannot_be_called(running: Stack, local: Storelink) -> None:
    result = local("call", f"{running.store_url}stores/nobody/", "GET", CONFIGS)
    assert "Activate" in refused(result, Exit.NOT_FOUND, "is not connected")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("G T", CONFIGS), "'get', 'post', 'put', 'delete'"),
        (("GET", CONFIGS, "--data", "{"), "--data is not JSON"),
        (("GET", CONFIGS, "--data", "[" * 5000), "--data is not JSON"),
        (("GET", CONFIGS, "--param", "a"), "name=value"),
        (("GET", "https://elsewhere.example/"), "outside the store"),
    ],
)
def test_an_input_that_cannot_be_called_is_refused_by_name(
    shop: str, local: Storelink, arguments: tuple[str, ...], problem: str
) -> None:
    for command in ("call", "curl"):
        refused(local(command, shop, *arguments), Exit.USAGE, problem)


def test_a_curl_line_is_accepted_by_the_store_once(shop: str, local: Storelink) -> None:
    result = local("curl", shop, "get", CONFIGS, "-p", "it's=a b&c", "-p", "x[0][y]=$HOME ✓")
    assert "one-time signature" in result.err
    assert json.loads(shell(result.out.strip()))[0]["base_url"] == shop
    assert "nonce is already being used" in json.loads(shell(result.out.strip()))["message"]


def test_a_curl_line_has_a_body_and_no_secret(shop: str, local: Storelink) -> None:
    request = parsed(local("curl", shop, "POST", "rest/V1/nothing", "--data", '{"name": "O\'Hara"}', "--json"))
    assert request["body"] == {"name": "O'Hara"}
    assert json.loads(shell(request["curl"]))["message"] == "Request does not match any route."
    secrets = requests.get(f"{shop}sandbox/state", timeout=5).json()["integrations"]["storelink"]["secrets"]
    assert secrets["token"] in request["curl"]
    for name in ("consumer_secret", "token_secret"):
        assert secrets[name] not in request["curl"]


def test_the_handshakes_own_lines_fetch_its_tokens_and_need_no_stack(
    running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = handshake(running, storelink, monkeypatch, "by-curl")
    made = requests.get(f"{url}sandbox/state", timeout=5).json()["integrations"]["storelink"]
    assert (made["row"], made["status"]) == ("access", "active")


def test_the_handshakes_values_are_never_arguments(running: Stack, storelink: Storelink) -> None:
    refused(storelink("curl", running.store_url, "--request-token"), Exit.USAGE, "Consumer key is missing")
    refused(storelink("curl", running.store_url, "GET", "x", "--request-token"), Exit.USAGE, "takes only a store")
    refused(storelink("curl", running.store_url), Exit.USAGE, "METHOD and PATH are missing")


def test_a_secret_is_asked_for_and_not_shown(running: Stack, storelink: Storelink) -> None:
    url, values = integration(running, "asked")
    screen = Terminal("curl", url, "--request-token")
    screen.until("Consumer key")
    screen.type(values["STORELINK_CONSUMER_KEY"])
    screen.until("Consumer secret")
    screen.type(values["STORELINK_CONSUMER_SECRET"], hidden=True)
    assert screen.code() == Exit.DONE
    assert values["STORELINK_CONSUMER_SECRET"] not in screen.seen
    assert "oauth_token=" in shell(re.findall(r"curl .+?oauth/token/request", screen.seen.replace("\r\n", " "))[0])


# A store that writes to the terminal

HOSTILE = (
    "\x1b]0;owned\x07\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\x7f\u202egnp.exe\u2066\u200b\ufeff\u2028\u2029\U000e0041"
)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")
"""What a terminal may obey or hide."""


@contextlib.contextmanager
def hostile_store(body: bytes, content_type: str) -> Iterator[str]:
    """A store that answers every call so; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("X-Greeting", HOSTILE.encode("utf-8").decode("latin-1").replace("\n", ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def as_if_connected(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every store is called with the credentials of the connected one."""
    read = credentials.read
    monkeypatch.setattr(credentials, "read", lambda stack, _: read(stack, Store.from_url(shop)))


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.usefixtures("as_if_connected")
def test_an_answer_cannot_reach_the_terminal_unescaped(local: Storelink, as_text: bool) -> None:
    body = HOSTILE if as_text else json.dumps({HOSTILE: [HOSTILE, "Grüße\u00a0äöü 日本"]}, ensure_ascii=False)
    kind = "text/plain; charset=utf-8" if as_text else "application/json"
    with hostile_store(body.encode(), kind) as url:
        shown, as_json = local("call", url, "GET", "x"), local("call", url, "GET", "x", "--json")
    assert not OBEYED.search(shown.out)
    assert "\\u001b]0;owned\\u0007" in shown.out
    assert as_json.out.isascii()
    assert not OBEYED.search(as_json.out)
    if not as_text:
        assert parsed(shown) == parsed(as_json)["body"] == json.loads(body)
        assert "Grüße" in shown.out


@pytest.mark.usefixtures("as_if_connected")
def test_raw_bytes_are_written_on_request_only(shop: str, local: Storelink, tmp_path: Path) -> None:
    file = tmp_path / "answer"
    with hostile_store(b"\x1b[2J\xff", "application/octet-stream") as url:
        assert local("call", url, "GET", "x", "--output", file).out == ""
        assert file.read_bytes() == b"\x1b[2J\xff"
        refused(local("call", url, "GET", "x", "--output", file), Exit.USAGE, "exists")
    both = local("call", shop, "GET", CONFIGS, "--output", "-", "--json")
    assert (both.code, json.loads(both.err)["problem"]) == (Exit.USAGE, "--output and --json exclude each other")


def test_raw_bytes_do_not_go_to_a_terminal(shop: str, local: Storelink) -> None:
    screen = Terminal("call", shop, "GET", CONFIGS, "--output", "-")
    screen.until("which a terminal could obey")
    assert screen.code() == Exit.USAGE
