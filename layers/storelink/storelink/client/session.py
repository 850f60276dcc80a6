"""`storelink.connect(store_url)`: a requests session whose calls the store accepts."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests

from storelink import credentials
from storelink.client.auth import BearerAuth, CachedAuth, KnownDialects, SignatureAuth, expired, is_repeatable
from storelink.client.errors import no_answer
from storelink.client.response import StoreAdapter, StoreResponse
from storelink.client.retry import READING, send_patiently
from storelink.credentials import logins
from storelink.errors import Invalid, Rejected, Unavailable
from storelink.magento import bulk, criteria, query, search
from storelink.magento import login as magento_login
from storelink.magento import path as magento_path
from storelink.magento.bulk import BulkOperation, BulkResult
from storelink.magento.criteria import Filters
from storelink.magento.query import Parameters
from storelink.magento.search import MAX_URL_LENGTH, PAGE_SIZE, Page, Search
from storelink.oauth.credentials import Credentials
from storelink.store import Store
from storelink.transport import guard
from storelink.transport.guard import CONNECT_TIMEOUT
from storelink.transport.http import MAX_ERROR_BYTES
from storelink.transport.session import GuardedSession

__all__ = [
    "BulkOperation",
    "BulkResult",
    "LoginSession",
    "Page",
    "Search",
    "StoreResponse",
    "StoreSession",
    "connect",
    "kept_login",
    "login",
    "session_for",
]

READ_TIMEOUT = 30.0
"""Seconds a REST call may be silent, where neither the call nor the session says otherwise."""
RETRY_SECONDS = 30.0
"""Seconds in which a call that only reads is made again, where the session does not say otherwise."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes that an answer may have, unpacked, where the session does not say otherwise."""
MAX_SECONDS = 300.0
"""Seconds that a call may last in all, where the session does not say otherwise."""
POOL_SIZE = 32
"""Connections that a session keeps open; threads beyond that open their own for each call."""
USER_AGENT = "Storelink"

Timeout = float | tuple[float, float]
"""Seconds to connect and of silence, or one for each."""
Params = Parameters | Iterable[tuple[str, Any]] | str | bytes | None

_OF_REQUEST = ("data", "headers", "cookies", "files", "hooks", "json")
"""Arguments of `request` that are the request's own; the others say how it is sent."""


def connect(
    store_url: str,
    stack: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
    timeout: Timeout = READ_TIMEOUT,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
    user_agent: str = USER_AGENT,
) -> "StoreSession":
    """A session whose every call is signed for this store and whose base is the store.

    store_url: as Magento knows it. stack: the name of the Storelink stack; by default that of the environment's
    STORELINK_STACK. store_view: the code of the store view that short paths ("V1/…") go to, "all" for all; by default
    Magento takes its default one. patience: seconds in which a call that only reads is made again while the store
    cannot answer; 0 for never. timeout: seconds of silence after which a call fails, or (seconds to connect, seconds of
    silence). max_bytes, max_seconds: what an answer may have, unpacked, and what a call may last in all, its
    repetitions too; beyond that it is Unavailable. The credentials come from AWS once and are kept for every session of
    this process, and so is the dialect in which the store verifies signatures.
    Raises Invalid when the URL is wrong or the store is not connected, Unavailable when AWS does not answer.

        shop = storelink.connect("https://shop.example/")
        shop.get("V1/store/storeConfigs").json()
    """
    store = Store.from_url(store_url)
    with _ONE_AT_A_TIME:
        kept = _kept(_stack(stack), store)
    return StoreSession(store, kept, store_view, patience, max_bytes, max_seconds, timeout, user_agent)


def login(
    store_url: str,
    username: str,
    password: str,
    customer: bool = False,
    otp: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
    timeout: Timeout = READ_TIMEOUT,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
    user_agent: str = USER_AGENT,
) -> "LoginSession":
    """A session of a user who logs in, for stores where an integration cannot be made. Options: as `connect` takes.

    One call is made and never repeated, for Magento locks an account after 6 failures. otp: what Google Authenticator
    shows, for an admin with two-factor authentication. The token is kept in memory alone, the password nowhere.
    Raises Invalid, LoginRefused (TwoFactorNeeded where only that is missing), Rejected, CallFailed, Unavailable.
    """
    store = Store.from_url(store_url)
    auth = CachedAuth(expired, BearerAuth(magento_login.log_in(store, username, password, customer, otp)))
    return LoginSession(store, auth, store_view, patience, max_bytes, max_seconds, timeout, user_agent)


def kept_login(
    store_url: str,
    username: str,
    customer: bool = False,
    stack: str | None = None,
    *,
    store_view: str | None = None,
    patience: float = RETRY_SECONDS,
    timeout: Timeout = READ_TIMEOUT,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
    user_agent: str = USER_AGENT,
) -> "LoginSession":
    """A session of a user for whom `POST /logins` keeps a token. It is read again when it is over.

    Options: as `connect` takes them. Raises Invalid when there is none, Rejected when it is over, Unavailable when AWS
    does not answer.
    """
    store, named = Store.from_url(store_url), _stack(stack)
    auth = CachedAuth(lambda: BearerAuth(logins.read(named, store, username, customer)))
    return LoginSession(store, auth, store_view, patience, max_bytes, max_seconds, timeout, user_agent)


def session_for(store: Store, known: Credentials, patience: float = RETRY_SECONDS) -> "StoreSession":
    """A session by credentials that are at hand, for who tries them before they are kept."""
    dialects = KnownDialects()
    dialects.start(known.dialects)
    return StoreSession(store, CachedAuth(lambda: SignatureAuth(known, dialects)), patience=patience)


def _stack(name: str | None) -> str:
    stack = name or os.environ.get("STORELINK_STACK", "")
    if not stack:
        raise Invalid({"stack": "is missing: name it, or set STORELINK_STACK to the name of the Storelink stack"})
    return stack


_ONE_AT_A_TIME = threading.Lock()


@cache
def _kept(stack: str, store: Store) -> CachedAuth[SignatureAuth]:
    """What this process knows of a store, for all its sessions."""
    dialects = KnownDialects(lambda names: credentials.save_dialects(stack, store, names))

    def read() -> SignatureAuth:
        found = credentials.read(stack, store)
        dialects.start(found.dialects)
        return SignatureAuth(found, dialects)

    return CachedAuth(read)


class StoreSession(GuardedSession):
    """A `requests.Session` for one store; paths are relative to its base URL.

    A path that begins with V1/, async/V1/ or async/bulk/V1/ (as Adobe's reference names the calls) goes to rest/V1/, or
    to rest/STORE_VIEW/V1/ of the session's store view. Every call has a timeout and an end, its answer a limit
    (`max_seconds` and `max_bytes`), and it follows no redirect. Cookies are neither kept nor sent, so one session
    serves many threads.
    """

    def __init__(
        self,
        store: Store,
        auth: CachedAuth[Any],
        store_view: str | None = None,
        patience: float = RETRY_SECONDS,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS,
        timeout: Timeout = READ_TIMEOUT,
        user_agent: str = USER_AGENT,
    ) -> None:
        self.store_view = magento_path.validate_store_view(store_view)
        super().__init__(StoreAdapter, pool_connections=1, pool_maxsize=POOL_SIZE)
        self.store = store
        self.patience = patience
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self.timeout = timeout if isinstance(timeout, tuple) else (min(CONNECT_TIMEOUT, timeout), timeout)
        self.headers.update({"Accept": "application/json", "User-Agent": user_agent})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._kept = auth
        self._kept.current()

    def request(  # type: ignore[override]
        self,
        method: str | bytes,
        url: str | bytes,
        params: Params = None,
        *,
        path: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        """As requests', with the url relative to the store, nested `params`, never redirected, in bounded time.

        path: values for the {names} in the url, encoded whatever they hold: get("V1/products/{sku}", path={"sku": …}).
        A GET or HEAD is made again, signed anew, while the store cannot be reached or answers 429, 502, 503 or 504: as
        late as its Retry-After says, else later each time, for at most `patience` seconds. Any call is signed again
        where the store refuses its signature (by the next dialect) or its nonce (once), and made once more with
        credentials read afresh after a 401 that says the token is gone. The last answer is returned as it is:
        `raise_for_status()` turns it into an error.
        Raises Invalid for an address outside the store and for what Magento cannot verify, Rejected when the store may
        not be called, Unavailable when no answer came.
        """
        of_request = {name: kwargs.pop(name) for name in _OF_REQUEST if name in kwargs}
        request = self._written(method, url, params, path, kwargs.pop("auth", None), **of_request)
        kwargs.setdefault("timeout", self.timeout)
        kwargs["allow_redirects"] = False
        patience = self.patience if request.method in READING else 0.0
        with guard.Limits(self.max_seconds, self.max_bytes) as limits:
            return send_patiently(lambda: self._authorized(request, limits, **kwargs), patience, limits)

    def get(self, url: str | bytes, params: Params = None, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """`request` with GET."""
        return self.request("GET", url, params, **kwargs)

    def head(self, url: str | bytes, **kwargs: Any) -> requests.Response:
        """`request` with HEAD, which Magento's API refuses (405)."""
        return self.request("HEAD", url, **kwargs)

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **kwargs: Any) -> requests.Response:
        """`request` with POST."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str | bytes, data: Any = None, **kwargs: Any) -> requests.Response:
        """`request` with PUT."""
        return self.request("PUT", url, data=data, **kwargs)

    def patch(self, url: str | bytes, data: Any = None, **kwargs: Any) -> requests.Response:
        """`request` with PATCH."""
        return self.request("PATCH", url, data=data, **kwargs)

    def delete(self, url: str | bytes, **kwargs: Any) -> requests.Response:
        """`request` with DELETE."""
        return self.request("DELETE", url, **kwargs)

    def prepared(
        self,
        method: str,
        url: str,
        params: Params = None,
        *,
        path: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> requests.PreparedRequest:
        """The request that `request` would make first, authorized and not sent. A signature is good once.

        Raises Invalid as `request` does.
        """
        request = self._written(method, url, params, path, kwargs.pop("auth", None), **kwargs)
        self._kept.current().authorize(request)
        return request

    def search(
        self,
        path: str,
        filters: Filters = (),
        *,
        sort: str | Sequence[str] = (),
        fields: str | Sequence[str] = (),
        page_size: int = PAGE_SIZE,
        parallel: int = 1,
        timeout: Timeout | None = None,
        progress: Callable[[Page], object] | None = None,
    ) -> Search:
        """What a search of the store finds, its pages fetched as they are gone over.

        path: of a method that takes searchCriteria: "products", or as `get` takes it. filters: as {"status": 1,
        "type_id": ["simple", "virtual"]}, or as [("price", "lt", 10), [("sku", "like", "24-%"), ("name", "like",
        "%bag%")]], where the inner list is an OR; long lists become several searches. sort: "created_at", "-created_at"
        for the newest first, or several; name one, or Magento may give an item twice. fields: those of each item that
        are wanted, as ["sku", "extension_attributes[stock_item[qty]]"]. parallel: pages fetched at a time after the
        first. timeout: of each call. progress: called with each page as it comes.
        Raises Invalid; going over it raises CallFailed and Unavailable.

            for product in shop.search("products", {"status": 1}, sort="entity_id", fields=["sku", "price"]):
                print(product["sku"])
        """
        whole = magento_path.expand(path)
        asked_fields = search.fields_parameter(fields)
        given = {} if timeout is None else {"timeout": timeout}

        def ask(asked: Parameters) -> Any:
            return _json(self.get(whole, asked, **given))

        def fits(made: Parameters) -> bool:
            page = {"searchCriteria": {**made, "page_size": page_size, "current_page": 10**7}, "fields": asked_fields}
            url = magento_path.resolve(self.store, self.store_view, whole)
            return len(url) + 1 + len(query.query(page)) <= MAX_URL_LENGTH

        split = criteria.split(filters, sort, fits)
        size, at_a_time = search.validate_page_size(page_size), search.validate_parallel(parallel)
        return Search(ask, split, size, progress, asked_fields, at_a_time)

    def bulk(
        self,
        path: str,
        items: Sequence[Any],
        *,
        method: str = "POST",
        timeout: float = bulk.TIMEOUT,
        progress: Callable[[BulkResult], object] | None = None,
    ) -> BulkResult:
        """Send many items in one call and follow them until the store has done all of them.

        path: "products" or V1/products, sent to async/bulk/V1/products. items: the bodies of as many single calls.
        method: of the single call. timeout: seconds to follow it. progress: called with each state that was seen.
        The result says of each item what became of it, and why: `failed`, `completed`. The integration needs the
        resource Magento_Logging::system_magento_logging_bulk_operations.
        Raises CallFailed, Unavailable; with reason "bulk-unfinished" when the store is not done in time.

            done = shop.bulk("products", [{"product": {"sku": "24-MB01", "price": 34}}, …])
            for item in done.failed:
                print(item.index, item.message)
        """
        if not items:
            raise Invalid({"items": "are none; give one at least"})
        response = self.request(method, magento_path.bulk_path(path), json=list(items))
        if response.status_code != 202:
            response.raise_for_status()
        return bulk.follow(bulk.begin(response.json(), items), self._bulk_status, timeout, progress)

    def _bulk_status(self, uuid: str) -> Any:
        return _json(self.get("V1/bulk/{uuid}/status", path={"uuid": uuid}))

    def _written(
        self,
        method: str | bytes,
        url: str | bytes,
        params: Params,
        path: Mapping[str, Any] | None,
        auth: Any,
        **of_request: Any,
    ) -> requests.PreparedRequest:
        """The request, as it can be authorized. Raises Invalid."""
        text = url.decode() if isinstance(url, bytes) else url
        whole = magento_path.resolve(
            self.store, self.store_view, text if path is None else magento_path.fill(text, path)
        )
        if params is not None and not isinstance(params, str | bytes):
            params = query.query(params)
        verb = method.decode() if isinstance(method, bytes) else method
        try:
            request = self.prepare_request(requests.Request(verb.upper(), whole, params=params, **of_request))
        except (requests.exceptions.InvalidURL, UnicodeError):
            raise Invalid({"url": "cannot be written as a URL"}) from None
        if auth or self.auth or "Authorization" in request.headers:
            raise Invalid({"Authorization": "is the session's own; leave out auth= and the header"})
        if request.body is not None:
            request.headers.setdefault("Content-Type", "application/json")
        self._kept.current().prepare(request)
        return request

    def _authorized(self, request: requests.PreparedRequest, limits: guard.Limits, **kwargs: Any) -> StoreResponse:
        used = self._kept.current()

        def send(request: requests.PreparedRequest) -> StoreResponse:
            return self._sent(request, limits, used.is_customers, **kwargs)

        response: StoreResponse = used.send(request, send)
        if response.status_code != 401 or not is_repeatable(request):
            return response
        failed = response.failure()
        if failed is None or failed.reason not in ("revoked", "login-expired"):
            return response
        fresh = self._kept.after(used)
        if fresh == used:
            return response
        response.close()
        again: StoreResponse = fresh.send(request, send)
        return again

    def _sent(
        self,
        request: requests.PreparedRequest,
        limits: guard.Limits,
        by_customer: bool,
        proxies: Any = None,
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        **kwargs: Any,
    ) -> StoreResponse:
        """The answer, read unless it is to be streamed. Raises Rejected, Unavailable."""
        settings = self.merge_environment_settings(request.url, proxies or {}, True, verify, cert)
        try:
            response: Any = self.send(request, **settings, **kwargs)
            response.max_bytes, response.by_customer = self.max_bytes, by_customer
            is_error = response.status_code >= 300  # it is read here or by raise_for_status()
            if is_error or not (self.stream if stream is None else stream):
                response.read(limits, min(self.max_bytes, MAX_ERROR_BYTES) if is_error else None)
        except (Rejected, Unavailable) as failed:
            raise no_answer(failed, str(request.method)) from None
        return cast(StoreResponse, response)


def _json(response: requests.Response) -> Any:
    response.raise_for_status()
    return response.json()


class LoginSession(StoreSession):
    """A session of a customer or an admin, by their token."""

    _kept: CachedAuth[BearerAuth]

    @property
    def expires_at(self) -> datetime:
        """Until when the token lasts. Raises Rejected when it is over."""
        return datetime.fromtimestamp(self._kept.current().login.expires_at, UTC)

    def logout(self) -> None:
        """Forget the token; a customer's is revoked in the store first, for which Magento has a call.

        An admin's stays good until it is over. Raises CallFailed, Unavailable; then the token is still there.
        """
        if self._kept.current().login.kind == "customer":
            self.post(magento_login.REVOKE_PATH).raise_for_status()
        self._kept.forget()
