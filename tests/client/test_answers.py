"""What a store answers to an app's calls, read and explained: each at a store that answers so over a socket."""

import json
import pickle
import socket
from typing import Any

import pytest

import storelink
from storelink.client.auth import BearerAuth, CachedAuth
from storelink.client.session import LoginSession, StoreSession, session_for
from storelink.errors import NotJSON, Sent, StorelinkError
from storelink.magento.login import Login
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store
from tests.magento.hostile_bodies import BODIES, SIZE
from tests.raw_store import Pours, Reply, listening, raw_response, says

MINUS_FIVE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"
HTML = b"<!DOCTYPE html><html><body><h1>Sorry</h1></body></html>"
UNAUTHORIZED = "The consumer isn't authorized to access %resources."
REST_ADVICE = ["call-slow", "call-too-large", "call-broken", "call-unreachable", "call-unknown", "call-nonce"]


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores on loopback are called."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")


def session(url: str, **limits: float) -> StoreSession:
    known = Credentials(Consumer("k" * 32, "s" * 32), Token("t" * 32, "u" * 32))
    made = session_for(Store.from_url(url), known, patience=0)
    for name, limit in limits.items():
        setattr(made, name, limit)
    return made


def login_session(url: str, kind: str = "customer") -> LoginSession:
    made = BearerAuth(Login("e" * 32, kind, 2**40))
    return LoginSession(Store.from_url(url), CachedAuth(lambda: made), patience=0)


def rest(status: str, body: Any, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return says(raw_response(content, status, **{"Content_Type": "application/json", **headers}))


def failure(reply: Reply, method: str = "GET", **limits: float) -> StorelinkError:
    """What a call ends with, at once or by raise_for_status()."""
    with listening(reply) as shop, pytest.raises(StorelinkError) as failed:
        session(shop.url, **limits).request(method, "V1/products").raise_for_status()
    return failed.value


class TestAnError:
    @pytest.mark.parametrize(
        ("status", "body", "reason", "problem"),
        [
            ("400 Bad", {"messages": {"error": [{"code": 400, "message": "No %1"}]}}, "call-refused", "No %1"),
            (
                "500 Error",
                {"messages": {"error": [{"code": 500, "message": "Fatal Error: 'a'"}, {"message": "b"}]}},
                "call-later",
                "Fatal Error: 'a' b",
            ),
            ("400 Bad", {"message": "No", "errors": ["one", {"message": "%1", "parameters": [2]}]}, None, "No one 2"),
            ("400 Bad", {"error": "No"}, "call-refused", "No"),
            ("400 Bad", b"Something is wrong with the request", None, "Something is wrong with the request"),
            ("500 Error", b"\nFatal error: Allowed memory size exhausted", "call-later", None),
            ("403 Forbidden", b"Access denied", "blocked", "Access denied"),
            ("403 Forbidden", HTML, "blocked", "HTTP 403"),
            ("401 Unauthorized", HTML, "blocked", "HTTP 401"),
            ("401 Unauthorized", {"message": "Invalid signature"}, "signature-invalid", "Invalid signature"),
            (
                "401 Unauthorized",
                {"message": "The signatire is invalid. Verify."},
                "signature-invalid",
                None,
            ),
            ("400 Bad", {"message": "oauth_consumer_key is a required field."}, "header-lost", None),
            ("401 Unauthorized", {"message": "No"}, "not-authorized", "No"),
            ("401 Unauthorized", {"message": "Unauthorized", "parameters": {}}, "not-authorized", None),
            ("401 Unauthorized", {}, "not-authorized", "HTTP 401"),
            ("403 Forbidden", {"error": "forbidden"}, "not-authorized", "forbidden"),
            ("401 Unauthorized", {"message": UNAUTHORIZED, "parameters": {"resources": "M::a"}}, "forbidden", None),
            ("401 Unauthorized", {"message": UNAUTHORIZED}, "forbidden", UNAUTHORIZED),
            ("400 Bad", b"\xef\xbb\xbf" + b'{"message": "No"}', "call-refused", "No"),
            ("413 Too Large", HTML, "body-too-large", "HTTP 413"),
            ("413 Too Large", {"message": "Too much"}, "body-too-large", "Too much"),
            ("414 Too Long", HTML, "url-too-long", "HTTP 414"),
            ("431 Headers", HTML, "url-too-long", "HTTP 431"),
            ("103 Early Hints", b"", "call-later", "HTTP 103"),
        ],
    )
    def test_is_understood(self, status: str, body: Any, reason: str | None, problem: str | None) -> None:
        failed = failure(rest(status, body))
        assert failed.reason == (reason or "call-refused")
        assert problem is None or failed.problem == problem
        assert failed.method == "GET"

    @pytest.mark.parametrize(
        "words",
        [
            "Database lock wait timeout exceeded",
            "SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded; try restarting transaction",
            "Deadlock found when trying to get lock",
            "The order can't be saved. Please try again.",
        ],
    )
    @pytest.mark.parametrize("plain", [False, True])
    def test_that_passes_is_not_now(self, words: str, plain: bool) -> None:
        failed = failure(rest("400 Bad Request", words.encode() if plain else {"message": words}))
        assert isinstance(failed, storelink.NotNow)
        assert (failed.reason, failed.problem) == ("call-later", words)

    @pytest.mark.parametrize(
        "words",
        ["The nonce is already being used by the consumer with ID 7", "An error occurred validating the nonce"],
    )
    def test_of_a_nonce_says_to_send_it_again_and_nothing_of_clocks_first(self, words: str) -> None:
        failed = failure(rest("401 Unauthorized", {"message": words}), "POST")
        assert isinstance(failed, storelink.NotNow)
        assert (failed.reason, failed.may_be_done) == ("call-nonce", False)
        assert failed.advice.index("Send it again") < failed.advice.index("clock")

    @pytest.mark.parametrize("asked", ["Basic realm=x", 'BASIC realm="Staging"'])
    def test_of_a_password_before_the_store_names_it(self, asked: str) -> None:
        failed = failure(rest("401 Unauthorized", HTML, WWW_Authenticate=asked))
        assert failed.reason == "password-protected"

    def test_that_leads_elsewhere_says_where(self) -> None:
        failed = failure(rest("302 Found", HTML, Location="https://www.shop.example/rest/V1/products?a=b"))
        assert failed.problem == "HTTP 302 to https://www.shop.example/rest/V1/products"

    def test_whose_trace_is_cut_off_keeps_its_message(self) -> None:
        body = b'{"message":"Caf\\u00e9 \\"%1\\"","trace":"' + b"#0 /var/www\\n" * 20_000 + b'"}'
        failed = failure(rest("500 Error", body))
        assert failed.problem == 'Café "%1"'

    @pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
    def test_with_a_hostile_body_is_one_of_the_family(self, body: bytes) -> None:
        assert len(failure(rest("400 Bad Request", body[:SIZE])).problem) <= 300


def cut(connection: socket.socket) -> None:
    connection.sendall(raw_response(b'{"items":', Content_Length="500"))


def hang_up(connection: socket.socket) -> None:
    """Read the request, answer nothing."""


class TestNoAnswer:
    """Advice fits the call: it is about limits and sizes, and whether the call may have been carried out."""

    @pytest.mark.parametrize(
        ("reply", "limits", "reason", "named"),
        [
            (cut, {}, "call-broken", "page size"),
            (hang_up, {}, "call-broken", "page size"),
            (Pours(), {"max_bytes": 10_000}, "call-too-large", "max_bytes"),
            (lambda connection: connection.recv(99), {"max_seconds": 0.2}, "call-slow", "timeout"),
        ],
        ids=["cut", "hung up", "too large", "too slow"],
    )
    def test_to_a_reading_call_says_what_lets_it_come(self, reply: Reply, limits: Any, reason: str, named: str) -> None:
        failed = failure(reply, **limits)
        assert isinstance(failed, storelink.Unavailable)
        assert (failed.reason, failed.may_be_done) == (reason, False)
        assert named in failed.advice
        assert "fields" in failed.advice

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("reply", [cut, hang_up, says(MINUS_FIVE)])
    def test_to_a_changing_call_says_to_look_first(self, method: str, reply: Reply) -> None:
        failed = failure(reply, method)
        assert (failed.reason, failed.sent, failed.may_be_done) == ("call-unknown", Sent.LOST, True)
        assert failed.method == method
        assert "Look in the store" in failed.advice

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_for_the_store_was_not_reached_changes_nothing(self, method: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(storelink.Unavailable) as failed:
            session(f"http://127.0.0.1:{port}/").request(method, "V1/products")
        assert (failed.value.reason, failed.value.sent) == ("call-unreachable", Sent.NO)
        assert not failed.value.may_be_done

    @pytest.mark.parametrize("reason", REST_ADVICE)
    def test_never_says_to_reauthorize(self, reason: str) -> None:
        advice = storelink.Unavailable(reason).advice
        assert "Reauthorize" not in advice
        assert "safe" not in advice

    @pytest.mark.parametrize(
        ("status", "may_be_done"),
        [("429 Many", False), ("500 Error", True), ("503 Busy", True), ("504 Late", True)],
    )
    def test_that_a_server_in_front_gives_says_whether_it_may_be_done(self, status: str, may_be_done: bool) -> None:
        assert failure(rest(status, HTML), "POST").may_be_done is may_be_done
        assert failure(rest(status, HTML), "GET").may_be_done is False


class TestJson:
    @pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "text/html"])
    @pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n\xef\xbb\xbf\xef\xbb\xbf ", b"\r\n"])
    def test_is_read_behind_a_byte_order_mark(self, content_type: str, before: bytes) -> None:
        body = before + '{"name": "Größe"}'.encode()
        with listening(rest("200 OK", body, Content_Type=content_type)) as shop:
            assert session(shop.url).get("V1/products").json() == {"name": "Größe"}

    @pytest.mark.parametrize(
        ("body", "what"),
        [
            (HTML, "a web page"),
            (b"\xef\xbb\xbf\n" + HTML, "a web page"),
            (b"<br />\n<b>Deprecated</b>: x in y<br />\n{}", "a web page"),
            (b"", "nothing"),
            (b"Service temporarily unavailable", "text that is not JSON"),
            (b'{"items": [', "text that is not JSON"),
            (b"[" * 1_500 + b"]" * 1_500, "nested too deep"),
            (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        ],
    )
    def test_that_did_not_come_says_what_came(self, body: bytes, what: str) -> None:
        with listening(rest("200 OK", body)) as shop:
            answer = session(shop.url).get("V1/products")
        with pytest.raises(NotJSON) as failed:
            answer.json()
        assert what in failed.value.problem
        assert isinstance(failed.value, ValueError)
        with listening(rest("200 OK", body)) as shop, pytest.raises(NotJSON):
            list(session(shop.url).search("products"))

    def test_takes_the_options_of_the_json_module(self) -> None:
        with listening(rest("200 OK", b'{"price": 1.10}')) as shop:
            assert session(shop.url).get("V1/products").json(parse_float=str) == {"price": "1.10"}


class TestACustomersLogin:
    def test_that_was_logged_out_elsewhere_is_over(self) -> None:
        body = {"message": UNAUTHORIZED, "parameters": {"resources": "self"}}
        with listening(rest("401 Unauthorized", body)) as shop, pytest.raises(storelink.NotAuthorized) as failed:
            login_session(shop.url).get("V1/customers/me").raise_for_status()
        assert failed.value.reason == "login-expired"
        assert "Log in again" in failed.value.advice

    def test_that_may_not_is_told_apart(self) -> None:
        body = {"message": UNAUTHORIZED, "parameters": {"resources": "Magento_Sales::actions_view"}}
        with listening(rest("401 Unauthorized", body)) as shop, pytest.raises(storelink.NotAuthorized) as failed:
            login_session(shop.url).get("V1/orders/1").raise_for_status()
        assert (failed.value.reason, failed.value.resource) == ("forbidden", "Magento_Sales::actions_view")

    def test_is_not_pickled_with_an_answer(self) -> None:
        with listening(rest("200 OK", {"a": 1})) as shop:
            answer = login_session(shop.url).get("V1/customers/me")
        pickled = pickle.dumps(answer)
        assert b"e" * 32 not in pickled
        assert pickle.loads(pickled).json() == {"a": 1}
        assert "e" * 32 in str(answer.request.headers["Authorization"])
