"""Price updates of many products (Magento_Catalog's base and tier price storages): 200, with the rows that failed."""

from __future__ import annotations

from typing import Any

from storelink.testing.sandbox import body
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.products import Product, Products

BASE_PRICE = body.types(int="store_id", float="price", string="sku", mixed="extension_attributes")
TIER_PRICE = body.types(
    int="website_id",
    float="price quantity",
    string="sku price_type customer_group",
    mixed="extension_attributes",
)
STORE_IDS = (0, 1, 2)
PRICE_TYPES = ("fixed", "discount")
CUSTOMER_GROUPS = ("all groups", "not logged in", "general", "wholesale", "retailer")

INVALID = "Invalid attribute %fieldName = %fieldValue."
NO_STORE = "Requested store is not found. Row ID: SKU = %SKU, Store ID: %storeId."
ROW = "Row ID: SKU = %SKU, Website ID: %websiteId, Customer Group: %customerGroup, Quantity: %qty."


def base_prices(products: Products, given: Any) -> list[Fields]:
    """Return the base prices of a body's products. Unknown SKUs are left out."""
    return [{"price": one.values["price"], "store_id": 0, "sku": one.sku} for one in _named(products, given)]


def update_base_prices(products: Products, given: Any) -> list[Fields]:
    """Set a body's base prices, and return what failed: a row with a problem changes nothing."""
    failed: list[Fields] = []
    for row in body.rows(given, "prices", BASE_PRICE):
        problems = _base_problems(products, row)
        failed += problems
        product = products.find(row.get("sku") or "")
        if product is not None and not problems:
            product.values["price"] = row["price"]
            products.touch(product)
    return failed


def _named(products: Products, given: Any) -> list[Product]:
    """Return the products that a body names by their SKUs, as far as they are known."""
    found = (products.find(str(sku)) for sku in body.parameter(given, "skus"))
    return [product for product in found if product is not None]


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


def tier_prices(products: Products, given: Any) -> list[Fields]:
    """Return the tier prices of a body's products. Unknown SKUs are left out."""
    return [price.copy() for product in _named(products, given) for price in product.tier_prices]


def replace_tier_prices(products: Products, given: Any) -> list[Fields]:
    """Replace all tier prices of a body's products; return what failed."""
    return update_tier_prices(products, given, replace=True)


def update_tier_prices(products: Products, given: Any, replace: bool = False) -> list[Fields]:
    """Add or change a body's tier prices, or `replace` all of the named products; return what failed."""
    rows = body.rows(given, "prices", TIER_PRICE)
    problems = [_tier_problems(products, row) for row in rows]
    valid = [row for row, found in zip(rows, problems, strict=True) if not found]
    if replace:
        for row in valid:
            products.get(row["sku"]).tier_prices.clear()
    for row in valid:
        product = products.get(row["sku"])
        _remove(product, row)
        product.tier_prices.append(row | {"sku": product.sku})
        products.touch(product)
    return [problem for found in problems for problem in found]


def delete_tier_prices(products: Products, given: Any) -> list[Fields]:
    """Delete a body's tier prices; return what failed."""
    failed = []
    for row in body.rows(given, "prices", TIER_PRICE):
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
