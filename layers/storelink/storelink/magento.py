"""What Magento's answers mean (Magento_Integration's Oauth exceptions and OauthHelper::prepareErrorResponse)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storelink.activation import TOKEN
from storelink.confidential import Confidential
from storelink.errors import (
    CallFailed,
    CallRefused,
    LoginRefused,
    NotAuthorized,
    NotFound,
    NotNow,
    Rejected,
    StorelinkError,
    TwoFactorNeeded,
    Unavailable,
)
from storelink.signing import Token

LONGEST_PROBLEM = 300
"""Characters of the store's own words that are kept."""

_FINAL = {
    "The signature is invalid": "signature-invalid",
    "Consumer key has expired": "expired",
    "A consumer having the specified key does not exist": "integration-deleted",
    "Consumer key is not the correct length": "consumer-key-length",
    "Cannot create request token because consumer token is not a verifier token": "reauthorize",
    "Token verifier and verifier token do not match": "verifier-mismatch",
    "Verifier is not the correct length": "verifier-mismatch",
    "Specified token does not exist": "reauthorize",
    "Token is already being used": "reauthorize",
    '"oauth_consumer_key" is required': "header-lost",
}
_TRANSIENT = {
    "An error occurred validating the nonce": "clock",
    "internal_error": "store-error",
}
_METHOD_REFUSED = re.compile(r"Signature method .+ is not supported")
_NONCE_USED = "The nonce is already being used by the consumer with ID"
_SECONDS = re.compile(r"[0-9]{1,6}")
_TOKEN_LIKE = re.compile(r"[A-Za-z0-9_-]{24,}")
_SECRET_LIKE = re.compile(r"(?<![\w-])[a-z0-9]{32}(?![\w-])|eyJ[\w-]+(?:\.[\w-]*)*")
"""A token of Magento's, or a JWT. Other long words (an SKU, an ACL resource) say what is wrong."""
_PLACE = re.compile(r"%(\w+)")
_LOGIN_TOKEN = re.compile(r"[A-Za-z0-9._-]{24,8192}")
_NOT_LOGGED_IN: dict[str, tuple[type[LoginRefused], str]] = {
    "2fa provider-specific endpoints": (TwoFactorNeeded, "two-factor"),
    "configure personal Two-Factor": (TwoFactorNeeded, "two-factor-setup"),
    "configure 2FA first": (TwoFactorNeeded, "two-factor-setup"),
    "Invalid code": (LoginRefused, "otp-refused"),
    "locked": (LoginRefused, "login-locked"),
    "sign-in was incorrect": (LoginRefused, "login-refused"),
}
_BY_STATUS = {403: "blocked", 429: "rate-limited", 503: "maintenance"}


class MethodRefused(Rejected):
    """The store refused the signature method. Nothing was consumed; the other one may do."""

    def __init__(self, problem: str) -> None:
        super().__init__("signature-method", problem)


class NonceUsed(Unavailable):
    """The store has seen the nonce. Signing again makes a new one."""

    def __init__(self, problem: str) -> None:
        super().__init__("nonce-used", problem)


@dataclass(frozen=True, eq=False)
class Answer(Confidential):
    """A store's answer as it came. headers: looked up without regard to case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def token(answer: Answer) -> Token:
    """The token in an answer of `oauth/token/request` or `oauth/token/access`, read as form data.

    Its content type says text/html.

    Raises MethodRefused and NonceUsed (sign again), Rejected (final) or Unavailable (safe to ask again).
    """
    text = answer.body.decode("utf-8", "replace")
    form = _form(text)
    key, secret = form.get("oauth_token", ""), form.get("oauth_token_secret", "")
    if answer.status == 200 and TOKEN.fullmatch(key) and TOKEN.fullmatch(secret):
        return Token(key, secret)
    if 300 <= answer.status < 400:
        raise Rejected("redirected", _redirect_problem(answer))
    if "oauth_problem" in form:
        raise problem_error(form["oauth_problem"])
    if text.startswith("internal_error"):
        raise Unavailable("store-error", _words(form.get("message", "internal_error")))
    if answer.status >= 500 and answer.status not in _BY_STATUS:
        raise Unavailable("store-error", f"HTTP {answer.status}")
    raise Unavailable(_BY_STATUS.get(answer.status, "unreadable"), f"HTTP {answer.status}{_wait(answer)}")


def _form(text: str) -> dict[str, str]:
    """A short form body's fields; {} where it is none."""
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}
    except ValueError:
        return {}


def problem_error(problem: str) -> StorelinkError:
    """The error that an `oauth_problem` stands for."""
    words = _words(problem)
    if _METHOD_REFUSED.match(problem):
        return MethodRefused(words)
    if problem.startswith(_NONCE_USED):
        return NonceUsed(words)
    for beginning, reason in _FINAL.items():
        if problem.startswith(beginning):
            return Rejected(reason, words)
    for beginning, reason in _TRANSIENT.items():
        if problem.startswith(beginning):
            return Unavailable(reason, words)
    return Rejected("refused", words)


def is_revoked(status: int, message: str) -> bool:
    """Whether a REST answer says that the access token is gone (and not that a resource is missing)."""
    return status == 401 and message.startswith(
        ("Specified token does not exist", "Token is not an access token", "Access token has been revoked")
    )


def call_failed(answer: Answer) -> CallFailed | None:
    """The error that an answer to a REST call stands for; None where it is a success (2xx)."""
    status = answer.status
    if status < 300:
        return None
    told = _json(answer.body)
    problem, resource = _line(_message(told), _SECRET_LIKE), _resource(told)
    if status < 400:
        return CallRefused("redirected", _redirect_problem(answer), status)
    if status == 404:
        return NotFound("call-not-found", problem, status)
    if status == 429 or status >= 500:
        return NotNow("call-later", problem, status)
    known = problem_error(problem).reason
    if is_revoked(status, problem):
        return NotAuthorized("revoked", problem, status)
    if resource or problem.startswith("The consumer isn't authorized"):
        return NotAuthorized("forbidden", problem, status, resource)
    if status in (401, 403):
        by_words = "blocked" if told is None else "forbidden"
        return NotAuthorized(by_words if known == "refused" else known, problem, status)
    return CallRefused("call-refused" if known == "refused" else known, problem, status)


def login_token(answer: Answer, *hidden: str) -> str:
    """The token in an answer of one of the login endpoints: a JSON string.

    hidden: what must not come back in the store's words. Raises LoginRefused, CallFailed, Unavailable.
    """
    told = _json(answer.body)
    if answer.status == 200 and isinstance(told, str) and _LOGIN_TOKEN.fullmatch(told):
        return told
    said = problem = _message(told)
    for secret in filter(None, hidden):
        problem = problem.replace(secret, "…")
    for words, (kind, reason) in _NOT_LOGGED_IN.items():
        if words in said:
            raise kind(reason, _line(problem, _SECRET_LIKE))
    # The words of any other refusal are not known, so they are not repeated: they could be anything that was sent.
    raise call_failed(Answer(answer.status, answer.headers, b"")) or Unavailable("unreadable", "HTTP 200")


def message(body: bytes) -> str:
    """What a REST answer's `message` says, its parameters put in; "" where it has none."""
    return _message(_json(body))


def _json(body: bytes) -> Any:
    """A JSON body, read; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(told: Any) -> str:
    """Magento's message with its parameters (named or numbered) put in, and those of the errors within it."""
    if not isinstance(told, dict):
        return ""
    given = told.get("parameters")
    if isinstance(given, list):
        given = {str(number): value for number, value in enumerate(given, start=1)}
    values = given if isinstance(given, dict) else {}
    whole = _PLACE.sub(lambda place: _text(values.get(place[1], place[0])), str(told.get("message", "")))
    errors = told.get("errors")
    within = [_message(error) for error in errors] if isinstance(errors, list) else []
    return " ".join(filter(None, [whole, *within]))


def _resource(told: Any) -> str:
    given = told.get("parameters") if isinstance(told, dict) else None
    return _line(_text(given.get("resources", "")), _SECRET_LIKE) if isinstance(given, dict) else ""


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _redirect_problem(answer: Answer) -> str:
    """Names where the redirect leads by host, or says that it stays: the rest of a Location is a stranger's text."""
    try:
        host = urlsplit(answer.headers.get("Location", "")).hostname
    except ValueError:
        host = None
    return f"HTTP {answer.status}" + (f" to {_words(host)}" if host else "")


def _wait(answer: Answer) -> str:
    """How long the store asks to be left alone, if it says so in seconds (RFC 9110 section 10.2.3)."""
    seconds = answer.headers.get("Retry-After", "")
    return f", not again for {seconds} s" if _SECONDS.fullmatch(seconds) else ""


def _words(text: str) -> str:
    """The store's words on one line, bounded, and without anything that could be a key or a token."""
    return _line(text, _TOKEN_LIKE)


def _line(text: str, secret: re.Pattern[str]) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return secret.sub("…", line)[:LONGEST_PROBLEM]
