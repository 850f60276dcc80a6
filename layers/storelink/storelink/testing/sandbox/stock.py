"""A sandbox store's stock: Magento's source items (MSI), and the older stock items that follow the default source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storelink.testing.sandbox import body
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.refusal import Refused

DEFAULT_SOURCE = "default"
SOURCES = {DEFAULT_SOURCE: "Default Source", "warehouse": "Warehouse"}
IN_STOCK, OUT_OF_STOCK = 1, 0

SOURCE_ITEM = body.types(string="sku source_code", mixed="quantity status")
STOCK_ITEM = body.types(
    int="backorders item_id product_id stock_id",
    float="qty min_qty",
    bool="is_in_stock manage_stock use_config_manage_stock is_qty_decimal",
)
EMPTY = '"%field" can not be empty.'
NOT_NUMERIC = '"%field" should be numeric.'
UNKNOWN_STATUS = '"%field" should a known status.'


class Stock:
    """Source items by SKU and source. It is not safe for threads: the store locks."""

    def __init__(self, quantities: dict[str, float]) -> None:
        """quantities: of the default source, by SKU."""
        self._items: dict[tuple[str, str], Fields] = {}
        for sku, quantity in quantities.items():
            self.set(sku, DEFAULT_SOURCE, quantity, IN_STOCK if quantity > 0 else OUT_OF_STOCK)

    def set(self, sku: str, source: str, quantity: float, status: int) -> None:
        """Write one source item."""
        known = {"sku": sku, "source_code": source, "quantity": quantity, "status": status}
        self._items[sku.casefold(), source] = known

    def remove(self, sku: str) -> None:
        """Remove a product's source items."""
        for source in SOURCES:
            self._items.pop((sku.casefold(), source), None)

    def source_items(self) -> list[Fields]:
        """Return all source items."""
        return [item.copy() for item in self._items.values()]

    def save_source_items(self, given: Any) -> list[Any]:
        """Write the source items of a body, all or none (POST inventory/source-items). Raises Refused."""
        items = _source_items(given)
        problems = [problem for item in items for problem in _problems(item)]
        if problems:
            raise Refused(400, f"Validation Failed: {problems[0].problem}", errors=problems)
        if any(item["source_code"] not in SOURCES for item in items):
            raise Refused(400, "Could not save Source Item")
        for item in items:
            self.set(item["sku"], item["source_code"], _number(item["quantity"]), int(float(item["status"])))
        return []

    def delete_source_items(self, given: Any) -> list[Any]:
        """Delete the source items of a body (POST inventory/source-items-delete). Raises Refused."""
        for item in _source_items(given):
            self._items.pop((str(item.get("sku")).casefold(), str(item.get("source_code"))), None)
        return []

    def stock_item(self, product: Fields) -> Fields:
        """Return a product's stock item."""
        found = self._items.get((product["sku"].casefold(), DEFAULT_SOURCE), {"quantity": 0, "status": OUT_OF_STOCK})
        return {
            "item_id": product["id"],
            "product_id": product["id"],
            "stock_id": 1,
            "qty": found["quantity"],
            "is_in_stock": found["status"] == IN_STOCK,
            "is_qty_decimal": False,
            "use_config_manage_stock": True,
            "manage_stock": True,
            "min_qty": 0,
            "backorders": 0,
        }

    def save_stock_item(self, product: Fields, given: Fields) -> int:
        """Write a product's stock item, and return its id. Properties that are left out keep their value."""
        known = self.stock_item(product)
        quantity = known["qty"] if given.get("qty") is None else given["qty"]
        is_in_stock = known["is_in_stock"] if given.get("is_in_stock") is None else given["is_in_stock"]
        self.set(product["sku"], DEFAULT_SOURCE, quantity, IN_STOCK if is_in_stock else OUT_OF_STOCK)
        return int(known["item_id"])


def sources() -> list[Fields]:
    """Return the sources that there are."""
    return [{"source_code": code, "name": name, "enabled": True} for code, name in SOURCES.items()]


def _source_items(given: Any) -> list[Fields]:
    """Return the source items of a body. Raises Refused where it has none."""
    items = body.rows(given, "sourceItems", SOURCE_ITEM)
    if not items:
        raise Refused(400, "Input data is empty")
    return items


def _problems(item: Fields) -> Iterator[Refused]:
    """Return what Magento's validators find wrong with a source item."""
    for name in ("sku", "source_code"):
        if not str(item.get(name) or "").strip():
            yield Refused(400, EMPTY, {"field": name})
    for name in ("quantity", "status"):
        if not _is_numeric(item.get(name)):
            yield Refused(400, NOT_NUMERIC, {"field": name})
    if _is_numeric(item.get("status")) and int(float(item["status"])) not in (IN_STOCK, OUT_OF_STOCK):
        yield Refused(400, UNKNOWN_STATUS, {"field": "status"})


def _is_numeric(value: Any) -> bool:
    try:
        body.converted({"value": value}, {"value": "float"})
    except Refused:
        return False
    return value is not None and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(body.converted({"value": value}, {"value": "float"})["value"])
