"""The two calls of the handshake, at stores that answer as real ones were seen to answer."""

import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import urlencode

import pytest

from storelink.errors import Rejected, Sent, StorelinkError, Unavailable
from storelink.oauth import client as oauth_client
from storelink.oauth.credentials import Consumer, Token
from storelink.store import Store
from tests.raw_store import Pours, Reply, listening, raw_response, says, says_in_turn

CONSUMER = Consumer("k" * 32, "s" * 32)
KEY, SECRET = "a1" * 16, "b2" * 16
FIELDS = f"oauth_token={KEY}&oauth_token_secret={SECRET}".encode()
HTML = b"<!DOCTYPE html><html><body><h1>Sorry</h1></body></html>"


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores on loopback are called."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")


def request_token(url: str) -> Token:
    return oauth_client.fetch_request_token(Store.from_url(url), CONSUMER)[0]


def access_token(url: str) -> Token:
    return oauth_client.fetch_access_token(Store.from_url(url), CONSUMER, Token(KEY, SECRET), "v" * 32)[0]


each_step = pytest.mark.parametrize("fetch", [request_token, access_token], ids=["request", "access"])
Fetch = Callable[[str], Token]


def failure(fetch: Fetch, reply: Reply) -> StorelinkError:
    with listening(reply) as shop, pytest.raises(StorelinkError) as failed:
        fetch(shop.url)
    return failed.value


def problem(words: str, status: str = "401 Unauthorized", **headers: str) -> bytes:
    return raw_response(urlencode({"oauth_problem": words}).encode(), status, **headers)


AROUND = {
    "nothing": (b"", b""),
    "a byte order mark": (b"\xef\xbb\xbf", b""),
    "byte order marks of several files": (b"\xef\xbb\xbf" * 3, b""),
    "line ends": (b"\r\n\n", b"\n\r\n"),
    "spaces": (b"  \t", b" "),
    "a notice in HTML": (b"<br />\n<b>Deprecated</b>: Return type in <b>/a.php</b> on line <b>5</b><br />\n", b""),
    "a notice in HTML after it": (b"", b"<br />\n<b>Warning</b>: Undefined &amp; bad in <b>/a.php</b><br />\n"),
    "a notice as text": (b"\nNotice: Undefined index: a=b&c in /a.php on line 5\n", b"\nDeprecated: x in /b.php\n"),
    "a notice right after it": (b"", b"PHP Warning:  Unknown: x in Unknown on line 0"),
    "what somebody printed": (b"1", b"<!-- 0.12 s -->"),
    "a page": (b"<html><body><pre>", b"</pre></body></html>"),
    "bytes that are no UTF-8": (b"\xff\xfe", b"\xff"),
    "more fields": (b"oauth_callback_confirmed=true&", b"&a=b"),
    "60,000 bytes": (b"Notice: x\n" * 3_000, b"\nNotice: x" * 3_000),
}


@each_step
@pytest.mark.parametrize(("before", "after"), AROUND.values(), ids=list(AROUND))
def test_a_token_is_read_whatever_php_prints_around_it(fetch: Fetch, before: bytes, after: bytes) -> None:
    with listening(says(raw_response(before + FIELDS + after))) as shop:
        assert fetch(shop.url) == Token(KEY, SECRET)
        assert len(shop.requests) == 1


def test_a_token_is_read_in_any_order_and_as_html_writes_it() -> None:
    body = f"<p>oauth_token_secret={SECRET}&amp;oauth_token={KEY}</p>".encode()
    with listening(says(raw_response(body))) as shop:
        assert request_token(shop.url) == Token(KEY, SECRET)


@each_step
@pytest.mark.parametrize(
    "body",
    [
        HTML,
        b"",
        b"{}",
        FIELDS[:-1],
        FIELDS.replace(b"_secret", b""),
        f"oauth_token={KEY}&oauth_token_secret={SECRET}0".encode(),
        f"oauth_token={KEY}&oauth_token_secret={SECRET}&oauth_token_secret={KEY}".encode(),
    ],
    ids=["a page", "nothing", "JSON", "a character less", "one field", "a character more", "two secrets"],
)
def test_an_answer_without_the_two_fields_says_that(fetch: Fetch, body: bytes) -> None:
    failed = failure(fetch, says(raw_response(body)))
    assert (type(failed), failed.reason, failed.sent) == (Unavailable, "no-token", Sent.LOST)
    assert "oauth_token_secret" in failed.advice
    assert SECRET not in str(failed)


NONCES = ["The nonce is already being used by the consumer with ID 7", "An error occurred validating the nonce"]


@each_step
@pytest.mark.parametrize("words", NONCES)
def test_a_refused_nonce_is_signed_again_once(fetch: Fetch, words: str) -> None:
    with listening(says_in_turn(problem(words), raw_response(FIELDS))) as shop:
        assert fetch(shop.url) == Token(KEY, SECRET)
    first, second = (request.partition(b'oauth_nonce="')[2].partition(b'"')[0] for request in shop.requests)
    assert first != second


@each_step
@pytest.mark.parametrize(("words", "reason"), [(NONCES[0], "nonce-used"), (NONCES[1], "clock")])
def test_a_nonce_that_stays_refused_says_so(fetch: Fetch, words: str, reason: str) -> None:
    with listening(says(problem(words, Date=formatdate(usegmt=True)))) as shop, pytest.raises(Unavailable) as failed:
        fetch(shop.url)
    assert (failed.value.reason, failed.value.sent) == (reason, Sent.REFUSED)
    assert len(shop.requests) == 2


@pytest.mark.parametrize(("behind", "kind"), [(3600, Rejected), (660, Rejected), (300, None), (-3600, None)])
def test_a_clock_that_the_date_header_proves_wrong_is_final(behind: int, kind: type[StorelinkError] | None) -> None:
    date = formatdate(time.time() - behind, usegmt=True)
    failed = failure(request_token, says(problem(NONCES[1], Date=date)))
    assert failed.reason == "clock"
    assert isinstance(failed, Rejected) is (kind is Rejected)
    if kind is Rejected:
        assert "s behind" in failed.problem


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Invalid signature", "signature-invalid"),
        ("Invalid Signature.", "signature-invalid"),
        ("The signatire is invalid. Verify and try again.", "signature-invalid"),
        ("oauth_consumer_key is a required field., oauth_nonce is a required field.", "header-lost"),
        ('"oauth_consumer_key" is required. Enter and try again.', "header-lost"),
        ("&quot;oauth_consumer_key&quot; is required. Enter and try again.", "header-lost"),
    ],
)
def test_older_wordings_are_understood(words: str, reason: str) -> None:
    failed = failure(request_token, says(problem(words)))
    assert (type(failed), failed.reason, failed.sent) == (Rejected, reason, Sent.REFUSED)


def test_a_problem_is_read_with_a_notice_before_it() -> None:
    body = b"<br />\n<b>Notice</b>: x<br />\noauth_problem=Consumer+key+has+expired\n"
    failed = failure(request_token, says(raw_response(body, "401 Unauthorized")))
    assert (failed.reason, failed.problem) == ("expired", "Consumer key has expired")


@pytest.mark.parametrize("asked", ['Basic realm="Staging"', "basic", 'Negotiate, Basic realm="x"', 'Digest realm="x"'])
@each_step
def test_a_password_before_the_store_is_named(fetch: Fetch, asked: str) -> None:
    failed = failure(fetch, says(raw_response(HTML, "401 Unauthorized", WWW_Authenticate=asked)))
    assert (type(failed), failed.reason, failed.sent) == (Rejected, "password-protected", Sent.REFUSED)
    assert "password" in failed.problem
    assert "password" in failed.advice


def test_a_redirect_shows_where_to() -> None:
    location = "https://user:pass@www.shop.example/de/oauth/token/request?a=b#c"
    failed = failure(request_token, says(raw_response(b"", "301 Moved", Location=location)))
    assert (failed.reason, failed.sent) == ("redirected", Sent.REFUSED)
    assert failed.problem == "HTTP 301 to https://www.shop.example/de/oauth/token/request"


def hang_up(connection: socket.socket) -> None:
    """Read the request, answer nothing."""


def half(connection: socket.socket) -> None:
    connection.sendall(raw_response(FIELDS[:50], Content_Length="96"))


class TestWhatBecameOfTheRequest:
    """`sent` decides what a merchant can do: the store gives each token once."""

    @each_step
    @pytest.mark.parametrize(
        ("reply", "sent"),
        [
            (hang_up, Sent.LOST),
            (half, Sent.LOST),
            (Pours(), Sent.LOST),
            (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"), Sent.LOST),
            (says(b"no HTTP at all"), Sent.LOST),
            (says(raw_response(HTML, "500 Error")), Sent.LOST),
            (says(raw_response(HTML, "502 Bad Gateway")), Sent.LOST),
            (says(raw_response(HTML, "504 Gateway Timeout")), Sent.LOST),
            (says(raw_response(HTML, "524 A Timeout Occurred")), Sent.LOST),
            (says(raw_response(b"Error 503 Backend fetch failed Guru Meditation:", "503 Error")), Sent.LOST),
            (says(raw_response(b"Error 503 first byte timeout", "503 Error")), Sent.LOST),
            (says(raw_response(HTML, "503 Service Unavailable")), Sent.REFUSED),
            (says(raw_response(HTML, "429 Too Many Requests")), Sent.REFUSED),
            (says(raw_response(HTML, "403 Forbidden")), Sent.REFUSED),
            (says(raw_response(HTML, "404 Not Found")), Sent.REFUSED),
            (says(problem("Consumer key has expired")), Sent.REFUSED),
            (says(problem("Something new")), Sent.REFUSED),
            (says(raw_response(b"internal_error&message=Deadlock", "500 Error")), Sent.REFUSED),
        ],
        ids=range(18),
    )
    def test_is_said_by_the_error(self, fetch: Fetch, reply: Reply, sent: Sent) -> None:
        failed = failure(fetch, reply)
        assert failed.sent is sent
        assert failed.may_be_done is (sent is Sent.LOST)

    @each_step
    def test_is_nothing_where_the_store_was_not_reached(self, fetch: Fetch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(Unavailable) as failed:
            fetch(f"http://127.0.0.1:{port}/")
        assert (failed.value.reason, failed.value.sent) == ("unreachable", Sent.NO)

    @each_step
    def test_is_nothing_where_tls_does_not_come_about(self, fetch: Fetch) -> None:
        def refuse(connection: socket.socket) -> None:
            connection.recv(4096)

        refuse.reads = False  # type: ignore[attr-defined]
        with listening(refuse) as shop, pytest.raises(StorelinkError) as failed:
            fetch(shop.url.replace("http:", "https:"))
        assert failed.value.sent is Sent.NO

    @each_step
    def test_is_lost_where_the_answer_does_not_come_in_time(
        self, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(oauth_client, "TIMEOUT", 0.2)

        def wait(connection: socket.socket) -> None:
            connection.recv(4096)

        failed = failure(fetch, wait)
        assert (failed.reason, failed.sent) == ("unreachable", Sent.LOST)
