"""What one sandbox store knows and answers: Magento's integrations, tokens and nonces, without HTTP.

Checks come in Magento's order and refuse in Magento's words, so that a client meets here what it meets there.
"""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import Any

from storelink.testing.sandbox import body, catalog, signature
from storelink.testing.sandbox.accounts import Accounts
from storelink.testing.sandbox.acl import AclResource
from storelink.testing.sandbox.bulk import Bulks
from storelink.testing.sandbox.customers import Customers
from storelink.testing.sandbox.integrations import (
    ACTIVATE,
    KEY_LENGTH,
    REAUTHORIZE,
    Activation,
    Integration,
    Token,
    TokenRow,
    new_key,
    new_token,
)
from storelink.testing.sandbox.orders import Orders
from storelink.testing.sandbox.products import Products
from storelink.testing.sandbox.refusal import Refused, internal_error
from storelink.testing.sandbox.request import SignedRequest
from storelink.testing.sandbox.signature import DEFAULT_DIALECT, DIALECTS, HMAC_SHA256, Dialect, Parameters
from storelink.testing.sandbox.stock import Stock
from storelink.testing.sandbox.troubles import ENDPOINTS, NONCE_USED, SIGNATURE_INVALID, WORDS, Met, Troubles

EXPIRATION_PERIOD = 300  # seconds from activation to the request step: oauth/consumer/expiration_period
TIME_DEVIATION = 600  # seconds that a timestamp may lie in the future
DEFAULT_INTEGRATION = "storelink"
IDENTITY_URL = "https://app.invalid/identity"
"""The identity link URL of an integration for which a test names none."""

REQUEST_STEP = (
    "oauth_consumer_key",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_nonce",
    "oauth_timestamp",
)
REST_CALL = (*REQUEST_STEP, "oauth_token")
ACCESS_STEP = (*REST_CALL, "oauth_verifier")

NOT_A_VERIFIER = "Cannot create request token because consumer token is not a verifier token"
NOT_AUTHORIZED = "The consumer isn't authorized to access %resources."


class UnknownIntegration(LookupError):
    """A script named an integration that this store does not have."""


class LinkNotShown(Exception):
    """The integration's row does not show the link that was clicked."""


def dialect_named(name: str) -> Dialect:
    """Return a dialect by its name. Raises ValueError for an unknown one."""
    if name not in DIALECTS:
        raise ValueError(f"There is no dialect {name!r}; take one of {', '.join(DIALECTS)}.")
    return DIALECTS[name]


class SandboxStore:
    """One Magento, in memory. Every public method may be called from any thread."""

    def __init__(self, base_url: str, dialect: str = DEFAULT_DIALECT) -> None:
        """base_url: where the store believes it is, ending in `/`; signatures are verified against it.

        dialect: how it verifies them. Raises ValueError for an unknown one.
        """
        self.base_url = base_url
        self.rewrites = True  # False: it answers below index.php/ only
        self.retry_after = "1"  # what it answers to too many requests
        self._clock_seconds = 0.0
        self.accounts = Accounts(self.now)
        self.bulks = Bulks(self.now)
        self.data_lock = threading.RLock()
        """Held while a call reads or writes what the store has."""
        self._dialect = dialect_named(dialect)
        self._lock = threading.RLock()
        self._integrations: dict[str, Integration] = {}
        self._denied: set[str] = set()
        self._deleted_keys: set[str] = set()
        self._consumer_ids = count(1)
        self._troubles = Troubles()
        self._counts: Counter[str] = Counter()
        self._log: deque[dict[str, Any]] = deque(maxlen=1000)

    # What the store has, made when a call first asks for it

    @cached_property
    def products(self) -> Products:
        return Products(self.now)

    @cached_property
    def stock(self) -> Stock:
        return Stock({item["sku"]: 10 + item["id"] % 90 for item in catalog.products("default")})

    @cached_property
    def orders(self) -> Orders:
        return Orders(self.now)

    @cached_property
    def customers(self) -> Customers:
        return Customers(self.now)

    # What a merchant does

    def activate(
        self, callback_url: str, identity_url: str = IDENTITY_URL, integration: str = DEFAULT_INTEGRATION
    ) -> Activation:
        """Click Activate of an integration, which is added if there is none of that name.

        Posts the verifier that waits, or a new one. While a request token stands, a new verifier only waits behind it:
        it does not work before that token is deleted. The row's link is not checked: see `check_link`.
        """
        with self._lock:
            known = self._integrations.get(integration)
            if known is None:
                known = Integration(integration, next(self._consumer_ids), new_key(), new_key())
                self._integrations[integration] = known
            return self._clicked(ACTIVATE, known, callback_url, identity_url)

    def reauthorize(
        self,
        callback_url: str | None = None,
        identity_url: str | None = None,
        integration: str = DEFAULT_INTEGRATION,
    ) -> Activation:
        """Click Reauthorize: deletes the integration's token, sets it inactive and activates it with the same keys.

        As in Magento, the row's link is not checked: a page that was loaded before may still show Reauthorize.
        Raises UnknownIntegration.
        """
        with self._lock:
            known = self._known(integration)
            callback_url = known.callback_url if callback_url is None else callback_url
            identity_url = known.identity_url if identity_url is None else identity_url
            return self._clicked(REAUTHORIZE, known, callback_url, identity_url)

    def check_link(self, link: str, integration: str = DEFAULT_INTEGRATION) -> None:
        """Raise LinkNotShown unless the grid, loaded now, shows this link in the integration's row."""
        with self._lock:
            known = self._integrations.get(integration)
            shown = known.link if known else ACTIVATE
            if link != shown:
                status = "active" if known and known.active else "inactive"
                raise LinkNotShown(
                    f"The row of {integration!r} shows {shown}, not {link}: the integration is {status}."
                )

    def click(
        self, callback_url: str, identity_url: str = IDENTITY_URL, integration: str = DEFAULT_INTEGRATION
    ) -> Activation:
        """Click the link that the integration's row shows."""
        with self._lock:
            known = self._integrations.get(integration)
            click = self.reauthorize if known and known.active else self.activate
            return click(callback_url, identity_url, integration)

    def delete(self, integration: str = DEFAULT_INTEGRATION) -> None:
        """Delete an integration with its key and token. Raises UnknownIntegration."""
        with self._lock:
            self._deleted_keys.add(self._known(integration).consumer_key)
            del self._integrations[integration]

    def copy_database(self, other: SandboxStore) -> None:
        """Become a copy of another store, as a staging server is: its integrations, keys and tokens included."""
        with other._lock:
            copied = copy.deepcopy(other._integrations)
        with self._lock:
            self._integrations = copied

    # What the integration does

    def request_token(self, request: SignedRequest, methods: Sequence[str] = (HMAC_SHA256,)) -> Token:
        """Turn the verifier into a request token, once (RFC 5849 section 2.1). Raises Refused."""
        with self._lock:
            given = self._parameters(request)
            integration = self._consumer_of(given, REQUEST_STEP, methods)
            if self.now() - integration.activated_at >= EXPIRATION_PERIOD:
                raise Refused(401, "Consumer key has expired")
            self._verify(request, integration)
            row = integration.row
            if row is None:
                number = str(integration.consumer_id)
                raise Refused(401, "A token with consumer ID %1 does not exist", [number])
            if row.kind != "verifier":
                raise Refused(401, NOT_A_VERIFIER)
            row.kind, row.token = "request", new_token()
            return row.token

    def access_token(self, request: SignedRequest, methods: Sequence[str] = (HMAC_SHA256,)) -> Token:
        """Turn the request token into an access token, once (RFC 5849 section 2.3). Raises Refused.

        The integration is active from then on.
        """
        with self._lock:
            given = self._parameters(request)
            integration = self._consumer_of(given, ACCESS_STEP, methods)
            holder, row = self._row_of(given["oauth_token"])
            if holder is not integration:
                raise Refused(401, "Request token is not associated with the specified consumer")
            if row.kind != "request":
                raise Refused(401, "Token is already being used")
            verifier = given["oauth_verifier"]
            if len(verifier) != KEY_LENGTH:
                raise Refused(401, "Verifier is not the correct length")
            if not _same(verifier, row.verifier):
                raise Refused(401, "Token verifier and verifier token do not match")
            self._verify(request, integration, row.token)
            row.kind, row.token = "access", new_token()
            integration.active = True
            return row.token

    def authorize(
        self,
        request: SignedRequest,
        resource: str,
        methods: Sequence[str] = (HMAC_SHA256,),
    ) -> Integration:
        """Return the integration that signed a REST call (RFC 5849 section 3.2). Raises Refused."""
        unauthorized = Refused(401, NOT_AUTHORIZED, {"resources": resource})
        with self._lock:
            given = self._parameters(request)
            if not given or given.get("oauth_consumer_key") in self._deleted_keys:
                raise unauthorized
            integration = self._consumer_of(given, REST_CALL, methods)
            holder, row = self._row_of(given["oauth_token"])
            if holder is not integration:
                raise Refused(401, "Token is not associated with the specified consumer")
            if row.kind != "access":
                raise Refused(401, "Token is not an access token")
            self._verify(request, integration, row.token)
            if not integration.active or resource in self._denied:
                raise unauthorized
            return integration

    def authorize_bearer(self, token: str, resource: str) -> None:
        """Let a customer's or an admin's token use a resource; "self" is a customer's own. Raises Refused."""
        with self._lock:
            kind = self.accounts.kind_of(token)
            wanted = "customer" if resource == "self" else "admin"
            if kind != wanted or resource in self._denied:
                raise Refused(401, NOT_AUTHORIZED, {"resources": resource})

    # What a script does to it

    def deny(self, *resources: str) -> None:
        """Untick ACL resources for everyone; none: all are allowed again. Raises ValueError for one no path needs."""
        for unknown in set(resources).difference(AclResource):
            raise ValueError(f"No path needs the ACL resource {unknown!r}; take one of {', '.join(AclResource)}.")
        with self._lock:
            self._denied = set(resources)

    @property
    def dialect(self) -> str:
        """The name of the dialect in which the store verifies signatures."""
        return self._dialect.name

    def set_dialect(self, name: str) -> None:
        """Verify signatures in another dialect from now on. Raises ValueError for an unknown one."""
        with self._lock:
            self._dialect = dialect_named(name)

    def now(self) -> float:
        """Return the store's own time, in seconds since the epoch."""
        return time.time() + self._clock_seconds

    def set_clock(self, seconds: float) -> None:
        """Set the store's clock `seconds` ahead of this machine's, or behind it below 0."""
        with self._lock:
            self._clock_seconds = seconds

    def set_base_url(self, url: str) -> None:
        """Make the store believe that it is at another base URL than the one it answers at."""
        with self._lock:
            self.base_url = url

    def expire(self, integration: str = DEFAULT_INTEGRATION) -> None:
        """Make an integration's activation 301 s old. Raises UnknownIntegration."""
        with self._lock:
            self._known(integration).activated_at = self.now() - EXPIRATION_PERIOD - 1

    def trouble(self, kind: str, times: int | None = None, endpoint: str | None = None, seconds: float = 0.0) -> None:
        """Let something go wrong from now on, at one of ENDPOINTS or (None) all, some times or (None) always.

        seconds: for `slow`. Raises ValueError for an unknown kind or endpoint, or a number out of range.
        """
        with self._lock:
            self._troubles.add(kind, times, endpoint, seconds)

    def clear_troubles(self) -> None:
        with self._lock:
            self._troubles.clear()

    def meet_troubles(self, endpoint: str) -> Met:
        """Return what goes wrong with the next request at an endpoint, and count it."""
        with self._lock:
            return self._troubles.meet(endpoint)

    @property
    def asks_for_password(self) -> bool:
        """Whether the web server asks for a password before everything."""
        with self._lock:
            return self._troubles.is_everywhere("password")

    def refuse(self, kind: str, request: SignedRequest) -> None:
        """Raise the Refused of a trouble in WORDS."""
        status, message = WORDS[kind]
        with self._lock:
            key = self._parameters(request).get("oauth_consumer_key")
            numbers = [str(one.consumer_id) for one in self._integrations.values() if one.consumer_key == key]
        raise Refused(status, message, (numbers or ["1"]) if "%1" in message else ())

    def record(
        self, endpoint: str, request: SignedRequest, status: int | None, problem: str | None, trouble: str | None
    ) -> None:
        """Count and log one request. status: None where no answer was sent."""
        with self._lock:
            self._counts[endpoint] += 1
            given = signature.parameters(DIALECTS[DEFAULT_DIALECT], request.url, request.authorization)
            self._log.append(
                {
                    "endpoint": endpoint,
                    "http_method": request.method,
                    "path": request.path(self.base_url),
                    "signature_method": given.get("oauth_signature_method"),
                    "status": status,
                    "problem": problem,
                    "trouble": trouble,
                }
            )

    @property
    def calls(self) -> list[tuple[str, str, int | None]]:
        """Return the method, path below the base URL and status of each request, None where no answer was sent."""
        with self._lock:
            return [(entry["http_method"], entry["path"], entry["status"]) for entry in self._log]

    def state(self) -> dict[str, Any]:
        """Return all that a script may ask for, secrets included: the keys of a sandbox open nothing else."""
        with self._lock:
            return {
                "store_base_url": self.base_url,
                "dialect": self._dialect.name,
                "clock_seconds": self._clock_seconds,
                "requests": {endpoint: self._counts[endpoint] for endpoint in ENDPOINTS},
                "integrations": {name: one.to_dict() for name, one in self._integrations.items()},
                "troubles": self._troubles.to_list(),
                "log": list(self._log),
            }

    # Magento's checks

    def _known(self, name: str) -> Integration:
        try:
            return self._integrations[name]
        except KeyError:
            raise UnknownIntegration(f"There is no integration {name!r} here; activate it first.") from None

    def _clicked(self, link: str, integration: Integration, callback_url: str, identity_url: str) -> Activation:
        integration.callback_url, integration.identity_url = callback_url, identity_url
        if not integration.exchanges_tokens:
            values = integration.four_values()
            return Activation(integration.name, callback_url, identity_url, values=values)
        if link == REAUTHORIZE:
            del integration.rows[:1]
            integration.active = False
        integration.activated_at = self.now()
        form = {
            "oauth_consumer_key": integration.consumer_key,
            "oauth_consumer_secret": integration.consumer_secret,
            "store_base_url": self.base_url,
            "oauth_verifier": integration.waiting_verifier(),
        }
        return Activation(integration.name, callback_url, identity_url, form)

    def _parameters(self, request: SignedRequest) -> Parameters:
        longest = self._dialect.longest_query
        if longest is not None and len(request.query) > longest:
            raise internal_error()
        try:
            return signature.parameters(self._dialect, request.url, request.authorization, request.form)
        except signature.Fault:
            raise internal_error() from None

    def _verify(self, request: SignedRequest, integration: Integration, token: Token | None = None) -> None:
        token_secret = token.secret if token else ""
        sent = request.method, request.url, request.authorization
        try:
            is_valid = signature.is_valid(self._dialect, *sent, integration.consumer_secret, token_secret, request.form)
        except signature.Fault:
            raise internal_error() from None
        if not is_valid:
            raise Refused(401, SIGNATURE_INVALID)

    def _consumer_of(self, given: Parameters, required: Sequence[str], methods: Sequence[str]) -> Integration:
        """Return the consumer that protocol parameters in good order name; uses their nonce up."""
        if given.get("oauth_version", "1.0") != "1.0":
            raise Refused(400, 'The "%1" Oauth version isn\'t supported.', [given["oauth_version"]])
        body.together([body.required(name) for name in required if name not in given])
        if len(given.get("oauth_token", " " * KEY_LENGTH)) != KEY_LENGTH:
            raise Refused(400, "The token length is invalid. Check the length and try again.")
        if given["oauth_signature_method"] not in methods:
            raise Refused(400, "Signature method %1 is not supported", [given["oauth_signature_method"]])
        integration = self._consumer(given["oauth_consumer_key"])
        # Magento uses the nonce up before it looks at the signature.
        self._use_nonce(integration, given["oauth_nonce"], given["oauth_timestamp"])
        return integration

    def _consumer(self, key: str) -> Integration:
        if len(key) != KEY_LENGTH:
            raise Refused(401, "Consumer key is not the correct length")
        for integration in self._integrations.values():
            if integration.consumer_key == key:
                return integration
        raise Refused(401, "A consumer having the specified key does not exist")

    def _use_nonce(self, integration: Integration, nonce: str, timestamp: str) -> None:
        seconds = int(timestamp[:20]) if timestamp.isdecimal() and timestamp.isascii() else 0
        if not 0 < seconds <= self.now() + TIME_DEVIATION:
            raise Refused(401, "An error occurred validating the nonce")
        if nonce in integration.nonces:
            raise Refused(401, NONCE_USED, [str(integration.consumer_id)])
        integration.nonces.add(nonce)

    def _row_of(self, token: str) -> tuple[Integration, TokenRow]:
        for integration in self._integrations.values():
            for row in integration.rows:
                if _same(token, row.token.token):
                    return integration, row
        raise Refused(401, "Specified token does not exist")


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
