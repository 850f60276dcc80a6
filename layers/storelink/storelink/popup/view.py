"""What the merchant's page shows."""

from dataclasses import dataclass

from storelink import advice
from storelink.advice import Action
from storelink.store import Store


@dataclass(frozen=True)
class SignIn:
    """The vendor's own login, which is still to come. url: where it begins, on this API. host: where it leads."""

    url: str
    host: str


@dataclass(frozen=True)
class Claim:
    """A store that a signed-in merchant can assign to an account. token: what the page posts. tenant: the account."""

    token: str
    tenant: str


@dataclass(frozen=True)
class Retry:
    """A problem after which the steps try again.

    reason: a key of `advice.REASONS`. problem: the store's own words, "" for none. seconds: until the next try.
    """

    reason: str
    problem: str
    seconds: int


@dataclass(frozen=True)
class View:
    """What the page shows of an activation.

    state: the activation's, or "waiting" (none is known for this key, yet), "direct" (opened by hand), "incomplete" (a
    key that is none), "invitation-expired", "invitation-revoked", "invitation-other-store", "invitation-unknown",
    "claim" (connected, the merchant has signed in and has to confirm), "unclaimed" (connected, and the vendor's login
    came to nothing).
    store: host, port and path, as people read them. reached: how far the handshake came. reason: of a failed activation
    a key of `advice.REASONS`; of an unclaimed one why. action: what to do in Magento; None: what fits the reason.
    slow: it takes longer than usual. updated_at: of the last change, ISO 8601. unclaimed_days: after which a store is
    forgotten that nobody assigns to an account; 0 for never.
    """

    state: str = "waiting"
    store: str = ""
    reference: str = ""
    reached: str = ""
    reason: str = ""
    problem: str = ""
    action: Action | None = None
    slow: bool = False
    updated_at: str = ""
    retry: Retry | None = None
    sign_in: SignIn | None = None
    claim: Claim | None = None
    unclaimed_days: int = 0

    @property
    def todo(self) -> Action:
        """What to do in Magento after a failure."""
        return self.action or advice.action(self.reason, self.reached, ended=self.state == "failed")


def store_label(store: Store) -> str:
    """A store as people read it: its host, with port and path where it has them."""
    return store.url.partition("://")[2].removesuffix("/")
