"""PHP's functions, held to what PHP 8.2 printed."""

import pytest

from storelink.testing.sandbox import php


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a2", "a10", -1),
        ("a02", "a10", -1),
        ("a02", "a1", -1),
        ("a1", "a01", 1),
        ("a10", "a1", 1),
        ("1", "01", 0),
        ("a1.5", "a1.25", -1),
        ("a1.05", "a1.5", -1),
        ("a", "a1", -1),
        ("", "a", -1),
        ("a%5B10%5D", "a%5B9%5D", 1),
        ("A", "a", -1),
        ("a 1", "a1", 0),
        ("a12b", "a12c", -1),
        ("x00", "x0", 1),
    ],
)
def test_natural_order_is_strnatcmps(one: str, other: str, expected: int) -> None:
    assert php.strnatcmp(one, other) == expected
    assert php.strnatcmp(other, one) == -expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b", "a10", "a2"], ["a10", "a2", "b"]),
        (["010", "09"], ["09", "010"]),
        (["1e3", "0999"], ["0999", "1e3"]),
        (["+5", "05"], ["+5", "05"]),
        ([" 7", "08 "], [" 7", "08 "]),
        (["a", "01"], ["01", "a"]),
        (["1e999", "2e999"], ["1e999", "2e999"]),
        (["B", "a", "["], ["B", "[", "a"]),
    ],
)
def test_names_are_sorted_as_ksort_sorts_them(names: list[str], expected: list[str]) -> None:
    assert sorted(names, key=php.ksort_key) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&b=2&a=3", {"a": "3", "b": "2"}),
        ("a", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a.b=1&c%20d=2&+e=3", {"a_b": "1", "c_d": "2", "e": "3"}),
        ("a[b]=1", {"a": None}),
        ("a.b[c.d]=1", {"a_b": None}),
        ("a[b=1", {"a_b": "1"}),
        ("a[b.c=1", {"a_b_c": "1"}),
        ("[a]=1&=2&%00x=3", {}),
        ("a%00b=1", {"a": "1"}),
        ("a=1&a[b]=2", {"a": None}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a=x+y%2Bz", {"a": "x y+z"}),
        ("&&a=1&&", {"a": "1"}),
        ("a" + "[x]" * 64 + "=1", {"a": None}),
        ("a" + "[x]" * 65 + "=1", {}),
    ],
)
def test_a_query_is_parsed_as_parse_str_parses_it(query: str, expected: dict[str, str | None]) -> None:
    assert php.parse_str(query) == expected


def test_parse_str_reads_1000_variables() -> None:
    assert len(php.parse_str("&".join(f"a{number}=1" for number in range(1200)))) == 1000


@pytest.mark.parametrize(("name", "expected"), [("7", True), ("-7", True), ("0", True), ("07", False), ("-0", False)])
def test_a_name_is_an_integer_key(name: str, expected: bool) -> None:
    assert php.is_integer_key(name) is expected


@pytest.mark.parametrize("name", ["7.0", "1e3", " 7", "+7", "", "a", "9223372036854775808", "٣"])
def test_another_name_is_a_string_key(name: str) -> None:
    assert not php.is_integer_key(name)


def test_texts_and_phps_strings_are_told_apart() -> None:
    assert php.to_bytes("é") == "\xc3\xa9"
    assert php.to_text(php.rawurldecode("%C3%A9%zz%")) == "é%zz%"
    assert php.rawurlencode(php.to_bytes("é ~/")) == "%C3%A9%20~%2F"
