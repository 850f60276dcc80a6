"""What Magento's search criteria say, and how what they find is gone over page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storelink.errors import CallRefused, Invalid
from storelink.magento.query import Parameters, Value, format_value

PAGE_SIZE = 100
"""Items on a page, where the search does not say otherwise."""

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

Item = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of what was found. number: from 1. seen: items until now, these too. total: as the store counts now."""

    items: list[Item]
    number: int
    seen: int
    total: int


class Search:
    """What a search finds. Iterate over it for the items, over `pages()` for the pages; each time it is asked anew."""

    def __init__(
        self,
        ask: Callable[[Parameters], Any],
        criteria: Parameters,
        page_size: int,
        progress: Callable[[Page], object] | None,
    ) -> None:
        self._ask = ask
        self._criteria = criteria
        self._page_size = page_size
        self._progress = progress

    def __iter__(self) -> Iterator[Item]:
        """Each item, the pages fetched as they are needed."""
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page]:
        """Each page, and `progress` called with it first.

        The end is where the store's count says: past it, Magento gives the last page again. Raises CallFailed,
        Unavailable; what was given before that is good.
        """
        number, seen = 1, 0
        while True:
            items, total = self._page(number, self._page_size)
            seen += len(items)
            page = Page(items, number, seen, total)
            if self._progress is not None:
                self._progress(page)
            yield page
            if number * self._page_size >= total:
                return
            number += 1

    def count(self) -> int:
        """How many items there are, by one call for a page of one. Raises CallFailed, Unavailable."""
        _, total = self._page(1, 1)
        return total

    def _page(self, number: int, size: int) -> tuple[list[Item], int]:
        answer = self._ask({"searchCriteria": {**self._criteria, "page_size": size, "current_page": number}})
        try:
            return list(answer["items"] or ()), int(answer["total_count"])
        except (KeyError, TypeError, ValueError):
            raise CallRefused("no-search", "", 200) from None


def criteria(filters: Filters, sort: str | Sequence[str]) -> Parameters:
    """Magento's search criteria, without the page. sort: fields, the first one first; "-field" is descending.

    Raises Invalid, naming the filter that says nothing to Magento.
    """
    fields = [sort] if isinstance(sort, str) else sort
    return {
        "filter_groups": [{"filters": list(map(_filter, group))} for group in _groups(filters)],
        "sort_orders": [
            {"field": field.removeprefix("-"), "direction": "DESC" if field.startswith("-") else "ASC"}
            for field in filter(None, fields)
        ],
    }


def validate_page_size(size: int) -> int:
    """A size that a page can have. Raises Invalid."""
    if type(size) is not int or size < 1:
        raise Invalid({"page_size": "must be a whole number from 1"})
    return size


def _groups(filters: Filters) -> list[Sequence[Filter]]:
    if isinstance(filters, Mapping):
        return [[_equal(field, value)] for field, value in filters.items()]
    return [[one] if isinstance(one, tuple) else one for one in filters]


def _equal(field: str, value: Value | Sequence[Value]) -> Filter:
    if value is None:
        return field, "null"
    return field, "eq" if isinstance(value, str) or not isinstance(value, Sequence) else "in", value


def _filter(told: Filter) -> dict[str, str]:
    field, condition, value = told if len(told) == 3 else (*told, None)
    if condition in NULL_CONDITIONS:
        return {"field": field, "condition_type": condition}
    if condition not in CONDITIONS:
        known = ", ".join(sorted(CONDITIONS | NULL_CONDITIONS))
        raise Invalid({field: f"has the condition {condition!r}; Magento's are {known}"})
    if value is None:
        raise Invalid(
            {field: f"has no value for {condition!r}; to look for what is not there write ({field!r}, 'null')"}
        )
    if isinstance(value, str) or not isinstance(value, Sequence):
        return {"field": field, "value": format_value(field, value), "condition_type": condition}
    if condition not in ("in", "nin"):
        raise Invalid({field: f"has several values for {condition!r}; only in and nin take them"})
    texts = [format_value(field, one) for one in value]
    if not texts:
        raise Invalid({field: f"has no value for {condition!r}; where nothing is wanted, leave the search out"})
    if any("," in text for text in texts):
        raise Invalid({field: 'has a "," in a value, by which Magento parts them; write "eq" filters in a list'})
    return {"field": field, "value": ",".join(texts), "condition_type": condition}
