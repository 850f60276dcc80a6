"""`storelink doctor`: what each broken store is told, and that nothing is used up by asking."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local import sandbox
from local.sandbox import SandboxStore
from local.sandbox.web import Sandbox
from storelink_cli.errors import Exit
from storelink_cli.main import main
from tests.certificates import Certificates
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
def rules(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted; what the command sets in the environment is taken back."""
    certificates.trust(monkeypatch)
    for name in ("STORELINK_ALLOWED_PORTS", "STORELINK_ALLOW_PRIVATE_STORES"):
        monkeypatch.setenv(name, "")


class Doctor:
    """What the command says of a store."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, url: str, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and the findings by check."""
        code = main(["doctor", url, "--json", *options])
        told = json.loads(self._captured.readouterr().out)
        assert told["healthy"] is (code == Exit.DONE)
        return code, {finding["check"]: finding for finding in told["findings"]}


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
    assert findings["version"]["said"] == "Magento/2.4 (Community)"
    assert findings["signature"]["said"] == "the store takes HMAC-SHA256"
    assert {finding["check"] for finding in findings.values() if finding["level"] == "ok"} == {
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
        (trouble("password"), "header", "password", "password"),
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
def test_what_can_be_lived_with_is_a_warning(
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
def test_what_is_wrong_with_a_certificate_is_named(
    certificates: Certificates, doctor: Doctor, host: str, days: int, own: bool, cause: str
) -> None:
    with sandbox.serve(host="localhost", tls=certificates.context(host, days, own)) as broken:
        code, findings = doctor(broken.url, "--private")
    assert (code, findings["tls"]["level"], findings["tls"]["cause"]) == (Exit.TROUBLE, "fail", cause)


def test_an_authority_that_nobody_knows_is_named(
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


def test_a_private_address_and_plain_http_are_named_unless_they_are_meant(shop: SandboxStore, doctor: Doctor) -> None:
    assert doctor(shop.base_url)[1]["dns"]["cause"] == "address-not-public"
    with sandbox.serve() as plain:
        assert doctor(plain.url, "--private")[0] == Exit.DONE


def test_plain_http_is_no_store_url_on_the_internet(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storelink.transport.guard.is_public", lambda address: True)
    with sandbox.serve() as plain:
        assert doctor(plain.url)[1]["tls"]["cause"] == "insecure-store"


def test_a_port_that_nothing_listens_on_is_named(doctor: Doctor) -> None:
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
    said = capsys.readouterr().out
    assert "✗ header     the Authorization header does not reach Magento" in said
    assert "CGIPassAuth" in said
