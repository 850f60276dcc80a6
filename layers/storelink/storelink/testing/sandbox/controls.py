"""Controls for scripts below `/sandbox/`: what a merchant clicks, and what goes wrong. Only this machine may ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, abort, g, request

from storelink.testing.sandbox.admin import success_call_back
from storelink.testing.sandbox.callback import Delivery, deliver
from storelink.testing.sandbox.integrations import ACTIVATE, REAUTHORIZE, Activation
from storelink.testing.sandbox.responses import json_response, the_store
from storelink.testing.sandbox.store import DEFAULT_INTEGRATION

Asked = dict[str, Any]
"""A control's JSON."""
Answer = dict[str, Any]


def activate(asked: Asked) -> Answer:
    """Click Activate: post the four values to the callback URL, and answer how it went."""
    the_store().check_link(ACTIVATE, _integration(asked))
    return _posted(the_store().activate(*_urls(asked), _integration(asked)))


def reauthorize(asked: Asked) -> Answer:
    """Click Reauthorize: the same, after the integration's token is deleted."""
    if _integration(asked) in the_store().state()["integrations"]:
        the_store().check_link(REAUTHORIZE, _integration(asked))
    return _posted(the_store().reauthorize(*_urls(asked), _integration(asked)))


def click(asked: Asked) -> Answer:
    """Click the link that the row shows."""
    return _posted(the_store().click(*_urls(asked), _integration(asked)))


def delete(asked: Asked) -> Answer:
    integration = _integration(asked)
    the_store().delete(integration)
    return {"deleted": integration}


def trouble(asked: Asked) -> Answer:
    times, seconds = asked.get("times"), _number(asked, "seconds")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
        raise ValueError("times is a number from 1, or null for always.")
    the_store().trouble(str(asked.get("kind")), times, _text(asked, "endpoint"), seconds)
    return {"troubles": the_store().state()["troubles"]}


def clear_troubles(_: Asked) -> Answer:
    the_store().clear_troubles()
    return {"troubles": []}


def dialect(asked: Asked) -> Answer:
    """Verify signatures in another dialect from now on: {"dialect": "native"}."""
    the_store().set_dialect(str(_text(asked, "dialect")))
    return {"dialect": the_store().dialect}


def clock(asked: Asked) -> Answer:
    seconds = _number(asked, "seconds")
    the_store().set_clock(seconds)
    return {"clock_seconds": seconds}


def expire(asked: Asked) -> Answer:
    integration = _integration(asked)
    the_store().expire(integration)
    return {"expired": integration}


def deny(asked: Asked) -> Answer:
    """Untick ACL resources: {"resources": ["Magento_Sales::actions_view"]}, or none to allow all again."""
    resources = asked.get("resources", [])
    if not isinstance(resources, list) or not all(isinstance(one, str) for one in resources):
        raise ValueError("resources is a list of strings.")
    the_store().deny(*resources)
    return {"denied": resources}


def state(_: Asked) -> Answer:
    return the_store().state()


CONTROLS = (activate, reauthorize, click, delete, trouble, dialect, clock, expire, deny)
"""Each is a POST to `/sandbox/NAME`."""


def view(control: Callable[[Asked], Answer]) -> Callable[[], Response]:
    """Return what answers a request for a control: 400 for what it does not take."""

    def answer() -> Response:
        try:
            return json_response(control(_asked()))
        except ValueError as error:
            abort(400, str(error))

    return answer


def _posted(activation: Activation) -> Answer:
    """Deliver an activation. An integration without one of its URLs posts nothing and shows its four values."""
    delivery = deliver(activation) if activation.form else Delivery()
    key = activation.form.get("oauth_consumer_key") or activation.values["consumer_key"]
    popup_url = None
    if activation.form and not delivery.error:
        query = urlencode({"oauth_consumer_key": key, "success_call_back": success_call_back()})
        popup_url = f"{activation.identity_url}?{query}"
    return {
        "consumer_key": key,
        "callback_status": delivery.status,
        "callback_seconds": delivery.seconds,
        "callback_error": delivery.error,
        "popup_url": popup_url,
        "values": activation.values or None,
    }


def _asked() -> Asked:
    """Return the control's JSON, {} for an empty body. Only this machine may ask."""
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        abort(403, "The sandbox's controls answer this machine only.")
    if not request.get_data():
        return {}
    asked = request.get_json()
    if not isinstance(asked, dict):
        raise ValueError("Send a JSON object.")
    return asked


def _integration(asked: Asked) -> str:
    return _text(asked, "integration") or DEFAULT_INTEGRATION


def _text(asked: Asked, name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is a string.")
    return value


def _number(asked: Asked, name: str) -> float:
    value = asked.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a number.")
    return value


def _urls(asked: Asked) -> tuple[str, str]:
    """Return the callback URL and the identity link URL: as asked, as the integration has them, or the defaults.

    "" is one that is not set.
    """
    known = the_store().state()["integrations"].get(_integration(asked), {})
    found = []
    for name in ("callback_url", "identity_url"):
        given = _text(asked, name)
        url = str((known.get(name) or getattr(g.sandbox, name) or "") if given is None else given)
        if url and not _is_web(url):
            raise ValueError(f"{name} is an http or https URL.")
        found.append(url)
    return found[0], found[1]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
