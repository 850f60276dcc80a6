"""What a store's answer means: Magento's words, and everything else that may answer in its place."""

from urllib.parse import urlencode

import pytest
from requests.structures import CaseInsensitiveDict

from storelink.errors import Rejected, Sent, StorelinkError, Unavailable
from storelink.magento.errors import is_revoked
from storelink.oauth.problems import (
    MAX_PROBLEM_LENGTH,
    MAX_TARGET_LENGTH,
    NonceRejected,
    SignatureMethodRejected,
    problem_error,
    token,
)
from storelink.transport.http import Response
from tests.magento.hostile_bodies import BODIES, LITTLE, SIZE, processor_time

TOKEN, SECRET = "token".ljust(32, "0"), "secret".ljust(32, "0")
TEXT = f"oauth_token={TOKEN}&oauth_token_secret={SECRET}"
HTML = "<!DOCTYPE html><html><head><title>Shop</title></head><body><p>Hello</p></body></html>"


def answer(status: int, body: str | bytes, **headers: str) -> Response:
    raw = body.encode() if isinstance(body, str) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict({"content-type": "text/html; charset=UTF-8", **given}), raw)


def problem(status: int, words: str) -> Response:
    return answer(status, urlencode({"oauth_problem": words}))


def error(told: Response) -> StorelinkError:
    with pytest.raises(StorelinkError) as raised:
        token(told)
    assert raised.value.advice
    return raised.value


MAGENTO = {
    "signature": (401, "The signature is invalid. Verify and try again.", Rejected, "signature-invalid"),
    "expired": (401, "Consumer key has expired", Rejected, "expired"),
    "no consumer": (401, "A consumer having the specified key does not exist", Rejected, "integration-deleted"),
    "key length": (401, "Consumer key is not the correct length", Rejected, "consumer-key-length"),
    "done already": (
        401,
        "Cannot create request token because consumer token is not a verifier token",
        Rejected,
        "reauthorize",
    ),
    "other verifier": (401, "Token verifier and verifier token do not match", Rejected, "verifier-mismatch"),
    "verifier length": (401, "Verifier is not the correct length", Rejected, "verifier-mismatch"),
    "no token": (401, "Specified token does not exist", Rejected, "reauthorize"),
    "token used": (401, "Token is already being used", Rejected, "reauthorize"),
    "nonce": (401, "The nonce is already being used by the consumer with ID 17", NonceRejected, "nonce-used"),
    "clock": (401, "An error occurred validating the nonce", NonceRejected, "clock"),
    "older timestamp": (
        400,
        "Incorrect timestamp value in the oauth_timestamp parameter",
        NonceRejected,
        "clock",
    ),
    "older signature": (401, "Invalid signature", Rejected, "signature-invalid"),
    "older signature, other case": (401, "Invalid Signature.", Rejected, "signature-invalid"),
    "misspelt signature": (
        401,
        "The signatire is invalid. Verify and try again.",
        Rejected,
        "signature-invalid",
    ),
    "older header": (
        400,
        "oauth_consumer_key is a required field., oauth_signature is a required field.",
        Rejected,
        "header-lost",
    ),
    "older header, quoted": (400, '"oauth_consumer_key" is a required field.', Rejected, "header-lost"),
    "SHA-1": (400, "Signature method HMAC-SHA1 is not supported", SignatureMethodRejected, "signature-method"),
    "SHA-256": (400, "Signature method HMAC-SHA256 is not supported", SignatureMethodRejected, "signature-method"),
    "header": (
        400,
        '"oauth_consumer_key" is required. Enter and try again.',
        Rejected,
        "header-lost",
    ),
    "every field": (
        400,
        '"oauth_consumer_key" is required. Enter and try again., "oauth_signature" is required. Enter and try again.',
        Rejected,
        "header-lost",
    ),
    "unknown words": (401, "Something new", Rejected, "refused"),
}


@pytest.mark.parametrize(("status", "words", "kind", "reason"), MAGENTO.values(), ids=list(MAGENTO))
def test_each_of_magentos_problems_has_its_reason(
    status: int, words: str, kind: type[StorelinkError], reason: str
) -> None:
    told = error(problem(status, words))
    assert type(told) is kind
    assert told.reason == reason
    assert told.problem == words


OTHERS = {
    "internal error": (500, "internal_error&message=Deadlock+found", "store-error", "Deadlock found"),
    "internal error in a problem": (500, "oauth_problem=internal_error&message=x", "store-error", "internal_error"),
    "internal error encoded": (
        500,
        "oauth_problem=internal_error%26message%3DDeadlock",
        "store-error",
        "internal_error&message=Deadlock",
    ),
    "internal error alone": (500, "internal_error", "store-error", "internal_error"),
    "a page of 500": (500, HTML, "store-error", "HTTP 500"),
    "a page of 502": (502, HTML, "store-error", "HTTP 502"),
    "a page of 504": (504, "", "store-error", "HTTP 504"),
    "maintenance": (503, HTML, "maintenance", "HTTP 503"),
    "firewall": (403, HTML, "blocked", "HTTP 403"),
    "rate limit": (429, "", "rate-limited", "HTTP 429"),
    "not found": (404, HTML, "unreadable", "HTTP 404"),
    "a password in front of the shop": (401, HTML, "unreadable", "HTTP 401"),
    "a page instead of the token": (200, HTML, "no-token", "HTTP 200"),
    "nothing": (200, "", "no-token", "HTTP 200"),
    "nothing, and it says so": (204, "", "unreadable", "HTTP 204"),
    "JSON": (200, f'{{"oauth_token":"{TOKEN}"}}', "no-token", "HTTP 200"),
    "a page with many ampersands": (403, "<p>" + "&nbsp;" * 40 + "</p>", "blocked", "HTTP 403"),
    "a short page with many ampersands": (200, "&a" * 30, "no-token", "HTTP 200"),
    "thousands of fields": (500, "a=b&" * 16_000, "store-error", "HTTP 500"),
    "bytes that are not UTF-8": (200, b"\xff\xfe\x00" * 100, "no-token", "HTTP 200"),
    "64 KiB of junk": (200, b"\x00\xff<&=%" * 10_922, "no-token", "HTTP 200"),
    "64 KiB around a token": (200, "x" * 32_000 + TEXT + "x" * 32_000, "no-token", "HTTP 200"),
}


@pytest.mark.parametrize(("status", "body", "reason", "says"), OTHERS.values(), ids=list(OTHERS))
def test_what_may_pass_is_unavailable_and_says_what_was_seen(
    status: int, body: str | bytes, reason: str, says: str
) -> None:
    told = error(answer(status, body))
    assert type(told) is Unavailable
    assert (told.reason, told.problem) == (reason, says)


@pytest.mark.parametrize("status", [429, 503])
def test_how_long_a_store_asks_to_be_left_alone_is_said(status: int) -> None:
    told = error(Response(status, CaseInsensitiveDict({"retry-after": "120"}), b""))
    assert (type(told), told.problem) == (Unavailable, f"HTTP {status}, not again for 120 s")


@pytest.mark.parametrize("asked", ["", "soon", "-1", "1" * 32, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_what_is_no_number_of_seconds_is_not(asked: str) -> None:
    assert error(Response(429, CaseInsensitiveDict({"Retry-After": asked}), b"")).problem == "HTTP 429"


class TestATokenAnswer:
    @pytest.mark.parametrize(
        "content_type",
        ["text/html; charset=UTF-8", "application/x-www-form-urlencoded", "application/json", "", "text/plain"],
    )
    def test_is_read_whatever_its_content_type(self, content_type: str) -> None:
        told = token(Response(200, {"content-type": content_type}, TEXT.encode()))
        assert (told.key, told.secret) == (TOKEN, SECRET)

    def test_is_read_in_any_order_and_with_more_fields(self) -> None:
        told = token(answer(200, f"a=b&oauth_token_secret={SECRET}&oauth_callback_confirmed=true&oauth_token={TOKEN}"))
        assert (told.key, told.secret) == (TOKEN, SECRET)

    def test_shows_neither_token_nor_secret(self) -> None:
        came = answer(200, TEXT)
        told = token(came)
        for text in (repr(told), str(told), repr(came), str(came)):
            assert TOKEN not in text
            assert SECRET not in text

    @pytest.mark.parametrize(
        "body",
        [TEXT[:cut] for cut in (1, 11, 12, 43, 44, 50, 63, 64, 65, 80, len(TEXT) - 1)],
        ids=lambda body: f"{len(body)} of {len(TEXT)} bytes",
    )
    def test_that_was_cut_short_is_not_taken(self, body: str) -> None:
        # Credentials with a part of the secret never work: a store that says `connected` would be lost.
        assert (error(answer(200, body)).reason, error(answer(200, body)).sent) == ("no-token", Sent.LOST)

    @pytest.mark.parametrize(
        "body",
        [
            f"oauth_token=&oauth_token_secret={SECRET}",
            f"oauth_token={TOKEN}&oauth_token_secret=",
            f"oauth_token={TOKEN}&oauth_token_secret={SECRET}0",
            f"oauth_token={TOKEN}&oauth_token_secret={SECRET}&oauth_token_secret={TOKEN}",
            f"oauth_token={TOKEN.upper()}&oauth_token_secret={SECRET}",
            f"oauth_token=x&oauth_token_secret={'y' * 3000}",
            f"oauth_token={TOKEN}&oauth_token_secret={'%C3%A9' * 32}",
        ],
        ids=["no token", "no secret", "a longer secret", "two secrets", "capitals", "3000 characters", "accents"],
    )
    def test_that_holds_no_token_of_magentos_is_not_taken(self, body: str) -> None:
        assert (error(answer(200, body)).reason, error(answer(200, body)).sent) == ("no-token", Sent.LOST)

    @pytest.mark.parametrize("status", [201, 401, 403, 500, 503])
    def test_is_one_by_its_status_too(self, status: int) -> None:
        assert isinstance(error(answer(status, TEXT)), Unavailable)

    def test_with_a_problem_of_a_200_is_a_problem(self) -> None:
        assert error(problem(200, "Consumer key has expired")).reason == "expired"


class TestARedirect:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_is_refused_and_says_where_it_leads(self, status: int) -> None:
        told = error(answer(status, TEXT, Location="https://www.shop.example/oauth/token/request"))
        assert type(told) is Rejected
        assert told.reason == "redirected"
        assert told.problem == f"HTTP {status} to https://www.shop.example/oauth/token/request"

    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("/login", "/login"),
            ("//www.shop.example:8443/a", "HTTP 302 to //www.shop.example:8443/a"),
            ("http://shop.example:8080/a", "http://shop.example:8080/a"),
            ("HTTPS://Shop.Example:443/a?b#c", "https://shop.example/a"),
            ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
            ("https://my-long-and-hyphenated-shop-name.example/", "https://my-long-and-hyphenated-shop-name.example/"),
            ("https://shop.example/\x1b[31m\u202ered\x00", "https://shop.example/ [31m red"),
        ],
    )
    def test_names_scheme_host_and_path(self, location: str, target: str) -> None:
        assert error(answer(302, "", Location=location)).problem.endswith(target)

    @pytest.mark.parametrize(
        "location",
        [
            "",
            "http://[::1",
            "https://[x]/",
            "https:///",
            "https://shop.example:99999/",
            "?a",
            "\x00",
            "javascript:alert(1)",
            "data:text/html,x",
            "//",
            "ftp://shop.example/",
            "http:shop",
        ],
        ids=ascii,
    )
    def test_to_no_place_says_that_alone(self, location: str) -> None:
        assert error(answer(302, "", Location=location)).problem == "HTTP 302"

    def test_without_a_location_says_that_alone(self) -> None:
        assert error(answer(302, "")).problem == "HTTP 302"

    @pytest.mark.parametrize(
        "location",
        [
            f"https://user:{SECRET}@www.shop.example/{SECRET}?a={SECRET}#{SECRET}",
            f"https://{SECRET}@www.shop.example/x{SECRET}",
            f"https://{SECRET}.example/",
            f"/{SECRET}{TOKEN}",
        ],
    )
    def test_shows_no_secret(self, location: str) -> None:
        assert SECRET not in str(error(answer(302, "", Location=location)))

    def test_is_bounded(self) -> None:
        told = error(answer(302, "", Location="https://shop.example/" + "a/" * 40_000))
        assert len(told.problem) <= len("HTTP 302 to ") + MAX_TARGET_LENGTH


class TestTheStoresWords:
    @pytest.mark.parametrize(
        "words",
        [
            f"Token {SECRET} is bad",
            f"oauth_token_secret={SECRET}",
            f"The signature is invalid {SECRET}{TOKEN}",
            f"A{SECRET}",
            SECRET.upper(),
            f"{SECRET}" * 100,
            f"nonce {SECRET}\n{TOKEN}\t{SECRET}",
            f"{'x ' * 140}{SECRET}",
            f"Signature method {SECRET} is not supported",
            f"The nonce is already being used by the consumer with ID {SECRET}",
            f"An error occurred validating the nonce {SECRET}",
        ],
        ids=range(11),
    )
    def test_come_without_anything_that_could_be_a_token(self, words: str) -> None:
        told = problem_error(words)
        for text in (told.problem, str(told), repr(told)):
            assert SECRET.lower() not in text.lower()
            assert TOKEN not in text

    @pytest.mark.parametrize("where", range(290, 301))
    def test_never_end_in_half_a_token(self, where: int) -> None:
        words = "a " * (where // 2) + SECRET
        assert "secret" not in problem_error(words).problem

    @pytest.mark.parametrize(
        "character",
        ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u200b", "\u2028", "\u202e", "\u2066", "\ufeff", "\ud800"],
        ids=ascii,
    )
    def test_come_on_one_line_of_printable_characters(self, character: str) -> None:
        told = problem_error(f"Something{character}{character}new").problem
        assert told == "Something new"

    def test_come_in_bounded_length(self) -> None:
        assert len(problem_error("long words " * 6000).problem) <= MAX_PROBLEM_LENGTH

    def test_come_in_their_own_language(self) -> None:
        assert problem_error("Die Signatur ist ung\u00fcltig").problem == "Die Signatur ist ung\u00fcltig"

    def test_of_an_internal_error_come_without_tokens_too(self) -> None:
        told = error(answer(500, f"internal_error&message=Bad+row+{SECRET}%0Aat+line+7"))
        assert told.problem == "Bad row \u2026 at line 7"

    def test_that_are_html_stay_text(self) -> None:
        # The page escapes them; here they are the store's own words.
        assert problem_error("<b>no</b>").problem == "<b>no</b>"


@pytest.mark.parametrize(
    ("status", "message", "revoked"),
    [
        (401, "Specified token does not exist", True),
        (401, "Token is not an access token", True),
        (401, "Access token has been revoked", True),
        (401, "The consumer isn't authorized to access %resources.", False),
        (401, "The signature is invalid. Verify and try again.", False),
        (401, "", False),
        (401, "x Specified token does not exist", False),
        (200, "Specified token does not exist", False),
        (403, "Access token has been revoked", False),
        (500, "Access token has been revoked", False),
    ],
)
def test_a_token_is_gone_only_where_the_store_says_so(status: int, message: str, revoked: bool) -> None:
    assert is_revoked(status, message) is revoked


@pytest.mark.parametrize("status", [200, 302, 400, 401, 500, 503])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_hostile_body_costs_little_and_is_an_error(body: bytes, status: int) -> None:
    came = answer(status, body[:SIZE])
    assert len(error(came).problem) <= MAX_PROBLEM_LENGTH
    assert processor_time(lambda: token(came)) < LITTLE
