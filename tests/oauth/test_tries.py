"""Everyday requests are signed as seldom again as docs/signatures.md says.

The session writes and signs each request, and the sandbox store's verifier of each dialect answers.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from local.template import ROOT
from storelink.client.session import session_for
from storelink.oauth import attempts
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.oauth.signature import sign
from storelink.store import Store
from storelink.testing.sandbox import signature as verifier

CREDENTIALS = Credentials(Consumer("c" * 32, "s" * 32), Token("t" * 32, "u" * 32))
SKUS = (
    *(
        "24-MB01",
        "WS12-M-Blue",
        "ABC_1.2",
        "A B",
        "ä-1",
        "a&b",
        "a:b",
        "a@b",
        "a,b",
        "a;b",
        "a=b",
        "a!b",
        "it's",
        "(x)",
    ),
    "AB/12",
)
LISTS = (2, 9, 10, 11, 15, 50, 90, 99, 100, 101, 120, 250)
"""Lengths of lists of filters."""
OTHERS: tuple[tuple[str, Any], ...] = (
    ("V1/store/storeConfigs", None),
    ("V1/orders/4", None),
    ("V1/orders/4/comments", None),
    ("V1/customers/me", {"fields": "id,email,addresses[city]"}),
    ("V1/categories", {"rootCategoryId": 2, "depth": 3}),
    ("V1/inventory/source-items", {"searchCriteria": {"page_size": 100, "current_page": 2}}),
    ("V1/own/report", {"from": "2026-01-01 00:00:00", "to": "2026-02-01 00:00:00"}),
    ("V1/own/report", {"a1": 1, "a2": 2, "a10": 10}),
)
SEARCHES: tuple[tuple[str, str, str], ...] = (
    ("created_at", "gteq", "2026-11-10 00:00:00"),
    ("updated_at", "lt", "2026-11-10T00:00:00+00:00"),
    ("name", "like", "%bag%"),
    ("name", "like", "%50% off%"),
    ("email", "eq", "customer+1@shop.example"),
    ("price", "gt", "19.99"),
    ("status", "in", "new,processing"),
    ("street", "like", "%Straße 1 / 2%"),
    ("entity_id", "nin", "1,2,3"),
    ("url_key", "eq", "a-b_c.html"),
)


def everyday() -> Iterator[tuple[str, Any]]:
    """Yield the path and the parameters of each request."""
    for sku in SKUS:
        yield f"V1/products/{sku}", sku  # by path: the SKU fills the path
        yield "V1/products", _criteria([("sku", "eq", sku)])
    for length in LISTS:
        yield "V1/products", _criteria([("sku", "eq", f"SKU-{number}") for number in range(length)])
    for one in SEARCHES:
        yield "V1/orders", _criteria([one])
    yield from OTHERS


def _criteria(filters: list[tuple[str, str, str]]) -> dict[str, Any]:
    group = [{"field": field, "condition_type": kind, "value": value} for field, kind, value in filters]
    return {"searchCriteria": {"filter_groups": [{"filters": group}], "page_size": 20, "current_page": 1}}


def urls() -> list[str]:
    """Return the URLs as the session writes them."""
    session = session_for(Store.from_url("https://shop.example/"), CREDENTIALS)
    written = []
    for path, given in everyday():
        if isinstance(given, str):
            written.append(str(session.prepared("GET", "V1/products/{sku}", path={"sku": given}).url))
        else:
            written.append(str(session.prepared("GET", path, given).url))
    return written


def count(dialect: str) -> list[int]:
    """Return the tries of each request at a store of this dialect, by a process that knows nothing of it at first."""
    known: tuple[str, ...] = ()
    tries: Counter[str] = Counter()
    for url in urls():

        def send(own: str, url: str = url) -> tuple[int, bytes]:
            tries[url] += 1
            header = sign("GET", url, CREDENTIALS, own)
            secrets = CREDENTIALS.consumer.secret, CREDENTIALS.access_token.secret
            if verifier.is_valid(verifier.DIALECTS[dialect], "GET", url, header, *secrets):
                return 200, b"{}"
            return 401, b'{"message":"The signature is invalid. Verify and try again."}'

        _, known = attempts.send(send, lambda answer: answer, url, known)
    return list(tries.values())


def test_the_documented_number_of_tries_is_what_each_dialect_takes() -> None:
    lines = [f"| dialect | requests | first try | second | third or more |\n{'| --- ' * 5}|"]
    for dialect in verifier.DIALECTS:
        found = count(dialect)
        first, second = found.count(1), found.count(2)
        lines.append(f"| `{dialect}` | {len(found)} | {first} | {second} | {len(found) - first - second} |")
    table = "\n".join(lines)
    assert table in (ROOT / "docs" / "signatures.md").read_text(), f"docs/signatures.md should have:\n{table}"
