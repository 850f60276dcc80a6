"""What a search asks, and how it goes over the pages."""

from collections.abc import Callable
from typing import Any

import pytest

from storelink.errors import CallRefused, Invalid
from storelink.magento.search import Page, Search, criteria, validate_page_size


def groups(filters: Any) -> list[list[tuple[str, ...]]]:
    told = criteria(filters, ())["filter_groups"]
    return [[tuple(one.values()) for one in group["filters"]] for group in told]


def test_a_mapping_says_what_each_field_must_be() -> None:
    told = {"status": 1, "type_id": ["simple", "virtual"], "special_price": None, "name": "24-MB01"}
    assert groups(told) == [
        [("status", "1", "eq")],
        [("type_id", "simple,virtual", "in")],
        [("special_price", "null")],
        [("name", "24-MB01", "eq")],
    ]


def test_a_list_is_an_and_and_a_list_within_an_or() -> None:
    told = [("price", "lt", 10), [("sku", "like", "24-%"), ("name", "like", "%bag%")], ("image", "notnull")]
    assert groups(told) == [
        [("price", "10", "lt")],
        [("sku", "24-%", "like"), ("name", "%bag%", "like")],
        [("image", "notnull")],
    ]


def test_a_sort_is_ascending_unless_it_says_minus() -> None:
    assert criteria((), "created_at")["sort_orders"] == [{"field": "created_at", "direction": "ASC"}]
    told = criteria((), ["-created_at", "entity_id"])["sort_orders"]
    assert [(one["field"], one["direction"]) for one in told] == [("created_at", "DESC"), ("entity_id", "ASC")]
    assert criteria((), ())["sort_orders"] == []


@pytest.mark.parametrize(
    ("filters", "field", "wrong"),
    [
        ([("price", "less", 10)], "price", "lteq"),
        ([("price", "lt")], "price", "has no value"),
        ([("price", "eq", None)], "price", "null"),
        ([("price", "eq", [1, 2])], "price", "several values"),
        ({"sku": []}, "sku", "has no value"),
        ({"sku": ["a,b", "c"]}, "sku", '","'),
    ],
)
def test_a_filter_that_says_nothing_to_magento_is_refused(filters: Any, field: str, wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        criteria(filters, ())
    assert wrong in refused.value.fields[field]


@pytest.mark.parametrize("size", [0, -1, True, "10", 1.5])
def test_a_page_has_a_size(size: Any) -> None:
    with pytest.raises(Invalid, match="page_size"):
        validate_page_size(size)


def store_of(*counts: int, size: int) -> tuple[Callable[[Any], Any], list[int]]:
    """A store that holds `counts[n]` items at its n-th page; as Magento, it has the last page after its last."""
    asked: list[int] = []

    def ask(told: Any) -> Any:
        number = told["searchCriteria"]["current_page"]
        total = counts[min(len(asked), len(counts) - 1)]
        asked.append(number)
        last = max(1, -(-total // size))
        first = (min(number, last) - 1) * size
        return {"items": [{"id": n} for n in range(first, min(first + size, total))], "total_count": total}

    return ask, asked


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2), (25, 3), (30, 3)])
def test_each_item_comes_once_and_no_page_past_the_last_is_asked_for(total: int, pages: int) -> None:
    ask, asked = store_of(total, size=10)
    assert [item["id"] for item in Search(ask, {}, 10, None)] == list(range(total))
    assert asked == list(range(1, pages + 1))


def test_pages_tell_how_far_they_are_and_the_progress_hook_hears_first() -> None:
    ask, asked = store_of(25, size=10)
    heard: list[Page] = []
    pages = Search(ask, {}, 10, heard.append).pages()
    assert asked == []
    first = next(pages)
    assert heard == [first]
    assert (first.number, first.seen, first.total, len(first.items)) == (1, 10, 25, 10)
    assert [(page.number, page.seen) for page in pages] == [(2, 20), (3, 25)]
    assert len(heard) == 3


def test_a_count_that_grows_meanwhile_is_followed() -> None:
    ask, _ = store_of(15, 25, size=10)
    assert [page.total for page in Search(ask, {}, 10, None).pages()] == [15, 25, 25]


def test_a_search_can_be_gone_over_again() -> None:
    ask, _ = store_of(5, size=10)
    found = Search(ask, {}, 10, None)
    assert list(found) == list(found)
    assert len(list(found)) == 5


def test_a_count_takes_one_call_for_one_item() -> None:
    told: list[Any] = []

    def ask(asked: Any) -> Any:
        told.append(asked["searchCriteria"])
        return {"items": [{}], "total_count": 250}

    assert Search(ask, {"sort_orders": []}, 100, None).count() == 250
    assert told == [{"sort_orders": [], "page_size": 1, "current_page": 1}]


def test_items_that_are_null_are_none() -> None:
    assert list(Search(lambda _: {"items": None, "total_count": 0}, {}, 10, None)) == []


@pytest.mark.parametrize(
    "answer", [None, [], "text", {"items": []}, {"total_count": 1}, {"items": 1, "total_count": 1}]
)
def test_an_answer_that_is_no_searchs_says_so(answer: Any) -> None:
    with pytest.raises(CallRefused) as refused:
        list(Search(lambda _: answer, {}, 10, None))
    assert refused.value.reason == "no-search"
