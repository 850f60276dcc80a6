"""The link back to Magento (`success_call_back`), and whether the popup may follow it without a click.

It is followed once the store is connected: `followed` in page.py.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from storelink.store import UNSAFE, Store, normalize_host

MAX_URL_LENGTH = 1024
"""Characters a way back may have: it is kept in a cookie."""


@dataclass(frozen=True)
class ReturnLink:
    """Where the popup has to end. follow: on the store's own host, so that no click is needed."""

    url: str
    host: str
    follow: bool


def return_link(success_call_back: str, store: Store | None) -> ReturnLink | None:
    """Read the URL at which Magento's page expects the popup to end; None where it may not be offered.

    Only http(s)://host[:port]/… in the one form that every parser reads alike is taken.
    """
    if len(success_call_back) > MAX_URL_LENGTH or UNSAFE.search(success_call_back):
        return None
    if not success_call_back.lower().startswith(("http://", "https://")) or not success_call_back.isascii():
        return None
    try:
        parts = urlsplit(success_call_back)
        _ = parts.port
        host = normalize_host(parts)
    except ValueError:
        return None
    return ReturnLink(success_call_back, host, follow=store is not None and host == store.host)
