"""Where a call goes, and what cannot be a path."""

from typing import Any

import pytest

from storelink.errors import Invalid
from storelink.magento.path import bulk_path, expand, fill, resolve, validate_store_view
from storelink.store import Store

STORE = Store.from_url("https://shop.example/sub/")


@pytest.mark.parametrize(
    ("path", "view", "below"),
    [
        ("V1/products", None, "rest/V1/products"),
        ("/V1/products", "de", "rest/de/V1/products"),
        ("V1/products?a=b/../c//d", "de-at", "rest/de-at/V1/products?a=b/../c//d"),
        ("async/V1/products", None, "rest/async/V1/products"),
        ("/async/bulk/V1/products", "all", "rest/all/async/bulk/V1/products"),
        ("rest/all/V1/products", "de", "rest/all/V1/products"),
        ("https://shop.example/sub/rest/V1/products", "de", "rest/V1/products"),
        ("V1/products/A:B", None, "rest/V1/products/A:B"),
        ("V1/products/.htaccess", None, "rest/V1/products/.htaccess"),
        ("", None, ""),
    ],
)
def test_a_path_is_below_the_store(path: str, view: str | None, below: str) -> None:
    assert resolve(STORE, view, path) == STORE.url + below


@pytest.mark.parametrize(
    "path",
    [
        "V1/products/A#1",
        "V1/products?a=b#c",
        "https://shop.example/sub/rest/V1/a#b",
        "V1/orders/../customers/1",
        "rest/V1/../../admin",
        "rest/V1/./modules",
        "V1/orders/%2e%2E/customers",
        "V1/orders/.%2e",
        "..",
        ".",
        "../rest",
        "https://shop.example/sub/../admin",
        "https://shop.example/sub//rest/V1/modules",
        "//elsewhere.example/rest",
        "//V1/modules",
        "V1//modules",
        "V1/modules//",
        "https://elsewhere.example/sub/rest",
        "https://shop.example/other",
        "http://shop.example/sub/rest",
        "http:evil",
        "javascript:alert(1)",
        "http://[::1",
    ],
)
def test_what_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolve(STORE, None, path)
    assert list(refused.value.fields) == ["url"]


@pytest.mark.parametrize(
    ("sku", "segment"),
    [
        ("24-MB01", "24-MB01"),
        ("AB/12", "AB%2F12"),
        ("A+B", "A%2BB"),
        ("A B", "A%20B"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("A#1?x=y&z", "A%231%3Fx=y&z"),
        ("a:b@c;d,e$f", "a:b@c;d,e$f"),
        ("Ü'!*", "%C3%9C%27%21%2A"),
        ("...", "..."),
        ("../x", "..%2Fx"),
        (7, "7"),
    ],
)
def test_a_value_in_a_path_is_encoded_whatever_it_is(sku: Any, segment: str) -> None:
    assert fill("V1/products/{sku}/media/{id}", {"sku": sku, "id": 5}) == f"V1/products/{segment}/media/5"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("V1/products/{sku}", {}),
        ("V1/products", {"sku": "a"}),
        ("V1/products/{sku}", {"sku": "a", "id": 1}),
        ("V1/products/{sku}", {"sku": ""}),
        ("V1/products/{sku}", {"sku": "."}),
        ("V1/products/{sku}", {"sku": ".."}),
        ("V1/products/{sku}", {"sku": None}),
        ("V1/products/{sku}", {"sku": "\ud800"}),
    ],
)
def test_a_value_that_no_path_carries_is_refused(path: str, values: Any) -> None:
    with pytest.raises(Invalid):
        fill(path, values)


@pytest.mark.parametrize(
    ("path", "whole", "in_bulk"),
    [
        ("products", "V1/products", "async/bulk/V1/products"),
        ("/products", "V1/products", "async/bulk/V1/products"),
        ("V1/products", "V1/products", "async/bulk/V1/products"),
        ("V2/products/bySku", "V2/products/bySku", "async/bulk/V2/products/bySku"),
        ("async/V1/products", "async/V1/products", "async/bulk/V1/products"),
        ("async/bulk/V1/products", "async/bulk/V1/products", "async/bulk/V1/products"),
        ("rest/de/V1/products", "rest/de/V1/products", "rest/de/async/bulk/V1/products"),
    ],
)
def test_a_methods_path_can_be_short(path: str, whole: str, in_bulk: str) -> None:
    assert (expand(path), bulk_path(path)) == (whole, in_bulk)


@pytest.mark.parametrize("code", [None, "all", "default", "de-at", "de_AT", "1"])
def test_a_store_views_code_is_of_letters_digits_and_dashes(code: str | None) -> None:
    assert validate_store_view(code) == code


@pytest.mark.parametrize("code", ["", "a b", "de/../all", "x" * 65, "a.b", "ä"])
def test_another_store_views_code_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="store_view"):
        validate_store_view(code)
