"""What the answers of Magento's token endpoints mean (Magento\\Framework\\Oauth\\Exception, Oauth\\Helper\\Request)."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from storelink.errors import Rejected, Sent, StorelinkError, Unavailable
from storelink.oauth.credentials import Token
from storelink.transport.http import Response, clock_skew, redirect_target

MAX_PROBLEM_LENGTH = 300
"""Characters of the store's own words that are kept."""

MAX_TARGET_LENGTH = 120
"""Characters of a redirect's target that are kept."""

TIMESTAMP_WINDOW = 600
"""Seconds that a timestamp may lie in Magento's future (Magento\\Integration\\Model\\Oauth\\Nonce\\Generator)."""

_FINAL = {
    "The signature is invalid": "signature-invalid",
    "Invalid signature": "signature-invalid",
    "The signatire is invalid": "signature-invalid",
    "Consumer key has expired": "expired",
    "A consumer having the specified key does not exist": "integration-deleted",
    "Consumer key is not the correct length": "consumer-key-length",
    "Cannot create request token because consumer token is not a verifier token": "reauthorize",
    "Token verifier and verifier token do not match": "verifier-mismatch",
    "Verifier is not the correct length": "verifier-mismatch",
    "Specified token does not exist": "reauthorize",
    "Token is already being used": "reauthorize",
    '"oauth_consumer_key" is required': "header-lost",
    "oauth_consumer_key is a required field": "header-lost",
}
_NONCE = {
    "The nonce is already being used by the consumer with ID": "nonce-used",
    "An error occurred validating the nonce": "clock",
    "Incorrect timestamp value in the oauth_timestamp parameter": "clock",
}
_TRANSIENT = {"internal_error": "store-error"}
"""What Magento's words begin with (whatever their case and quotes), and the reason that they stand for."""

_METHOD_REFUSED = re.compile(r"Signature method .+ is not supported", re.IGNORECASE)
_QUOTES = re.compile("[\"'“”„]|&quot;")
_SECONDS = re.compile(r"[0-9]{1,6}")
_TOKEN_LIKE = re.compile(r"[A-Za-z0-9_-]{24,}")
_TOKEN_IN_URL = re.compile(r"[A-Za-z0-9]{32,}")
_FIELD = {
    name: re.compile(rf"{name}=([a-z0-9]{{32}})(?![a-z0-9])")  # in the capital letters that PHP's notices begin with
    for name in ("oauth_token", "oauth_token_secret")
}
_PROBLEM = re.compile(r"oauth_problem=([^&<\r\n]*)")
_INTERNAL_ERROR = re.compile(r"[\ufeff\s]*internal_error(?:&message=([^&<\r\n]*))?")
_BY_STATUS = {403: "blocked", 429: "rate-limited", 503: "maintenance"}
_GAVE_UP = re.compile(r"guru meditation|backend fetch failed|first byte timeout|backend read error", re.IGNORECASE)
"""Words of caches (Varnish, Fastly) that did not wait for Magento's answer; their status is 503, too."""


class SignatureMethodRejected(Rejected):
    """The store refused the signature method. Nothing was consumed; the other one may do."""

    def __init__(self, problem: str) -> None:
        super().__init__("signature-method", problem, sent=Sent.REFUSED)


class NonceRejected(Unavailable):
    """The store refused nonce or timestamp before it did anything. Signing again makes new ones.

    skew: seconds by which the store's clock is ahead of this machine's, None where its answer did not show it.
    """

    skew: float | None = None

    @property
    def is_clock_wrong(self) -> bool:
        """Whether the answer proves that the two clocks are too far apart, so that signing again is of no use."""
        return self.skew is not None and self.skew < -TIMESTAMP_WINDOW


def token(answer: Response, has_password: bool = False) -> Token:
    """The token in an answer of `oauth/token/request` or `oauth/token/access`.

    It is form data, though its content type says text/html. Output of PHP's own (a byte order mark, line ends, notices
    of a module) may stand around the two fields. has_password: the request had the web server's password.
    Raises SignatureMethodRejected and NonceRejected (sign again), Rejected (final) or Unavailable (ask again); `sent`
    says whether the store may have given a token with the answer.
    """
    text = answer.body.decode("utf-8", "replace")
    found = _token(text) if answer.status == 200 else None
    if found is not None:
        return found
    if 300 <= answer.status < 400:
        raise Rejected("redirected", redirect_problem(answer), sent=Sent.REFUSED)
    if problem := _PROBLEM.search(text):
        raise _with_skew(problem_error(unquote_plus(problem[1])), answer.headers)
    if internal := _INTERNAL_ERROR.match(text):
        raise Unavailable("store-error", _words(unquote_plus(internal[1] or "internal_error")), sent=Sent.REFUSED)
    if answer.status == 401 and (problem_text := password_problem(answer)):
        raise Rejected(password_reason(has_password), problem_text, sent=Sent.REFUSED)
    raise _unreadable(answer, text)


def _token(text: str) -> Token | None:
    """The token whose two fields stand in a text, each with one value; None where they do not."""
    key, secret = (set(pattern.findall(text)) for pattern in _FIELD.values())
    return Token(key.pop(), secret.pop()) if len(key) == len(secret) == 1 else None


def _unreadable(answer: Response, text: str) -> Unavailable:
    """The error for an answer that holds neither a token nor Magento's words.

    A server in front refuses before Magento is asked (4xx, 503), or gives up waiting for it (500 and above).
    """
    problem = f"HTTP {answer.status}{_wait(answer)}"
    if answer.status == 200:
        return Unavailable("no-token", problem, sent=Sent.LOST)
    refused = 400 <= answer.status < 500 or (answer.status == 503 and not _GAVE_UP.search(text))
    reason = _BY_STATUS.get(answer.status, "store-error" if answer.status >= 500 else "unreadable")
    return Unavailable(reason, problem, sent=Sent.REFUSED if refused else Sent.LOST)


def problem_error(problem: str) -> StorelinkError:
    """The error that an `oauth_problem`, or the message of a refused REST call, stands for.

    Its reason is "refused" where the words are not known.
    """
    words = _words(problem)
    if _METHOD_REFUSED.match(problem):
        return SignatureMethodRejected(words)
    said = _plain(problem)
    for known, kind in ((_NONCE, NonceRejected), (_FINAL, Rejected), (_TRANSIENT, Unavailable)):
        for beginning, reason in known.items():
            if said.startswith(_plain(beginning)):
                return kind(reason, words, sent=Sent.REFUSED)
    return Rejected("refused", words, sent=Sent.REFUSED)


def _plain(text: str) -> str:
    """Words without quotes and in small letters; they differ between Magento's versions."""
    return _QUOTES.sub("", text[:MAX_PROBLEM_LENGTH]).strip().casefold()


def _with_skew(error: StorelinkError, headers: Mapping[str, str]) -> StorelinkError:
    if isinstance(error, NonceRejected):
        error.skew = clock_skew(headers)
    return error


def clock_error(error: NonceRejected) -> StorelinkError:
    """The error for a nonce that was refused again. Rejected where the store's Date proves that a clock is wrong."""
    if not error.is_clock_wrong or error.skew is None:
        return error
    problem = f"{error.problem}; the store's clock is {-error.skew:.0f} s behind"
    return Rejected("clock", problem, sent=Sent.REFUSED)


def redirect_problem(answer: Response) -> str:
    """Names where a redirect leads: scheme, host and path, or that it does. A Location is a stranger's text."""
    target = one_line(redirect_target(answer), _TOKEN_IN_URL)[:MAX_TARGET_LENGTH]
    return f"HTTP {answer.status}" + (f" to {target}" if target else "")


def password_problem(answer: Response) -> str:
    """What a web server says that asks for a password of its own (RFC 9110 section 11.6.1); "" where it does not."""
    asked = answer.headers.get("WWW-Authenticate", "")
    schemes = [scheme for scheme in ("Basic", "Digest", "Negotiate", "NTLM") if _asks_for(scheme, asked)]
    return f"HTTP {answer.status}, the web server asks for a password ({', '.join(schemes)})" if schemes else ""


def password_reason(has_password: bool) -> str:
    """The reason of a web server that asks for a password of its own. has_password: the request had one."""
    return "password-refused" if has_password else "password-protected"


def _asks_for(scheme: str, asked: str) -> bool:
    return re.search(rf"(?:^|,)\s*{scheme}(?:\s|,|$)", asked[:MAX_PROBLEM_LENGTH], re.IGNORECASE) is not None


def _wait(answer: Response) -> str:
    """How long the store asks to be left alone, if it says so in seconds (RFC 9110 section 10.2.3)."""
    seconds = answer.headers.get("Retry-After", "")
    return f", not again for {seconds} s" if _SECONDS.fullmatch(seconds) else ""


def _words(text: str) -> str:
    """The store's words on one line, bounded, and without anything that could be a key or a token."""
    return one_line(text, _TOKEN_LIKE)


def one_line(text: str, secret: re.Pattern[str]) -> str:
    """A text on one line of printable characters, with `secret` masked, at most `MAX_PROBLEM_LENGTH` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return secret.sub("…", line)[:MAX_PROBLEM_LENGTH]
