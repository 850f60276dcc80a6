"""What a sandbox store's REST API has, after V1/: each method and path, the ACL resource that it needs, its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from storelink.testing.sandbox import body, catalog, orders, prices, products, stock
from storelink.testing.sandbox.accounts import Kind
from storelink.testing.sandbox.acl import AclResource as Acl
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.catalog import BadCriteria
from storelink.testing.sandbox.products import Product, Products
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.responses import bearer
from storelink.testing.sandbox.store import SandboxStore
from storelink.testing.sandbox.troubles import Met


@dataclass(frozen=True)
class Call:
    """One REST call: its store, the variables of its path, its store view, and the query and body as they came."""

    store: SandboxStore
    view: str
    variables: tuple[str, ...]
    query: str
    body: Any
    met: Met

    @property
    def number(self) -> int:
        """The last variable of the path, which is digits."""
        return int(self.variables[-1])

    @property
    def product(self) -> Product:
        """The product whose SKU is the first variable of the path. Raises Refused."""
        return self.store.products.get(self.variables[0])


@dataclass(frozen=True)
class Resource:
    """What answers a method and path, whose variables are in braces.

    acl: the ACL resource that a call needs, "self" for a customer's own token, None where anybody may call it.
    """

    method: str
    path: str
    acl: str | None
    answer: Callable[[Call], object]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a path must match; a group for each variable."""
        return re.compile(_VARIABLE.sub(lambda name: "([0-9]+)" if name[0] in _NUMBERS else "([^/]+)", self.path))


_VARIABLE = re.compile("{[a-z]+}")
_NUMBERS = ("{id}", "{status}")
"""Variables that are digits."""


def _searched(items: Callable[[Call], list[Fields]]) -> Callable[[Call], object]:
    """Return what answers a search of some items."""

    def search(call: Call) -> object:
        conditions = call.met.conditions
        largest = catalog.CAPPED_PAGE_SIZE if "capped_page_size" in conditions else None
        repeats = "empty_last_page" not in conditions
        try:
            found = catalog.search(items(call), call.query, largest, repeats_last_page=repeats).to_dict()
        except BadCriteria as bad:
            parameters = {"fieldName": "searchCriteria"} if "%fieldName" in str(bad) else {}
            raise Refused(400, str(bad), parameters) from None
        if "empty_last_page" in conditions:
            found["total_count"] += 1
        if "endless_total" in conditions:
            found["total_count"] = float("inf")
        if "items_object" in conditions:
            found["items"] = {str(item["entity_id"]): item for item in found["items"]}
        return found

    return search


# Products, prices and stock


def _product(call: Call) -> object:
    item = call.product.item(call.view)
    item["extension_attributes"]["stock_item"] = call.store.stock.stock_item(item)
    return item


def _save_product(call: Call) -> object:
    given = products.saved(call.body, next(iter(call.variables), None))
    saved = call.store.products.save(given, call.view)
    extension = given.get("extension_attributes")
    if isinstance(extension, dict) and "stock_item" in extension:
        call.store.stock.save_stock_item(saved.values, body.converted(extension["stock_item"], stock.STOCK_ITEM))
    return saved.item(call.view)


def _delete_product(call: Call) -> object:
    call.store.stock.remove(call.product.sku)
    return call.store.products.delete(call.variables[0])


def _save_stock_item(call: Call) -> object:
    given = body.fields(call.body, "stockItem", stock.STOCK_ITEM)
    return call.store.stock.save_stock_item(_stocked(call).values, given)


def _stocked(call: Call) -> Product:
    found = call.store.products.find(call.variables[0])
    if found is None:
        raise Refused(404, 'The Product with the "%1" SKU doesn\'t exist.', [call.variables[0]])
    return found


def _entry(call: Call) -> Any:
    return body.parameter(call.body, "entry")


def _priced(answer: Callable[[Products, Any], object]) -> Callable[[Call], object]:
    """Return what answers a call of `prices`, by the products and the body."""
    return lambda call: answer(call.store.products, call.body)


_CATALOG = (
    ("GET", "products", Acl.PRODUCTS, _searched(lambda call: call.store.products.items(call.view))),
    ("POST", "products", Acl.PRODUCTS, _save_product),
    ("POST", "products/base-prices", Acl.CATALOG, _priced(prices.update_base_prices)),
    ("POST", "products/base-prices-information", Acl.CATALOG, _priced(prices.base_prices)),
    ("POST", "products/tier-prices", Acl.CATALOG, _priced(prices.update_tier_prices)),
    ("PUT", "products/tier-prices", Acl.CATALOG, _priced(prices.replace_tier_prices)),
    ("POST", "products/tier-prices-delete", Acl.CATALOG, _priced(prices.delete_tier_prices)),
    ("POST", "products/tier-prices-information", Acl.CATALOG, _priced(prices.tier_prices)),
    ("GET", "products/{sku}", Acl.PRODUCTS, _product),
    ("PUT", "products/{sku}", Acl.PRODUCTS, _save_product),
    ("DELETE", "products/{sku}", Acl.PRODUCTS, _delete_product),
    ("GET", "products/{sku}/media", Acl.CATALOG, lambda call: call.product.gallery.entries()),
    ("POST", "products/{sku}/media", Acl.CATALOG, lambda call: call.product.gallery.add(_entry(call))),
    ("GET", "products/{sku}/media/{id}", Acl.ATTRIBUTES, lambda call: call.product.gallery.get(call.number)),
    (
        "PUT",
        "products/{sku}/media/{id}",
        Acl.CATALOG,
        lambda call: call.product.gallery.change(call.number, _entry(call)),
    ),
    ("DELETE", "products/{sku}/media/{id}", Acl.CATALOG, lambda call: call.product.gallery.remove(call.number)),
    ("GET", "stockItems/{sku}", Acl.STOCK, lambda call: call.store.stock.stock_item(_stocked(call).values)),
    ("PUT", "products/{sku}/stockItems/{id}", Acl.STOCK, _save_stock_item),
    ("GET", "inventory/sources", Acl.SOURCES, _searched(lambda _: stock.sources())),
    ("GET", "inventory/source-items", Acl.SOURCES, _searched(lambda call: call.store.stock.source_items())),
    ("POST", "inventory/source-items", Acl.SOURCES, lambda call: call.store.stock.save_source_items(call.body)),
    (
        "POST",
        "inventory/source-items-delete",
        Acl.SOURCES,
        lambda call: call.store.stock.delete_source_items(call.body),
    ),
)


# Orders and customers

_SALES = (
    ("GET", "orders", Acl.ORDERS, _searched(lambda call: call.store.orders.items())),
    ("GET", "orders/{id}", Acl.ORDERS, lambda call: call.store.orders.get(call.number)),
    ("GET", "orders/{id}/comments", Acl.ORDERS, lambda call: call.store.orders.comments(call.number)),
    ("POST", "orders/{id}/comments", Acl.ORDER_COMMENT, lambda call: call.store.orders.comment(call.number, call.body)),
    ("POST", "order/{id}/invoice", Acl.INVOICE, lambda call: call.store.orders.invoice(call.number, call.body)),
    ("POST", "order/{id}/ship", Acl.SHIP, lambda call: call.store.orders.ship(call.number, call.body)),
    ("GET", "invoices", Acl.INVOICES, _searched(lambda call: list(call.store.orders.invoices.values()))),
    ("GET", "invoices/{id}", Acl.INVOICES, lambda call: orders.document(call.store.orders.invoices, call.number)),
    ("GET", "shipments", Acl.SHIPMENTS, _searched(lambda call: list(call.store.orders.shipments.values()))),
    ("GET", "shipment/{id}", Acl.SHIPMENTS, lambda call: orders.document(call.store.orders.shipments, call.number)),
)

_CUSTOMERS = (
    ("GET", "customers/search", Acl.CUSTOMERS, _searched(lambda call: call.store.customers.items())),
    ("POST", "customers", Acl.MANAGE_CUSTOMERS, lambda call: call.store.customers.save(call.body, None)),
    ("GET", "customers/{id}", Acl.CUSTOMERS, lambda call: call.store.customers.get(call.number)),
    ("PUT", "customers/{id}", Acl.MANAGE_CUSTOMERS, lambda call: call.store.customers.save(call.body, call.number)),
    ("DELETE", "customers/{id}", Acl.DELETE_CUSTOMERS, lambda call: call.store.customers.delete(call.number)),
    ("GET", "customers/me", "self", lambda call: call.store.customers.get(1)),
)


# Logins


def _logged_in(kind: Kind) -> Callable[[Call], str]:
    return lambda call: call.store.accounts.log_in(kind, *_given(call, "username", "password"))


def _given(call: Call, *names: str) -> list[str]:
    given = call.body if isinstance(call.body, dict) else {}
    for name in names:
        if not given.get(name):
            raise body.required(name)
    return [str(given[name]) for name in names]


def _revoke(call: Call) -> bool:
    call.store.accounts.revoke(bearer() or "")
    return True


_LOGINS = (
    ("POST", "integration/customer/revoke-customer-token", "self", _revoke),
    ("POST", "integration/customer/token", None, _logged_in("customer")),
    ("POST", "integration/admin/token", None, _logged_in("admin")),
    (
        "POST",
        "tfa/provider/google/authenticate",
        None,
        lambda call: call.store.accounts.log_in_with_otp(*_given(call, "username", "password", "otp")),
    ),
)


# The store itself


def _store_configs(call: Call) -> list[Fields]:
    urls = {
        f"{prefix}base_{name}url": call.store.base_url + path
        for prefix in ("", "secure_")
        for name, path in {"": "", "link_": "", "static_": "static/", "media_": "media/"}.items()
    }
    default = {
        "id": 1,
        "code": "default",
        "website_id": 1,
        "locale": "en_US",
        "base_currency_code": "USD",
        "default_display_currency_code": "USD",
        "timezone": "UTC",
        "weight_unit": "lbs",
    }
    return [default | urls]


MODULES = ["Magento_Store", "Magento_Config", "Magento_AdminNotification", "Magento_Backend", "Magento_Integration"]


def _bulk_status(call: Call) -> object:
    return call.store.bulks.status(call.variables[0])


_STORE = (
    ("GET", "store/storeConfigs", Acl.STORE, _store_configs),
    ("GET", "modules", Acl.ADMIN, lambda _: MODULES),
    ("GET", "bulk/{uuid}/status", Acl.BULK_STATUS, _bulk_status),
    ("GET", "bulk/{uuid}/detailed-status", Acl.BULK_STATUS, _bulk_status),
    (
        "GET",
        "bulk/{uuid}/operation-status/{status}",
        Acl.BULK_STATUS,
        lambda call: call.store.bulks.count(call.variables[0], call.number),
    ),
)

RESOURCES = [
    Resource(method, path, acl, answer)
    for method, path, acl, answer in (*_STORE, *_CATALOG, *_SALES, *_CUSTOMERS, *_LOGINS)
]
"""What the REST API has. The first that fits a call answers it."""
