"""What a sandbox store's REST API has, after V1/: each method and path, the ACL resource that it needs, its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storelink.testing.sandbox import body, catalog, customers, orders, prices, products, stock
from storelink.testing.sandbox.accounts import Kind
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.catalog import BadCriteria
from storelink.testing.sandbox.products import Product
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.responses import bearer
from storelink.testing.sandbox.store import SandboxStore
from storelink.testing.sandbox.troubles import REQUIRED, Met

BULK_STATUS = "Magento_Logging::system_magento_logging_bulk_operations"


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
    """What answers a method and path, and the ACL resource that it needs; None where anybody may call it."""

    method: str
    path: re.Pattern[str]
    acl: str | None
    answer: Callable[[Call], object]


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


def _stock_item(call: Call) -> object:
    return call.store.stock.stock_item(_stocked(call).values)


def _save_stock_item(call: Call) -> object:
    given = body.fields(call.body, "stockItem", stock.STOCK_ITEM)
    return call.store.stock.save_stock_item(_stocked(call).values, given)


def _stocked(call: Call) -> Product:
    found = call.store.products.find(call.variables[0])
    if found is None:
        raise Refused(404, 'The Product with the "%1" SKU doesn\'t exist.', [call.variables[0]])
    return found


def _skus(call: Call) -> list[str]:
    return [str(sku) for sku in body.parameter(call.body, "skus")]


CATALOG = "Magento_Catalog::catalog"
PRODUCTS = "Magento_Catalog::products"
ATTRIBUTES = "Magento_Catalog::attributes_attributes"
STOCK = "Magento_CatalogInventory::cataloginventory"
SOURCES = "Magento_InventoryApi::source"

_CATALOG = (
    ("GET", "products", PRODUCTS, _searched(lambda call: call.store.products.items(call.view))),
    ("POST", "products", PRODUCTS, _save_product),
    (
        "POST",
        "products/base-prices",
        CATALOG,
        lambda call: prices.update_base_prices(call.store.products, body.rows(call.body, "prices", prices.BASE_PRICE)),
    ),
    (
        "POST",
        "products/base-prices-information",
        CATALOG,
        lambda call: prices.base_prices(call.store.products, _skus(call)),
    ),
    (
        "POST",
        "products/tier-prices",
        CATALOG,
        lambda call: prices.update_tier_prices(call.store.products, body.rows(call.body, "prices", prices.TIER_PRICE)),
    ),
    (
        "PUT",
        "products/tier-prices",
        CATALOG,
        lambda call: prices.update_tier_prices(
            call.store.products, body.rows(call.body, "prices", prices.TIER_PRICE), replace=True
        ),
    ),
    (
        "POST",
        "products/tier-prices-delete",
        CATALOG,
        lambda call: prices.delete_tier_prices(call.store.products, body.rows(call.body, "prices", prices.TIER_PRICE)),
    ),
    (
        "POST",
        "products/tier-prices-information",
        CATALOG,
        lambda call: prices.tier_prices(call.store.products, _skus(call)),
    ),
    ("GET", "products/([^/]+)", PRODUCTS, _product),
    ("PUT", "products/([^/]+)", PRODUCTS, _save_product),
    ("DELETE", "products/([^/]+)", PRODUCTS, _delete_product),
    ("GET", "products/([^/]+)/media", CATALOG, lambda call: call.product.gallery.entries()),
    (
        "POST",
        "products/([^/]+)/media",
        CATALOG,
        lambda call: call.product.gallery.add(body.parameter(call.body, "entry")),
    ),
    ("GET", "products/([^/]+)/media/([0-9]+)", ATTRIBUTES, lambda call: call.product.gallery.get(call.number)),
    (
        "PUT",
        "products/([^/]+)/media/([0-9]+)",
        CATALOG,
        lambda call: call.product.gallery.change(call.number, body.parameter(call.body, "entry")),
    ),
    ("DELETE", "products/([^/]+)/media/([0-9]+)", CATALOG, lambda call: call.product.gallery.remove(call.number)),
    ("GET", "stockItems/([^/]+)", STOCK, _stock_item),
    ("PUT", "products/([^/]+)/stockItems/[0-9]+", STOCK, _save_stock_item),
    ("GET", "inventory/sources", SOURCES, _searched(lambda _: stock.sources())),
    ("GET", "inventory/source-items", SOURCES, _searched(lambda call: call.store.stock.source_items())),
    (
        "POST",
        "inventory/source-items",
        SOURCES,
        lambda call: call.store.stock.save_source_items(body.rows(call.body, "sourceItems", stock.SOURCE_ITEM)),
    ),
    (
        "POST",
        "inventory/source-items-delete",
        SOURCES,
        lambda call: call.store.stock.delete_source_items(body.rows(call.body, "sourceItems", stock.SOURCE_ITEM)),
    ),
)


# Orders and customers

_SALES = (
    ("GET", "orders", "Magento_Sales::actions_view", _searched(lambda call: call.store.orders.items())),
    ("GET", "orders/([0-9]+)", "Magento_Sales::actions_view", lambda call: call.store.orders.get(call.number)),
    (
        "GET",
        "orders/([0-9]+)/comments",
        "Magento_Sales::actions_view",
        lambda call: call.store.orders.comments(call.number),
    ),
    (
        "POST",
        "orders/([0-9]+)/comments",
        "Magento_Sales::comment",
        lambda call: call.store.orders.comment(call.number, call.body),
    ),
    (
        "POST",
        "order/([0-9]+)/invoice",
        "Magento_Sales::invoice",
        lambda call: call.store.orders.invoice(call.number, call.body),
    ),
    ("POST", "order/([0-9]+)/ship", "Magento_Sales::ship", lambda call: call.store.orders.ship(call.number, call.body)),
    (
        "GET",
        "invoices",
        "Magento_Sales::sales_invoice",
        _searched(lambda call: list(call.store.orders.invoices.values())),
    ),
    (
        "GET",
        "invoices/([0-9]+)",
        "Magento_Sales::sales_invoice",
        lambda call: orders.document(call.store.orders.invoices, call.number),
    ),
    ("GET", "shipments", "Magento_Sales::shipment", _searched(lambda call: list(call.store.orders.shipments.values()))),
    (
        "GET",
        "shipment/([0-9]+)",
        "Magento_Sales::shipment",
        lambda call: orders.document(call.store.orders.shipments, call.number),
    ),
)

_CUSTOMERS = (
    ("GET", "customers/search", "Magento_Customer::customer", _searched(lambda call: call.store.customers.items())),
    ("POST", "customers", customers.MANAGE, lambda call: call.store.customers.save(call.body, None)),
    ("GET", "customers/([0-9]+)", "Magento_Customer::customer", lambda call: call.store.customers.get(call.number)),
    ("PUT", "customers/([0-9]+)", customers.MANAGE, lambda call: call.store.customers.save(call.body, call.number)),
    ("DELETE", "customers/([0-9]+)", "Magento_Customer::delete", lambda call: call.store.customers.delete(call.number)),
    ("GET", "customers/me", "self", lambda call: call.store.customers.get(1)),
)


# Logins


def _logged_in(kind: Kind) -> Callable[[Call], str]:
    return lambda call: call.store.accounts.log_in(kind, *_given(call, "username", "password"))


def _given(call: Call, *names: str) -> list[str]:
    given = call.body if isinstance(call.body, dict) else {}
    for name in names:
        if not given.get(name):
            raise Refused(400, REQUIRED, {"fieldName": name})
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

_STORE = (
    ("GET", "store/storeConfigs", "Magento_Backend::store", _store_configs),
    ("GET", "modules", "Magento_Backend::admin", lambda _: MODULES),
    ("GET", "bulk/([^/]+)/(?:detailed-)?status", BULK_STATUS, lambda call: call.store.bulks.status(call.variables[0])),
    (
        "GET",
        "bulk/([^/]+)/operation-status/([0-9]+)",
        BULK_STATUS,
        lambda call: call.store.bulks.count(call.variables[0], call.number),
    ),
)

RESOURCES = [
    Resource(method, re.compile(path), acl, answer)
    for method, path, acl, answer in (*_STORE, *_CATALOG, *_SALES, *_CUSTOMERS, *_LOGINS)
]
"""What the REST API has. The first that fits a call answers it."""
