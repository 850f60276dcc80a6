"""How the pages of a search are gone over."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from storelink.errors import CallRefused, Invalid
from storelink.magento.criteria import Split
from storelink.magento.search import Page, Search, fields_parameter, validate_count

ONE = Split([{}], is_disjoint=True)


@pytest.mark.parametrize("size", [0, -1, True, "10", 1.5])
def test_a_page_has_a_size_and_a_number_at_a_time(size: Any) -> None:
    with pytest.raises(Invalid, match="page_size"):
        validate_count("page_size", size)
    with pytest.raises(Invalid, match="parallel"):
        validate_count("parallel", size)


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
    assert [item["id"] for item in Search(ask, ONE, 10)] == list(range(total))
    assert asked == list(range(1, pages + 1))


def test_pages_tell_how_far_they_are_and_the_progress_hook_hears_first() -> None:
    ask, asked = store_of(25, size=10)
    heard: list[Page] = []
    pages = Search(ask, ONE, 10, heard.append).pages()
    assert asked == []
    first = next(pages)
    assert heard == [first]
    assert (first.number, first.seen, first.total, len(first.items)) == (1, 10, 25, 10)
    assert [(page.number, page.seen) for page in pages] == [(2, 20), (3, 25)]
    assert len(heard) == 3


def test_a_count_that_grows_meanwhile_is_followed() -> None:
    ask, _ = store_of(15, 25, size=10)
    assert [page.total for page in Search(ask, ONE, 10).pages()] == [15, 25, 25]


def test_a_search_can_be_gone_over_again() -> None:
    ask, _ = store_of(5, size=10)
    found = Search(ask, ONE, 10)
    assert list(found) == list(found)
    assert len(list(found)) == 5


def test_a_count_takes_one_call_for_one_item() -> None:
    told: list[Any] = []

    def ask(asked: Any) -> Any:
        told.append(asked["searchCriteria"])
        return {"items": [{}], "total_count": 250}

    assert Search(ask, Split([{"sort_orders": []}], True), 100).count() == 250
    assert told == [{"sort_orders": [], "page_size": 1, "current_page": 1}]


def test_items_that_are_null_are_none() -> None:
    assert list(Search(lambda _: {"items": None, "total_count": 0}, ONE, 10)) == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        {"items": []},
        {"total_count": 1},
        {"items": 1, "total_count": 1},
        {"items": "text", "total_count": 1},
    ],
)
def test_an_answer_that_is_no_searchs_says_so(answer: Any) -> None:
    with pytest.raises(CallRefused) as refused:
        list(Search(lambda _: answer, ONE, 10))
    assert refused.value.reason == "no-search"


def found_by(search: Search) -> list[Any]:
    """What is found, where a store's items are numbers."""
    return list(search)


def pages_of(*pages: list[Any], total: Any, last_again: bool = True) -> tuple[Callable[[Any], Any], list[int]]:
    """A store whose pages are these; past the last one it gives that again, as Magento does, or none."""
    asked: list[int] = []

    def ask(parameters: Any) -> Any:
        number = parameters["searchCriteria"]["current_page"]
        asked.append(number)
        items = pages[min(number, len(pages)) - 1] if last_again or number <= len(pages) else []
        return {"items": items, "total_count": total}

    return ask, asked


class TestTheEnd:
    @pytest.mark.parametrize("parallel", [1, 3])
    def test_is_where_a_store_with_a_page_size_of_its_own_has_no_more(self, parallel: int) -> None:
        ask, asked = pages_of([1, 2], [3, 4], [5], total=5)
        assert found_by(Search(ask, ONE, 100, parallel=parallel)) == [1, 2, 3, 4, 5]
        assert sorted(asked) == [1, 2, 3]

    def test_is_an_empty_page(self) -> None:
        ask, asked = pages_of([1, 2], [], total=50, last_again=False)
        assert found_by(Search(ask, ONE, 2)) == [1, 2]
        assert asked == [1, 2]

    def test_is_a_page_that_comes_again_where_the_store_leaves_items_out(self) -> None:
        ask, asked = pages_of([1, 2, 3], [4], total=6)
        assert found_by(Search(ask, ONE, 3)) == [1, 2, 3, 4]
        ask, asked = pages_of([1], [2], total=6)
        assert found_by(Search(ask, ONE, 3)) == [1, 2]
        assert len(asked) == 3

    @pytest.mark.parametrize("parallel", [1, 3])
    @pytest.mark.parametrize("last_again", [True, False])
    def test_is_found_without_a_count_that_is_a_number(self, last_again: bool, parallel: int) -> None:
        ask, asked = pages_of([1, 2], [3], total=float("inf"), last_again=last_again)
        found = Search(ask, ONE, 2, parallel=parallel)
        given: list[Any] = [(page.items, page.total) for page in found.pages()]
        assert given == [([1, 2], 2), ([3], 3)]
        assert asked == [1, 2, 3]
        with pytest.raises(CallRefused):
            found.count()


def test_items_can_be_an_object() -> None:
    answer = {"items": {"3": {"id": 3}, "7": {"id": 7}}, "total_count": 2}
    assert list(Search(lambda _: answer, ONE, 10)) == [{"id": 3}, {"id": 7}]


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ((), ""),
        ("", ""),
        ("sku", "items[sku],total_count"),
        (["sku", "name"], "items[sku,name],total_count"),
        (
            ["sku", "extension_attributes[stock_item[qty]]"],
            "items[sku,extension_attributes[stock_item[qty]]],total_count",
        ),
    ],
)
def test_fields_are_those_of_the_items_and_the_count(fields: Any, parameter: str) -> None:
    assert fields_parameter(fields) == parameter


@pytest.mark.parametrize("fields", ["a[b", "a]", "]a[", ["a[", "b]["]])
def test_fields_have_their_brackets_in_pairs(fields: Any) -> None:
    with pytest.raises(Invalid, match="fields"):
        fields_parameter(fields)


def test_fields_are_asked_for() -> None:
    asked: list[Any] = []

    def ask(parameters: Any) -> Any:
        asked.append(parameters)
        return {"items": [], "total_count": 0}

    assert list(Search(ask, ONE, 10, fields="items[a],total_count")) == []
    assert asked[0]["fields"] == "items[a],total_count"


class TestSeveralSearches:
    """As one: a Split's parts say which ids each of them finds."""

    def search(self, *parts: list[int], is_disjoint: bool = True, **options: Any) -> Search:
        def ask(parameters: Any) -> Any:
            criteria = parameters["searchCriteria"]
            first = (criteria["current_page"] - 1) * criteria["page_size"]
            ids = criteria["ids"][first : first + criteria["page_size"]]
            return {"items": [{"id": one, "name": "same"} for one in ids], "total_count": len(criteria["ids"])}

        return Search(ask, Split([{"ids": part} for part in parts], is_disjoint), 2, **options)

    def test_are_gone_over_one_after_the_other(self) -> None:
        found = self.search([1, 2, 3], [4], [5, 6])
        assert [item["id"] for item in found] == [1, 2, 3, 4, 5, 6]
        assert found.count() == 6

    def test_tell_one_total(self) -> None:
        pages = list(self.search([1, 2, 3], [4], [5, 6]).pages())
        assert [(page.number, page.seen, page.total) for page in pages] == [(1, 2, 6), (2, 3, 6), (3, 4, 6), (4, 6, 6)]

    def test_give_an_item_once_that_two_of_them_find(self) -> None:
        found = self.search([1, 2, 3], [3, 4], is_disjoint=False)
        assert [item["id"] for item in found] == [1, 2, 3, 4]
        assert found.count() == 4
        assert [(page.seen, page.total) for page in found.pages()][-1] == (4, 4)

    def test_need_a_field_to_know_an_item_by_where_they_may_overlap(self) -> None:
        with pytest.raises(Invalid, match="fields"):
            self.search([1], [1], is_disjoint=False, fields="items[name,extension_attributes[id]],total_count")
        self.search([1], [1], is_disjoint=False, fields="items[name,id],total_count")


class TestPagesThatAreFetchedAtATime:
    def test_come_in_order_and_no_more_than_that_many_are_held(self) -> None:
        lock = threading.Lock()
        under_way = most = given = furthest = 0

        def counting(parameters: Any) -> Any:
            nonlocal under_way, most, furthest
            number = parameters["searchCriteria"]["current_page"]
            with lock:
                under_way += 1
                most, furthest = max(most, under_way), max(furthest, number - given)
            items = [{"id": 10 * (number - 1) + n} for n in range(10)]
            with lock:
                under_way -= 1
            return {"items": items, "total_count": 1000}

        ids = []
        for page in Search(counting, ONE, 10, parallel=4).pages():
            given = page.number
            ids += [item["id"] for item in page.items]
        assert ids == list(range(1000))
        assert most <= 4
        assert furthest <= 5  # while page n is worked on, n + 1 to n + 4 may be there

    def test_are_fetched_at_the_same_time(self) -> None:
        together = threading.Barrier(4)

        def ask(parameters: Any) -> Any:
            number = parameters["searchCriteria"]["current_page"]
            if number > 1:
                together.wait(10)
            return {"items": [{"id": number}], "total_count": 5}

        assert [item["id"] for item in Search(ask, ONE, 1, parallel=4)] == [1, 2, 3, 4, 5]

    def test_fail_where_their_turn_is(self) -> None:
        def ask(parameters: Any) -> Any:
            number = parameters["searchCriteria"]["current_page"]
            if number == 3:
                raise CallRefused("call-refused", "page 3", 400)
            return {"items": [{"id": number}], "total_count": 9}

        found = iter(Search(ask, ONE, 1, parallel=4))
        assert [next(found)["id"], next(found)["id"]] == [1, 2]
        with pytest.raises(CallRefused, match="page 3"):
            next(found)

    def test_are_left_when_who_asks_goes(self) -> None:
        ask, asked = store_of(1000, size=1)
        pages: Any = Search(ask, ONE, 1, parallel=4).pages()
        next(pages)
        next(pages)
        pages.close()
        assert len(asked) <= 6
