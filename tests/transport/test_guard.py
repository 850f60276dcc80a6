"""The one way out to a store: which addresses are called, and that nothing else is reached, waited for or read."""

import gzip
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import certifi
import pytest
import urllib3

from storelink.client.rest import READ_TIMEOUT
from storelink.client.session import StoreSession, session_for
from storelink.errors import CallFailed, Invalid, Rejected, StorelinkError, Unavailable
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store
from storelink.transport import guard, http
from tests.certificates import Certificates
from tests.raw_store import (
    LATE,
    TOKEN,
    TRICKLES,
    Pours,
    Reply,
    listening,
    raw_response,
    says,
    silent,
    trickles,
)
from tests.transport.addresses import NOT_PUBLIC, PUBLIC, URLS

PATH = "oauth/token/request"
WHERE = certifi.where
SOON = 0.3
"""Seconds that a call is given where it has to run out of them; "at once" is below LATE."""


def ports_allowed(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    monkeypatch.setenv("STORELINK_ALLOWED_PORTS", ",".join(map(str, ports)))


class Resolver:
    """DNS, as the guard sees it. answers: what each host resolves to, at the first question, the second and so on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str] | OSError | UnicodeError]] = {}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return self._real(host, port, *args, **kwargs)
        self.asked.append(host)
        answers = self.answers[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if not isinstance(answer, list):
            raise answer
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in answer
        ]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


def post(url: str, seconds: float = 5.0) -> Any:
    return http.post(url + PATH, "OAuth x", seconds)


def refusal(url: str, seconds: float = 5.0) -> StorelinkError:
    with pytest.raises(StorelinkError) as refused:
        post(url, seconds)
    assert refused.value.advice
    assert "127.0.0." not in refused.value.problem
    return refused.value


@contextmanager
def quickly() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LATE


class TestAnAddress:
    @pytest.mark.parametrize("address", PUBLIC, ids=lambda address: f"{address} {PUBLIC[address]}")
    def test_is_public(self, address: str) -> None:
        assert guard.is_public(address)

    @pytest.mark.parametrize("address", NOT_PUBLIC, ids=lambda address: f"{address} {NOT_PUBLIC[address]}")
    def test_is_not_public(self, address: str) -> None:
        assert not guard.is_public(address)

    @pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
    @pytest.mark.parametrize(
        "address", [address for address in (*PUBLIC, *NOT_PUBLIC) if ":" not in address], ids=lambda address: address
    )
    def test_that_carries_another_is_as_public_as_that(self, prefix: str, address: str) -> None:
        assert guard.is_public(prefix + address) is guard.is_public(address)


def as_host(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


CORPUS = {
    **URLS,
    **{as_host(address): ("called", why) for address, why in PUBLIC.items()},
    **{
        as_host(address): ("bad-input" if "%" in address else "address-not-public", why)
        for address, why in NOT_PUBLIC.items()
    },
}
"""URLs with what comes of each: those that play tricks, and every address above as a store's host."""


class TestAStoreUrl:
    def test_is_one_of_enough(self) -> None:
        assert len(CORPUS) >= 230

    @pytest.mark.parametrize("url", CORPUS, ids=lambda url: f"{url!a} {CORPUS[url][1]}")
    def test_is_called_or_refused_before_anything_is_sent(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        reached: list[str] = []

        def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
            reached.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(guard, "create_connection", connect)
        with pytest.raises(StorelinkError) as refused:
            http.post(Store.from_url(url).url + PATH, "OAuth x", 1.0)
        expected, why = CORPUS[url]
        assert refused.value.reason == ("unreachable" if expected == "called" else expected), why
        assert all(map(guard.is_public, reached))
        assert bool(reached) is (expected == "called")

    @pytest.mark.parametrize(
        ("ports", "port", "allowed"),
        [((443,), 443, True), ((443,), 8443, False), ((443, 8443), 8443, True), ((8443,), 443, False)],
    )
    def test_names_a_port_that_is_allowed(
        self, ports: tuple[int, ...], port: int, allowed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ports_allowed(monkeypatch, *ports)
        if allowed:
            guard.check(f"https://shop.example:{port}/")
        else:
            with pytest.raises(Rejected) as refused:
                guard.check(f"https://shop.example:{port}/")
            assert refused.value.reason == "port-not-allowed"
            assert str(port) in refused.value.problem

    def test_is_https_unless_private_stores_are_allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(Rejected) as refused:
            guard.check("http://shop.example/")
        assert refused.value.reason == "insecure-store"
        monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
        guard.check("http://shop.example:8080/")

    @pytest.mark.parametrize("url", ["https://[::1", "https://[x]/", "https://h:99999/", "https://h:x/", "https:///"])
    @pytest.mark.parametrize("allowed", ["true", "false"])
    def test_that_cannot_be_read_is_not_called(self, url: str, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """An OpenID provider names further URLs of its own."""
        monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", allowed)
        with pytest.raises((Rejected, Unavailable)):
            http.request_json(url, 1.0)

    @pytest.mark.parametrize("told", ["True", "1", "yes", "", " true", "false"])
    def test_is_private_only_where_exactly_true_was_said(self, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", told)
        assert refusal("https://10.0.0.1/").reason == "address-not-public"


class TestAName:
    @pytest.mark.parametrize(
        "addresses",
        [
            ["127.0.0.1"],
            ["8.8.8.8", "127.0.0.1"],
            ["127.0.0.1", "8.8.8.8"],
            ["8.8.8.8", "2606:4700:4700::1111", "::1"],
            ["8.8.8.8", "::ffff:169.254.169.254"],
            ["8.8.8.8", "fe80::1%eth0"],
        ],
        ids=" ".join,
    )
    def test_with_one_private_address_is_not_called_at_all(
        self, addresses: list[str], dns: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guard, "create_connection", lambda *_, **__: pytest.fail("it was called"))
        dns.answers["shop.example"] = [addresses]
        refused = refusal("https://shop.example/")
        assert (type(refused), refused.reason, refused.problem) == (Rejected, "address-not-public", "shop.example")

    @pytest.mark.parametrize(
        ("error", "kind", "reason"),
        [
            (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Rejected, "host-unknown"),
            (socket.gaierror(getattr(socket, "EAI_NODATA", -5), "No address"), Rejected, "host-unknown"),
            (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Unavailable, "unreachable"),
            (socket.gaierror(socket.EAI_FAIL, "Failure"), Unavailable, "unreachable"),
            (UnicodeError("label too long"), Rejected, "host-unknown"),
        ],
        ids=["unknown", "no address", "not now", "failure", "unreadable"],
    )
    def test_that_does_not_resolve_says_so(
        self, error: Any, kind: type[StorelinkError], reason: str, dns: Resolver
    ) -> None:
        dns.answers["shop.example"] = [error]
        refused = refusal("https://shop.example/")
        assert (type(refused), refused.reason) == (kind, reason)
        assert "shop.example" in refused.problem

    def test_whose_owner_makes_the_resolver_wait_is_given_up_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        over = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(5 * LATE))
        with quickly():
            refused = refusal("https://shop.example/", SOON)
        over.set()
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")
        assert refused.problem == "shop.example could not be resolved in time"

    def test_that_resolves_to_nothing_is_unavailable(self, dns: Resolver) -> None:
        dns.answers["shop.example"] = [[]]
        refused = refusal("https://shop.example/")
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")
        assert "NoneType" not in refused.problem

    def test_is_resolved_once_and_called_where_it_was_checked(
        self, dns: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A resolver that answers otherwise the second time (rebinding) is not asked a second time."""
        with (
            listening(says(raw_response(b"good"))) as good,
            listening(says(raw_response(b"evil")), "127.0.0.2", good.port) as evil,
        ):
            monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
            dns.answers["shop.example"] = [["127.0.0.1"], ["127.0.0.2"]]
            assert post(f"http://shop.example:{good.port}/").body == b"good"
        assert dns.asked == ["shop.example"]
        assert evil.requests == []

    def test_is_checked_by_the_very_addresses_that_are_called(
        self, dns: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reached: list[str] = []

        def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
            reached.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(guard, "create_connection", connect)
        dns.answers["shop.example"] = [["8.8.8.8", "2606:4700:4700::1111"], ["127.0.0.1"]]
        assert refusal("https://shop.example/").reason == "unreachable"
        assert reached == ["8.8.8.8", "2606:4700:4700::1111"]
        assert dns.asked == ["shop.example"]

    def test_is_reached_by_the_next_address_where_one_is_down(self, dns: Resolver, private_allowed: None) -> None:
        with listening(says(raw_response())) as shop:
            dns.answers["shop.example"] = [["127.0.0.3", "127.0.0.1"]]
            answer = post(f"http://shop.example:{shop.port}/")
        assert answer.body == TOKEN
        assert f"\r\nHost: shop.example:{shop.port}\r\n".encode() in shop.requests[0]

    def test_with_many_dead_addresses_does_not_hold_a_call_up(
        self, dns: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []

        def connect(address: tuple[str, int], timeout: float, *_: Any, **__: Any) -> socket.socket:
            tried.append(address[0])
            threading.Event().wait(timeout)
            raise TimeoutError

        monkeypatch.setattr(guard, "create_connection", connect)
        dns.answers["shop.example"] = [[f"8.8.8.{number}" for number in range(10)]]
        with quickly():
            assert refusal("https://shop.example/", SOON).reason == "unreachable"
        assert tried


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.of_an_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls(certificates: Certificates, dns: Resolver, monkeypatch: pytest.MonkeyPatch) -> Any:
    """shop.example over TLS at loopback, which counts as public; the whole guard is on."""
    dns.answers["shop.example"] = [["127.0.0.1"]]
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
    certificates.trust(monkeypatch)

    @contextmanager
    def serve(context: ssl.SSLContext | None, reply: Reply | None = None) -> Iterator[str]:
        with listening(reply or says(raw_response()), tls=context) as server:
            ports_allowed(monkeypatch, server.port)
            yield f"https://shop.example:{server.port}/"

    return serve


class TestTLS:
    def test_asks_for_the_host_and_proves_it(self, tls: Any, certificates: Certificates) -> None:
        asked: list[str | None] = []
        context = certificates.context("shop.example")
        context.sni_callback = lambda _socket, name, _context: asked.append(name)
        with tls(context) as url:
            assert post(url).body == TOKEN
        assert asked == ["shop.example"]

    @pytest.mark.parametrize(
        ("host", "more"),
        [
            ("evil.example", {}),
            ("127.0.0.1", {}),
            ("shop.example", {"own": True}),
            ("shop.example", {"days": -1}),
        ],
        ids=["another host", "the address", "signed by itself", "expired"],
    )
    def test_is_refused_where_the_certificate_does_not_prove_the_host(
        self, tls: Any, certificates: Certificates, host: str, more: dict[str, Any]
    ) -> None:
        sent: list[bytes] = []
        with tls(certificates.context(host, **more), lambda connection: sent.append(connection.recv(9))) as url:
            refused = refusal(url)
        assert (type(refused), refused.reason) == (Rejected, "certificate-invalid")
        assert refused.problem
        assert refused.problem != "SSLError"
        assert sent == []

    def test_is_not_switched_off_by_the_environment(
        self, tls: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = certificates.context("shop.example", own=True)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, "")
        monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
        with tls(own) as url:
            assert refusal(url).reason == "certificate-invalid"

    def test_trusts_nobody_but_certifis_authorities(
        self, tls: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certifis = ssl.create_default_context(cafile=WHERE()).get_ca_certs(binary_form=True)
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(certificates.trusted))
        with tls(certificates.context("shop.example")) as url:
            monkeypatch.setattr(certifi, "where", WHERE)
            for call in (post, lambda url: session(url).get("V1/modules")):
                with pytest.raises(Rejected) as refused:
                    call(url)
                assert refused.value.reason == "certificate-invalid"
        trusted = guard.trusted_context()
        assert set(trusted.get_ca_certs(binary_form=True)) == set(certifis)
        assert (trusted.verify_mode, trusted.check_hostname) == (ssl.CERT_REQUIRED, True)

    def test_is_proven_on_the_next_address_too(
        self, tls: Any, certificates: Certificates, dns: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guard, "is_public", lambda _: True)
        dns.answers["shop.example"] = [["127.0.0.3", "127.0.0.1"]]
        with tls(certificates.context("evil.example")) as url:
            assert refusal(url).reason == "certificate-invalid"

    def test_that_breaks_off_is_no_fault_of_the_certificate(self, tls: Any) -> None:
        """A store that restarts or is overloaded hangs up in the handshake; asking again is safe, nothing was sent."""

        def hang_up(connection: socket.socket) -> None:
            connection.recv(65536)

        hang_up.reads = False  # type: ignore[attr-defined]
        with tls(None, hang_up) as url:
            refused = refusal(url)
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")

    def test_that_does_not_answer_is_given_up_in_time(self, tls: Any) -> None:
        with tls(None, silent) as url, quickly():
            refused = refusal(url, SOON)
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")

    @pytest.mark.parametrize(("before", "drop"), TRICKLES.values(), ids=list(TRICKLES))
    def test_is_cut_off_however_slowly_the_answer_trickles(
        self, before: bytes, drop: bytes, tls: Any, certificates: Certificates
    ) -> None:
        with tls(certificates.context("shop.example"), trickles(before, drop)) as url, quickly():
            refused = refusal(url, SOON)
        assert type(refused) is Unavailable
        assert refused.reason in ("unreachable", "unreadable")

    def test_of_a_server_that_speaks_none_is_refused(self, tls: Any) -> None:
        answer = says(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        answer.reads = False  # type: ignore[attr-defined]
        with tls(None, answer) as url:
            assert refusal(url).reason in ("certificate-invalid", "unreachable")

    def test_is_needed_where_private_stores_are_not_allowed(self, tls: Any) -> None:
        with tls(None) as url:
            assert refusal(url.replace("https:", "http:")).reason == "insecure-store"


@pytest.mark.usefixtures("private_allowed")
class TestACall:
    def test_posts_nothing_but_the_header(self) -> None:
        with listening(says(raw_response(status="201 Created"))) as shop:
            answer = http.post(f"{shop.url}a%2Fb?c=d", 'OAuth oauth_nonce="x"', 5.0)
        assert (answer.status, answer.body) == (201, TOKEN)
        assert answer.headers["CONTENT-type"] == "text/html; charset=UTF-8"
        head, _, body = shop.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /a%2Fb?c=d HTTP/1.1\r\n")
        assert b'\r\nAuthorization: OAuth oauth_nonce="x"' in head
        assert b"\r\nContent-Length: 0" in head
        assert b"Cookie" not in head
        assert body == b""

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
    def test_does_not_follow_a_redirect(self, status: str) -> None:
        with listening(says(raw_response())) as elsewhere:
            with listening(says(raw_response(b"", status, Location=elsewhere.url))) as shop:
                answer = post(shop.url)
            assert answer.status == int(status[:3])
            assert answer.headers["location"] == elsewhere.url
        assert elsewhere.requests == []
        assert len(shop.requests) == 1

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"])
    def test_uses_no_proxy_of_the_environment(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with listening(says(raw_response())) as shop:
            assert post(shop.url).body == TOKEN

    def test_takes_no_password_from_netrc(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with listening(says(raw_response())) as shop:
            post(shop.url)
        assert b"Authorization: OAuth x" in shop.requests[0]

    @pytest.mark.parametrize("call", [post, lambda url: http.get(url, "OAuth x", 5.0, 99)], ids=["POST", "GET"])
    def test_is_made_once(self, call: Callable[[str], Any]) -> None:
        with listening(says(b"")) as shop, pytest.raises(Unavailable) as refused:
            call(shop.url)
        assert refused.value.reason == "unreachable"
        assert len(shop.requests) == 1

    def test_that_is_refused_is_unavailable(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        refused = refusal(f"http://127.0.0.1:{port}/")
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")
        assert refused.problem

    def test_may_last_no_longer_than_it_was_given(self) -> None:
        def wait(connection: socket.socket) -> None:
            while connection.recv(65536):
                pass

        with listening(wait) as shop, quickly():
            refused = refusal(shop.url, SOON)
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")

    @pytest.mark.parametrize(("before", "drop"), TRICKLES.values(), ids=list(TRICKLES))
    def test_is_cut_off_however_slowly_the_answer_trickles(self, before: bytes, drop: bytes) -> None:
        with listening(trickles(before, drop)) as shop, quickly():
            refused = refusal(shop.url, SOON)
        assert type(refused) is Unavailable
        assert refused.reason in ("unreachable", "unreadable")

    def test_leaves_no_thread_behind(self) -> None:
        before = threading.active_count()
        with listening(says(raw_response())) as shop:
            for _ in range(3):
                post(shop.url, 60.0)
        assert threading.active_count() <= before


@pytest.mark.usefixtures("private_allowed")
class TestAnAnswer:
    def test_may_have_as_many_bytes_as_the_limit_says(self) -> None:
        with listening(says(raw_response(b"x" * http.MAX_BYTES))) as shop:
            assert len(post(shop.url).body) == http.MAX_BYTES

    @pytest.mark.parametrize(
        "answer",
        [
            raw_response(b"x" * (http.MAX_BYTES + 1)),
            raw_response(b"x" * (http.MAX_BYTES + 1), Content_Length="0" * 9 + str(http.MAX_BYTES + 1)),
            raw_response(gzip.compress(bytes(10_000_000)), Content_Encoding="gzip"),
            raw_response(gzip.compress(gzip.compress(bytes(10_000_000))), Content_Encoding="gzip, gzip"),
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n0\r\n\r\n",
        ],
        ids=["a byte more", "a byte more, zeros before", "gzip bomb", "gzip bomb in gzip", "to the end", "chunks"],
    )
    def test_of_more_is_unreadable(self, answer: bytes) -> None:
        with listening(says(answer)) as shop:
            refused = refusal(shop.url)
        assert (type(refused), refused.reason) == (Unavailable, "unreadable")
        assert "HTTP 200" in refused.problem

    def test_that_is_a_bomb_is_not_unpacked_whole(self) -> None:
        bomb = raw_response(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
        with listening(says(bomb)) as shop:
            tracemalloc.start()
            refused = refusal(shop.url)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert refused.reason == "unreadable"
        assert peak < 5_000_000

    def test_that_never_ends_is_not_read_to_the_end(self) -> None:
        pours = Pours("200 OK")
        with quickly(), listening(pours) as shop:
            refused = refusal(shop.url)  # kept, as a caller may keep it: the connection is closed all the same
        assert (refused.reason, refused.problem) == ("unreadable", f"HTTP 200, longer than {http.MAX_BYTES} bytes")
        assert pours.sent < 50_000_000

    @pytest.mark.parametrize("status", ["302 Found", "401 Unauthorized", "503 Service Unavailable"])
    def test_that_is_an_error_without_end_is_read_so_far(self, status: str) -> None:
        pours = Pours(status)
        with quickly(), listening(pours) as shop:
            answer = post(shop.url)
        assert (answer.status, len(answer.body)) == (int(status[:3]), http.MAX_ERROR_BYTES)
        assert pours.sent < 50_000_000

    def test_in_gzip_is_read(self) -> None:
        with listening(says(raw_response(gzip.compress(TOKEN), Content_Encoding="gzip"))) as shop:
            assert post(shop.url).body == TOKEN

    @pytest.mark.parametrize(
        "answer",
        [
            raw_response(b"no gzip", Content_Encoding="gzip"),
            raw_response(TOKEN, Content_Length="500"),
            raw_response(TOKEN[:-1], Content_Length=str(len(TOKEN))),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n60\r\n" + TOKEN[:40],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n" + TOKEN[:40] + b"\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + TOKEN,
        ],
        ids=["no gzip", "half a body", "a byte less", "half a chunk", "no last chunk", "no chunk"],
    )
    def test_that_was_cut_short_is_unreadable(self, answer: bytes) -> None:
        with listening(says(answer)) as shop:
            refused = refusal(shop.url)
        assert (type(refused), refused.reason) == (Unavailable, "unreadable")

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x15\x03\x01\x00\x02\x02\x46",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        ],
        ids=["nothing", "an empty line", "SSH", "TLS", "no status", "500 headers", "a long header"],
    )
    def test_that_is_no_http_is_unavailable(self, answer: bytes) -> None:
        with listening(says(answer)) as shop:
            refused = refusal(shop.url)
        assert (type(refused), refused.reason) == (Unavailable, "unreachable")
        assert "SSH" not in refused.problem

    @pytest.mark.parametrize(
        ("reply", "problem"),
        [
            (says(b""), "the connection was closed before the answer ended"),
            (says(raw_response()[:-5]), "HTTP 200, the connection was closed before the answer ended"),
            (silent, "no answer in time"),
        ],
        ids=["closed", "cut off", "silent"],
    )
    def test_that_breaks_off_is_described_in_words(self, reply: Reply, problem: str) -> None:
        with listening(reply) as shop:
            assert refusal(shop.url, SOON).problem == problem

    def test_that_refuses_the_connection_is_described_in_words(self) -> None:
        with listening(silent) as shop:
            pass
        assert refusal(shop.url).problem == "connection refused"


def session(url: str) -> StoreSession:
    known = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
    return session_for(Store.from_url(url), known, patience=0)


class TestASession:
    """The app's own calls go out by the same rules."""

    def test_waits_for_a_connection_and_an_answer_no_longer_than_it_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[Any] = []

        def urlopen(*_: Any, timeout: urllib3.Timeout, **__: Any) -> None:
            given.append((timeout.connect_timeout, timeout.read_timeout))
            raise urllib3.exceptions.ProtocolError

        monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
        with pytest.raises(Unavailable):
            session("https://8.8.8.8/").post("rest/V1/modules")
        assert refusal("https://8.8.8.8/", 60.0).reason == "unreachable"
        assert given == [
            (guard.CONNECT_TIMEOUT, READ_TIMEOUT),
            (guard.CONNECT_TIMEOUT, http.READ_TIMEOUT),
        ]

    @pytest.mark.usefixtures("private_allowed")
    def test_does_not_follow_a_redirect_even_where_it_is_asked_to(self) -> None:
        with (
            listening(says(raw_response())) as elsewhere,
            listening(says(raw_response(b"", "302 Found", Location=elsewhere.url))) as shop,
        ):
            assert session(shop.url).get("rest/V1/modules", allow_redirects=True).status_code == 302
        assert elsewhere.requests == []

    def test_refuses_a_proxy(self) -> None:
        with pytest.raises(Invalid, match="proxies are not used"):
            session("https://8.8.8.8/").get("rest/V1/modules", proxies={"https": "http://127.0.0.1:9"})

    @pytest.mark.usefixtures("private_allowed")
    def test_uses_no_proxy_and_no_password_of_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/")
        with listening(says(raw_response())) as shop:
            assert session(shop.url).get("rest/V1/modules").status_code == 200
        assert b"Authorization: OAuth " in shop.requests[0]

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://8.8.8.8/", "insecure-store"),
            ("https://8.8.8.8:8443/", "port-not-allowed"),
            ("https://127.0.0.1/", "address-not-public"),
            ("https://[64:ff9b::a9fe:a9fe]/", "address-not-public"),
        ],
    )
    def test_calls_nobody_who_may_not_be_called(self, url: str, reason: str) -> None:
        with pytest.raises(Rejected) as refused:
            session(url).get("rest/V1/modules")
        assert refused.value.reason == reason

    def test_proves_the_host_by_its_certificate(self, tls: Any, certificates: Certificates) -> None:
        with tls(certificates.context("evil.example")) as url, pytest.raises(Rejected) as refused:
            session(url).get("rest/V1/modules")
        assert refused.value.reason == "certificate-invalid"

    @pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
    @pytest.mark.parametrize("once", ["the authority", False])
    def test_trusts_for_one_call_what_that_call_says_and_for_no_other(
        self, once: Any, tls: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tls(certificates.context("shop.example")) as url:
            monkeypatch.setattr(certifi, "where", WHERE)
            calling = session(url)
            verify = once and str(certificates.trusted)
            assert calling.get("V1/modules", verify=verify, headers={"Connection": "close"}).status_code == 200
            for other in (calling, session(url)):
                with pytest.raises(Rejected) as refused:
                    other.get("V1/modules")
                assert refused.value.reason == "certificate-invalid"
            assert refusal(url).reason == "certificate-invalid"

    def test_is_resolved_and_called_at_the_address_that_was_checked(
        self, tls: Any, certificates: Certificates, dns: Resolver
    ) -> None:
        dns.answers["shop.example"] = [["127.0.0.1"], ["127.0.0.2"]]
        with tls(certificates.context("shop.example")) as url:
            assert session(url).get("rest/V1/modules").status_code == 200
        assert dns.asked == ["shop.example"]

    @pytest.mark.usefixtures("private_allowed")
    @pytest.mark.parametrize("stream", [False, True])
    def test_reads_no_answer_that_never_ends(self, stream: bool) -> None:
        pours = Pours("200 OK")
        with quickly(), listening(pours) as shop:
            calling = session(shop.url)
            calling.max_bytes = 100_000
            with pytest.raises(Unavailable) as refused:
                list(calling.get("rest/V1/modules", stream=stream).iter_content(10_000))
        assert refused.value.problem == "HTTP 200, longer than 100000 bytes"
        assert refused.value.reason == "call-too-large"
        assert "max_bytes" in refused.value.advice
        assert pours.sent < 50_000_000

    @pytest.mark.usefixtures("private_allowed")
    @pytest.mark.parametrize("status", ["302 Found", "401 Unauthorized", "404 Not Found"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_reads_an_error_without_end_so_far(self, status: str, stream: bool) -> None:
        pours = Pours(status)
        with quickly(), listening(pours) as shop:
            answer = session(shop.url).get("rest/V1/modules", stream=stream)
        assert (answer.status_code, len(answer.content)) == (int(status[:3]), http.MAX_ERROR_BYTES)
        with pytest.raises(CallFailed) as failed:
            answer.raise_for_status()
        assert failed.value.status == int(status[:3])
        assert pours.sent < 50_000_000

    @pytest.mark.usefixtures("private_allowed")
    def test_unpacks_no_bomb_whole(self) -> None:
        bomb = raw_response(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
        with listening(says(bomb)) as shop:
            calling = session(shop.url)
            calling.max_bytes = 100_000
            tracemalloc.start()
            with pytest.raises(Unavailable):
                calling.get("rest/V1/modules")
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 5_000_000

    @pytest.mark.usefixtures("private_allowed")
    @pytest.mark.parametrize(("before", "drop"), TRICKLES.values(), ids=list(TRICKLES))
    @pytest.mark.parametrize("verb", ["GET", "POST"])
    def test_is_cut_off_however_slowly_the_answer_trickles(self, verb: str, before: bytes, drop: bytes) -> None:
        with listening(trickles(before, drop)) as shop, quickly():
            calling = session(shop.url)
            calling.max_seconds, calling.patience = SOON, 60.0
            with pytest.raises(Unavailable) as refused:
                calling.request(verb, "rest/V1/modules")
        assert refused.value.reason == ("call-slow" if verb == "GET" else "call-unknown")
        assert refused.value.may_be_done is (verb == "POST")
        assert "Reauthorize" not in refused.value.advice

    @pytest.mark.parametrize("encrypted", [False, True])
    def test_is_cut_off_however_slowly_the_store_reads(
        self, encrypted: bool, tls: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_slowly(connection: socket.socket) -> None:
            end = time.monotonic() + 2 * LATE
            while connection.recv(1000) and time.monotonic() < end:
                threading.Event().wait(0.02)

        read_slowly.reads = False  # type: ignore[attr-defined]
        monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
        with tls(certificates.context("shop.example") if encrypted else None, read_slowly) as url, quickly():
            calling = session(url if encrypted else url.replace("https:", "http:"))
            calling.max_seconds = SOON
            with pytest.raises(Unavailable) as refused:
                calling.post("V1/products", data=bytes(50_000_000), headers={"Content-Type": "application/json"})
        assert refused.value.reason == "call-unknown"

    def test_is_cut_off_where_tls_is_not_answered(self, tls: Any) -> None:
        with tls(None, silent) as url, quickly():
            calling = session(url)
            calling.max_seconds, calling.patience = SOON, 60.0
            with pytest.raises(Unavailable) as refused:
                calling.get("V1/products")
        assert refused.value.reason == "call-unreachable"

    @pytest.mark.usefixtures("private_allowed")
    def test_is_cut_off_on_a_connection_that_is_used_again(self) -> None:
        def answer_once(connection: socket.socket) -> None:
            connection.sendall(raw_response(Connection="keep-alive"))
            connection.recv(65536)
            trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x")(connection)

        with listening(answer_once) as shop, quickly():
            calling = session(shop.url)
            assert calling.get("rest/V1/modules").content == TOKEN
            calling.max_seconds = SOON
            with pytest.raises(Unavailable) as refused:
                calling.get("rest/V1/modules")
        assert len(shop.requests) == 1
        assert refused.value.problem == "HTTP 200, too slow"
