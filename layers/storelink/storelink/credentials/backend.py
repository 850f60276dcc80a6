"""What the homes of credentials have in common: Secrets Manager, and sealed ones on the connections' rows."""

from dataclasses import dataclass
from typing import Protocol

from storelink.aws.dynamodb import Row
from storelink.store import Store

SECRETS_MANAGER = "secretsmanager"
DYNAMODB = "dynamodb"
"""The values of the parameter CredentialStore, and of a connection's `kept_in`."""


@dataclass(frozen=True)
class StoredCredentials:
    """Where a version of a store's credentials is kept, or will be.

    version: names these credentials: the activation's id. kept: whether they outlast this process already; else they do
    by being written with the connection. current: the version that was current when this was looked at, None for none.
    changes, removes: what the connection's row has to say of it.
    """

    store: Store
    version: str
    kept: bool
    current: str | None
    changes: Row
    removes: tuple[str, ...] = ()


class Backend(Protocol):
    """A home of credentials. Each of its functions raises Unavailable where the home does not answer."""

    def find(self, store: Store, version: str) -> StoredCredentials | None:
        """The place of a version that is kept, None where it is not."""

    def save(self, store: Store, version: str, text: str) -> StoredCredentials:
        """Keep credentials beside the current ones; the first of a store may be current at once."""

    def discard(self, place: StoredCredentials) -> None:
        """Give up what is kept of a store that has no connection."""

    def promote(self, place: StoredCredentials) -> None:
        """Make what is kept current, if what was current still is."""

    def restore(self, place: StoredCredentials, row: Row) -> None:
        """Make current again what a newer connection's row names, where the place's version took its part."""
