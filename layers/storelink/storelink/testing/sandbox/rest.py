"""Magento's REST API, as far as the sandbox has it: signed calls, logins, searches, bulk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from flask import Response, request

from storelink.testing.sandbox import catalog
from storelink.testing.sandbox.accounts import Kind
from storelink.testing.sandbox.catalog import BadCriteria
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.request import SignedRequest
from storelink.testing.sandbox.responses import JSON, json_response, page, respond, the_store
from storelink.testing.sandbox.troubles import REQUIRED, Met

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""What the route takes; OPTIONS, and HEAD that comes with GET, are answered with 405."""

STORE_CODES = ("all", *catalog.VIEWS)
NO_ROUTE = "Request does not match any route."
BULK_STATUS = "Magento_Logging::system_magento_logging_bulk_operations"
BELOW_REST = re.compile(r"(/stores/[^/]+)?(/index\.php)?/rest/")
ROUTE = re.compile(r"(?:(?!async/)(?P<view>[^/]+)/)?(?P<async>async/(?P<bulk>bulk/)?)?V1/(?P<path>.*)")


@dataclass(frozen=True)
class Call:
    """One REST call: the variables of its path, its store view, and the query and body as they came."""

    view: str
    variables: tuple[str, ...]
    query: str
    body: Any
    met: Met


@dataclass(frozen=True)
class Resource:
    """What answers a method and path, and the ACL resource that it needs; None where anybody may call it."""

    method: str
    path: re.Pattern[str]
    acl: str | None
    answer: Callable[[Call], object]


def rest(route: str) -> Response:
    """Answer a REST call: `[STORE CODE/][async/[bulk/]]V1/…`, signed, or with a user's token as Bearer."""
    if request.method in ("HEAD", "OPTIONS"):
        return page(405, "Method Not Allowed", "")
    # As it came: Flask has already decoded `route`, and %2F in an SKU is no slash to Magento.
    path = BELOW_REST.sub("", urlsplit(request.environ["REQUEST_URI"]).path, count=1)
    found = ROUTE.fullmatch(path)
    if not found or found["view"] not in (None, *STORE_CODES):
        return json_response({"message": NO_ROUTE}, 404)
    if found["async"]:
        return _asynchronous(found["path"], is_bulk=bool(found["bulk"]))
    for resource in RESOURCES:
        variables = resource.path.fullmatch(found["path"])
        if resource.method == request.method and variables:
            return _answered(resource, found["view"] or "default", variables)
    return json_response({"message": NO_ROUTE}, 404)


def _answered(resource: Resource, view: str, variables: re.Match[str]) -> Response:
    def call(sent: SignedRequest, met: Met) -> Response:
        if "encoded_slashes_off" in met.conditions and "%2f" in sent.url.partition("?")[0].lower():
            return page(404, "Not Found", "The requested URL was not found on this server.")
        if resource.acl is not None:
            _authorize(sent, resource.acl, met)
        # As in Magento's router, a plus in a path is a space.
        decoded = tuple(unquote_plus(variable) for variable in variables.groups())
        body = request.get_json(silent=True)
        return _json(resource.answer(Call(view, decoded, request.query_string.decode(), body, met)))

    return respond("rest", call, _refusal)


def _asynchronous(path: str, is_bulk: bool) -> Response:
    """Accept items for later: 202 with the status of each."""
    acl = next((acl for method, one, acl in WRITES if method == request.method and one.fullmatch(path)), None)
    if acl is None:
        return json_response({"message": NO_ROUTE}, 404)

    def call(sent: SignedRequest, met: Met) -> Response:
        _authorize(sent, acl, met)
        body = request.get_json(silent=True)
        items = body if is_bulk else [body]
        if not isinstance(items, list):
            raise Refused(400, REQUIRED, {"fieldName": "entities"})
        return json_response(the_store().bulks.accept(request.method, path, items), 202)

    return respond("rest", call, _refusal)


def _json(answer: object) -> Response:
    """Return an answer as JSON; an infinite number is written as PHP never does, and as some modules do: 1e999."""
    return Response(json.dumps(answer).replace('": Infinity', '": 1e999'), content_type=JSON)


def _refusal(refused: Refused) -> Response:
    return json_response(_described(refused), refused.status)


def _described(refused: Refused) -> dict[str, Any]:
    body: dict[str, Any] = {"message": refused.message}
    if refused.errors:
        body["errors"] = [_described(error) for error in refused.errors]
    if refused.parameters:
        body["parameters"] = refused.parameters
    return body


def _authorize(sent: SignedRequest, acl: str, met: Met) -> None:
    token = _bearer()
    if token is None:
        the_store().authorize(sent, acl, met.methods)
    else:
        the_store().authorize_bearer(token, acl)


def _bearer() -> str | None:
    found = re.search(r"\bBearer (\S+)", request.headers.get("Authorization", ""), re.IGNORECASE)
    return found[1] if found else None


# Customers and admins


def _logged_in(kind: Kind) -> Callable[[Call], str]:
    def log_in(call: Call) -> str:
        return the_store().accounts.log_in(kind, *_fields(call, "username", "password"))

    return log_in


def _logged_in_with_otp(call: Call) -> str:
    return the_store().accounts.log_in_with_otp(*_fields(call, "username", "password", "otp"))


def _fields(call: Call, *names: str) -> list[str]:
    body = call.body if isinstance(call.body, dict) else {}
    for name in names:
        if not body.get(name):
            raise Refused(400, REQUIRED, {"fieldName": name})
    return [str(body[name]) for name in names]


def _revoke(call: Call) -> bool:
    the_store().accounts.revoke(_bearer() or "")
    return True


def _me(call: Call) -> object:
    return {"id": 1, "email": "customer@shop.example", "firstname": "Ada", "lastname": "Customer"}


# The catalogue and the orders


def _searched(items: Callable[[str], list[catalog.Item]]) -> Callable[[Call], object]:
    def search(call: Call) -> object:
        conditions = call.met.conditions
        largest = catalog.CAPPED_PAGE_SIZE if "capped_page_size" in conditions else None
        try:
            found = catalog.search(
                items(call.view), call.query, largest, repeats_last_page="empty_last_page" not in conditions
            ).to_dict()
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


def _product(call: Call) -> object:
    for product in catalog.products(call.view):
        if product["sku"] == call.variables[0]:
            return product
    raise Refused(404, "The product that was requested doesn't exist. Verify the product and try again.")


def _order(call: Call) -> object:
    number = call.variables[0]
    for order in catalog.orders(call.view):
        if str(order["entity_id"]) == number:
            return order
    named = {"fieldName": "orderId", "fieldValue": number}
    raise Refused(404, "The entity that was requested doesn't exist. Verify %fieldName = %fieldValue.", named)


def _commented(call: Call) -> object:
    _order(call)
    return True


# Bulks


def _bulk_status(call: Call) -> object:
    return the_store().bulks.status(call.variables[0])


def _bulk_count(call: Call) -> object:
    return the_store().bulks.count(call.variables[0], int(call.variables[1]))


# The store itself


def _store_configs(call: Call) -> list[dict[str, Any]]:
    base_url = the_store().base_url
    urls = {
        f"{prefix}base_{name}url": base_url + path
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


def _modules(call: Call) -> list[str]:
    return [
        "Magento_Store",
        "Magento_Config",
        "Magento_AdminNotification",
        "Magento_Backend",
        "Magento_Integration",
    ]


RESOURCES = [
    Resource(method, re.compile(path), acl, answer)
    for method, path, acl, answer in (
        ("GET", "store/storeConfigs", "Magento_Backend::store", _store_configs),
        ("GET", "modules", "Magento_Backend::admin", _modules),
        ("GET", "products", "Magento_Catalog::products", _searched(catalog.products)),
        ("GET", "products/([^/]+)", "Magento_Catalog::products", _product),
        ("GET", "orders", "Magento_Sales::actions_view", _searched(catalog.orders)),
        ("GET", "orders/([0-9]+)", "Magento_Sales::actions_view", _order),
        ("POST", "orders/([0-9]+)/comments", "Magento_Sales::comment", _commented),
        ("GET", "bulk/([^/]+)/(?:detailed-)?status", BULK_STATUS, _bulk_status),
        ("GET", "bulk/([^/]+)/operation-status/([0-9]+)", BULK_STATUS, _bulk_count),
        ("GET", "customers/me", "self", _me),
        ("POST", "integration/customer/revoke-customer-token", "self", _revoke),
        ("POST", "integration/customer/token", None, _logged_in("customer")),
        ("POST", "integration/admin/token", None, _logged_in("admin")),
        ("POST", "tfa/provider/google/authenticate", None, _logged_in_with_otp),
    )
]
"""What the REST API has, after V1/."""

WRITES = [
    (method, re.compile(path), acl)
    for method, path, acl in (
        ("POST", "products", "Magento_Catalog::products"),
        ("PUT", "products/[^/]+", "Magento_Catalog::products"),
        ("DELETE", "products/[^/]+", "Magento_Catalog::products"),
        ("POST", "products/base-prices", "Magento_Catalog::catalog"),
        ("POST", "inventory/source-items", "Magento_InventoryApi::source"),
        ("POST", "orders/[^/]+/comments", "Magento_Sales::comment"),
        ("POST", "customers", "Magento_Customer::manage"),
    )
]
"""What can be called asynchronously, after V1/, and the ACL resource that it needs."""
