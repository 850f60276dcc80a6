"""Logins at stores that answer as Magento's versions do, over a socket."""

import base64
import json
import time
from typing import Any

import pytest

import storelink
from storelink.errors import Sent
from tests.raw_store import Reply, listening, raw_response, says

HOUR = 3600
OPAQUE = "a1" * 16


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores on loopback are called."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")


def jwt(**claims: Any) -> str:
    parts = [json.dumps(part).encode() for part in ({"kid": "1", "alg": "HS256"}, {"uid": 1, "utypid": 2, **claims})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"signature"))


def answer(status: str, body: Any, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return says(raw_response(content, status, **headers))


def seconds_left(token: str, customer: bool) -> float:
    """For how long a session is good that is made by this token."""
    with listening(answer("200 OK", token)) as shop:
        return storelink.login(shop.url, "user", "password", customer).expires_at.timestamp() - time.time()


def refusal(reply: Reply, customer: bool = False) -> storelink.StorelinkError:
    with listening(reply) as shop, pytest.raises(storelink.StorelinkError) as refused:
        storelink.login(shop.url, "user", "s3cret-password", customer)
    assert len(shop.requests) == 1
    assert "s3cret-password" not in str(refused.value)
    return refused.value


@pytest.mark.parametrize("customer", [True, False])
@pytest.mark.parametrize("hours", [0.5, 1, 4, 24])
def test_a_jwt_says_how_long_it_lasts(customer: bool, hours: float) -> None:
    left = seconds_left(jwt(iat=int(time.time()), exp=int(time.time() + hours * HOUR)), customer)
    assert hours * HOUR - 5 < left <= hours * HOUR


@pytest.mark.parametrize(
    ("token", "customer", "hours"),
    [
        (jwt(), True, 1),
        (jwt(), False, 1),
        (jwt(exp="soon"), False, 1),
        (jwt(exp=None), False, 1),
        (OPAQUE, True, 1),
        (OPAQUE, False, 4),
    ],
    ids=["customer, JWT", "admin, JWT", "text", "null", "customer, before 2.4.4", "admin, before 2.4.4"],
)
def test_a_token_that_does_not_say_lasts_as_long_as_magentos_do(token: str, customer: bool, hours: int) -> None:
    assert hours * HOUR - 5 < seconds_left(token, customer) <= hours * HOUR


@pytest.mark.parametrize("exp", [10**30, 1e300, 2**63])
def test_a_jwt_that_lasts_for_ever_is_good_for_years(exp: float) -> None:
    assert seconds_left(jwt(exp=exp), False) > 365 * 86400


@pytest.mark.parametrize("exp", [0, -1, -(10**30), 1])
def test_a_jwt_that_is_over_makes_no_session_that_calls(exp: int) -> None:
    with listening(answer("200 OK", jwt(exp=exp))) as shop, pytest.raises(storelink.Rejected) as over:
        storelink.login(shop.url, "user", "password")
    assert over.value.reason == "login-expired"


@pytest.mark.parametrize(
    ("words", "reason", "named"),
    [
        ("Please use the 2fa provider-specific endpoints to obtain a token.", "two-factor", "otp"),
        (
            "You are required to configure personal Two-Factor Authorization in order to login. "
            "Please check your email.",
            "two-factor-setup",
            "e-mail",
        ),
        (
            "Please ask an administrator with sufficient access to configure 2FA first",
            "two-factor-unchosen",
            "no e-mail",
        ),
        ("Provider is not configured.", "two-factor-provider", "Google Authenticator"),
        ("Failed to send the message. Please contact the administrator", "two-factor-mail", "e-mail"),
    ],
)
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "500 Error"])
def test_each_refusal_of_the_second_factor_has_its_advice(status: str, words: str, reason: str, named: str) -> None:
    refused = refusal(answer(status, {"message": words}))
    assert (type(refused), refused.reason) == (storelink.TwoFactorNeeded, reason)
    assert (refused.problem, refused.sent) == (words, Sent.REFUSED)
    assert named in refused.advice


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer("401 Unauthorized", b"<html>", WWW_Authenticate='Basic realm="Staging"'), "password-protected"),
        (answer("200 OK", b"<html>Sorry</html>"), "not-json"),
        (answer("200 OK", b"[" * 1_500 + b"]" * 1_500), "not-json"),
        (answer("400 Bad Request", b"[" * 1_500 + b"]" * 1_500), "call-refused"),
        (answer("503 Busy", b""), "call-later"),
        (says(b""), "call-broken"),
    ],
    ids=["a password", "a page", "too deep", "an error too deep", "maintenance", "nothing"],
)
def test_what_else_may_answer_is_told_apart(reply: Reply, reason: str) -> None:
    refused = refusal(reply)
    assert refused.reason == reason
    assert "Reauthorize" not in refused.advice or reason == "password-protected"


def test_a_token_is_read_behind_a_byte_order_mark() -> None:
    with listening(answer("200 OK", b"\xef\xbb\xbf" + json.dumps(OPAQUE).encode())) as shop:
        assert storelink.login(shop.url, "user", "password").expires_at
