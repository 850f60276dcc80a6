"""Storelink: an app's connection to Magento 2 / Adobe Commerce stores.

`storelink.connect(store_url)` gives a requests session whose calls are signed.
"""

from typing import TYPE_CHECKING, Any

from storelink.errors import Invalid, Rejected, StorelinkError, Unavailable

if TYPE_CHECKING:
    from storelink.session import StoreSession, connect

__all__ = ["Invalid", "Rejected", "StoreSession", "StorelinkError", "Unavailable", "connect"]


def __getattr__(name: str) -> Any:
    """Load the session, and requests with it, only where it is used: it would slow every function's start."""
    if name in ("StoreSession", "connect"):
        from storelink import session

        return getattr(session, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
