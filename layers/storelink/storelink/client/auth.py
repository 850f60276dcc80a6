"""What authorizes a session's calls: OAuth 1.0a signatures or a user's token, read once and kept for the process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NoReturn, Protocol, TypeVar

from requests import PreparedRequest, Response

from storelink.errors import Invalid, Rejected
from storelink.magento.login import Login
from storelink.oauth import attempts
from storelink.oauth.credentials import Credentials
from storelink.oauth.signature import DIALECTS, normalize_url, sign

R = TypeVar("R", bound=Response)

FORM = "application/x-www-form-urlencoded"


class Auth(Protocol):
    """Authorizes requests. Equal ones authorize alike."""

    @property
    def is_over(self) -> bool:
        """Whether the store takes it no more, as far as is known here."""

    @property
    def is_customers(self) -> bool:
        """Whether it is a customer's token."""

    def prepare(self, request: PreparedRequest) -> None:
        """Write a request as it can be authorized. Raises Invalid."""

    def authorize(self, request: PreparedRequest) -> None:
        """Write the header of one call."""

    def send(self, request: PreparedRequest, send: Callable[[PreparedRequest], R]) -> R:
        """Authorize a request and send it, again where only its authorization was refused and another one is left."""


class KnownDialects:
    """The signature dialects that a store may speak, as far as calls have shown. save: keeps them for later processes.

    Threads may narrow them at the same time; then one result is lost, and found again by a later call.
    """

    def __init__(self, save: Callable[[tuple[str, ...]], None] | None = None) -> None:
        self.names: tuple[str, ...] = ()
        self._save = save

    def start(self, names: tuple[str, ...]) -> None:
        """Begin with what an earlier process found out."""
        self.names = self.names or tuple(name for name in names if name in DIALECTS)

    def learn(self, names: tuple[str, ...]) -> None:
        """Keep what a call has shown."""
        if names != self.names:
            self.names = names
            if self._save is not None:
                self._save(names)


@dataclass(frozen=True)
class SignatureAuth:
    """By OAuth 1.0a (RFC 5849)."""

    credentials: Credentials
    dialects: KnownDialects = field(default_factory=KnownDialects, compare=False)

    @property
    def is_over(self) -> bool:
        return False

    @property
    def is_customers(self) -> bool:
        return False

    def prepare(self, request: PreparedRequest) -> None:
        if str(request.headers.get("Content-Type", "")).startswith(FORM):
            raise Invalid({"data": "is a form, over which Magento signs in its own way; send JSON, by json=…"})
        request.url = normalize_url(str(request.url))

    def authorize(self, request: PreparedRequest, dialect: str = "") -> None:
        dialect = dialect or next(iter([*self.dialects.names, *DIALECTS]))
        header = sign(str(request.method), str(request.url), self.credentials, dialect)
        request.headers["Authorization"] = header

    def send(self, request: PreparedRequest, send: Callable[[PreparedRequest], R]) -> R:
        def signed(dialect: str) -> R:
            self.authorize(request, dialect)
            return send(request)

        if not is_repeatable(request):
            return signed("")
        response, known = attempts.send(signed, status_and_error, str(request.url), self.dialects.names)
        self.dialects.learn(known)
        return response


@dataclass(frozen=True)
class BearerAuth:
    """By a customer's or an admin's token (RFC 6750)."""

    login: Login

    @property
    def is_over(self) -> bool:
        return self.login.is_over

    @property
    def is_customers(self) -> bool:
        return self.login.kind == "customer"

    def prepare(self, request: PreparedRequest) -> None:
        """A token has nothing to do with how a request is written."""

    def authorize(self, request: PreparedRequest) -> None:
        request.headers["Authorization"] = f"Bearer {self.login.token}"

    def send(self, request: PreparedRequest, send: Callable[[PreparedRequest], R]) -> R:
        self.authorize(request)
        return send(request)


def is_repeatable(request: PreparedRequest) -> bool:
    """Whether a request can be sent again: its body was not read from a file or an iterator."""
    return isinstance(request.body, bytes | str | None)


def status_and_error(response: Response) -> tuple[int, bytes]:
    """The status, and the body if it is an error's: a success may be streamed."""
    return response.status_code, response.content if response.status_code >= 300 else b""


A = TypeVar("A", bound=Auth)


FORBIDDEN_PAUSE = 30.0
"""Seconds after which a missing resource is a reason again to read the credentials: Magento says the same of an
integration that was deleted and added again."""


class CachedAuth(Generic[A]):
    """What authorizes a session's calls, read once and again when it is over or refused. Safe across threads."""

    def __init__(self, read: Callable[[], A], first: A | None = None) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._auth = first
        self._doubted_at = -FORBIDDEN_PAUSE

    def current(self) -> A:
        with self._lock:
            if self._auth is None or self._auth.is_over:
                self._auth = self._read()
            return self._auth

    def after(self, refused: A) -> A:
        """The next one, or one equal to it where there is none yet."""
        with self._lock:
            if self._auth is refused:
                self._auth = self._read()
            return self._auth or refused

    def after_doubt(self, refused: A) -> A:
        """The same, at most once in `FORBIDDEN_PAUSE` seconds: a resource may be missing, or the key be replaced."""
        with self._lock:
            now = time.monotonic()
            if now - self._doubted_at < FORBIDDEN_PAUSE:
                return self._auth or refused
            self._doubted_at = now
        return self.after(refused)

    def forget(self) -> None:
        """Drop it, and read none any more."""
        with self._lock:
            self._auth, self._read = None, expired


def expired() -> NoReturn:
    """Raise what stands for a login that is over."""
    raise Rejected("login-expired")
