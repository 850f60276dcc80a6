"""What a search asks, and how one that is too long becomes several."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storelink.errors import Invalid
from storelink.magento.criteria import Split, split
from storelink.magento.query import Parameters, query


def made(filters: Any, sort: Any = (), longest: int = 10**6) -> Split:
    """The searches that a filter makes, each with a query of at most so many characters."""
    return split(filters, sort, lambda criteria: len(query(criteria)) <= longest)


def criteria(filters: Any, sort: Any = ()) -> Parameters:
    """The one search that a filter makes."""
    (one,) = made(filters, sort).parts
    return one


def groups(filters: Any) -> list[list[tuple[str, ...]]]:
    asked = criteria(filters)["filter_groups"]
    return [[tuple(one.values()) for one in group["filters"]] for group in asked]


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
    asked = criteria((), ["-created_at", "entity_id"])["sort_orders"]
    assert [(one["field"], one["direction"]) for one in asked] == [("created_at", "DESC"), ("entity_id", "ASC")]
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
        criteria(filters)
    assert wrong in refused.value.fields[field]


def values(criteria: Parameters, nth: int = 0) -> list[str]:
    """The values of a group's filters."""
    return [text for one in criteria["filter_groups"][nth]["filters"] for text in one["value"].split(",")]


class TestALongSearch:
    @pytest.mark.parametrize(
        "filters", [{"sku": [f"s{n}" for n in range(3000)]}, [[("sku", "eq", f"s{n}") for n in range(300)]]]
    )
    def test_becomes_several_with_each_value_in_one(self, filters: Any) -> None:
        found = made(filters, "sku", 7000)
        assert found.is_disjoint
        assert len(found.parts) > 1
        assert all(len(query(part)) <= 7000 for part in found.parts)
        texts = [text for part in found.parts for text in values(part)]
        assert len(texts) == len(set(texts))
        given = filters["sku"] if isinstance(filters, dict) else [value for _, _, value in filters[0]]
        assert set(texts) == set(given)
        assert {str(part["sort_orders"]) for part in found.parts} == {str(found.parts[0]["sort_orders"])}

    def test_keeps_its_other_conditions_in_each(self) -> None:
        found = made([("status", "eq", 1), ("sku", "in", [f"s{n}" for n in range(2000)]), ("price", "lt", 5)], (), 7000)
        assert len(found.parts) > 1
        for part in found.parts:
            assert [group["filters"][0]["field"] for group in part["filter_groups"]] == ["status", "sku", "price"]

    def test_parts_two_long_lists(self) -> None:
        found = made({"sku": [f"s{n}" for n in range(900)], "name": [f"n{n}" for n in range(900)]}, (), 7000)
        pairs = {(sku, name) for part in found.parts for sku in values(part, 0) for name in values(part, 1)}
        assert len(pairs) == 900 * 900
        assert sum(len(values(part, 0)) * len(values(part, 1)) for part in found.parts) == 900 * 900

    def test_finds_the_same_item_twice_where_its_filters_are_of_several_fields(self) -> None:
        assert not made([[("sku", "like", f"s{n}-%") for n in range(200)]], (), 7000).is_disjoint
        assert not made([[("sku", "eq", "a"), ("name", "in", [f"n{n}" for n in range(2000)])]], (), 7000).is_disjoint
        assert not made({"category_id": list(range(3000))}, (), 7000).is_disjoint

    def test_keeps_values_together_that_the_database_takes_for_the_same(self) -> None:
        texts = [f"s{n % 500:03}".upper() if n < 500 else f"s{n % 500:03}" for n in range(1000)]
        parts = made({"sku": texts}, (), 3000).parts
        folded = [{text.casefold() for text in values(part)} for part in parts]
        assert len(parts) > 1
        assert sum(map(len, folded)) == 500

    @pytest.mark.parametrize(
        "filters",
        [
            [("sku", "nin", [f"s{n}" for n in range(3000)])],
            [("name", "like", "x" * 9000)],
            [(f"f{n}", "eq", n) for n in range(300)],
        ],
    )
    def test_that_cannot_be_split_is_refused(self, filters: Any) -> None:
        with pytest.raises(Invalid, match="filters"):
            made(filters, (), 7000)

    @given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1), min_size=1, max_size=60))
    def test_loses_no_value(self, texts: list[str]) -> None:
        longest = len(query(criteria({"sku": max(texts, key=len) * 12})))
        parts = made({"sku": texts}, (), longest).parts
        assert {text for part in parts for text in values(part)} == set(texts)
