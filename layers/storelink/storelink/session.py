"""`storelink.connect(store_url)`: a requests session whose calls the store accepts."""

import os
import threading
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from storelink import credentials, magento
from storelink.credentials import Credentials
from storelink.errors import Invalid
from storelink.guard import CONNECT_TIMEOUT, GuardedAdapter
from storelink.signing import authorization, verifiable
from storelink.stores import DOT_SEGMENT, Store

READ_TIMEOUT = 30.0
"""Seconds a REST call may be silent, where the call does not say otherwise."""


def connect(store_url: str, stack: str | None = None) -> "StoreSession":
    """A session whose every call is signed for this store and whose base is the store.

    store_url: as Magento knows it. stack: the name of the Storelink stack; by default that of the environment's
    STORELINK_STACK. The credentials come from Secrets Manager once and are kept for every session of this process.
    Raises Invalid where the URL is wrong or the store is not connected, Unavailable where AWS does not answer.

        shop = storelink.connect("https://shop.example/")
        shop.get("rest/V1/store/storeConfigs").json()
    """
    stack = stack or os.environ.get("STORELINK_STACK", "")
    if not stack:
        raise Invalid({"stack": "is missing: name it, or set STORELINK_STACK to the name of the Storelink stack"})
    return StoreSession(Store.from_url(store_url), _kept(stack, Store.from_url(store_url)))


class _Kept:
    """A store's credentials, read once and again when they are found dead."""

    def __init__(self, stack: str, store: Store) -> None:
        self._stack = stack
        self._store = store
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None

    def current(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = credentials.read(self._stack, self._store)
            return self._credentials

    def after(self, dead: Credentials) -> Credentials:
        """The credentials that came after these, or these again where there are none yet."""
        with self._lock:
            if self._credentials is dead:
                self._credentials = credentials.read(self._stack, self._store)
            return self._credentials or dead


@cache
def _kept(stack: str, store: Store) -> _Kept:
    return _Kept(stack, store)


class _Signature(AuthBase):
    """Signs a request as the last thing before it goes (RFC 5849)."""

    def __init__(self, used: Credentials) -> None:
        self.used = used

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.url = verifiable(str(request.url))
        request.headers["Authorization"] = authorization(
            str(request.method), request.url, self.used.consumer, self.used.access_token
        )
        return request


class StoreSession(requests.Session):
    """A `requests.Session` for one store; paths are relative to its base URL. Safe across threads as requests' is."""

    def __init__(self, store: Store, kept: _Kept) -> None:
        super().__init__()
        self.store = store
        self.trust_env = False
        self.headers.update({"Accept": "application/json", "User-Agent": "Storelink"})
        self._kept = kept
        self._kept.current()
        for scheme in ("https://", "http://"):
            self.mount(scheme, GuardedAdapter())

    def request(self, method: str | bytes, url: str | bytes, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """As requests', with the url relative to the store, never redirected, in bounded time.

        After a 401 that says the token is gone, once more with credentials read afresh.
        Raises Invalid for an address outside the store and for parameters that Magento cannot verify, Rejected where
        the store may not be called, Unavailable where no answer came.
        """
        kwargs.setdefault("timeout", (CONNECT_TIMEOUT, READ_TIMEOUT))
        kwargs["allow_redirects"] = False
        whole = self._inside(url)
        used = self._kept.current()
        response = super().request(method, whole, auth=_Signature(used), **kwargs)
        can_be_repeated = isinstance(response.request.body, bytes | str | None)
        if not (can_be_repeated and magento.is_revoked(response.status_code, _message(response))):
            return response
        fresh = self._kept.after(used)
        if fresh == used:
            return response
        response.close()
        return super().request(method, whole, auth=_Signature(fresh), **kwargs)

    def _inside(self, url: str | bytes) -> str:
        text = url.decode() if isinstance(url, bytes) else url
        whole = text if urlsplit(text).scheme else urljoin(self.store.url, text.lstrip("/"))
        if not whole.startswith(self.store.url) or DOT_SEGMENT.search(urlsplit(whole).path):
            raise Invalid({"url": f"is outside the store; give a path below {self.store.url}"})
        return whole


def _message(response: requests.Response) -> str:
    if response.status_code != 401:
        return ""
    try:
        return str(response.json().get("message", ""))
    except (ValueError, AttributeError):
        return ""
