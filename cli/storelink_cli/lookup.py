"""What STORE and REF on a command line name.

STORE is a store URL, a host or a connection's id. REF is an activation's id or its first characters, at least 8.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from storelink.errors import Invalid
from storelink.store import Store
from storelink_cli.errors import Exit, Failure, bad_input
from storelink_cli.stack import Stack

REFERENCE_LENGTH = 8
"""Characters of an activation's id that people read to each other."""

PAGE = 200
"""Items that a page of the API holds at most."""

SEARCHED_PAGES = 5
"""Pages of a list that are searched for the beginning of an address."""

_CONNECTION_ID = re.compile(r"(?P<host>.+)-[0-9a-f]{16}")
_ADDRESS = re.compile(r"(https?://)?(?P<address>[a-z0-9.-]{1,253}(:[0-9]{0,5})?(/[^\s?#]*)?)([?#].*)?")
_ACTIVATION_ID = re.compile(r"[0-9a-f]{32}-[0-9a-f]{12}")
_REFERENCE = re.compile(r"[0-9a-f]{8,32}|[0-9a-f]{32}-[0-9a-f]{0,12}")


def read_store(name: str, field: str = "STORE") -> Store:
    """The store that a URL or a host names. Raises Invalid."""
    return Store.from_url(name if "://" in name else f"https://{name}/", field=field)


def store(stack: Stack, name: str) -> Store:
    """The store that STORE names: a URL as it is; a host or an id is looked up. Raises Failure, Invalid."""
    if "://" in name:
        _ = stack.outputs  # its rules for outgoing calls hold from here on
        return Store.from_url(name, field="STORE")
    return Store.from_url(connection(stack, name)["store_url"])


def store_to_connect(stack: Stack, name: str) -> Store:
    """The store that STORE names, connected or not: a host is looked up in the connections and the last activations.

    Raises Failure, Invalid.
    """
    try:
        return store(stack, name)
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND or _CONNECTION_ID.fullmatch(name):
            raise
    last = attempts(stack, name)
    return Store.from_url(last[0]["store_url"]) if last else read_store(name)


def connection(stack: Stack, name: str) -> dict[str, Any]:
    """The connection that STORE names, as the API shows it. Raises Failure, Invalid."""
    is_url = "://" in name
    named = None if _CONNECTION_ID.fullmatch(name) and not is_url else read_store(name)
    try:
        return stack.api.get("connections", named.connection_id if named else name)
    except Failure as failure:
        if failure.code != Exit.NOT_FOUND:
            raise
    if named is None or is_url:
        raise _not_connected(f"{named.url if named else name} is not connected")
    return _connection_on_host(stack, named.host)


def _not_connected(problem: str) -> Failure:
    hint = (
        "`storelink doctor URL` finds out why a store does not connect; `storelink stores` lists the connected stores."
    )
    return Failure(Exit.NOT_FOUND, "not-connected", problem, hint)


def _connection_on_host(stack: Stack, host: str) -> dict[str, Any]:
    """The only connection on a host. Raises Failure where there is none, or more than one."""
    found = [one for one in connections(stack, host=host) if Store.from_url(one["store_url"]).host == host]
    if len(found) == 1:
        return stack.api.get("connections", found[0]["connection_id"])
    if not found:
        raise _not_connected(f"no store on {host} is connected")
    urls = ", ".join(one["store_url"] for one in found)
    raise bad_input(f"{host} has {len(found)} stores: {urls}", "Name one by its URL.")


def connections(stack: Stack, **filters: Any) -> Iterator[dict[str, Any]]:
    """Every connection, page by page. filters: state, tenant, host, limit (of a page)."""
    for page in _pages(stack, "connections", **filters):
        yield from page


def _pages(stack: Stack, name: str, **filters: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of one of the API's lists."""
    cursor: str | None = None
    while True:
        page = stack.api.get(name, cursor=cursor, **filters)
        yield page[name]
        cursor = page.get("cursor")
        if not cursor:
            return


def read_reference(text: str) -> str:
    """An activation's id, or its beginning, as people write it. Raises Invalid."""
    reference = text.strip().lower().rstrip(".…")
    if not (_ACTIVATION_ID.fullmatch(reference) or _REFERENCE.fullmatch(reference)):
        raise Invalid({"REF": f"must be an activation's id, or at least its first {REFERENCE_LENGTH} characters"})
    return reference


def address_of(text: str) -> str:
    """The beginning of a store's address that a text names: a URL or a part of it; "" where it is none.

    An address is a base URL without scheme and last slash, in lower case, as lists show it.
    """
    found = _ADDRESS.fullmatch(text.strip().lower())
    return found["address"].rstrip("/") if found else ""


def connections_at(stack: Stack, address: str, limit: int) -> list[dict[str, Any]]:
    """Connections of stores whose address begins so, among the first pages of their host. Raises Failure."""
    host = re.split("[:/]", address, maxsplit=1)[0]
    found: list[dict[str, Any]] = []
    for page in islice(_pages(stack, "connections", host=host, limit=PAGE), SEARCHED_PAGES):
        found += _at(page, address)
        if len(found) >= limit:
            break
    return found[:limit]


def attempts_at(stack: Stack, address: str, limit: int) -> list[dict[str, Any]]:
    """Activations of stores whose address begins so, the newest first. Raises Failure.

    They are searched for in all of the store that has just this address, in the newest, and in the newest that failed.
    """
    try:
        found = stack.api.get("activations", store_url=read_store(address).url)["activations"]
    except Invalid:
        found = []
    found += _at(_newest(stack), address)
    for page in islice(_pages(stack, "activations", state="failed", limit=PAGE), SEARCHED_PAGES):
        if len(found) >= limit:
            break
        found += _at(page, address)
    different = {one["activation_id"]: one for one in found}
    return sorted(different.values(), key=lambda one: str(one["received_at"]), reverse=True)[:limit]


def _at(rows: list[dict[str, Any]], address: str) -> list[dict[str, Any]]:
    return [one for one in rows if address_of(one["store_url"]).startswith(address)]


def activation(stack: Stack, reference: str) -> dict[str, Any]:
    """The activation that REF names, as the API shows it. Raises Failure, Invalid."""
    text = read_reference(reference)
    if _ACTIVATION_ID.fullmatch(text):
        return stack.api.get("activations", text)
    page = stack.api.get("activations", reference=text)
    found: list[dict[str, Any]] = page["activations"]
    if len(found) == 1:
        return found[0]
    if not found:
        hint = "The API keeps an activation for a day after its end. `storelink watch --once` lists the newest ones."
        if page.get("incomplete"):
            hint = "Only the newest activations were searched. Give the whole id."
        raise Failure(Exit.NOT_FOUND, "not-found", f"no activation begins with {text}", hint)
    matches = ", ".join(f"{one['activation_id']} ({one['store_url']}, {one['state']})" for one in found)
    raise bad_input(f"{text} is ambiguous: {matches}", "Give more characters.")


def attempts(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The last activations of the store that STORE names, the newest first.

    If there are none, those that named the store by another scheme or port, or with index.php/. Raises Failure,
    Invalid.
    """
    if _CONNECTION_ID.fullmatch(name) and "://" not in name:
        return [one for one in _newest(stack) if one["connection_id"] == name]
    named = read_store(name)
    found: list[dict[str, Any]] = stack.api.get("activations", store_url=named.url)["activations"]
    return found or [one for one in _newest(stack) if _may_be_same(Store.from_url(one["store_url"]), named)]


def _may_be_same(one: Store, other: Store) -> bool:
    """Whether two base URLs may be written for the same store: the same host and path, with index.php/ or without."""
    paths = {urlsplit(store.url).path.removesuffix("index.php/") for store in (one, other)}
    return one.host == other.host and len(paths) == 1


def _newest(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.api.get("activations", limit=PAGE)["activations"]
    return found


def cause(shown: dict[str, Any]) -> str:
    """Reason and problem of what the API shows, on one line; of an activation that is tried again, those of its try."""
    names = ("reason", "problem") if shown.get("reason") else ("retry_reason", "retry_problem")
    return ": ".join(shown[name] for name in names if shown.get(name))


def invitation_id(stack: Stack, prefix: str) -> str:
    """The id of the invitation whose id begins so. Raises Failure, Invalid."""
    if re.fullmatch(r"[0-9a-f]{32}", prefix):
        return prefix
    if not re.fullmatch(r"[0-9a-f]{8,31}", prefix):
        raise Invalid({"INVITATION": "must be an invitation's id, or at least its first 8 characters"})
    found = [one["invitation_id"] for one in invitations(stack) if one["invitation_id"].startswith(prefix)]
    if len(found) == 1:
        return str(found[0])
    if not found:
        hint = "`storelink invitations` lists them."
        raise Failure(Exit.NOT_FOUND, "not-found", f"no invitation begins with {prefix}", hint)
    raise bad_input(f"{prefix} is ambiguous: {', '.join(found)}", "Give more characters.")


def invitations(stack: Stack, tenant: str | None = None) -> list[dict[str, Any]]:
    """The newest invitations, of all tenants or of one. Raises Failure."""
    found: list[dict[str, Any]] = stack.api.get("invitations", tenant=tenant, limit=PAGE)["invitations"]
    return found
