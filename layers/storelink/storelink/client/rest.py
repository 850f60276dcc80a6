"""A session's REST calls: written, authorized, sent, and sent again where that helps."""

from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypedDict, cast

import requests
from requests.structures import CaseInsensitiveDict

from storelink.client.auth import CachedAuth, SignatureAuth, is_repeatable
from storelink.client.errors import no_answer
from storelink.client.response import StoreAdapter, StoreResponse
from storelink.client.retry import READING, send_patiently
from storelink.errors import Invalid, Rejected, Unavailable
from storelink.magento import path as magento_path
from storelink.magento import query
from storelink.magento.query import Parameters
from storelink.store import Store
from storelink.transport import guard
from storelink.transport.guard import CONNECT_TIMEOUT
from storelink.transport.http import MAX_ERROR_BYTES
from storelink.transport.session import GuardedSession

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

_MERGING: Any = requests.sessions
"""How requests merges a session's settings with a call's; its stubs leave that untyped."""

_OF_REQUEST = ("data", "headers", "cookies", "files", "hooks", "json")
"""Arguments of `request` that are the request's own; the others say how it is sent."""


class SessionOptions(TypedDict, total=False):
    """What each session can be given by keyword.

    store_view: the code of the store view that short paths ("V1/…") go to, "all" for all; by default Magento takes its
    default one. patience: seconds in which a call that only reads is made again while the store cannot answer; 0 for
    never. timeout: seconds of silence after which a call fails, or (seconds to connect, seconds of silence).
    max_bytes, max_seconds: what an answer may have, unpacked, and what a call may last in all, its repetitions too;
    beyond that it is Unavailable. user_agent: the header of each call.
    """

    store_view: str | None
    patience: float
    timeout: Timeout
    max_bytes: int
    max_seconds: float
    user_agent: str


class RestSession(GuardedSession):
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
        *,
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
        credentials read afresh after a 401 that says the token is gone or may be. The last answer is returned as it is:
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
        request = requests.PreparedRequest()
        of_request |= {
            "headers": _MERGING.merge_setting(of_request.get("headers"), self.headers, dict_class=CaseInsensitiveDict),
            "params": _MERGING.merge_setting(params, self.params),
            "hooks": _MERGING.merge_hooks(of_request.get("hooks"), self.hooks),
        }
        try:
            request.prepare(verb.upper(), whole, **of_request)  # without the session's cookies: it has none
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
        if failed is None:
            return response
        if failed.reason in ("revoked", "login-expired"):
            fresh = self._kept.after(used)
        elif failed.reason in ("forbidden", "integration-deleted") and isinstance(used, SignatureAuth):
            fresh = self._kept.after_doubt(used)
        else:
            return response
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
