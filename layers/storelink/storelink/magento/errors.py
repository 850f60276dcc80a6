"""What Magento's REST answers mean (Magento\\Framework\\Webapi\\ErrorProcessor)."""

import json
import re
from typing import Any

from storelink.errors import (
    CallFailed,
    CallRefused,
    LoginRefused,
    NotAuthorized,
    NotFound,
    NotNow,
    TwoFactorNeeded,
    Unavailable,
)
from storelink.oauth.problems import one_line, problem_error, redirect_problem
from storelink.transport.http import Response

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


def is_revoked(status: int, message: str) -> bool:
    """Whether a REST answer says that the access token is gone (and not that a resource is missing)."""
    return status == 401 and message.startswith(
        ("Specified token does not exist", "Token is not an access token", "Access token has been revoked")
    )


def call_failed(answer: Response) -> CallFailed | None:
    """The error that an answer to a REST call stands for; None where it is a success (2xx)."""
    status = answer.status
    if status < 300:
        return None
    told = _json(answer.body)
    problem, resource = one_line(_message(told), _SECRET_LIKE), _resource(told)
    if status < 400:
        return CallRefused("redirected", redirect_problem(answer), status)
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


def login_token(answer: Response, *hidden: str) -> str:
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
            raise kind(reason, one_line(problem, _SECRET_LIKE))
    # The words of any other refusal are not known, so they are not repeated: they could be anything that was sent.
    raise call_failed(Response(answer.status, answer.headers, b"")) or Unavailable("unreadable", "HTTP 200")


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
    return one_line(_text(given.get("resources", "")), _SECRET_LIKE) if isinstance(given, dict) else ""


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
