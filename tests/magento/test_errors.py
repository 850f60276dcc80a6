"""What a store's answers to REST calls and logins mean."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from storelink.errors import (
    ADVICE,
    CallFailed,
    CallRefused,
    LoginRefused,
    NotAuthorized,
    NotFound,
    NotJSON,
    NotNow,
    Rejected,
    StorelinkError,
    TwoFactorNeeded,
    Unavailable,
)
from storelink.magento.errors import (
    MAX_ERRORS,
    MAX_PLACES,
    MAX_VALUES,
    call_failed,
    login_token,
    read_answer,
)
from storelink.transport.http import MAX_JSON_DEPTH, Response
from tests.magento.hostile_bodies import BODIES, LITTLE, SIZE, processor_time

SIGN_IN = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
FORBIDDEN = "The consumer isn't authorized to access %resources."
JWT = "eyJraWQiOiIxIn0.eyJleHAiOjE3OTU0NjYwMTJ9.c2lnbmF0dXJl"


def answer(status: int, body: Any = None, **headers: str) -> Response:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, headers, content)


def failed(status: int, body: Any = None, **headers: str) -> CallFailed:
    found = call_failed(answer(status, body, **headers))
    assert found is not None
    assert found.status == status
    assert found.advice == ADVICE[found.reason]
    return found


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_no_error(status: int) -> None:
    assert call_failed(answer(status, {"message": "all well"})) is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "problem"),
    [
        (
            401,
            {"message": "Specified token does not exist"},
            NotAuthorized,
            "revoked",
            "Specified token does not exist",
        ),
        (401, {"message": "Token is not an access token"}, NotAuthorized, "revoked", "Token is not an access token"),
        (401, {"message": FORBIDDEN}, NotAuthorized, "forbidden", FORBIDDEN),
        (
            401,
            {"message": "The signature is invalid. Verify and try again."},
            NotAuthorized,
            "signature-invalid",
            "The signature is invalid. Verify and try again.",
        ),
        (
            401,
            {"message": "A consumer having the specified key does not exist"},
            NotAuthorized,
            "integration-deleted",
            "A consumer having the specified key does not exist",
        ),
        (403, "<html>blocked</html>", NotAuthorized, "blocked", "HTTP 403"),
        (403, {"message": "No"}, NotAuthorized, "not-authorized", "No"),
        (400, {"message": "Bad"}, CallRefused, "call-refused", "Bad"),
        (
            404,
            {"message": "Request does not match any route."},
            NotFound,
            "call-not-found",
            "Request does not match any route.",
        ),
        (404, "<html>", NotFound, "call-not-found", "HTTP 404"),
        (405, "", CallRefused, "call-refused", "HTTP 405"),
        (429, "<html>slow down</html>", NotNow, "call-later", "HTTP 429"),
        (500, {"message": "Internal Error."}, NotNow, "call-later", "Internal Error."),
        (503, "", NotNow, "call-later", "HTTP 503"),
        (400, [["deep"]], CallRefused, "call-refused", "HTTP 400"),
        (400, "null", CallRefused, "call-refused", "HTTP 400"),
    ],
)
def test_an_answer_is_read(status: int, body: Any, kind: type[CallFailed], reason: str, problem: str) -> None:
    found = failed(status, body)
    assert (type(found), found.reason, found.problem) == (kind, reason, problem)


def test_whose_move_it_is_shows_in_the_family() -> None:
    assert issubclass(NotAuthorized, Rejected)
    assert issubclass(NotNow, Unavailable)
    for kind in (NotAuthorized, NotFound, NotNow, CallRefused):
        assert issubclass(kind, CallFailed)
        assert issubclass(kind, StorelinkError)


def test_the_missing_resource_is_named() -> None:
    resource = "Magento_InventoryInStorePickupSalesAdminUi::notify_orders_are_ready_for_pickup"
    found = failed(401, {"message": FORBIDDEN, "parameters": {"resources": resource}})
    assert isinstance(found, NotAuthorized)
    assert found.resource == resource
    assert found.problem == f"The consumer isn't authorized to access {resource}."
    assert resource in str(found)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"message": "No %fieldName = %fieldValue", "parameters": {"fieldName": "id", "fieldValue": 7}}, "No id = 7"),
        ({"message": "%1 of %2, not %10", "parameters": ["one", "two"]}, "one of two, not %10"),
        ({"message": "100% of %1's", "parameters": ["it"]}, "100% of it's"),
        ({"message": "%1", "parameters": "text"}, "%1"),
        (
            {
                "message": "One or more input exceptions have occurred.",
                "errors": [
                    {"message": '"%fieldName" is required.', "parameters": {"fieldName": "sku"}},
                    {"message": "b"},
                ],
            },
            'One or more input exceptions have occurred. "sku" is required. b',
        ),
        ({"message": "two\nlines\x1b[31m", "trace": "#0 /var/www"}, "two lines [31m"),
    ],
)
def test_parameters_are_put_into_the_message(body: Any, problem: str) -> None:
    assert failed(400, body).problem == problem


def test_a_message_is_bounded_and_shows_no_token() -> None:
    found = failed(400, {"message": f"token {'a1' * 16} and {JWT} " + "x" * 1000})
    assert found.problem.startswith("token … and … x")
    assert len(found.problem) == 300


def test_a_redirect_is_an_error_that_says_where_it_leads() -> None:
    found = failed(302, "", Location="https://www.shop.example/rest/V1/products")
    assert (type(found), found.reason, found.problem) == (
        CallRefused,
        "redirected",
        "HTTP 302 to https://www.shop.example/rest/V1/products",
    )


@pytest.mark.parametrize("token", ["a1" * 16, JWT])
def test_a_login_gives_a_token(token: str) -> None:
    assert login_token(answer(200, json.dumps(token))) == token


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (401, {"message": SIGN_IN}, LoginRefused, "login-refused"),
        (401, {"message": "The account is locked."}, LoginRefused, "login-locked"),
        (
            400,
            {
                "message": "Please use the 2fa provider-specific endpoints to obtain a token.",
                "parameters": {"active_providers": ["google"]},
            },
            TwoFactorNeeded,
            "two-factor",
        ),
        (
            200,
            {"message": "Please use the 2fa provider-specific endpoints to obtain a token.", "active_providers": []},
            TwoFactorNeeded,
            "two-factor",
        ),
        (
            401,
            {"message": "You are required to configure personal Two-Factor Authorization in order to login."},
            TwoFactorNeeded,
            "two-factor-setup",
        ),
        (401, {"message": "Invalid code."}, LoginRefused, "otp-refused"),
        (404, {"message": "Request does not match any route."}, NotFound, "call-not-found"),
        (503, "<html>", NotNow, "call-later"),
        (302, "", CallRefused, "redirected"),
        (200, "<html>", NotJSON, "not-json"),
        (200, '"short"', NotJSON, "not-json"),
        (200, '"with \\u0000 and spaces in what should be a token"', NotJSON, "not-json"),
        (200, "{}", NotJSON, "not-json"),
    ],
)
def test_a_login_that_fails_says_why(status: int, body: Any, kind: type[StorelinkError], reason: str) -> None:
    with pytest.raises(StorelinkError) as refused:
        login_token(answer(status, body), "a password", "123456")
    assert (type(refused.value), refused.value.reason) == (kind, reason)
    assert refused.value.advice == ADVICE[reason]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("words", [SIGN_IN, "The account is locked", "Something else", ""])
def test_a_store_that_repeats_the_password_puts_it_into_no_error(status: int, words: str) -> None:
    with pytest.raises(StorelinkError) as refused:
        login_token(
            answer(status, {"message": f"{words} s3cret! 123456 %1", "parameters": ["s3cret!"]}), "s3cret!", "123456"
        )
    for text in (str(refused.value), repr(refused.value)):
        assert "s3cret!" not in text
        assert "123456" not in text


def problem(body: bytes) -> str:
    """What an error with this body says."""
    found = call_failed(Response(400, {}, body))
    assert found is not None
    return found.problem


class TestAHostileBody:
    @pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 500, 503])
    @pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
    def test_of_an_error_costs_little_and_is_an_error(self, body: bytes, status: int) -> None:
        answer = Response(status, {}, body[:SIZE])
        found = call_failed(answer)
        assert found is not None
        assert found.status == status
        assert len(found.problem) <= 300
        assert processor_time(lambda: call_failed(answer)) < LITTLE

    def test_of_thousands_of_errors_is_read_up_to_a_limit(self) -> None:
        assert problem(BODIES["thousands of errors"]).split() == ["m", *["x"] * (MAX_ERRORS - 1)]
        assert problem(BODIES["thousands of fatal errors"]).split() == ["x"] * (MAX_ERRORS - 1)

    def test_of_an_error_is_read_up_to_a_limit(self) -> None:
        assert problem(b'{"message":"first","trace":"' + b"x" * SIZE + b'","message":"last"}') == "first"

    def test_of_many_values_is_read_up_to_a_limit(self) -> None:
        assert problem(json.dumps({"message": "%1", "parameters": [["x"] * 99]}).encode()).count("x") == MAX_VALUES
        places = {"message": "%1" * (MAX_PLACES + 1), "parameters": ["x"]}
        assert problem(json.dumps(places).encode()) == "x" * MAX_PLACES + "%1"

    @pytest.mark.parametrize("status", [200, 401])
    @pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
    def test_of_a_login_costs_little_and_is_an_error(self, body: bytes, status: int) -> None:
        answer = Response(status, {}, body[:SIZE])
        with pytest.raises(StorelinkError):
            login_token(answer, "a password")
        assert processor_time(lambda: login_token(answer, "a password")) < LITTLE

    @pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
    def test_of_a_success_costs_little(self, body: bytes) -> None:
        answer = Response(200, {}, body[:SIZE])
        assert processor_time(lambda: read_answer(answer)) < LITTLE

    @pytest.mark.parametrize("depth", [MAX_JSON_DEPTH + 1, 1_500, 100_000])
    @pytest.mark.parametrize("opened", ["[", '{"a":'])
    @pytest.mark.parametrize("read", [read_answer, login_token], ids=["an answer", "a login"])
    def test_that_is_nested_too_deep_is_an_error_on_every_python(
        self, read: Callable[[Response], Any], opened: str, depth: int
    ) -> None:
        closed = "]" if opened == "[" else "}"
        with pytest.raises(StorelinkError):
            read(Response(200, {}, (opened * depth + "1" + closed * depth).encode()))
