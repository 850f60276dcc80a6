"""What the backends of credentials have in common: Secrets Manager, and encrypted rows in DynamoDB."""

from dataclasses import dataclass
from typing import Protocol

from storelink.aws.dynamodb import Row
from storelink.store import Store

SECRETS_MANAGER = "secretsmanager"
DYNAMODB = "dynamodb"
"""The values of the parameter CredentialStore, and of a connection's `backend`."""


@dataclass(frozen=True)
class StoredCredentials:
    """A version of a store's credentials in a backend.

    version: the activation's id. is_durable: whether it is stored already; otherwise it is stored with the connection's
    row. current_version: the version that was current when the backend was read, None for none. row_changes,
    row_removes: what the connection's row has to say of it.
    """

    store: Store
    version: str
    is_durable: bool
    current_version: str | None
    row_changes: Row
    row_removes: tuple[str, ...] = ()


class Backend(Protocol):
    """A backend of credentials. Each function raises Unavailable when the backend does not answer."""

    def find(self, store: Store, version: str) -> StoredCredentials | None:
        """The stored version, None when it is not stored."""

    def save(self, store: Store, version: str, text: str) -> StoredCredentials:
        """Store credentials beside the current ones. The first of a store may be current at once."""

    def save_beside(self, row: Row, version: str, text: str) -> StoredCredentials:
        """Store credentials beside the current ones of a connection, by its row."""

    def discard(self, stored: StoredCredentials) -> None:
        """Delete what is stored of a store that has no connection."""

    def promote(self, stored: StoredCredentials) -> None:
        """Make the version current, if the version that was current still is."""

    def restore(self, stored: StoredCredentials, row: Row) -> None:
        """Make current again what a newer connection's row names, when this version took its part."""
