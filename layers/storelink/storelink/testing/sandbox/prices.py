"""Price updates of many products (Magento_Catalog's base and tier price storages): 200, with the rows that failed."""

from __future__ import annotations

from typing import Any

from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.products import Product, Products

BASE_PRICE = {"sku": "string", "price": "float", "store_id": "int", "extension_attributes": "mixed"}
TIER_PRICE = {
    "sku": "string",
    "price": "float",
    "price_type": "string",
    "website_id": "int",
    "customer_group": "string",
    "quantity": "float",
    "extension_attributes": "mixed",
}
STORE_IDS = (0, 1, 2)
PRICE_TYPES = ("fixed", "discount")
CUSTOMER_GROUPS = ("all groups", "not logged in", "general", "wholesale", "retailer")

INVALID = "Invalid attribute %fieldName = %fieldValue."
NO_STORE = "Requested store is not found. Row ID: SKU = %SKU, Store ID: %storeId."
ROW = "Row ID: SKU = %SKU, Website ID: %websiteId, Customer Group: %customerGroup, Quantity: %qty."


def base_prices(products: Products, skus: list[str]) -> list[Fields]:
    """Return products' base prices. Unknown SKUs are left out."""
    found = [product for product in map(products.find, skus) if product is not None]
    return [{"price": one.values["price"], "store_id": 0, "sku": one.sku} for one in found]


def update_base_prices(products: Products, given: list[Fields]) -> list[Fields]:
    """Set base prices, and return what failed: a row with a problem changes nothing."""
    failed: list[Fields] = []
    for row in given:
        problems = _base_problems(products, row)
        failed += problems
        product = products.find(row.get("sku") or "")
        if product is not None and not problems:
            product.values["price"] = row["price"]
            products.touch(product)
    return failed


def _base_problems(products: Products, row: Fields) -> list[Fields]:
    sku, price, store = row.get("sku"), row.get("price"), row.get("store_id") or 0
    problems = []
    if not sku or products.find(sku) is None:
        problems.append(_failed(INVALID, "SKU", sku))
    if price is None or price < 0:
        problems.append(_failed(INVALID, "Price", price))
    if store not in STORE_IDS:
        problems.append(_failed(NO_STORE, sku, store))
    return problems


def tier_prices(products: Products, skus: list[str]) -> list[Fields]:
    """Return products' tier prices."""
    found = [product for product in map(products.find, skus) if product is not None]
    return [price.copy() for product in found for price in product.tier_prices]


def update_tier_prices(products: Products, given: list[Fields], replace: bool = False) -> list[Fields]:
    """Add or change tier prices, or `replace` all of the named products; return what failed."""
    problems = [_tier_problems(products, row) for row in given]
    valid = [row for row, found in zip(given, problems, strict=True) if not found]
    if replace:
        for row in valid:
            products.get(row["sku"]).tier_prices.clear()
    for row in valid:
        product = products.get(row["sku"])
        _remove(product, row)
        product.tier_prices.append(row | {"sku": product.sku})
        products.touch(product)
    return [problem for found in problems for problem in found]


def delete_tier_prices(products: Products, given: list[Fields]) -> list[Fields]:
    """Delete tier prices; return what failed."""
    failed = []
    for row in given:
        product = products.find(row.get("sku") or "")
        if product is None or not _remove(product, row):
            failed.append(_failed(f"The requested price is not found. {ROW}", *_row(row)))
    return failed


def _tier_problems(products: Products, row: Fields) -> list[Fields]:
    problems: list[Fields] = []

    def check(holds: bool, name: str, value: Any) -> None:
        if not holds:
            problems.append(_failed(f"Invalid attribute {name} = {value}. {ROW}", *_row(row)))

    price, kind = row.get("price"), row.get("price_type")
    group = str(row.get("customer_group") or "")
    check(products.find(row.get("sku") or "") is not None, "SKU", row.get("sku"))
    check(price is not None and price >= 0 and (kind != "discount" or price <= 100), "Price", price)
    check(kind in PRICE_TYPES, "Price Type", kind)
    check((row.get("quantity") or 0) >= 1, "Quantity", row.get("quantity"))
    check(row.get("website_id") == 0, "Website ID", row.get("website_id"))
    check(group.lower() in CUSTOMER_GROUPS, "Customer Group", group)
    return problems


def _remove(product: Product, row: Fields) -> bool:
    """Remove a tier price for the same quantity, group and website; whether there was one."""
    kept = [known for known in product.tier_prices if _row(known)[1:] != _row(row)[1:]]
    removed = len(kept) < len(product.tier_prices)
    product.tier_prices[:] = kept
    return removed


def _row(row: Fields) -> tuple[Any, ...]:
    return row.get("sku"), row.get("website_id"), str(row.get("customer_group")).lower(), row.get("quantity")


def _failed(message: str, *values: Any) -> Fields:
    return {"message": message, "parameters": ["" if value is None else str(value) for value in values]}
