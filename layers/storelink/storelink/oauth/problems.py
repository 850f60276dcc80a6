"""What the answers of Magento's token endpoints mean (Magento\\Framework\\Oauth\\Exception, Oauth\\Helper\\Request)."""

import re
from urllib.parse import parse_qs, urlsplit

from storelink.errors import Rejected, StorelinkError, Unavailable
from storelink.oauth.credentials import TOKEN_PATTERN, Token
from storelink.transport.http import Response

MAX_PROBLEM_LENGTH = 300
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
_BY_STATUS = {403: "blocked", 429: "rate-limited", 503: "maintenance"}


class SignatureMethodRejected(Rejected):
    """The store refused the signature method. Nothing was consumed; the other one may do."""

    def __init__(self, problem: str) -> None:
        super().__init__("signature-method", problem)


class NonceRejected(Unavailable):
    """The store has seen the nonce. Signing again makes a new one."""

    def __init__(self, problem: str) -> None:
        super().__init__("nonce-used", problem)


def token(answer: Response) -> Token:
    """The token in an answer of `oauth/token/request` or `oauth/token/access`, read as form data.

    Its content type says text/html.

    Raises MethodRefused and NonceUsed (sign again), Rejected (final) or Unavailable (safe to ask again).
    """
    text = answer.body.decode("utf-8", "replace")
    form = _form(text)
    key, secret = form.get("oauth_token", ""), form.get("oauth_token_secret", "")
    if answer.status == 200 and TOKEN_PATTERN.fullmatch(key) and TOKEN_PATTERN.fullmatch(secret):
        return Token(key, secret)
    if 300 <= answer.status < 400:
        raise Rejected("redirected", redirect_problem(answer))
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
        return SignatureMethodRejected(words)
    if problem.startswith(_NONCE_USED):
        return NonceRejected(words)
    for beginning, reason in _FINAL.items():
        if problem.startswith(beginning):
            return Rejected(reason, words)
    for beginning, reason in _TRANSIENT.items():
        if problem.startswith(beginning):
            return Unavailable(reason, words)
    return Rejected("refused", words)


def redirect_problem(answer: Response) -> str:
    """Names where the redirect leads by host, or says that it stays: the rest of a Location is a stranger's text."""
    try:
        host = urlsplit(answer.headers.get("Location", "")).hostname
    except ValueError:
        host = None
    return f"HTTP {answer.status}" + (f" to {_words(host)}" if host else "")


def _wait(answer: Response) -> str:
    """How long the store asks to be left alone, if it says so in seconds (RFC 9110 section 10.2.3)."""
    seconds = answer.headers.get("Retry-After", "")
    return f", not again for {seconds} s" if _SECONDS.fullmatch(seconds) else ""


def _words(text: str) -> str:
    """The store's words on one line, bounded, and without anything that could be a key or a token."""
    return one_line(text, _TOKEN_LIKE)


def one_line(text: str, secret: re.Pattern[str]) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return secret.sub("…", line)[:MAX_PROBLEM_LENGTH]
