"""Storelink: an app's connection to Magento 2 / Adobe Commerce stores.

`storelink.connect(store_url)` gives a requests session whose calls are signed.
"""

from typing import TYPE_CHECKING, Any

from storelink.errors import (
    CallFailed,
    CallRefused,
    Invalid,
    LoginRefused,
    NotAuthorized,
    NotFound,
    NotJSON,
    NotNow,
    Rejected,
    Sent,
    StorelinkError,
    TwoFactorNeeded,
    Unavailable,
)

if TYPE_CHECKING:
    from storelink.client.session import (
        LoginSession,
        SessionOptions,
        StoreResponse,
        StoreSession,
        connect,
        kept_login,
        login,
    )
    from storelink.magento.bulk import BulkOperation, BulkResult
    from storelink.magento.search import Page, Search

__version__ = "0.1.0"

__all__ = [
    "BulkOperation",
    "BulkResult",
    "CallFailed",
    "CallRefused",
    "Invalid",
    "LoginRefused",
    "LoginSession",
    "NotAuthorized",
    "NotFound",
    "NotJSON",
    "NotNow",
    "Page",
    "Rejected",
    "Search",
    "Sent",
    "SessionOptions",
    "StoreResponse",
    "StoreSession",
    "StorelinkError",
    "TwoFactorNeeded",
    "Unavailable",
    "connect",
    "kept_login",
    "login",
]


def __getattr__(name: str) -> Any:
    """Load the session, and requests with it, only where it is used: it would slow every function's start."""
    if name in __all__:
        from storelink.client import session as client_session

        return getattr(client_session, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
