"""What STORE on a command line names: a store URL, a host, or a connection's id."""

import re
from collections.abc import Iterator
from typing import Any

from storelink.store import Store
from storelink_cli.exits import Exit, Failure
from storelink_cli.stack import Stack

_ID = re.compile(r"(?P<host>.+)-[0-9a-f]{16}")


def store_of(stack: Stack, name: str) -> Store:
    """The store that is named. A URL is taken as it is; a host or an id is looked up. Raises Failure, Invalid."""
    if "://" in name:
        _ = stack.outputs  # its rules for outgoing calls hold from here on
        return Store.from_url(name, field="STORE")
    return Store.from_url(connection_of(stack, name)["store_url"])


def connection_of(stack: Stack, name: str) -> dict[str, Any]:
    """The connection that is named, with what the API tells of it. Raises Failure, Invalid."""
    is_url, is_id = "://" in name, _ID.fullmatch(name)
    store = None if is_id and not is_url else Store.from_url(name if is_url else f"https://{name}/", field="STORE")
    try:
        return stack.api.get("connections", store.connection_id if store else name)
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND:
            raise
    if store is None or is_url:
        raise _unknown(f"{store.url if store else name} is not connected")
    return _on_host(stack, store.host)


def _unknown(problem: str) -> Failure:
    return Failure(Exit.NOT_FOUND, "not-connected", problem, "`storelink stores` lists those that are, or were.")


def _on_host(stack: Stack, host: str) -> dict[str, Any]:
    """The one connection on a host whose base URL is not the host alone."""
    found = [one for one in connections(stack) if Store.from_url(one["store_url"]).host == host]
    if len(found) == 1:
        return stack.api.get("connections", found[0]["connection_id"])
    if not found:
        raise _unknown(f"no store on {host} is connected")
    urls = ", ".join(one["store_url"] for one in found)
    raise Failure(Exit.USAGE, "bad-input", f"{host} has {len(found)} stores: {urls}", "Name one by its URL.")


def connections(stack: Stack, **filters: Any) -> Iterator[dict[str, Any]]:
    """Every connection, page by page. filters: state, tenant, limit (of a page)."""
    cursor: str | None = None
    while True:
        page = stack.api.get("connections", cursor=cursor, **filters)
        yield from page["connections"]
        cursor = page.get("cursor")
        if not cursor:
            return
