"""Controls for scripts below `/sandbox/`: what a merchant clicks, and what goes wrong. Only this machine may ask."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, abort, g, request

from storelink.testing.sandbox.admin import success_call_back
from storelink.testing.sandbox.callback import Delivery, deliver
from storelink.testing.sandbox.integrations import ACTIVATE, REAUTHORIZE, Activation
from storelink.testing.sandbox.responses import json_response, the_store
from storelink.testing.sandbox.store import DEFAULT_INTEGRATION


def activate() -> Response:
    """Click Activate: post the four values to the callback URL, and answer how it went."""
    asked = _asked()
    the_store().check_link(ACTIVATE, _integration(asked))
    return _posted(the_store().activate(*_urls(asked), _integration(asked)))


def reauthorize() -> Response:
    """Click Reauthorize: the same, after the integration's token is deleted."""
    asked = _asked()
    if _integration(asked) in the_store().state()["integrations"]:
        the_store().check_link(REAUTHORIZE, _integration(asked))
    return _posted(the_store().reauthorize(*_urls(asked), _integration(asked)))


def click() -> Response:
    """Click the link that the row shows."""
    asked = _asked()
    return _posted(the_store().click(*_urls(asked), _integration(asked)))


def delete() -> Response:
    integration = _integration(_asked())
    the_store().delete(integration)
    return json_response({"deleted": integration})


def trouble() -> Response:
    asked = _asked()
    times, seconds = asked.get("times"), _number(asked, "seconds")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
        abort(400, "times is a number from 1, or null for always.")
    try:
        the_store().trouble(str(asked.get("kind")), times, _text(asked, "endpoint"), seconds)
    except ValueError as error:
        abort(400, str(error))
    return json_response({"troubles": the_store().state()["troubles"]})


def clear_troubles() -> Response:
    _asked()
    the_store().clear_troubles()
    return json_response({"troubles": []})


def dialect() -> Response:
    """Verify signatures in another dialect from now on: {"dialect": "native"}."""
    try:
        the_store().set_dialect(str(_text(_asked(), "dialect")))
    except ValueError as error:
        abort(400, str(error))
    return json_response({"dialect": the_store().dialect})


def clock() -> Response:
    seconds = _number(_asked(), "seconds")
    the_store().set_clock(seconds)
    return json_response({"clock_seconds": seconds})


def expire() -> Response:
    integration = _integration(_asked())
    the_store().expire(integration)
    return json_response({"expired": integration})


def deny() -> Response:
    """Untick ACL resources: {"resources": ["Magento_Sales::actions_view"]}, or none to allow all again."""
    resources = _asked().get("resources", [])
    if not isinstance(resources, list) or not all(isinstance(one, str) for one in resources):
        abort(400, "resources is a list of strings.")
    try:
        the_store().deny(*resources)
    except ValueError as error:
        abort(400, str(error))
    return json_response({"denied": resources})


def state() -> Response:
    _asked()
    return json_response(the_store().state())


CONTROLS = (activate, reauthorize, click, delete, trouble, dialect, clock, expire, deny)
"""Each is a POST to `/sandbox/NAME`."""


def _posted(activation: Activation) -> Response:
    """Deliver an activation. An integration without one of its URLs posts nothing and shows its four values."""
    delivery = deliver(activation) if activation.form else Delivery()
    key = activation.form.get("oauth_consumer_key") or activation.values["consumer_key"]
    popup_url = None
    if activation.form and not delivery.error:
        query = urlencode({"oauth_consumer_key": key, "success_call_back": success_call_back()})
        popup_url = f"{activation.identity_url}?{query}"
    return json_response(
        {
            "consumer_key": key,
            "callback_status": delivery.status,
            "callback_seconds": delivery.seconds,
            "callback_error": delivery.error,
            "popup_url": popup_url,
            "values": activation.values or None,
        }
    )


def _asked() -> dict[str, Any]:
    """Return the control's JSON, {} for an empty body. Only this machine may ask."""
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        abort(403, "The sandbox's controls answer this machine only.")
    if not request.get_data():
        return {}
    asked = request.get_json()
    if not isinstance(asked, dict):
        abort(400, "Send a JSON object.")
    return asked


def _integration(asked: dict[str, Any]) -> str:
    return _text(asked, "integration") or DEFAULT_INTEGRATION


def _text(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        abort(400, f"{name} is a string.")
    return value


def _number(asked: dict[str, Any], name: str) -> float:
    value = asked.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        abort(400, f"{name} is a number.")
    return value


def _urls(asked: dict[str, Any]) -> tuple[str, str]:
    """Return the callback URL and the identity link URL: as asked, as the integration has them, or the defaults.

    "" is one that is not set.
    """
    known = the_store().state()["integrations"].get(_integration(asked), {})
    found = []
    for name in ("callback_url", "identity_url"):
        given = _text(asked, name)
        url = str((known.get(name) or getattr(g.sandbox, name) or "") if given is None else given)
        if url and not _is_web(url):
            abort(400, f"{name} is an http or https URL.")
        found.append(url)
    return found[0], found[1]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
