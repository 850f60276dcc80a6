"""How parameters are written: nested as PHP reads them, values as Magento reads them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storelink.errors import Invalid
from storelink.magento.query import query
from storelink.oauth.signature import normalize_url
from storelink.testing.sandbox.catalog import nested


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ({"a": 1, "b": "two"}, "a=1&b=two"),
        ({"a": {"b": {"c": 1}}}, "a[b][c]=1"),
        ({"a": ["x", "y"]}, "a[0]=x&a[1]=y"),
        ({"a": [{"b": 1}, {"b": 2}]}, "a[0][b]=1&a[1][b]=2"),
        ({"a": True, "b": False}, "a=1&b=0"),
        ({"a": None, "b": 1}, "b=1"),
        ({"a": {}, "b": [], "c": {"d": None}}, ""),
        ({"a": ""}, "a="),
        ({"a": 1.5, "b": Decimal("19.90"), "c": -3}, "a=1.5&b=19.90&c=-3"),
        ({"a": date(2026, 11, 24)}, "a=2026-11-24"),
        ({"a": datetime(2026, 11, 24, 8, 30, tzinfo=UTC)}, "a=2026-11-24 08:30:00"),
        ({"a": datetime(2026, 11, 24, 1, 0, tzinfo=timezone(timedelta(hours=2)))}, "a=2026-11-23 23:00:00"),
        ({"a[b][0]": "as before"}, "a[b][0]=as before"),
        ([("a", 1), ("b", [2])], "a=1&b[0]=2"),
        ({"a": list(range(10))}, "&".join(f"a[{n}]={n}" for n in range(10))),
        ({"a": list(range(11))}, "&".join(f"a[{n + 10}]={n}" for n in range(11))),
        ({"a": list(range(90))}, "&".join(f"a[{n + 10}]={n}" for n in range(90))),
        ({"a": list(range(91))}, "&".join(f"a[{n + 100}]={n}" for n in range(91))),
        ({"a": [{"b": list("abcdefghijk")}]}, "&".join(f"a[0][b][{n + 10}]={c}" for n, c in enumerate("abcdefghijk"))),
    ],
)
def test_parameters_are_written(parameters: Any, written: str) -> None:
    assert unquote(query(parameters)) == written


def test_a_query_is_encoded_as_magento_verifies_it() -> None:
    written = query({"searchCriteria": {"filter_groups": [{"filters": [{"value": "100% Größe + 1"}]}]}})
    assert (
        written
        == "searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D%5Bvalue%5D=100%25%20Gr%C3%B6%C3%9Fe%20%2B%201"
    )
    url = f"https://shop.example/rest/V1/products?{written}"
    assert normalize_url(url) == url


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"since": datetime(2026, 11, 24)}, "since"),  # noqa: DTZ001  that is what is refused
        ({"a": {"b": [b"bytes"]}}, "a[b][0]"),
        ({"a": {"b": {1, 2}}}, "a[b]"),
        ({"a": object()}, "a"),
        ({"a": "\ud800"}, "'a'"),
    ],
)
def test_what_cannot_be_written_is_refused_by_its_name(parameters: Any, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        query(parameters)
    assert list(refused.value.fields) == [name]


names = st.text(st.sampled_from("abc_Ü %"), min_size=1, max_size=4)
trees = st.recursive(
    st.text(max_size=5), lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6
)


@given(st.dictionaries(names, trees, min_size=1, max_size=3))
def test_the_store_reads_what_was_meant(parameters: dict[str, Any]) -> None:
    assert nested(parse_qsl(query(parameters), keep_blank_values=True)) == parameters
