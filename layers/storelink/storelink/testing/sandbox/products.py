"""A sandbox store's products: what is seeded, and what apps write (Magento_Catalog).

A value that is written in a store view holds there alone, unless the product is new. That of `all` is the default one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from storelink.testing.sandbox import body, catalog
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.media import Gallery
from storelink.testing.sandbox.refusal import Refused

LONGEST_SKU = 64
NO_PRODUCT = "The product that was requested doesn't exist. Verify the product and try again."
TOO_LONG = "SKU length should be %1 characters maximum."
NEGATIVE = "Please enter a number 0 or greater in this field."

PRODUCT = body.types(
    int="id attribute_set_id status visibility",
    float="price weight",
    string="sku name type_id created_at updated_at",
    mixed="extension_attributes product_links options media_gallery_entries tier_prices custom_attributes",
)
"""Properties of Magento\\Catalog\\Api\\Data\\ProductInterface, and their types."""

REQUIRED_OF_NEW = {"sku": "SKU", "name": "Product Name"}
"""Attributes without which no product is made, and their labels."""

OF_A_VIEW = ("name", "status", "visibility")
"""What has a value for each store view; so have custom attributes."""


class Product:
    """One product: its default values, and those of store views. gallery: its images."""

    def __init__(self, values: Fields, views: dict[str, Fields]) -> None:
        self.values = values
        self.views = views
        self.gallery = Gallery()
        self.tier_prices: list[Fields] = []

    @property
    def sku(self) -> str:
        return str(self.values["sku"])

    def item(self, view: str) -> Fields:
        """Return the product as a store view shows it."""
        item = self.values | self.views.get(view, {})
        own = self.views.get(view, {}).get("custom_attributes", {})
        attributes = self.values["custom_attributes"] | own
        item["extension_attributes"] = dict(self.values["extension_attributes"])
        item["custom_attributes"] = [{"attribute_code": code, "value": value} for code, value in attributes.items()]
        item["media_gallery_entries"] = self.gallery.entries()
        item["tier_prices"] = [
            {"customer_group_id": 32000, "qty": one["quantity"], "value": one["price"]} for one in self.tier_prices
        ]
        return item


class Products:
    """The catalogue. It is not safe for threads: the store locks. now: the store's time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        german = {item["id"]: item["name"] for item in catalog.products("de")}
        self._products = {
            item["sku"].casefold(): Product(item | _more(), {"de": {"name": german[item["id"]]}})
            for item in catalog.products("default")
        }
        self._ids = count(catalog.PRODUCTS + 1)

    def items(self, view: str) -> list[Fields]:
        """Return all products as a store view shows them."""
        return [product.item(view) for product in self._products.values()]

    def get(self, sku: str) -> Product:
        """Return a product by its SKU, in any case. Raises Refused."""
        try:
            return self._products[sku.casefold()]
        except KeyError:
            raise Refused(404, NO_PRODUCT) from None

    def find(self, sku: str) -> Product | None:
        """Return a product by its SKU, None where there is none."""
        return self._products.get(sku.casefold())

    def save(self, given: Fields, view: str) -> Product:
        """Make or change a product in a store view. Raises Refused."""
        known = self.find(str(given.get("sku") or ""))
        if known is None:
            known = self._new(given)
            view = "all"
        problem = _problem(given)
        if problem:
            raise problem
        entries = given.get("media_gallery_entries")
        if entries is not None:
            known.gallery.replace(entries)
        self._write(known, given, view)
        self._products[known.sku.casefold()] = known
        return known

    def delete(self, sku: str) -> bool:
        """Delete a product. Raises Refused."""
        del self._products[self.get(sku).sku.casefold()]
        return True

    def touch(self, product: Product) -> None:
        """Set the time of a product's last change."""
        product.values["updated_at"] = self._time()

    def _new(self, given: Fields) -> Product:
        for name, label in REQUIRED_OF_NEW.items():
            if not given.get(name):
                message = f'The "{label}" attribute value is empty. Set the attribute and try again.'
                raise Refused(400, message)
        number = next(self._ids)
        values = _more() | {"special_price": None, "category_ids": ""}
        values |= {"id": number, "entity_id": number, "price": 0, "status": 1, "visibility": 4, "type_id": "simple"}
        values |= {"attribute_set_id": 4, "created_at": self._time()}
        return Product(values | {"sku": given["sku"]}, {})

    def _write(self, product: Product, given: Fields, view: str) -> None:
        plain = {name: value for name, value in given.items() if PRODUCT[name] != "mixed" and value is not None}
        for name in ("id", "sku", "created_at", "updated_at"):
            plain.pop(name, None)
        custom = _attributes(given.get("custom_attributes"))
        if view != "all":
            own = product.views.setdefault(view, {})
            own |= {name: plain.pop(name) for name in OF_A_VIEW if name in plain}
            own["custom_attributes"] = own.get("custom_attributes", {}) | custom
        else:
            product.values["custom_attributes"] |= custom
        product.values |= plain
        if "special_price" in custom:
            product.values["special_price"] = float(custom["special_price"]) if custom["special_price"] else None
        if "category_ids" in custom:
            product.values["category_ids"] = ",".join(map(str, custom["category_ids"]))
        self.touch(product)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%d %H:%M:%S")


def _more() -> Fields:
    """Return what Magento's answer has beyond the columns that searches read."""
    return {
        "weight": 1,
        "extension_attributes": {"website_ids": [1]},
        "product_links": [],
        "options": [],
        "custom_attributes": {},
    }


def _problem(given: Fields) -> Refused | None:
    """Return what is wrong with a product's values."""
    if len(str(given["sku"])) > LONGEST_SKU:
        return Refused(400, TOO_LONG, [str(LONGEST_SKU)])
    if given.get("price") is not None and given["price"] < 0:
        return Refused(400, NEGATIVE)
    return None


def _attributes(given: Any) -> Fields:
    """Return custom attributes, which come as a list or by their codes. Raises Refused."""
    if isinstance(given, dict):
        return given
    found: Fields = {}
    for one in given if isinstance(given, list) else []:
        code = one.get("attribute_code") if isinstance(one, dict) else None
        if not code:
            raise Refused(400, "A custom attribute is specified without an attribute code.")
        if one.get("value") is None:
            raise Refused(400, f'Value is not set for attribute code "{code}"')
        found[str(code)] = one["value"]
    return found


def saved(given: Any, sku: str | None) -> Fields:
    """Return the product of a call's body, read. sku: that of the path, which counts. Raises Refused."""
    product = body.fields(given, "product", PRODUCT)
    return product if sku is None else product | {"sku": sku}
