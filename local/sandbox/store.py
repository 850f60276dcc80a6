"""What one sandbox store knows and answers: Magento's integrations, tokens and nonces, without HTTP.

Checks come in Magento's order and refuse in Magento's words, so a client meets here what it will meet there.
"""

from __future__ import annotations

import copy
import secrets
import string
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from local.sandbox.accounts import Accounts
from local.sandbox.refusal import Refused
from local.sandbox.verify import HMAC_SHA1, HMAC_SHA256, SignedRequest

KEY_LENGTH = 32
EXPIRATION_PERIOD = 300  # seconds from activation to the request step: oauth/consumer/expiration_period
TIME_DEVIATION = 600  # seconds a timestamp may lie in the future
DEFAULT_INTEGRATION = "storelink"

ENDPOINTS = ("request", "access", "rest")
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
NONCE_USED = "The nonce is already being used by the consumer with ID %1"
SIGNATURE_INVALID = "The signature is invalid. Verify and try again."

# Troubles that answer with words of Magento's own, all with status 401.
WORDS = {
    "nonce_used": NONCE_USED,
    "nonce_error": "An error occurred validating the nonce",
    "token_used": "Token is already being used",
    "key_length": "Consumer key is not the correct length",
    "verifier_length": "Verifier is not the correct length",
    "verifier_mismatch": "Token verifier and verifier token do not match",
    "revoked": "Specified token does not exist",
    "unknown_key": "A consumer having the specified key does not exist",
    "signature_invalid": SIGNATURE_INVALID,
}
# Troubles that take the place of the step, and troubles that let it be done and spoil its answer.
BEFORE_STEP = (
    "internal_error",
    "maintenance",
    "bad_gateway",
    "gateway_timeout",
    "rate_limit",
    "forbidden",
    "html",
    "redirect",
    "moved",
    "password",
    "huge",
    "drop_before",
)
AFTER_STEP = ("drop", "cut", "half")
# Troubles that change how a request is read; these add up with one of the others.
CONDITIONS = ("slow", "header_lost", "sha1_only", "both_methods", "no_methods")
TROUBLES = (*CONDITIONS, *BEFORE_STEP, *AFTER_STEP, *WORDS)


class UnknownIntegration(LookupError):
    """A script named an integration this store does not have."""


@dataclass(frozen=True)
class Token:
    token: str
    secret: str = field(repr=False)


@dataclass
class TokenRow:
    """One row of Magento's oauth_token: a verifier that becomes a request token, then an access token."""

    verifier: str = field(repr=False)
    token: Token = field(repr=False)
    kind: Literal["verifier", "request", "access"] = "verifier"


@dataclass
class Integration:
    name: str
    consumer_id: int
    consumer_key: str
    consumer_secret: str = field(repr=False)
    callback_url: str = ""
    identity_url: str | None = None
    active: bool = False
    activated_at: float = 0.0
    rows: list[TokenRow] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set, repr=False)

    @property
    def row(self) -> TokenRow | None:
        """The row Magento works with: the oldest. A later one waits until that is deleted."""
        return self.rows[0] if self.rows else None


@dataclass(frozen=True)
class Activation:
    """What one click on Activate posts, and where."""

    callback_url: str
    identity_url: str | None
    form: dict[str, str] = field(repr=False)


@dataclass
class Trouble:
    """One thing that goes wrong: at one endpoint or all, a number of times or always (None)."""

    kind: str
    times: int | None = None
    endpoint: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Interference:
    """What goes wrong with one request: its conditions, and the trouble that takes its answer's place."""

    methods: tuple[str, ...] = (HMAC_SHA256,)
    slow: float = 0.0
    header_lost: bool = False
    kind: str | None = None


class SandboxStore:
    """One Magento, in memory. Every public method may be called from any thread."""

    def __init__(self, base_url: str) -> None:
        """`base_url`, ending in `/`, is where the store believes it is; signatures are proven against it."""
        self.base_url = base_url
        self.rewrites = True  # False: it answers below index.php/ only
        self._lock = threading.RLock()
        self.accounts = Accounts(self.now)
        self.retry_after = "1"  # what it says where there are too many requests
        self._integrations: dict[str, Integration] = {}
        self._denied: set[str] = set()
        self._deleted_keys: set[str] = set()
        self._consumer_ids = count(1)
        self._clock_seconds = 0.0
        self._troubles: list[Trouble] = []
        self._counts: Counter[str] = Counter()
        self._log: deque[dict[str, Any]] = deque(maxlen=1000)

    # What a merchant does

    def activate(
        self, callback_url: str, identity_url: str | None = None, integration: str = DEFAULT_INTEGRATION
    ) -> Activation:
        """Activate an integration, made if it is not there. Posts the verifier that waits, or a new one.

        While a request or access token stands, a new verifier only waits behind it: it does not work before
        Reauthorize has deleted that token, and posted this verifier again.
        """
        with self._lock:
            known = self._integrations.get(integration)
            if known is None:
                known = Integration(integration, next(self._consumer_ids), _key(), _key())
                self._integrations[integration] = known
            return self._posted(known, callback_url, identity_url)

    def reauthorize(
        self,
        callback_url: str | None = None,
        identity_url: str | None = None,
        integration: str = DEFAULT_INTEGRATION,
    ) -> Activation:
        """Delete the integration's token, set it inactive and activate it again: same key and secret.

        Raises UnknownIntegration.
        """
        with self._lock:
            known = self._known(integration)
            del known.rows[:1]
            known.active = False
            return self._posted(known, callback_url or known.callback_url, identity_url)

    def copy_database(self, other: SandboxStore) -> None:
        """Become a copy of another store, as a staging server is: its integrations, keys and tokens included."""
        with other._lock:
            copied = copy.deepcopy(other._integrations)
        with self._lock:
            self._integrations = copied

    def delete(self, integration: str = DEFAULT_INTEGRATION) -> None:
        """Delete an integration with its key and token. Raises UnknownIntegration."""
        with self._lock:
            self._deleted_keys.add(self._known(integration).consumer_key)
            del self._integrations[integration]

    # What the integration does

    def request_token(self, request: SignedRequest, methods: Sequence[str] = (HMAC_SHA256,)) -> Token:
        """Turn the verifier into a request token, once (RFC 5849 section 2.1). Raises Refused."""
        with self._lock:
            integration = self._consumer_of(request, REQUEST_STEP, methods)
            if self.now() - integration.activated_at >= EXPIRATION_PERIOD:
                raise Refused(401, "Consumer key has expired")
            _prove(request, integration)
            row = integration.row
            if row is None:
                number = str(integration.consumer_id)
                raise Refused(401, "A token with consumer ID %1 does not exist", [number])
            if row.kind != "verifier":
                raise Refused(401, NOT_A_VERIFIER)
            row.kind, row.token = "request", _token()
            return row.token

    def access_token(self, request: SignedRequest, methods: Sequence[str] = (HMAC_SHA256,)) -> Token:
        """Turn the request token into an access token, once (RFC 5849 section 2.3). Raises Refused.

        The integration is active from then on.
        """
        with self._lock:
            integration = self._consumer_of(request, ACCESS_STEP, methods)
            holder, row = self._row_of(request.protocol["oauth_token"])
            if holder is not integration:
                raise Refused(401, "Request token is not associated with the specified consumer")
            if row.kind != "request":
                raise Refused(401, "Token is already being used")
            verifier = request.protocol["oauth_verifier"]
            if len(verifier) != KEY_LENGTH:
                raise Refused(401, "Verifier is not the correct length")
            if not _same(verifier, row.verifier):
                raise Refused(401, "Token verifier and verifier token do not match")
            _prove(request, integration, row.token)
            row.kind, row.token = "access", _token()
            integration.active = True
            return row.token

    def authorize(
        self,
        request: SignedRequest,
        resource: str,
        methods: Sequence[str] = (HMAC_SHA256,),
    ) -> Integration:
        """The integration behind a signed REST call (RFC 5849 section 3.2). Raises Refused."""
        unauthorized = Refused(401, NOT_AUTHORIZED, {"resources": resource})
        with self._lock:
            if not request.protocol or request.protocol.get("oauth_consumer_key") in self._deleted_keys:
                raise unauthorized
            integration = self._consumer_of(request, REST_CALL, methods)
            holder, row = self._row_of(request.protocol["oauth_token"])
            if holder is not integration:
                raise Refused(401, "Token is not associated with the specified consumer")
            if row.kind != "access":
                raise Refused(401, "Token is not an access token")
            _prove(request, integration, row.token)
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
        """Untick ACL resources for everyone; none: all are allowed again."""
        with self._lock:
            self._denied = set(resources)

    def now(self) -> float:
        """The store's own time, in seconds since the epoch."""
        return time.time() + self._clock_seconds

    def set_clock(self, seconds: float) -> None:
        """Put the store's clock `seconds` ahead of (or, below 0, behind) this machine's."""
        with self._lock:
            self._clock_seconds = seconds

    def set_base_url(self, url: str) -> None:
        """Have the store believe that it is at another base URL than the one it answers at."""
        with self._lock:
            self.base_url = url

    def expire(self, integration: str = DEFAULT_INTEGRATION) -> None:
        """Make an integration's activation 301 s old. Raises UnknownIntegration."""
        with self._lock:
            self._known(integration).activated_at = self.now() - EXPIRATION_PERIOD - 1

    def trouble(
        self,
        kind: str,
        times: int | None = None,
        endpoint: str | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Let something go wrong from now on, at one of ENDPOINTS or (None) all, some times or (None) always.

        `seconds` is for `slow`. Raises ValueError on a kind, endpoint or number that cannot be.
        """
        if kind not in TROUBLES:
            raise ValueError(f"There is no trouble {kind!r}; take one of {', '.join(TROUBLES)}.")
        if endpoint is not None and endpoint not in ENDPOINTS:
            raise ValueError(f"There is no endpoint {endpoint!r}; take one of {', '.join(ENDPOINTS)}.")
        if times is not None and times < 1:
            raise ValueError("times is a number from 1, or null for always.")
        if not 0 <= seconds <= 60:
            raise ValueError("seconds is a number from 0 to 60.")
        with self._lock:
            self._troubles.append(Trouble(kind, times, endpoint, seconds))

    def clear_troubles(self) -> None:
        with self._lock:
            self._troubles.clear()

    def interference(self, endpoint: str) -> Interference:
        """What goes wrong with the next request at `endpoint`; counts the troubles it takes down.

        Of each condition the first that matches, and of all other troubles the first.
        """
        met: dict[str, Trouble] = {}
        with self._lock:
            for trouble in self._troubles:
                if trouble.endpoint in (None, endpoint):
                    met.setdefault(trouble.kind if trouble.kind in CONDITIONS else "answer", trouble)
            for trouble in met.values():
                if trouble.times is not None:
                    trouble.times -= 1
            self._troubles = [trouble for trouble in self._troubles if trouble.times != 0]
        methods: tuple[str, ...] = (HMAC_SHA256,)
        if "no_methods" in met:
            methods = ()
        elif "sha1_only" in met:
            methods = (HMAC_SHA1,)
        elif "both_methods" in met:
            methods = (HMAC_SHA1, HMAC_SHA256)
        return Interference(
            methods=methods,
            slow=met["slow"].seconds if "slow" in met else 0.0,
            header_lost="header_lost" in met,
            kind=met["answer"].kind if "answer" in met else None,
        )

    def refuse(self, kind: str, request: SignedRequest) -> None:
        """Raise the Refused that the trouble `kind` stands for."""
        with self._lock:
            key = request.protocol.get("oauth_consumer_key")
            numbers = [str(one.consumer_id) for one in self._integrations.values() if one.consumer_key == key]
        message = WORDS[kind]
        raise Refused(401, message, (numbers or ["1"]) if "%1" in message else ())

    def record(
        self,
        endpoint: str,
        request: SignedRequest,
        status: int | None,
        problem: str | None,
        trouble: str | None,
    ) -> None:
        """Count and log one request; `status` is None where no answer was sent."""
        with self._lock:
            self._counts[endpoint] += 1
            self._log.append(
                {
                    "endpoint": endpoint,
                    "http_method": request.method,
                    "signature_method": request.signature_method,
                    "status": status,
                    "problem": problem,
                    "trouble": trouble,
                }
            )

    def state(self) -> dict[str, Any]:
        """All a script may ask for, secrets included: it is a sandbox, and its keys open nothing else."""
        with self._lock:
            return {
                "store_base_url": self.base_url,
                "clock_seconds": self._clock_seconds,
                "requests": {endpoint: self._counts[endpoint] for endpoint in ENDPOINTS},
                "integrations": {name: _described(one) for name, one in self._integrations.items()},
                "troubles": [vars(trouble).copy() for trouble in self._troubles],
                "log": list(self._log),
            }

    # Magento's checks

    def _known(self, name: str) -> Integration:
        try:
            return self._integrations[name]
        except KeyError:
            raise UnknownIntegration(f"There is no integration {name!r} here; activate it first.") from None

    def _posted(self, integration: Integration, callback_url: str, identity_url: str | None) -> Activation:
        waiting = [row for row in integration.rows if row.kind == "verifier"]
        if not waiting:
            waiting = [TokenRow(verifier=_key(), token=_token())]
            integration.rows += waiting
        integration.activated_at = self.now()
        integration.callback_url = callback_url
        integration.identity_url = identity_url or integration.identity_url
        form = {
            "oauth_consumer_key": integration.consumer_key,
            "oauth_consumer_secret": integration.consumer_secret,
            "store_base_url": self.base_url,
            "oauth_verifier": waiting[0].verifier,
        }
        return Activation(callback_url, integration.identity_url, form)

    def _consumer_of(
        self,
        request: SignedRequest,
        required: Sequence[str],
        methods: Sequence[str],
    ) -> Integration:
        """Who claims to have sent a request whose protocol parameters are in order; uses its nonce up."""
        given = request.protocol
        if given.get("oauth_version", "1.0") != "1.0":
            raise Refused(400, 'The "%1" Oauth version isn\'t supported.', [given["oauth_version"]])
        missing = [
            Refused(400, '"%fieldName" is required. Enter and try again.', {"fieldName": name})
            for name in required
            if name not in given
        ]
        if len(missing) > 1:
            raise Refused(400, "One or more input exceptions have occurred.", errors=missing)
        if missing:
            raise missing[0]
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
        seconds = int(timestamp[:20]) if timestamp.isdecimal() else 0
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


def _prove(request: SignedRequest, integration: Integration, token: Token | None = None) -> None:
    if not request.is_signed_with(integration.consumer_secret, token.secret if token else ""):
        raise Refused(401, SIGNATURE_INVALID)


def _described(integration: Integration) -> dict[str, Any]:
    row = integration.row
    waiting = [one.verifier for one in integration.rows if one.kind == "verifier"]
    return {
        "name": integration.name,
        "consumer_id": integration.consumer_id,
        "consumer_key": integration.consumer_key,
        "status": "active" if integration.active else "inactive",
        "row": row.kind if row else None,
        "callback_url": integration.callback_url,
        "identity_url": integration.identity_url,
        "activated_at": integration.activated_at,
        "secrets": {
            "consumer_secret": integration.consumer_secret,
            "verifier": row.verifier if row else None,
            "waiting_verifier": waiting[0] if waiting else None,
            "token": row.token.token if row else None,
            "token_secret": row.token.secret if row else None,
        },
    }


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _key() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(KEY_LENGTH))


def _token() -> Token:
    return Token(_key(), _key())
