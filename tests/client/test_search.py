"""A search as a session makes it: what is asked, and over how long a URL."""

import threading
from typing import Any

import pytest

import storelink
from storelink.errors import Invalid
from storelink.magento.query import Value
from tests.store_double import Call, StoreDouble

EMPTY = {"items": [], "total_count": 0}


def catalogue(skus: list[str]) -> Any:
    """A store with these products, which reads filters of sku by eq and in."""

    def answer(call: Call) -> tuple[int, Any]:
        parameters = call.parameters
        wanted = {text for name, value in parameters.items() if name.endswith("[value]") for text in value.split(",")}
        found = [{"sku": sku} for sku in skus if sku in wanted]
        size, page = (int(parameters[f"searchCriteria[{name}]"]) for name in ("page_size", "current_page"))
        return 200, {"items": found[(page - 1) * size : page * size], "total_count": len(found)}

    return answer


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("products", "/rest/de/V1/products"),
        ("/products", "/rest/de/V1/products"),
        ("V1/products", "/rest/de/V1/products"),
        ("/V1/products", "/rest/de/V1/products"),
        ("rest/V1/products", "/rest/V1/products"),
        ("rest/all/V1/products", "/rest/all/V1/products"),
    ],
)
def test_takes_the_paths_that_a_call_takes(double: StoreDouble, path: str, target: str) -> None:
    double.answers((200, EMPTY))
    shop = double.session()
    shop.store_view = "de"
    assert list(shop.search(path)) == []
    assert list(shop.search(double.url + target[1:])) == []
    assert {call.path for call in double.calls} == {target}


def test_asks_for_fields_and_the_count(double: StoreDouble) -> None:
    double.answers((200, EMPTY))
    list(double.session().search("products", fields=["sku", "name"]))
    assert double.calls[0].parameters["fields"] == "items[sku,name],total_count"


@pytest.mark.parametrize("dialect", ["laminas", "zend", "native_double"])
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("parallel", [1, 4])
def test_of_many_values_finds_each_product_once(
    double: StoreDouble, dialect: str, as_list: bool, parallel: int
) -> None:
    skus = [f"24-MB{n:04}" for n in range(1500 if as_list else 300)]
    double.dialect = dialect
    double.answer = catalogue(skus)
    values: list[Value] = [*skus]
    filters: Any = {"sku": values} if as_list else [[("sku", "eq", sku) for sku in values]]
    found = double.session().search("products", filters, page_size=50, parallel=parallel)
    assert [item["sku"] for item in found] == skus
    assert found.count() == len(skus)
    assert max(len(double.url) + len(call.target) for call in double.calls) < 8000


def test_counts_its_pages_over_all_its_parts(double: StoreDouble) -> None:
    skus = [f"24-MB{n:04}" for n in range(1200)]
    double.answer = catalogue(skus)
    pages = list(double.session().search("products", {"sku": skus}, page_size=200).pages())
    assert {page.total for page in pages} == {1200}
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert pages[-1].seen == 1200


def test_that_no_url_can_hold_is_refused(double: StoreDouble) -> None:
    with pytest.raises(Invalid, match="8,000"):
        double.session().search("products", [("sku", "nin", [f"24-MB{n:04}" for n in range(1500)])])
    assert double.calls == []


def test_has_a_timeout_of_its_own(double: StoreDouble) -> None:
    release = double.hold()
    found = double.session(patience=0).search("products", timeout=0.05)
    with pytest.raises(storelink.Unavailable):
        list(found)
    release()


def test_pulls_pages_at_the_same_time(double: StoreDouble) -> None:
    together = threading.Barrier(4)

    def answer(call: Call) -> tuple[int, Any]:
        page = int(call.parameters["searchCriteria[current_page]"])
        if page > 1:
            together.wait(10)
        return 200, {"items": [{"id": page}], "total_count": 5}

    double.answer = answer
    found = double.session().search("products", page_size=1, parallel=4)
    assert [item["id"] for item in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "answer", [b'{"items": {"1": {"id": 1}}, "total_count": 1}', b'{"items": [{"id": 1}], "total_count": 1e999}']
)
def test_reads_what_a_module_may_answer(double: StoreDouble, answer: bytes) -> None:
    double.answers((200, answer))
    assert list(double.session().search("products")) == [{"id": 1}]
