"""Magento's search criteria: filters, their order, and how one search that is too long becomes several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storelink.errors import Invalid
from storelink.magento.query import Parameters, Value, format_value, query

CONDITIONS = frozenset(
    ["eq", "neq", "like", "nlike", "in", "nin", "gt", "lt", "gteq", "lteq", "moreq", "finset", "nfinset", "from", "to"]
)
NULL_CONDITIONS = frozenset(["null", "notnull"])
"""Condition types that have no value."""

Filter = tuple[str, str, Value | Sequence[Value]] | tuple[str, str]
"""Field, condition type, value: ("price", "gteq", 10). Without value for "null" and "notnull"."""

Filters = Mapping[str, Value | Sequence[Value]] | Sequence[Filter | Sequence[Filter]]
"""What must hold, all of it. A mapping: fields and the value each must have (a list: one of them; None: none).

A list: filters, and lists of filters of which any one may hold. That is Magento's filter groups: AND of ORs.
"""

MAX_PARTS = 1000
"""Searches into which one may be split."""

_SEVERAL_VALUES = frozenset(["category_id", "category_ids", "website_id", "website_ids", "store_id"])
"""Fields of which one item may have several values, so that two lists of values may find the same item."""


@dataclass(frozen=True)
class _Filter:
    """A filter as it is sent. texts: its values; several for in and nin only, none for null and notnull."""

    field: str
    condition: str
    texts: tuple[str, ...]

    def to_parameters(self) -> dict[str, str]:
        value = {"value": ",".join(self.texts)} if self.texts else {}
        return {"field": self.field, **value, "condition_type": self.condition}


_Group = list[_Filter]
"""Filters of which any one may hold."""


@dataclass(frozen=True)
class Split:
    """The criteria of the searches that make up one. is_disjoint: whether no item is found by two of them."""

    parts: list[Parameters]
    is_disjoint: bool


def split(filters: Filters, sort: str | Sequence[str], fits: Callable[[Parameters], bool]) -> Split:
    """The search criteria, without the page, for as many searches as it takes until each one fits.

    sort: fields, the first one first; "-field" is descending. fits: whether a search by these criteria can be sent.
    Raises Invalid, naming the filter that says nothing to Magento, or when the filters cannot be split.
    """
    orders = _sort_orders(sort)
    groups = [[_filter(one) for one in group] for group in _groups(filters)]
    was_disjoint = True
    parts: list[Parameters] = []
    waiting = [groups]
    while waiting:
        groups = waiting.pop()
        made = {
            "filter_groups": [{"filters": [one.to_parameters() for one in group]} for group in groups],
            "sort_orders": orders,
        }
        if fits(made):
            parts.append(made)
            continue
        first, second, is_disjoint = _halves(groups)
        was_disjoint = was_disjoint and is_disjoint
        waiting += [second, first]
        if len(parts) + len(waiting) > MAX_PARTS:
            raise Invalid({"filters": f"make more than {MAX_PARTS} searches; search by shorter lists"})
    return Split(parts, was_disjoint)


def _halves(groups: list[_Group]) -> tuple[list[_Group], list[_Group], bool]:
    """Two searches that find together what one does, and whether no item is found by both."""
    single = [_single_values(group) for group in groups]
    nth = max(range(len(groups)), key=lambda n: _length(groups[n]) if len(single[n]) > 1 else -1, default=None)
    if nth is None or len(single[nth]) < 2:
        raise Invalid({"filters": "make a URL of more than 8,000 characters, and only in and OR lists can be split"})
    values = sorted(single[nth], key=_folded)
    middle = len(values) // 2
    while middle < len(values) - 1 and _folded(values[middle - 1]) == _folded(values[middle]):
        middle += 1  # Magento's database compares without case: these two find the same items
    fields, conditions = {one.field for one in values}, {one.condition for one in values}
    is_disjoint = len(fields) == 1 and conditions in ({"eq"}, {"in"}) and not fields & _SEVERAL_VALUES
    first, second = values[:middle], values[middle:]
    return (
        [*groups[:nth], _joined(first), *groups[nth + 1 :]],
        [*groups[:nth], _joined(second), *groups[nth + 1 :]],
        is_disjoint,
    )


def _length(group: _Group) -> int:
    return len(query({"filters": [one.to_parameters() for one in group]}))


def _folded(one: _Filter) -> tuple[str, str, tuple[str, ...]]:
    return one.field, one.condition, tuple(text.casefold() for text in one.texts)


def _single_values(group: _Group) -> _Group:
    """The same, each `in` filter as one for each of its values."""
    values = [_Filter(one.field, "in", (text,)) for one in group if one.condition == "in" for text in one.texts]
    return list(dict.fromkeys(values + [one for one in group if one.condition != "in"]))


def _joined(group: _Group) -> _Group:
    """The same, the `in` filters of a field as one."""
    texts: dict[str, list[str]] = {}
    for one in group:
        if one.condition == "in":
            texts.setdefault(one.field, []).extend(one.texts)
    lists = [_Filter(field, "in", tuple(values)) for field, values in texts.items()]
    return lists + [one for one in group if one.condition != "in"]


def _sort_orders(sort: str | Sequence[str]) -> list[dict[str, str]]:
    fields = [sort] if isinstance(sort, str) else sort
    return [
        {"field": field.removeprefix("-"), "direction": "DESC" if field.startswith("-") else "ASC"}
        for field in filter(None, fields)
    ]


def _groups(filters: Filters) -> list[Sequence[Filter]]:
    if isinstance(filters, Mapping):
        return [[_equal(field, value)] for field, value in filters.items()]
    return [[one] if isinstance(one, tuple) else one for one in filters]


def _equal(field: str, value: Value | Sequence[Value]) -> Filter:
    if value is None:
        return field, "null"
    return field, "eq" if isinstance(value, str) or not isinstance(value, Sequence) else "in", value


def _filter(given: Filter) -> _Filter:
    field, condition, value = given if len(given) == 3 else (*given, None)
    if condition in NULL_CONDITIONS:
        return _Filter(field, condition, ())
    if condition not in CONDITIONS:
        known = ", ".join(sorted(CONDITIONS | NULL_CONDITIONS))
        raise Invalid({field: f"has the condition {condition!r}; Magento's are {known}"})
    if value is None:
        raise Invalid(
            {field: f"has no value for {condition!r}; to look for what is not there write ({field!r}, 'null')"}
        )
    if isinstance(value, str) or not isinstance(value, Sequence):
        return _Filter(field, condition, (format_value(field, value),))
    if condition not in ("in", "nin"):
        raise Invalid({field: f"has several values for {condition!r}; only in and nin take them"})
    texts = [format_value(field, one) for one in value]
    if not texts:
        raise Invalid({field: f"has no value for {condition!r}; where nothing is wanted, leave the search out"})
    if any("," in text for text in texts):
        raise Invalid({field: 'has a "," in a value, by which Magento parts them; write "eq" filters in a list'})
    return _Filter(field, condition, tuple(texts))
