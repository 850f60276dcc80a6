"""`storelink.connect(store_url)`: a requests session whose calls the store accepts."""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Unpack

import requests

from storelink import credentials
from storelink.client.auth import BearerAuth, CachedAuth, KnownDialects, SignatureAuth, expired
from storelink.client.response import StoreResponse
from storelink.client.rest import RestSession, SessionOptions, Timeout
from storelink.config import LOCAL_STACK, is_local
from storelink.credentials import logins
from storelink.errors import Invalid
from storelink.magento import bulk, criteria, query, search
from storelink.magento import login as magento_login
from storelink.magento import path as magento_path
from storelink.magento.bulk import BulkOperation, BulkResult
from storelink.magento.criteria import Filters
from storelink.magento.query import Parameters
from storelink.magento.search import MAX_URL_LENGTH, PAGE_SIZE, Page, Search
from storelink.oauth.credentials import Credentials
from storelink.store import Store

__all__ = [
    "BulkOperation",
    "BulkResult",
    "LoginSession",
    "Page",
    "Search",
    "SessionOptions",
    "StoreResponse",
    "StoreSession",
    "connect",
    "kept_login",
    "login",
    "session_for",
]


def connect(store_url: str, stack: str | None = None, **options: Unpack[SessionOptions]) -> "StoreSession":
    """A session whose every call is signed for this store and whose base is the store.

    store_url: as Magento knows it. stack: the name of the Storelink stack; by default that of the environment's
    STORELINK_STACK, and with STORELINK_LOCAL=1 the stack of `make serve`. options: those of `SessionOptions`. The
    credentials come from AWS once and are kept for every session of this process, and so is the dialect in which the
    store verifies signatures.
    Raises Invalid when the URL is wrong or the store is not connected, Unavailable when AWS does not answer.

        shop = storelink.connect("https://shop.example/")
        shop.get("V1/store/storeConfigs").json()
    """
    store = Store.from_url(store_url)
    with _ONE_AT_A_TIME:
        kept = _kept(_stack(stack), store)
    return StoreSession(store, kept, **options)


def login(
    store_url: str,
    username: str,
    password: str,
    customer: bool = False,
    otp: str | None = None,
    **options: Unpack[SessionOptions],
) -> "LoginSession":
    """A session of a user who logs in, for stores where an integration cannot be made.

    One call is made and never repeated, for Magento locks an account after 6 failures. otp: what Google Authenticator
    shows, for an admin with two-factor authentication. options: those of `SessionOptions`. The token is kept in memory
    alone, the password nowhere.
    Raises Invalid, LoginRefused (TwoFactorNeeded where only that is missing), Rejected, CallFailed, Unavailable.
    """
    store = Store.from_url(store_url)
    auth = CachedAuth(expired, BearerAuth(magento_login.log_in(store, username, password, customer, otp)))
    return LoginSession(store, auth, **options)


def kept_login(
    store_url: str, username: str, customer: bool = False, stack: str | None = None, **options: Unpack[SessionOptions]
) -> "LoginSession":
    """A session of a user for whom `POST /logins` keeps a token. It is read again when it is over.

    options: those of `SessionOptions`.
    Raises Invalid when there is none, Rejected when it is over, Unavailable when AWS does not answer.
    """
    store, named = Store.from_url(store_url), _stack(stack)
    auth = CachedAuth(lambda: BearerAuth(logins.read(named, store, username, customer)))
    return LoginSession(store, auth, **options)


def session_for(store: Store, known: Credentials, **options: Unpack[SessionOptions]) -> "StoreSession":
    """A session by credentials that are at hand, for who tries them before they are kept."""
    dialects = KnownDialects()
    dialects.start(known.dialects)
    return StoreSession(store, CachedAuth(lambda: SignatureAuth(known, dialects)), **options)


def _stack(name: str | None) -> str:
    stack = LOCAL_STACK if is_local() else name or os.environ.get("STORELINK_STACK", "")
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


def forget_credentials() -> None:
    """Read the credentials of every store again, for sessions that are made from now on."""
    _kept.cache_clear()


class StoreSession(RestSession):
    """A `requests.Session` for one store: each call is authorized; with Magento's searches and bulk calls."""

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

        for name, number in {"page_size": page_size, "parallel": parallel}.items():
            search.validate_count(name, number)
        return Search(ask, criteria.split(filters, sort, fits), page_size, progress, asked_fields, parallel)

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
        The result has each item with its status and the reason: `failed`, `completed`. The integration needs the
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
