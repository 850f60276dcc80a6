"""What a sandbox store holds, and how Magento's search criteria select from it: filters, sort orders, pages.

Magento passes criteria to MySQL, so values are compared as MySQL compares them: text without regard to case, as numbers
where the column is one, and text that is no number as 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any
from urllib.parse import parse_qsl

Item = dict[str, Any]

PRODUCTS = 250
ORDERS = 45
CAPPED_PAGE_SIZE = 20
"""The largest page where the trouble `capped_page_size` is on."""
VIEWS = {"default": "en", "de": "de"}
"""Store views by code, and the language of each. "all" is the admin's, with the default values."""

_NAMES = {"en": ("Bag", "Shirt", "Watch", "Bottle", "Mat"), "de": ("Tasche", "Hemd", "Uhr", "Flasche", "Matte")}
_STATES = ("new", "processing", "complete", "canceled")


class BadCriteria(Exception):
    """Criteria that MySQL or Magento cannot read; the message is what the store then says."""


@dataclass(frozen=True)
class Found:
    """The answer to a search."""

    items: list[Item]
    criteria: dict[str, Any]
    total: int

    def to_dict(self) -> dict[str, Any]:
        return {"items": self.items, "search_criteria": self.criteria, "total_count": self.total}


def products(view: str) -> list[Item]:
    """Return the catalogue in a store view's language."""
    names = _NAMES[VIEWS.get(view, "en")]
    return [
        {
            "id": number,
            "entity_id": number,
            "sku": f"24-{_NAMES['en'][number % 5][:2].upper()}{number:03}",
            "name": f"{names[number % 5]} {number}",
            "attribute_set_id": 4 + number % 3,
            "price": 5 + number % 40,
            "status": 1 + (number % 10 == 0),
            "visibility": 4,
            "type_id": "configurable" if number % 7 == 0 else "simple",
            "special_price": number / 2 if number % 5 == 0 else None,
            "category_ids": f"2,{3 + number % 4}",
            "created_at": f"2026-0{1 + number % 9}-{1 + number % 28:02} 08:00:00",
            "updated_at": f"2026-1{number % 2}-{1 + number % 28:02} {number % 24:02}:30:00",
        }
        for number in range(1, PRODUCTS + 1)
    ]


def orders(view: str) -> list[Item]:
    """Return the orders, the same in every store view."""
    return [
        {
            "entity_id": number,
            "increment_id": f"{number:09}",
            "state": _STATES[number % 4],
            "status": _STATES[number % 4],
            "store_id": 1,
            "grand_total": 10.5 * number,
            "customer_email": f"customer{number}@shop.example",
            "created_at": f"2026-11-{1 + number % 24:02} {number % 24:02}:00:00",
        }
        for number in range(1, ORDERS + 1)
    ]


def search(items: Sequence[Item], query: str, largest_page: int | None = None, repeats_last_page: bool = True) -> Found:
    """Return the page that a query's searchCriteria ask for. Raises BadCriteria.

    largest_page: items in a page at most. repeats_last_page: whether the pages after the last are the last one again,
    as in Magento, or empty.
    """
    criteria = nested(parse_qsl(query, keep_blank_values=True)).get("searchCriteria")
    if not isinstance(criteria, dict):
        raise BadCriteria('"%fieldName" is required. Enter and try again.')
    groups = [_within(group, "filters") for group in _within(criteria, "filter_groups")]
    found = [item for item in items if all(any(_matches(item, one) for one in group) for group in groups)]
    for order in reversed(_within(criteria, "sort_orders")):  # the first one counts most, so it comes last
        is_descending = str(order.get("direction")).upper() == "DESC"
        found.sort(key=_order_by(_column(items, order)), reverse=is_descending)
    size = min(_number(criteria, "page_size") or len(found) or 1, largest_page or len(items) or 1)
    last = max(1, -(-len(found) // size))
    page = max(1, _number(criteria, "current_page"))
    if repeats_last_page:
        page = min(page, last)
    return Found(found[(page - 1) * size : page * size], _echoed(criteria), len(found))


def _order_by(column: str) -> Callable[[Item], Any]:
    return lambda item: _ORDER(item.get(column))


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters as PHP reads them: a[b][0]=c is {"a": {"b": {"0": "c"}}}."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        *outer, last = re.findall(r"[^\[\]]+", name) or [name]
        place: Any = whole
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise BadCriteria(f"The parameter {name} cannot be read.")
        place[last] = value
    return whole


def _within(criteria: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of the criteria, by either spelling of its name."""
    camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
    return list((criteria.get(name) or criteria.get(camel) or {}).values())


def _matches(item: Item, one: dict[str, Any]) -> bool:
    field = _column([item], one)
    condition = one.get("condition_type") or one.get("conditionType") or "eq"
    try:
        compare = CONDITIONS[condition]
    except KeyError:
        raise BadCriteria(f"Condition type {condition} is not known.") from None
    if condition in ("null", "notnull"):
        return compare(item.get(field), "")
    if item.get(field) is None:
        return False
    return compare(item[field], str(one.get("value", "")))


def _column(items: Sequence[Item], named: dict[str, Any]) -> str:
    field = str(named.get("field", ""))
    if items and field not in items[0]:
        raise BadCriteria(f"Column not found: 1054 Unknown column '{field}' in 'where clause'")
    return field


def _compare(one: Any, other: Any) -> int:
    """Compare two values as MySQL orders them: below 0, 0 or above. NULL comes first."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    if isinstance(one, int | float):
        left, right = float(one), _as_number(other)
        return (left > right) - (left < right)
    a, b = str(one).casefold(), str(other).casefold()
    return (a > b) - (a < b)


_ORDER = cmp_to_key(_compare)


def _as_number(value: Any) -> float:
    found = re.match(r"-?\d+(\.\d+)?", str(value))
    return float(found[0]) if found else 0.0


def _like(value: Any, pattern: str) -> bool:
    parts = {"%": ".*", "_": "."}
    expression = "".join(parts.get(letter) or re.escape(letter) for letter in pattern)
    return re.fullmatch(expression, str(value), re.IGNORECASE | re.DOTALL) is not None


def _in(value: Any, operand: str) -> bool:
    return any(_compare(value, one) == 0 for one in operand.split(","))


CONDITIONS: Mapping[str, Callable[[Any, str], bool]] = {
    "eq": lambda value, operand: _compare(value, operand) == 0,
    "neq": lambda value, operand: _compare(value, operand) != 0,
    "gt": lambda value, operand: _compare(value, operand) > 0,
    "lt": lambda value, operand: _compare(value, operand) < 0,
    "gteq": lambda value, operand: _compare(value, operand) >= 0,
    "moreq": lambda value, operand: _compare(value, operand) >= 0,
    "lteq": lambda value, operand: _compare(value, operand) <= 0,
    "from": lambda value, operand: _compare(value, operand) >= 0,
    "to": lambda value, operand: _compare(value, operand) <= 0,
    "like": _like,
    "nlike": lambda value, operand: not _like(value, operand),
    "in": _in,
    "nin": lambda value, operand: not _in(value, operand),
    "finset": lambda value, operand: operand in str(value).split(","),
    "nfinset": lambda value, operand: operand not in str(value).split(","),
    "null": lambda value, _: value is None,
    "notnull": lambda value, _: value is not None,
}


def _number(criteria: dict[str, Any], name: str) -> int:
    camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
    text = criteria.get(name, criteria.get(camel, "0"))
    if not str(text).isdigit():
        raise BadCriteria(f'The "{text}" value\'s type is invalid. The "int" type was expected.')
    return int(text)


def _echoed(criteria: dict[str, Any]) -> dict[str, Any]:
    return {
        "filter_groups": [{"filters": _within(group, "filters")} for group in _within(criteria, "filter_groups")],
        "sort_orders": _within(criteria, "sort_orders"),
        "page_size": _number(criteria, "page_size"),
        "current_page": _number(criteria, "current_page"),
    }
