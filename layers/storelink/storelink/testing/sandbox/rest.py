"""Magento's REST API: finds what answers a call, and who may make it. `resources` has what there is."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from flask import Response, request

from storelink.testing.sandbox import catalog, field_filter
from storelink.testing.sandbox.body import required
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.request import SignedRequest
from storelink.testing.sandbox.resources import RESOURCES, Call, Resource
from storelink.testing.sandbox.responses import JSON, bearer, json_response, page, respond, the_store
from storelink.testing.sandbox.troubles import Met

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""What the route takes; OPTIONS, and HEAD that comes with GET, are answered with 405."""

STORE_CODES = ("all", *catalog.VIEWS)
NO_ROUTE = "Request does not match any route."
BELOW_REST = re.compile(r"(/stores/[^/]+)?(/index\.php)?/rest/")
ROUTE = re.compile(r"(?:(?!async/)(?P<view>[^/]+)/)?(?P<async>async/(?P<bulk>bulk/)?)?V1/(?P<path>.*)")


def rest(path: str) -> Response:
    """Answer a REST call: `[STORE CODE/][async/[bulk/]]V1/…`, signed, or with a user's token as Bearer."""
    if request.method in ("HEAD", "OPTIONS"):
        return page(405, "Method Not Allowed", "")
    # As it came: Flask has already decoded `path`, and %2F in an SKU is no slash to Magento.
    below = BELOW_REST.sub("", urlsplit(request.environ["REQUEST_URI"]).path, count=1)
    found = ROUTE.fullmatch(below)
    if not found or found["view"] not in (None, *STORE_CODES):
        return json_response({"message": NO_ROUTE}, 404)
    if found["async"]:
        return _asynchronous(found["path"], found["view"] or "default", is_bulk=bool(found["bulk"]))
    if (route := _resource(found["path"])) is None:
        return json_response({"message": NO_ROUTE}, 404)
    return _answered(route[0], found["view"] or "default", route[1])


def _answered(resource: Resource, view: str, variables: re.Match[str]) -> Response:
    def call(sent: SignedRequest, met: Met) -> Response:
        if "encoded_slashes_off" in met.conditions and "%2f" in sent.url.partition("?")[0].lower():
            return page(404, "Not Found", "The requested URL was not found on this server.")
        if resource.acl is not None:
            _authorize(sent, resource.acl, met)
        query = request.query_string.decode()
        made = Call(the_store(), view, _decoded(variables), query, request.get_json(silent=True), met)
        return _json(field_filter.selected(_done(resource, made), query))

    return respond("rest", call, _refusal)


def _asynchronous(path: str, view: str, is_bulk: bool) -> Response:
    """Accept items for later: 202 with the status of each."""
    found = _resource(path)
    if found is None or found[0].acl in (None, "self") or request.method == "GET":
        return json_response({"message": NO_ROUTE}, 404)
    resource, variables = found
    store = the_store()

    def call(sent: SignedRequest, met: Met) -> Response:
        _authorize(sent, str(resource.acl), met)
        body = request.get_json(silent=True)
        items = body if is_bulk else [body]
        if not isinstance(items, list):
            raise required("entities")

        def run(item: Any) -> object:
            named = tuple(_of_item(variable, item) for variable in _decoded(variables))
            return _done(resource, Call(store, view, named, "", item, Met()))

        return json_response(store.bulks.accept(request.method, path, items, run), 202)

    return respond("rest", call, _refusal)


def _resource(path: str) -> tuple[Resource, re.Match[str]] | None:
    """Return what answers the request's method and a path, and the path's variables."""
    for resource in RESOURCES:
        variables = resource.pattern.fullmatch(path)
        if resource.method == request.method and variables:
            return resource, variables
    return None


def _decoded(variables: re.Match[str]) -> tuple[str, ...]:
    """Return the variables of a path. As in Magento's router, a plus in a path is a space."""
    return tuple(unquote_plus(variable) for variable in variables.groups())


def _of_item(variable: str, item: Any) -> str:
    """Return a path's variable in a bulk: `bySku` stands for the item's own SKU."""
    if not re.fullmatch("by[A-Z][A-Za-z]*", variable):
        return variable
    name = re.sub("(?<!^)([A-Z])", r"_\1", variable[2:]).lower()
    holders = [item, *(one for one in item.values() if isinstance(one, dict))]
    return next((str(one[name]) for one in holders if name in one), "")


def _done(resource: Resource, call: Call) -> object:
    with call.store.data_lock:
        return resource.answer(call)


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
    token = bearer()
    if token is None:
        the_store().authorize(sent, acl, met.methods)
    else:
        the_store().authorize_bearer(token, acl)
