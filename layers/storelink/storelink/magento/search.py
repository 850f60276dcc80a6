"""The pages of a search, read in turn or several at a time. criteria.py splits a search that is too long."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from storelink.errors import CallRefused, Invalid
from storelink.magento.criteria import Split
from storelink.magento.query import Parameters

PAGE_SIZE = 100
"""Items on a page, where the search does not say otherwise."""

MAX_URL_LENGTH = 7900
"""Characters of a search's URL. Magento 2.4.5 and before answer 500 to a query of more than about 8,000."""

Item = dict[str, Any]
_Found = tuple[list[Item], int | None]
"""Items of a page, and the store's count; None where it is no number."""

_IDENTITIES = ("entity_id", "id", "sku")
"""Fields by which an item is known, the surest first."""


@dataclass(frozen=True)
class Page:
    """A page of what was found.

    number: from 1. seen: items up to this page's end. total: as the store counts now, over all parts of the search.
    """

    items: list[Item]
    number: int
    seen: int
    total: int


class Search:
    """What a search finds. Iterate over it for the items, over `pages()` for the pages; each time the store is asked.

    Long lists in filters make several searches, since a URL has an end. `sort` then orders the items of each of them,
    and an item that several of them find is given once.
    """

    def __init__(
        self,
        ask: Callable[[Parameters], Any],
        split: Split,
        page_size: int = PAGE_SIZE,
        progress: Callable[[Page], object] | None = None,
        fields: str = "",
        parallel: int = 1,
    ) -> None:
        """ask: the answer to a search's parameters, read from JSON. fields: as `fields_parameter` gives them."""
        self._ask = ask
        self._split = split
        self._page_size = page_size
        self._progress = progress
        self._fields = fields
        self._parallel = parallel
        self._has_identity = not fields or bool(_names(fields).intersection(_IDENTITIES))
        if not (split.is_disjoint or self._has_identity):
            raise Invalid({"fields": f"must name one of {', '.join(_IDENTITIES)}: several searches find the same item"})

    def __iter__(self) -> Iterator[Item]:
        """Each item, the pages fetched as they are needed."""
        for page in self._pages(with_total=self._progress is not None):
            yield from page.items
            del page  # one page in memory, not two, while the next one comes

    def pages(self) -> Iterator[Page]:
        """Each page; `progress` is called with it first. Raises CallFailed, Unavailable.

        Past its last page, Magento gives the last one again; so the end is where the count is reached, or a page is
        empty or comes twice. A store that gives less than a page's size is asked for as many pages as it takes.
        """
        return self._pages(with_total=True)

    def count(self) -> int:
        """How many items there are, by a call for a page of one. Raises CallFailed, Unavailable.

        Where several searches may find the same item, all of them are gone over.
        """
        if not self._split.is_disjoint:
            return sum(len(page.items) for page in self._pages(with_total=False))
        return sum(map(self._count, self._split.parts))

    def _count(self, part: Parameters) -> int:
        _, total = self._page(part, 1, 1)
        if total is None:
            raise CallRefused("no-search", "", 200)
        return total

    def _pages(self, with_total: bool) -> Iterator[Page]:
        parts = self._split.parts
        number = seen = repeated = before = 0
        later: list[int] = []
        known: set[Any] | None = set() if len(parts) > 1 and self._has_identity else None
        for nth, part in enumerate(parts):
            total = 0
            for items, counted in self._part(part):
                if with_total and nth == number == 0:
                    later = [self._count(other) for other in parts[1:]]
                new = items if known is None else _unknown(items, known)
                number, seen, repeated = number + 1, seen + len(new), repeated + len(items) - len(new)
                total = counted or 0
                page = Page(new, number, seen, max(before + total + sum(later[nth:]) - repeated, seen))
                if self._progress is not None:
                    self._progress(page)
                del items, new
                yield page
                del page
            before += total

    def _part(self, part: Parameters) -> Iterator[_Found]:
        """The pages of one of the searches."""
        number, seen, longest, last = 1, 0, 0, 1
        previous: list[Item] | None = None
        with _Ahead(lambda nth: self._page(part, nth, self._page_size), self._parallel) as ahead:
            while True:
                items, total = ahead.page(number, last)
                if number > 1 and (not items or items == previous):
                    return
                seen, longest = seen + len(items), max(longest, len(items))
                is_end = not items or (total is not None and (seen >= total or number * longest >= total))
                is_past = total is None or number * self._page_size >= total
                previous = items if is_past and not is_end else None
                yield items, total
                del items
                if is_end:
                    return
                number += 1
                last = number if total is None else math.ceil(total / longest)

    def _page(self, part: Parameters, number: int, size: int) -> _Found:
        criteria = {**part, "page_size": size, "current_page": number}
        answer = self._ask({"searchCriteria": criteria, **({"fields": self._fields} if self._fields else {})})
        try:
            return _items(answer["items"]), _total(answer["total_count"])
        except (KeyError, TypeError, ValueError):
            raise CallRefused("no-search", "", 200) from None


class _Ahead:
    """Pages of a search that are fetched before they are asked for, at most so many at a time."""

    def __init__(self, fetch: Callable[[int], _Found], at_a_time: int) -> None:
        self._fetch = fetch
        self._at_a_time = at_a_time
        self._coming: dict[int, Future[_Found]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "_Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def page(self, number: int, last: int) -> _Found:
        """A page. last: up to which the following ones may be fetched meanwhile."""
        if self._at_a_time == 1 or (number >= last and number not in self._coming):
            return self._fetch(number)
        self._pool = self._pool or ThreadPoolExecutor(self._at_a_time, "storelink-search")
        for nth in range(number, min(number + self._at_a_time, last + 1)):
            if nth not in self._coming:
                self._coming[nth] = self._pool.submit(self._fetch, nth)
        return self._coming.pop(number).result()


def validate_count(name: str, number: int) -> None:
    """Check the size of a page, or how many are fetched at a time. name: the argument's. Raises Invalid."""
    if type(number) is not int or number < 1:
        raise Invalid({name: "must be a whole number from 1"})


def fields_parameter(fields: str | Sequence[str]) -> str:
    """The parameter `fields` for these fields of each item: items[sku,name],total_count; "" for all of them.

    fields: names, each with its own in brackets where it has some: "extension_attributes[stock_item[qty]]".
    Raises Invalid.
    """
    text = ",".join([fields] if isinstance(fields, str) else fields)
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            break
    if depth:
        raise Invalid({"fields": "has a bracket that is not closed or not opened"})
    return f"items[{text}],total_count" if text else ""


def _names(fields: str) -> set[str]:
    """The names of an item's own fields in a parameter `fields`, without those of their parts."""
    text = fields.removeprefix("items[").removesuffix("],total_count")
    while "[" in text:
        text = re.sub(r"\[[^\[\]]*\]", "", text)
    return {name.strip() for name in text.split(",")}


def _items(found: Any) -> list[Item]:
    """The items of an answer; a store's module may give them as an object, by their position or id."""
    if found is None:
        return []
    if isinstance(found, Mapping):
        return list(found.values())
    if isinstance(found, list):
        return found
    raise TypeError


def _total(found: Any) -> int | None:
    """The count of an answer; None where it is too large for a number (1e999 is read as infinity)."""
    try:
        return int(found)
    except OverflowError:
        return None


def _unknown(items: list[Item], known: set[Any]) -> list[Item]:
    """Those of the items that are not known yet; they are known then."""
    new = []
    for item in items:
        identity = _identity(item)
        if identity not in known:
            known.add(identity)
            new.append(item)
    return new


def _identity(item: Any) -> str:
    if isinstance(item, Mapping):
        for name in _IDENTITIES:
            if name in item:
                return f"{name} {item[name]}"
    return json.dumps(item, sort_keys=True)
