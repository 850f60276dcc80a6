"""`storelink.connect(store_url)`: a requests session whose calls the store accepts."""

import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Generic, NoReturn, TypeVar, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from storelink import credentials
from storelink.credentials import logins
from storelink.errors import Invalid, Rejected, Unavailable
from storelink.magento import errors as magento_errors
from storelink.magento import login as magento_login
from storelink.magento import query, search
from storelink.magento.login import Login
from storelink.magento.query import Parameters
from storelink.magento.search import PAGE_SIZE, Filters, Page, Search
from storelink.oauth.credentials import Credentials
from storelink.oauth.signature import authorization_header, normalize_url
from storelink.store import DOT_SEGMENT, Store
from storelink.transport import guard
from storelink.transport.guard import CONNECT_TIMEOUT
from storelink.transport.http import MAX_ERROR_BYTES, Response
from storelink.transport.session import GuardedAdapter, GuardedSession

READ_TIMEOUT = 30.0
"""Seconds a REST call may be silent, where the call does not say otherwise."""
RETRY_SECONDS = 30.0
"""Seconds in which a call that only reads is begun again, where the session does not say otherwise."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes that an answer may have, unpacked, where the session does not say otherwise."""
MAX_SECONDS = 300.0
"""Seconds that a call may last in all, where the session does not say otherwise."""
POOL_SIZE = 32
"""Connections that a session keeps open; threads beyond that open their own for each call."""

_READING = ("GET", "HEAD")
_NOT_NOW = (429, 502, 503, 504)
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
_FORM = "application/x-www-form-urlencoded"
_SHORT = re.compile(r"/?(V\d+/.*)", re.DOTALL)
_STORE_VIEW = re.compile(r"[A-Za-z0-9_]{1,64}")
_RANDOM = random.SystemRandom()


def connect(
    store_url: str,
    stack: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
) -> "StoreSession":
    """A session whose every call is signed for this store and whose base is the store.

    store_url: as Magento knows it. stack: the name of the Storelink stack; by default that of the environment's
    STORELINK_STACK. store_view: the code of the one that short paths ("V1/…") go to, "all" for all; by default Magento
    takes its default one. patience: seconds in which a call that only reads is begun again while the store cannot
    answer; 0 for never. max_bytes, max_seconds: what an answer may have, unpacked, and what a call may last in all, its
    repetitions too; beyond that it is Unavailable. The credentials come from Secrets Manager once and are kept for
    every session of this process.
    Raises Invalid where the URL is wrong or the store is not connected, Unavailable where AWS does not answer.

        shop = storelink.connect("https://shop.example/")
        shop.get("V1/store/storeConfigs").json()
    """
    store = Store.from_url(store_url)
    with _ONE_AT_A_TIME:
        kept = _kept(_stack(stack), store)
    return StoreSession(store, kept, store_view, patience, max_bytes, max_seconds)


def login(
    store_url: str,
    username: str,
    password: str,
    customer: bool = False,
    otp: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
) -> "LoginSession":
    """A session of a user who logs in, for stores where an integration cannot be made.

    One call is made and never repeated, for Magento locks an account after 6 failures. otp: what Google Authenticator
    shows, for an admin with two-factor authentication. The token is kept in memory alone, the password nowhere.
    Raises Invalid, LoginRefused (TwoFactorNeeded where only that is missing), Rejected, CallFailed, Unavailable.
    """
    store = Store.from_url(store_url)
    made = _Bearer(magento_login.log_in(store, username, password, customer, otp))
    return LoginSession(store, _Kept(_over, made), store_view, patience)


def kept_login(
    store_url: str,
    username: str,
    customer: bool = False,
    stack: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
) -> "LoginSession":
    """A session of a user for whom `POST /logins` keeps a token. It is read again when it is over.

    Raises Invalid where there is none, Rejected where it is over, Unavailable where AWS does not answer.
    """
    store, named = Store.from_url(store_url), _stack(stack)
    kept = _Kept(lambda: _Bearer(logins.read(named, store, username, customer)))
    return LoginSession(store, kept, store_view, patience)


def session_for(store: Store, known: Credentials, patience: float = RETRY_SECONDS) -> "StoreSession":
    """A session by credentials that are at hand, for who tries them before they are kept."""
    return StoreSession(store, _Kept(lambda: _Signature(known)), patience=patience)


def _stack(name: str | None) -> str:
    stack = name or os.environ.get("STORELINK_STACK", "")
    if not stack:
        raise Invalid({"stack": "is missing: name it, or set STORELINK_STACK to the name of the Storelink stack"})
    return stack


def _over() -> NoReturn:
    raise Rejected("login-expired")


class _Authorization(AuthBase):
    """Authorizes a request as the last thing before it goes."""

    @property
    def is_over(self) -> bool:
        """Whether it is known to be good no more."""
        return False

    @property
    def is_customers(self) -> bool:
        """Whether it is a customer's token."""
        return False


_A = TypeVar("_A", bound=_Authorization)


@dataclass(frozen=True)
class _Signature(_Authorization):
    """By OAuth 1.0a (RFC 5849)."""

    used: Credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if str(request.headers.get("Content-Type", "")).startswith(_FORM):
            raise Invalid({"data": "is a form, over which Magento signs in its own way; send JSON, by json=…"})
        request.url = normalize_url(str(request.url))
        request.headers["Authorization"] = authorization_header(
            str(request.method), request.url, self.used.consumer, self.used.access_token
        )
        return request


@dataclass(frozen=True)
class _Bearer(_Authorization):
    """By a customer's or an admin's token (RFC 6750)."""

    login: Login

    @property
    def is_over(self) -> bool:
        return self.login.is_over

    @property
    def is_customers(self) -> bool:
        return self.login.kind == "customer"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.login.token}"
        return request


class _Kept(Generic[_A]):
    """What authorizes a session's calls, read once and again when it is over or found dead. Safe across threads."""

    def __init__(self, read: Callable[[], _A], first: _A | None = None) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._authorization = first

    def current(self) -> _A:
        with self._lock:
            if self._authorization is None or self._authorization.is_over:
                self._authorization = self._read()
            return self._authorization

    def after(self, dead: _A) -> _A:
        """The one that came after this one, or one equal to it where there is none yet."""
        with self._lock:
            if self._authorization is dead:
                self._authorization = self._read()
            return self._authorization or dead

    def forget(self) -> None:
        """Drop what is kept, and read nothing any more."""
        with self._lock:
            self._authorization, self._read = None, _over


_ONE_AT_A_TIME = threading.Lock()


@cache
def _kept(stack: str, store: Store) -> _Kept[_Signature]:
    return _Kept(lambda: _Signature(credentials.read(stack, store)))


class StoreResponse(requests.Response):
    """A `requests.Response` that says what Magento's errors mean.

    max_bytes: what the body of a streamed answer may have, unpacked. by_customer: the call was made by a customer's
    token.
    """

    max_bytes: int | None = None
    by_customer = False

    def raise_for_status(self) -> None:
        """Raise what the answer stands for, unless it is a success (2xx).

        NotAuthorized (`resource`: the ACL resource that is missing), NotFound, NotNow, CallRefused; each a CallFailed
        with Magento's message for its `problem`, and the `status`.
        """
        failed = magento_errors.call_failed(self._answer(), str(self.request.method), self.by_customer)
        if failed is not None:
            raise failed

    def json(self, **kwargs: Any) -> Any:
        """The answer's JSON, as requests reads it.

        A byte order mark before it is skipped. kwargs: as those of `json.loads`. Raises NotJSON.
        """
        return magento_errors.read_answer(self._answer(), **kwargs)

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        """The body part by part, as requests gives it, each part bounded. Raises Unavailable, also past `max_bytes`.

        chunk_size: None stands for `PART` bytes: all that arrives at once could unpack to any size.
        """
        size = chunk_size if chunk_size is not None and chunk_size > 0 else guard.PART
        if self.max_bytes is None:
            return super().iter_content(size, decode_unicode)
        return self._bounded(super().iter_content(min(size, self.max_bytes + 1), decode_unicode))

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the Authorization header that was sent."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]  # the stubs do not know it
        state["request"] = self.request.copy()
        state["request"].headers.pop("Authorization", None)
        return state

    def _answer(self) -> Response:
        return Response(self.status_code, self.headers, self.content)

    def _bounded(self, parts: Iterator[Any]) -> Iterator[Any]:
        """The same parts, while they are within the limit; what a library raises is turned into Unavailable."""
        size, method = 0, str(self.request.method)
        try:
            with guard.reading(self.status_code):
                for part in parts:
                    size += len(part)
                    if size > (self.max_bytes or 0):
                        self.close()
                        raise guard.too_large(self.max_bytes or 0)
                    yield part
        except Unavailable as error:
            raise magento_errors.no_answer(error, method) from None


class _StoreAdapter(GuardedAdapter):
    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.__class__ = StoreResponse  # requests makes them by its own class, wherever one is made
        return response


class StoreSession(GuardedSession):
    """A `requests.Session` for one store; paths are relative to its base URL.

    A path that begins with V1/ (as Adobe's reference names the calls) goes to rest/V1/, or to rest/STORE_VIEW/V1/ of
    the session's store view. Every call has a timeout and an end, its answer a limit (`max_seconds` and `max_bytes`),
    and it follows no redirect. Cookies are neither kept nor sent, so one session serves many threads.
    """

    def __init__(
        self,
        store: Store,
        kept: _Kept[Any],
        store_view: str | None = None,
        patience: float = RETRY_SECONDS,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        if store_view is not None and not _STORE_VIEW.fullmatch(store_view):
            raise Invalid({"store_view": "must be a store view's code, of letters, digits and _, or all"})
        super().__init__(_StoreAdapter, pool_connections=1, pool_maxsize=POOL_SIZE)
        self.store = store
        self.store_view = store_view
        self.patience = patience
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self.headers.update({"Accept": "application/json", "User-Agent": "Storelink"})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._kept = kept
        self._kept.current()

    def request(  # type: ignore[override]
        self,
        method: str | bytes,
        url: str | bytes,
        params: Parameters | Iterable[tuple[str, Any]] | str | bytes | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        """As requests', with the url relative to the store, nested `params`, never redirected, in bounded time.

        A GET or HEAD is begun again, signed anew, while the store cannot be reached or answers 429, 502, 503 or 504: as
        late as its Retry-After says, else later each time, for at most `patience` seconds. Then the answer is given as
        it is, as any other is: `raise_for_status()` turns it into an error. After a 401 that says the token is gone, a
        call is made once more with credentials read afresh.
        Raises Invalid for an address outside the store and for parameters that Magento cannot verify, Rejected where
        the store may not be called, Unavailable where no answer came.
        """
        if params is not None and not isinstance(params, str | bytes):
            params = query.query(params)
        kwargs.setdefault("timeout", (CONNECT_TIMEOUT, READ_TIMEOUT))
        kwargs |= {"params": params, "allow_redirects": False}
        verb = method.decode() if isinstance(method, bytes) else method
        waiting = _Waiting(self.patience if verb.upper() in _READING else 0.0)
        whole = self._inside(url)
        with guard.Limits(self.max_seconds, self.max_bytes) as limits:
            while True:
                try:
                    response = self._authorized(limits, verb, whole, **kwargs)
                except Unavailable:
                    if limits.left <= 0 or not waiting.is_done():
                        raise
                    continue
                if response.status_code not in _NOT_NOW or not waiting.is_done(response.headers.get("Retry-After")):
                    return response
                response.close()

    def get(  # type: ignore[override]
        self,
        url: str | bytes,
        params: Parameters | Iterable[tuple[str, Any]] | str | bytes | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        """`request` with GET."""
        return self.request("GET", url, params, **kwargs)

    def prepared(
        self, method: str, url: str, params: Parameters | Iterable[tuple[str, Any]] | None = None, **kwargs: Any
    ) -> requests.PreparedRequest:
        """The request that `request` would make, authorized and not sent. A signature is good once.

        Raises Invalid as `request` does.
        """
        asked = query.query(params) if params is not None else None
        authorized = self._kept.current()
        return self.prepare_request(
            requests.Request(method, self._inside(url), params=asked, auth=authorized, **kwargs)
        )

    def search(
        self,
        path: str,
        filters: Filters = (),
        *,
        sort: str | Sequence[str] = (),
        page_size: int = PAGE_SIZE,
        progress: Callable[[Page], object] | None = None,
    ) -> Search:
        """What a search of the store finds, its pages fetched as they are gone over.

        path: of a method that takes searchCriteria: "products", "orders" (V1/ is put before it), "V2/…". filters: as
        {"status": 1, "type_id": ["simple", "virtual"]}, or as [("price", "lt", 10), [("sku", "like", "24-%"),
        ("name", "like", "%bag%")]], where the inner list is an OR. sort: "created_at", "-created_at" for the newest
        first, or several; name one, or Magento may give an item twice. progress: called with each page as it comes.
        Raises Invalid; going over it raises CallFailed and Unavailable.

            for product in shop.search("products", {"status": 1}, sort="entity_id"):
                print(product["sku"])
        """

        whole = path.lstrip("/") if _SHORT.fullmatch(path) else f"V1/{path.lstrip('/')}"

        def ask(asked: Parameters) -> Any:
            response = self.get(whole, asked)
            response.raise_for_status()
            return response.json()

        return Search(ask, search.criteria(filters, sort), search.validate_page_size(page_size), progress)

    def _authorized(self, limits: guard.Limits, method: str, whole: str, **kwargs: Any) -> requests.Response:
        used = self._kept.current()
        response = self._sent(limits, method, whole, used, **kwargs)
        can_be_repeated = isinstance(response.request.body, bytes | str | None)
        if not (can_be_repeated and response.status_code == 401):
            return response
        failed = magento_errors.call_failed(response._answer(), method, used.is_customers)
        if failed is None or failed.reason not in ("revoked", "login-expired"):
            return response
        fresh = self._kept.after(used)
        if fresh == used:
            return response
        response.close()
        return self._sent(limits, method, whole, fresh, **kwargs)

    def _sent(
        self,
        limits: guard.Limits,
        method: str,
        whole: str,
        used: _Authorization,
        stream: bool | None = None,
        **kwargs: Any,
    ) -> StoreResponse:
        try:
            response: Any = super().request(method, whole, auth=used, stream=True, **kwargs)
            error = response.status_code >= 300  # it is read here or by raise_for_status()
            if error or not (self.stream if stream is None else stream):
                response._content = _body(response, limits, min(self.max_bytes, MAX_ERROR_BYTES) if error else None)
                response._content_consumed = True
        except Unavailable as failed:
            raise magento_errors.no_answer(failed, method) from None
        response.max_bytes, response.by_customer = self.max_bytes, used.is_customers
        return cast(StoreResponse, response)

    def _inside(self, url: str | bytes) -> str:
        text = url.decode() if isinstance(url, bytes) else url
        if short := _SHORT.fullmatch(text):
            text = f"rest/{f'{self.store_view}/' if self.store_view else ''}{short[1]}"
        whole = text if urlsplit(text).scheme else urljoin(self.store.url, text.lstrip("/"))
        if not whole.startswith(self.store.url) or DOT_SEGMENT.search(urlsplit(whole).path):
            raise Invalid({"url": f"is outside the store; give a path below {self.store.url}"})
        return whole


def _body(response: requests.Response, limits: guard.Limits, cut_at: int | None) -> bytes:
    """An answer's body, as `guard.read` reads it. Its connection is closed where that fails."""
    try:
        return guard.read(response.raw, limits, cut_at)
    except Unavailable:
        response.close()
        raise


class LoginSession(StoreSession):
    """A session of a customer or an admin, by their token."""

    _kept: _Kept[_Bearer]

    @property
    def expires_at(self) -> datetime:
        """Until when the token lasts. Raises Rejected where it is over."""
        return datetime.fromtimestamp(self._kept.current().login.expires_at, UTC)

    def logout(self) -> None:
        """Forget the token; a customer's is revoked in the store first, for which Magento has a call.

        An admin's stays good until it is over. Raises CallFailed, Unavailable; then the token is still there.
        """
        if self._kept.current().login.kind == "customer":
            self.post(magento_login.REVOKE_PATH).raise_for_status()
        self._kept.forget()


class _Waiting:
    """Between two tries of one call, until `seconds` are over in all."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._wait = _FIRST_WAIT

    def is_done(self, retry_after: str | None = None) -> bool:
        """Wait as long as the store asks (seconds or an HTTP date, RFC 9110), else longer each time, by chance.

        False, at once, where that would be past the end.
        """
        told = _seconds(retry_after)
        wait = _RANDOM.uniform(0, self._wait) if told is None else told
        self._wait = min(2 * self._wait, _LONGEST_WAIT)
        if time.monotonic() + wait >= self._end:
            return False
        time.sleep(wait)
        return True


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After says; None where it says nothing that can be read."""
    try:
        return Retry().parse_retry_after(retry_after) if retry_after else None
    except (InvalidHeader, ValueError, OverflowError):
        return None
