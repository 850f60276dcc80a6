"""What has to be: one integration of one store, its attempts, its secret and its connection, in memory.

Each method is something that is done; it changes what has to be and says what the one who does it has to hear.
"""

from collections import Counter
from dataclasses import dataclass, field

from storelink.jobs.health_check import MAX_MISSES
from storelink.models import EXPIRATION_PERIOD

UNAVAILABLE = "unavailable"
CLAIMED = "claimed"

_CLOSED = ("revoked",)
"""Reasons that a store which does not answer does not change."""


@dataclass(eq=False)
class Token:
    """A row of Magento's. It is a verifier, then a request token, then an access token."""

    kind: str = "verifier"


@dataclass(eq=False)
class Attempt:
    """An activation. posted: whose verifier it came with. asked: which one became its request token. at: ms."""

    posted: Token
    at: int
    state: str = "pending"
    reached: str = "pending"
    reason: str = ""
    sealed: bool = True
    asked: Token | None = None

    @property
    def is_over(self) -> bool:
        """Whether no step is to come."""
        return self.state in ("connected", "failed")

    def reach(self, state: str) -> str:
        """A step has gone well."""
        self.state, self.reached, self.reason = state, state, ""
        return state


@dataclass(eq=False)
class Connection:
    """A connection. token: that of its credentials."""

    attempt: Attempt
    token: Token
    tenant: str = ""
    state: str = "connected"
    reason: str = ""
    misses: int = 0


@dataclass
class Secret:
    """The store's secret. holds: the token of its current credentials."""

    holds: Token
    deleted: bool = False


@dataclass
class Model:
    """All of it. told: how many events of each kind are out. now: ms."""

    tokens: list[Token] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    connection: Connection | None = None
    secret: Secret | None = None
    told: Counter[str] = field(default_factory=Counter)
    now: int = 0

    @property
    def works(self) -> bool:
        """Whether there are credentials, and the store takes them."""
        return self._readable is not None and self._readable in self.tokens

    @property
    def _readable(self) -> Token | None:
        return self.secret.holds if self.secret and not self.secret.deleted else None

    # The merchant

    def activate(self) -> Token:
        """The verifier that Magento posts: the one that waits, or a new one."""
        waiting = [token for token in self.tokens if token.kind == "verifier"]
        if not waiting:
            waiting = [Token()]
            self.tokens += waiting
        return waiting[0]

    def reauthorize(self) -> Token:
        """The same, after Magento has deleted what it has."""
        del self.tokens[:1]
        return self.activate()

    def post(self, verifier: Token) -> Attempt:
        """The attempt that a post begins or joins."""
        newest = self.attempts[-1] if self.attempts else None
        old = newest and self.now - newest.at > EXPIRATION_PERIOD * 1000
        if newest is None or newest.is_over or old or newest.posted is not verifier:
            newest = Attempt(verifier, self.now)
            self.attempts.append(newest)
        return newest

    # The state machine

    def request_step(self, attempt: Attempt, closed: bool) -> str:
        """The request step runs. closed: the store is."""
        if attempt is not self.attempts[-1]:
            return "superseded"
        if not attempt.sealed or attempt.reached != "pending":
            return attempt.state
        if self.now - attempt.at > EXPIRATION_PERIOD * 1000:
            return self._refuse(attempt, "expired")
        if closed:
            return UNAVAILABLE
        asked = self.tokens[0]
        if asked.kind != "verifier":
            return self._refuse(attempt, "reauthorize")
        asked.kind, attempt.asked = "request", asked
        return attempt.reach("requested")

    def access_step(self, attempt: Attempt, closed: bool, full: bool) -> str:
        """The access step runs. closed: the store is. full: Secrets Manager takes no value."""
        if attempt is not self.attempts[-1]:
            return "superseded"
        if not attempt.sealed or attempt.reached not in ("requested", "exchanged"):
            return attempt.state
        assert attempt.asked
        if attempt.reached == "requested":
            if closed:
                return UNAVAILABLE
            if attempt.asked not in self.tokens or attempt.asked is not attempt.posted:
                lost = attempt.asked not in self.tokens
                return self._refuse(attempt, "reauthorize" if lost else "verifier-mismatch")
            attempt.asked.kind = "access"
        if full:
            attempt.reach("exchanged")
            return UNAVAILABLE
        self.secret = Secret(attempt.asked)
        attempt.sealed = False
        tenant = self.connection.tenant if self.connection else ""
        self.connection = Connection(attempt, attempt.asked, tenant)
        self.told["Store Connected"] += 1
        return attempt.reach("connected")

    def give_up(self, attempt: Attempt) -> str:
        """The state machine's tries are over."""
        if attempt is not self.attempts[-1]:
            return "superseded"
        if not attempt.is_over:
            self._fail(attempt, "unfinished")
        return attempt.state

    def _refuse(self, attempt: Attempt, reason: str) -> str:
        attempt.sealed = False
        return self._fail(attempt, reason)

    def _fail(self, attempt: Attempt, reason: str) -> str:
        attempt.state, attempt.reason = "failed", reason
        self.told["Activation Failed"] += 1
        return "failed"

    # The operator and the check

    def forget(self) -> str:
        """The store is forgotten."""
        assert self.connection
        assert self.secret
        self.connection.state, self.connection.reason, self.connection.misses = "disconnected", "forgotten", 0
        self.secret.deleted = True
        self.told["Store Disconnected"] += 1
        return "disconnected"

    def restore(self) -> None:
        """Its secret is restored by hand."""
        assert self.secret
        self.secret.deleted = False

    def claim(self, tenant: str) -> str:
        """Somebody says that the store is this tenant's."""
        assert self.connection
        if not self.connection.tenant:
            self.connection.tenant = tenant
            self.told["Store Claimed"] += 1
        return tenant if self.connection.tenant == tenant else CLAIMED

    def check(self, closed: bool) -> str:
        """The connection is checked. closed: the store is."""
        known = self.connection
        assert known
        was, before = known.state, known.reason
        if self._readable is None:
            seen = "secret-gone"
        elif closed:
            seen = "call-later"
        else:
            seen = "" if self.works else "revoked"
        known.misses = known.misses + 1 if seen == "call-later" else 0
        if not seen:
            known.state = "connected"
        elif seen != "call-later" or known.misses >= MAX_MISSES:
            known.state = "disconnected"
        stays = before == "forgotten" or (seen == "call-later" and was == "disconnected" and before in _CLOSED)
        if not (seen and stays):
            known.reason = seen
        if known.state != was:
            self.told["Store Disconnected" if seen else "Store Recovered"] += 1
        return known.state
