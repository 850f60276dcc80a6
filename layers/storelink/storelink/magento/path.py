"""Where a REST call goes: short paths, store views, and values in paths."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from storelink.errors import Invalid
from storelink.magento.query import format_value
from storelink.store import DOT_SEGMENT, Store

_SHORT = re.compile(r"/?((?:async/(?:bulk/)?)?V\d+/.*)", re.DOTALL)
"""V1/…, async/V1/… and async/bulk/V1/…, as Adobe's reference names the calls."""

_WHOLE = re.compile(r"/?(?:index\.php/)?rest/|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_STORE_VIEW = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ADVICE = "write a value as V1/products/{sku} with path={'sku': …}"


def validate_store_view(code: str | None) -> str | None:
    """A store view's code, None for Magento's default one. Raises Invalid."""
    if code is not None and not _STORE_VIEW.fullmatch(code):
        raise Invalid({"store_view": "must be a store view's code, of letters, digits, _ and -, or all"})
    return code


def fill(path: str, values: Mapping[str, Any]) -> str:
    """Put values into a path's {names}, percent-encoded: V1/products/{sku}, {"sku": "AB/12"} is V1/products/AB%2F12.

    Raises Invalid for a name without a value or a value without a name, and for a value that no path can carry.
    """
    names = set(_PLACEHOLDER.findall(path))
    if wrong := names.symmetric_difference(values):
        raise Invalid({"path": f"names {', '.join(sorted(names))}; no match for {', '.join(sorted(wrong))}"})
    texts = {name: _path_value(name, value) for name, value in values.items()}
    return _PLACEHOLDER.sub(lambda name: texts[name[1]], path)


def _path_value(name: str, value: Any) -> str:
    text = format_value(name, value)
    if text.strip(".") == "" and len(text) <= 2:
        raise Invalid({name: f"is {text!r}, which no path can carry; search for it instead"})
    try:
        return quote(text, safe="~:@&=$,;")
    except UnicodeEncodeError:
        raise Invalid({name: "holds a lone surrogate, which UTF-8 has not"}) from None


def resolve(store: Store, store_view: str | None, path: str) -> str:
    """The URL of a call. path: short, relative to the store's base URL, or a URL below it; with or without a query.

    Raises Invalid for an address outside the store and for what clients and servers read in different ways.
    """
    if short := _SHORT.fullmatch(path):
        path = f"/rest/{f'{store_view}/' if store_view else ''}{short[1]}"
    try:
        whole = path if urlsplit(path).scheme else store.url + path.removeprefix("/")
    except ValueError:
        raise Invalid({"url": f"is not a URL; give a path below {store.url}"}) from None
    if not whole.startswith(store.url):
        raise Invalid({"url": f"is outside the store; give a path below {store.url}"})
    below = whole.removeprefix(store.url).partition("?")[0]
    if "#" in whole:
        raise Invalid({"url": f'holds "#", which is not sent; {_ADVICE}'})
    if "//" in f"/{below}" or DOT_SEGMENT.search(f"/{below}"):
        raise Invalid({"url": f'has "//" or dots for a segment; {_ADVICE}'})
    return whole


def expand(path: str) -> str:
    """A method's path as `resolve` takes it: "products" is V1/products, what is whole already stays."""
    return path if _SHORT.fullmatch(path) or _WHOLE.match(path) else f"V1/{path.removeprefix('/')}"


def bulk_path(path: str) -> str:
    """The path of a method's bulk endpoint: "products" and V1/products are async/bulk/V1/products."""
    whole = expand(path).removeprefix("/")
    return whole if "async/bulk/" in whole else re.sub(r"(^|/)(?:async/)?(V\d+/)", r"\1async/bulk/\2", whole, count=1)
