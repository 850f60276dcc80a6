"""`storelink doctor`: the cause of each broken store is named, and nothing is used up by asking."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import requests

from local.stack import Stack
from storelink.testing import sandbox
from storelink.testing.sandbox import Sandbox, SandboxStore
from storelink_cli.errors import Exit
from storelink_cli.main import main
from tests.certificates import Certificates
from tests.cli.conftest import SET, Storelink, connect, fail_to_connect, parsed
from tests.raw_store import Pours, listening, raw_response, says


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.of_an_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def shops(certificates: Certificates) -> Iterator[Sandbox]:
    """Sandbox stores on https://localhost, with a certificate that is accepted."""
    with sandbox.serve(host="localhost", tls=certificates.context("localhost", days=60)) as serving:
        yield serving


@pytest.fixture(autouse=True)
def rules(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The authority is trusted, and there is no AWS. What the command sets in the environment is set back."""
    certificates.trust(monkeypatch)
    for name in SET:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    yield
    boto3.DEFAULT_SESSION = None


class Doctor:
    """What the command finds about a store."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, url: str, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and the findings by check."""
        code = main(["doctor", url, "--json", *options])
        result = json.loads(self._captured.readouterr().out)
        assert result["healthy"] is (code == Exit.DONE)
        return code, {finding["check"]: finding for finding in result["findings"]}


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capsys)


NAMES = iter(range(1000))


@pytest.fixture
def shop(shops: Sandbox) -> SandboxStore:
    """A store of the test's own."""
    return shops.store(f"doctor-{next(NAMES)}")


def test_a_healthy_store_has_no_trouble(shop: SandboxStore, doctor: Doctor) -> None:
    code, findings = doctor(shop.base_url, "--private")
    assert code == Exit.DONE
    assert [finding["cause"] for finding in findings.values() if finding["level"] == "fail"] == []
    assert findings["version"]["message"] == "Magento/2.4 (Community)"
    assert findings["signature"]["message"] == "the store accepts HMAC-SHA256"
    assert {finding["check"] for finding in findings.values() if finding["level"] == "ok"} == {
        "attempt",
        "dns",
        "tls",
        "magento",
        "version",
        "header",
        "signature",
        "clock",
        "rest",
        "base-url",
    }


def moved(shop: SandboxStore) -> None:
    shop.set_base_url("https://www.shop.example/")
    shop.trouble("moved")


def without_rewrites(shop: SandboxStore) -> None:
    shop.rewrites = False


def trouble(kind: str, endpoint: str | None = None) -> Callable[[SandboxStore], None]:
    return lambda shop: shop.trouble(kind, endpoint=endpoint)


@pytest.mark.parametrize(
    ("break_it", "check", "cause", "fix"),
    [
        (trouble("header_lost"), "header", "header-lost", "CGIPassAuth"),
        (trouble("no_methods"), "signature", "signature-method", "Update Magento"),
        (trouble("maintenance"), "maintenance", "maintenance", "maintenance:disable"),
        (trouble("rate_limit"), "requests", "rate-limited", "rate limit"),
        (trouble("forbidden"), "firewall", "blocked", "firewall"),
        (trouble("forbidden", "rest"), "rest", "rest-blocked", "rest/"),
        (trouble("password"), "header", "password", "storelink password"),
        (trouble("html"), "magento", "not-magento", "base URL"),
        (trouble("internal_error"), "magento", "store-error", "exception.log"),
        (trouble("drop_before"), "connection", "unreachable", "firewall"),
        (moved, "redirect", "redirected", "Use https://www.shop.example/ as the store URL"),
        (without_rewrites, "base-url", "rewrites-off", "index.php/ as the store URL"),
        (lambda shop: shop.set_clock(-3600), "clock", "clock", "NTP"),
        (lambda shop: shop.set_base_url("https://other.example/"), "base-url", "base-url", "https://other.example/"),
    ],
)
def test_the_cause_is_named_and_the_fix_with_it(
    shop: SandboxStore, doctor: Doctor, break_it: Callable[[SandboxStore], None], check: str, cause: str, fix: str
) -> None:
    url = shop.base_url
    break_it(shop)
    code, findings = doctor(url, "--private")
    assert code == Exit.TROUBLE
    failed = {name: finding["cause"] for name, finding in findings.items() if finding["level"] == "fail"}
    assert failed == {check: cause}
    assert fix in findings[check]["fix"]


@pytest.mark.parametrize(
    "location", ["http://[::1", "https://[x]/", "https://h:99999/", "//", "javascript:x", "http://" + "a" * 70_000]
)
def test_a_redirect_to_what_is_no_url_is_a_redirect(location: str, doctor: Doctor) -> None:
    with listening(says(raw_response(b"", "302 Found", Location=location[:60_000]))) as shop:
        code, findings = doctor(shop.url, "--private")
    assert code == Exit.TROUBLE
    assert findings["redirect"]["cause"] == "redirected"


@pytest.mark.parametrize("size", ["-1", "-5", "zz", "f" * 16])
def test_a_home_page_in_chunks_of_no_size_is_no_magento(size: str, doctor: Doctor) -> None:
    pours = Pours(before=f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n".encode())
    with listening(pours) as shop:
        code, findings = doctor(shop.url, "--private")
    assert code == Exit.TROUBLE
    assert findings["magento"]["cause"] == "not-magento"
    assert pours.sent < 50_000_000


@pytest.mark.parametrize(
    ("break_it", "check", "cause"),
    [
        (trouble("sha1_only"), "signature", "signature-old"),
        (lambda shop: shop.set_clock(-120), "clock", "clock"),
        (lambda shop: shop.set_clock(3600), "clock", "clock"),
    ],
)
def test_a_problem_that_does_not_prevent_a_handshake_is_a_warning(
    shop: SandboxStore, doctor: Doctor, break_it: Callable[[SandboxStore], None], check: str, cause: str
) -> None:
    break_it(shop)
    code, findings = doctor(shop.base_url, "--private")
    assert code == Exit.DONE
    assert (findings[check]["level"], findings[check]["cause"]) == ("warn", cause)


@pytest.mark.parametrize(
    ("host", "days", "own", "cause"),
    [
        ("localhost", -1, False, "certificate-expired"),
        ("other.example", 60, False, "certificate-host"),
        ("localhost", 60, True, "certificate-self-signed"),
    ],
)
def test_the_fault_of_a_certificate_is_named(
    certificates: Certificates, doctor: Doctor, host: str, days: int, own: bool, cause: str
) -> None:
    with sandbox.serve(host="localhost", tls=certificates.context(host, days, own)) as broken:
        code, findings = doctor(broken.url, "--private")
    assert (code, findings["tls"]["level"], findings["tls"]["cause"]) == (Exit.TROUBLE, "fail", cause)


def test_an_unknown_authority_is_named(
    shop: SandboxStore, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Certificates.of_an_authority(tmp_path_factory.mktemp("other"), "Another authority")
    other.trust(monkeypatch)
    code, findings = doctor(shop.base_url, "--private")
    assert (code, findings["tls"]["cause"]) == (Exit.TROUBLE, "certificate-chain")


def test_a_certificate_that_ends_soon_is_a_warning(certificates: Certificates, doctor: Doctor) -> None:
    with sandbox.serve(host="localhost", tls=certificates.context("localhost", days=3)) as ending:
        code, findings = doctor(ending.url, "--private")
    assert (code, findings["tls"]["cause"]) == (Exit.DONE, "certificate-ends")


def test_a_server_without_tls_is_named(doctor: Doctor) -> None:
    with sandbox.serve(host="localhost") as plain:
        code, findings = doctor(plain.url.replace("http://", "https://"), "--private")
    assert (code, findings["tls"]["cause"]) == (Exit.TROUBLE, "tls-failed")


def test_a_host_without_address_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*asked: Any, **more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert doctor("shop.example")[1]["dns"]["cause"] == "host-unknown"


def test_a_private_address_and_plain_http_are_named_unless_they_are_allowed(shop: SandboxStore, doctor: Doctor) -> None:
    assert doctor(shop.base_url)[1]["dns"]["cause"] == "address-not-public"
    with sandbox.serve() as plain:
        assert doctor(plain.url, "--private")[0] == Exit.DONE


def test_plain_http_is_no_store_url_on_the_internet(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storelink.transport.guard.is_public", lambda address: True)
    with sandbox.serve() as plain:
        assert doctor(plain.url)[1]["tls"]["cause"] == "insecure-store"


def test_a_closed_port_is_named(doctor: Doctor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://localhost:{taken.getsockname()[1]}/"
        assert doctor(url, "--private")[1]["connection"]["cause"] == "unreachable"


def test_another_port_is_a_warning(shop: SandboxStore, doctor: Doctor) -> None:
    assert doctor(shop.base_url, "--private")[1]["port"]["cause"] == "port-not-allowed"


def test_nothing_at_the_store_is_used_up(shop: SandboxStore, doctor: Doctor) -> None:
    shop.activate("http://app.invalid/callback")
    before = shop.state()["integrations"]
    doctor(shop.base_url, "--private")
    assert shop.state()["integrations"] == before
    assert not any(shop._integrations[name].nonces for name in before)
    assert {entry["problem"] for entry in shop.state()["log"] if entry["endpoint"] == "request"} == {
        "A consumer having the specified key does not exist",
        "Signature method HMAC-SHA1 is not supported",
    }


def test_a_person_reads_it_line_by_line(shop: SandboxStore, capsys: pytest.CaptureFixture[str]) -> None:
    shop.trouble("header_lost")
    assert main(["doctor", shop.base_url, "--private"]) == Exit.TROUBLE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✓ attempt: not known: No AWS region is set")
    assert "✗ header: the Authorization header does not reach Magento" in lines
    assert lines[-1].startswith("Cannot be connected: the Authorization header does not reach Magento. Pass it on")
    assert "CGIPassAuth" in lines[-1]


# What the stack knows of the store


@pytest.fixture
def on_the_stack(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> Storelink:
    """`storelink`, about the local stack."""
    monkeypatch.setenv("AWS_PORT", running.aws.url.rpartition(":")[2])
    monkeypatch.setenv("STORELINK_LOCAL", "1")
    return storelink


def test_the_last_attempt_comes_first_and_the_verdict_last(running: Stack, on_the_stack: Storelink) -> None:
    url, activation_id = fail_to_connect(running, "doctor-failed")
    requests.post(f"{url}sandbox/trouble", json={"kind": None}, timeout=5)
    lines = on_the_stack("doctor", url).out.splitlines()
    assert lines[0].startswith("! attempt: failed 20")
    assert f"reference {activation_id[:8]}: header-lost" in lines[0]
    assert "Authorization" in lines[1]
    assert lines[-1].startswith(("Not connected. The last attempt failed (header-lost)", "Cannot be connected:"))


def test_a_connected_store_is_said_to_be_connected(running: Stack, on_the_stack: Storelink) -> None:
    url = connect(running, "doctor-connected")
    result = parsed(on_the_stack("doctor", url, "--json"))
    assert result["last_attempt"]["state"] == "connected"
    assert result["findings"][0]["check"] == "attempt"
    assert result["verdict"] == "Connected, and the store answers as it should."


def test_without_an_attempt_the_urls_and_the_four_values_are_named(running: Stack, on_the_stack: Storelink) -> None:
    url = f"{running.store_url}stores/doctor-never/"
    requests.get(url, timeout=5)
    result = parsed(on_the_stack("doctor", url, "--json"))
    assert result["last_attempt"] is None
    fix = result["findings"][0]["fix"]
    assert running.callback_url in fix
    assert running.identity_url in fix
    assert "Without an Identity link URL Magento posts nothing and shows four values" in fix
    assert result["verdict"] == "Can be connected: click Activate in System > Extensions > Integrations."


def test_a_disconnected_store_is_said_to_be_so(running: Stack, on_the_stack: Storelink) -> None:
    url = connect(running, "doctor-forgotten")
    assert on_the_stack("forget", url, "--yes").code == Exit.DONE
    result = on_the_stack("doctor", url, "--json")
    assert result.code == Exit.TROUBLE
    assert json.loads(result.out)["verdict"].startswith("Disconnected (forgotten): ")


# Answers that are made to break a reader


@pytest.mark.parametrize(
    "headers",
    [
        {"Location": "http://[::1"},
        {"Location": "https://[fe80::1%25]/"},
        {"Location": "//["},
        {"Location": "\x1b]0;owned\x07"},
        {"Location": "http://x:99999/"},
        {"Location": "/" + "a" * 60_000},
        {"Date": "Thu, 01 Jan 99999 00:00:00 GMT", "Location": ""},
        {"Location": "https://other.example/oauth/token/request"},
    ],
)
@pytest.mark.parametrize("status", [301, 401, 200])
def test_an_odd_answer_is_a_finding_and_no_bug(doctor: Doctor, headers: dict[str, str], status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            code, findings = doctor(f"http://127.0.0.1:{server.server_port}/", "--private")
        finally:
            server.shutdown()
            thread.join()
    assert code == Exit.TROUBLE
    assert len([finding for finding in findings.values() if finding["level"] == "fail"]) == 1
