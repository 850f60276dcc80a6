"""What Magento's REST answers mean (Magento\\Framework\\Webapi\\ErrorProcessor), and what it means that none came."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from storelink.errors import (
    READING_METHODS,
    CallFailed,
    CallRefused,
    LoginRefused,
    NotAuthorized,
    NotFound,
    NotJSON,
    NotNow,
    Rejected,
    Sent,
    TwoFactorNeeded,
    Unavailable,
)
from storelink.oauth.problems import (
    MAX_PROBLEM_LENGTH,
    one_line,
    password_problem,
    password_reason,
    problem_error,
    redirect_problem,
)
from storelink.transport.http import MAX_ERROR_BYTES, Response, read_json

MAX_ERRORS = 20
"""Errors within an error that are read."""

MAX_VALUES = 10
"""Values of a parameter that are read, where it is a list."""

MAX_PLACES = 100
"""Places of a message that its parameters are put into."""

_SECRET_LIKE = re.compile(r"(?<![\w-])[a-z0-9]{32}(?![\w-])|eyJ[\w-]+(?:\.[\w-]*)*")
"""A token of Magento's, or a JWT. Other long words (an SKU, an ACL resource) say what is wrong."""
_PLACE = re.compile(r"%(\w+)")
_LOGIN_TOKEN = re.compile(r"[A-Za-z0-9._-]{24,8192}")
_FIRST_MESSAGE = re.compile(rb'\s*\{\s*"message"\s*:\s*("(?:[^"\\]|\\.)*")')
"""Magento writes `message` first, so it can be read of a body that was cut off (a long `trace`)."""
_NOT_LOGGED_IN: dict[str, tuple[type[LoginRefused], str]] = {
    "2fa provider-specific endpoints": (TwoFactorNeeded, "two-factor"),
    "configure personal Two-Factor": (TwoFactorNeeded, "two-factor-setup"),
    "configure 2FA first": (TwoFactorNeeded, "two-factor-unchosen"),
    "Provider is not configured": (TwoFactorNeeded, "two-factor-provider"),
    "Failed to send the message": (TwoFactorNeeded, "two-factor-mail"),
    "Invalid code": (LoginRefused, "otp-refused"),
    "locked": (LoginRefused, "login-locked"),
    "sign-in was incorrect": (LoginRefused, "login-refused"),
}
_NOT_JSON = object()
_PASSING = re.compile(r"lock wait timeout|deadlock found|please try again", re.IGNORECASE)
"""Words of a cause that passes; Magento sends them with status 400."""
_TOO_LARGE = {413: "body-too-large", 414: "url-too-long", 431: "url-too-long"}
_GONE = ("Specified token does not exist", "Token is not an access token", "Access token has been revoked")
_UNAUTHORIZED = "The consumer isn't authorized"
_SELF = "self"
"""The resource that every customer has (Magento\\Customer\\Model\\Plugin\\CustomerAuthorization)."""


def is_revoked(status: int, message: str) -> bool:
    """Whether a REST answer says that the access token is gone (and not that a resource is missing)."""
    return status == 401 and message.startswith(_GONE)


def is_nonce_refused(status: int, message: str) -> bool:
    """Whether a REST answer refuses nonce or timestamp. The call was not carried out; sign it again, once."""
    return status in (400, 401) and problem_error(message).reason in ("nonce-used", "clock")


def call_failed(
    answer: Response, method: str = "", by_customer: bool = False, has_password: bool = False
) -> CallFailed | None:
    """The error that an answer to a REST call stands for; None where it is a success (2xx).

    method: HTTP's, "" where it is not known. by_customer: the call was made by a customer's token.
    has_password: it had the web server's own password.
    """
    status = answer.status
    if 200 <= status < 300:
        return None
    kind, reason, problem, resource = _meaning(answer, by_customer)
    if reason == "password-protected":
        reason = password_reason(has_password)
    # A server in front of Magento may give up waiting (500 and above) while Magento carries the call out.
    sent = Sent.LOST if status >= 500 or status < 200 else Sent.REFUSED
    return kind(reason, problem, status, resource, sent=sent, method=method)


def _meaning(answer: Response, by_customer: bool) -> tuple[type[CallFailed], str, str, str]:
    """Kind, reason, problem and resource of an answer that is no success."""
    status, body = answer.status, _body(answer.body)
    said = _text(answer.body) if body is _NOT_JSON else _message(body)
    problem, resource = one_line(said, _SECRET_LIKE), _resource(body)
    if 300 <= status < 400:
        return CallRefused, "redirected", redirect_problem(answer), ""
    if status in _TOO_LARGE:
        return CallRefused, _TOO_LARGE[status], problem, ""
    if status == 404:
        return NotFound, "call-not-found", problem, ""
    if status == 429 or status >= 500 or status < 200:
        return NotNow, "call-later", problem, ""
    if is_nonce_refused(status, problem):
        return NotNow, "call-nonce", problem, ""
    if status in (401, 403):
        return NotAuthorized, *_refusal(answer, body, problem, resource, by_customer)
    known = problem_error(problem).reason
    if known == "refused" and _PASSING.search(problem):
        return NotNow, "call-later", problem, ""
    return CallRefused, "call-refused" if known == "refused" else known, problem, ""


def _refusal(answer: Response, body: Any, problem: str, resource: str, by_customer: bool) -> tuple[str, str, str]:
    """Reason, problem and resource of a 401 or 403."""
    if is_revoked(answer.status, problem):
        return "revoked", problem, ""
    if by_customer and resource == _SELF:
        return "login-expired", problem, resource
    if resource or problem.startswith(_UNAUTHORIZED):
        return "forbidden", problem, resource
    known = problem_error(problem).reason
    if known != "refused":
        return known, problem, ""
    if asked := password_problem(answer):
        return "password-protected", asked, ""
    return "blocked" if body is _NOT_JSON else "not-authorized", problem, ""


def no_answer(error: Unavailable, method: str) -> Unavailable:
    """The error for a REST call that got no whole answer, from what the guard says of it.

    Where the call may have been carried out, the advice is to look first; else it says what lets the answer come.
    """
    if error.reason not in ("unreachable", "unreadable"):
        return error
    if error.sent is Sent.LOST and method.upper() not in READING_METHODS:
        reason = "call-unknown"
    elif error.limit:
        reason = {"bytes": "call-too-large", "time": "call-slow"}[error.limit]
    else:
        reason = "call-broken" if error.sent is Sent.LOST else "call-unreachable"
    return Unavailable(reason, error.problem, sent=error.sent, method=method, limit=error.limit)


def read_answer(answer: Response, **options: Any) -> Any:
    """The JSON of a successful answer. options: as `json.loads` takes them.

    Raises NotJSON, which says what came in its place.
    """
    try:
        return read_json(answer.body, **options)
    except ValueError as error:
        start = answer.body.lstrip(b" \t\r\n\xef\xbb\xbf")
        what = "nothing" if not start else "a web page" if start.startswith(b"<") else "text that is not JSON"
        if "too deep" in str(error):
            what = "JSON that is nested too deep"
    raise NotJSON("not-json", f"HTTP {answer.status}, {what} instead of JSON", answer.status) from None


def login_token(answer: Response, *hidden: str) -> str:
    """The token in an answer of one of the login endpoints: a JSON string.

    hidden: what must not come back in the store's words. Raises LoginRefused, Rejected, CallFailed.
    """
    body = _body(answer.body)
    if answer.status == 200 and isinstance(body, str) and _LOGIN_TOKEN.fullmatch(body):
        return body
    said = problem = _message(body) if isinstance(body, dict) else ""
    for secret in filter(None, hidden):
        problem = problem.replace(secret, "…")
    for words, (kind, reason) in _NOT_LOGGED_IN.items():
        if words in said:
            raise kind(reason, one_line(problem, _SECRET_LIKE), sent=Sent.REFUSED)
    if asked := password_problem(answer):
        raise Rejected("password-protected", asked, sent=Sent.REFUSED)
    # The words of any other refusal are not known, so they are not repeated: they could be anything that was sent.
    bare = Response(answer.status, answer.headers, b"")
    raise call_failed(bare, "POST") or NotJSON("not-json", f"HTTP {answer.status}, no token", answer.status)


def _body(body: bytes) -> Any:
    """An error's body: JSON, or what can be read of its beginning where it was cut off; `_NOT_JSON` for others."""
    body = body[:MAX_ERROR_BYTES]
    try:
        return read_json(body)
    except ValueError:
        found = _FIRST_MESSAGE.match(body) if len(body) == MAX_ERROR_BYTES else None
    try:
        return {"message": json.loads(found[1])} if found else _NOT_JSON
    except ValueError:
        return _NOT_JSON


def _text(body: bytes) -> str:
    """The words of an error that is plain text; "" where it is a page, JSON or not to be read."""
    start = body[: 4 * MAX_PROBLEM_LENGTH].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    # What is cut off must not end in a part of a token.
    words = " ".join(start.split()[:-1]) if len(body) > 4 * MAX_PROBLEM_LENGTH else start
    return "" if start[:1] in ("<", "{", "[", '"') or "<html" in start.lower() or "\ufffd" in start else words


def _message(body: Any) -> str:
    """Magento's message with its parameters put in, and those of the errors within it, bounded."""
    words: list[str] = []
    length = 0
    for error in _errors(body):
        words.append(_filled(error))
        length += len(words[-1])
        if length > MAX_ERROR_BYTES:
            break
    return " ".join(filter(None, words))


def _errors(body: Any) -> Iterator[dict[str, Any]]:
    """An error and the errors within it, in order, at most `MAX_ERRORS` of them.

    Within it are {"errors": […]}, and {"messages": {"error": […]}}, which a fatal error is sent as.
    """
    waiting = [body]
    for _ in range(MAX_ERRORS):
        if not waiting:
            return
        error = waiting.pop(0)
        if isinstance(error, str):
            yield {"message": error}
        if not isinstance(error, dict):
            continue
        yield error
        messages = error.get("messages")
        for inner in (error.get("errors"), messages.get("error") if isinstance(messages, dict) else None):
            waiting[:0] = inner if isinstance(inner, list) else []


def _filled(error: dict[str, Any]) -> str:
    """An error's message with its parameters, named or numbered, in place. Each value is put in bounded."""
    text, given = error.get("message", error.get("error")), error.get("parameters")
    if not isinstance(text, str):
        return ""
    if isinstance(given, list):
        given = {str(number): value for number, value in enumerate(given[:MAX_ERRORS], start=1)}
    values = given if isinstance(given, dict) else {}
    filled, end = [], 0
    length = 0
    for place in islice(_PLACE.finditer(text), MAX_PLACES):
        value = _value(values[place[1]]) if place[1] in values else place[0]
        filled += [text[end : place.start()], value]
        length += len(value)
        end = place.end()
        if length > MAX_ERROR_BYTES:
            return "".join(filled)
    return "".join(filled) + text[end:]


def _resource(body: Any) -> str:
    given = body.get("parameters") if isinstance(body, dict) else None
    return one_line(_value(given.get("resources", "")), _SECRET_LIKE) if isinstance(given, dict) else ""


def _value(value: Any) -> str:
    """A parameter's value: text, a number, or a list of them; "…" for anything else."""
    values = value[:MAX_VALUES] if isinstance(value, list) else [value]
    return ", ".join(str(one) if isinstance(one, str | int | float | None) else "…" for one in values)


def store_words(text: str) -> str:
    """The store's words on one line, bounded, and without anything that could be a key or a token."""
    return one_line(text, _SECRET_LIKE)
