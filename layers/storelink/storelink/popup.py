"""What the merchant's popup is shown: the activation of the consumer key that Magento opens it with."""

from typing import Any

from storelink import activations, languages, pages, tables
from storelink.activation import TOKEN
from storelink.errors import Unavailable
from storelink.observing import logger
from storelink.pages import Brand, View, WayBack, way_back
from storelink.settings import required, settings
from storelink.stores import Store
from storelink.tables import Row

SLOW = 10
"""Seconds after which the page says that the store takes its time."""


def page(view: View, back: WayBack | None, accept_language: str) -> dict[str, Any]:
    """The answer that shows this, in the language that the browser asks for."""
    brand, language = Brand(settings().app_name, settings().app_logo), languages.chosen(accept_language)
    return {
        "statusCode": 200,
        "headers": pages.security_headers(brand, language),
        "body": pages.identity_page(view, back, brand, language),
    }


def shown(consumer_key: str, success_call_back: str) -> tuple[View, WayBack | None]:
    """The activation to show for a consumer key, and where the popup may go.

    Anyone may post an activation under a key that they have seen. So the one of the host that the popup comes from
    goes first, then one that connected, then one under way; the newest of them.
    """
    back = way_back(success_call_back, None)
    if not TOKEN.fullmatch(consumer_key):
        return View("incomplete" if consumer_key or success_call_back else "direct"), back
    rows = _known(consumer_key)
    if not rows:
        return View("waiting"), back
    row = max(rows, key=lambda row: _rank(row, back))
    store = Store.from_url(row["store"])
    view = View(
        state=row["state"],
        host=store.host,
        reference=str(activations.id_of(row)),
        reached=row["reached"],
        reason=row.get("reason", ""),
        problem=row.get("problem", ""),
        slow=activations.now() - row["received_at"] > SLOW * 1000,
    )
    return view, way_back(success_call_back, store)


def _known(consumer_key: str) -> list[Row]:
    """The activations of a key; none for a moment where DynamoDB does not answer: the page asks again."""
    try:
        return tables.find(required("STORELINK_ACTIVATIONS_TABLE"), "by_key", "consumer_key", consumer_key)
    except Unavailable as unavailable:
        logger.warning("the popup has to wait", problem=unavailable.problem)
        return []


def _rank(row: Row, back: WayBack | None) -> tuple[bool, int, int]:
    host = Store.from_url(row["store"]).host
    return (
        back is not None and back.host == host,
        {"connected": 2, "failed": 0}.get(row["state"], 1),
        row["received_at"],
    )
