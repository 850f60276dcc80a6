"""The sandbox store's asynchronous and bulk API answers as Magento's does."""

from typing import Any

import pytest

from tests.testing.sandbox.shop import NOT_AUTHORIZED, Shop, call

OPEN, COMPLETE, FAILED = 4, 1, 3


def product(sku: str) -> dict[str, Any]:
    return {"product": {"sku": sku, "name": "New", "price": 5}}


def statuses(shop: Shop, bulk: str) -> list[int]:
    return [one["status"] for one in shop.get(f"rest/V1/bulk/{bulk}/status").json()["operations_list"]]


@pytest.mark.parametrize("view", ["", "all/", "default/"])
def test_a_bulk_is_accepted_and_done_bit_by_bit(shop: Shop, view: str) -> None:
    shop.activated().connected()
    answer = shop.post(f"rest/{view}async/bulk/V1/products", [product(str(number)) for number in range(3)])
    assert answer.status_code == 202
    body = answer.json()
    assert body["errors"] is False
    assert [(item["id"], item["status"]) for item in body["request_items"]] == [
        (0, "accepted"),
        (1, "accepted"),
        (2, "accepted"),
    ]
    assert len({item["data_hash"] for item in body["request_items"]}) == 3
    seen = [statuses(shop, body["bulk_uuid"]) for _ in range(4)]
    assert [row.count(COMPLETE) for row in seen] == [0, 1, 2, 3]
    assert [row.count(OPEN) for row in seen] == [3, 2, 1, 0]


def test_a_bulks_status_is_shaped_like_magentos(shop: Shop) -> None:
    shop.activated().connected()
    bulk = shop.post("rest/async/bulk/V1/products", [product("a")]).json()["bulk_uuid"]
    status = shop.get(f"rest/V1/bulk/{bulk}/detailed-status").json()
    assert (status["bulk_id"], status["operation_count"], status["description"]) == (
        bulk,
        1,
        "Topic async.products.post",
    )
    assert shop.get(f"rest/V1/bulk/{bulk}/operation-status/{COMPLETE}").json() == 1
    (operation,) = shop.get(f"rest/V1/bulk/{bulk}/status").json()["operations_list"]
    assert operation == {"id": 0, "status": COMPLETE, "result_message": "Service execution success", "error_code": None}


def test_an_item_that_cannot_be_read_is_rejected_and_the_others_go_on(shop: Shop) -> None:
    shop.activated().connected()
    body = shop.post("rest/async/bulk/V1/products", [product("a"), {"product": {}}, "no object", {}]).json()
    assert body["errors"] is True
    assert [item["status"] for item in body["request_items"]] == ["accepted", "rejected", "rejected", "rejected"]
    assert body["request_items"][1]["error_message"] == '"product" is required. Enter and try again.'
    assert len(statuses(shop, body["bulk_uuid"])) == 1


def test_an_item_that_cannot_be_saved_fails_later(shop: Shop) -> None:
    shop.activated().connected()
    bulk = shop.post("rest/async/bulk/V1/products", [product("x" * 65)]).json()["bulk_uuid"]
    assert statuses(shop, bulk) == [OPEN]
    (operation,) = shop.get(f"rest/V1/bulk/{bulk}/status").json()["operations_list"]
    assert (operation["status"], operation["result_message"]) == (FAILED, "SKU length should be 64 characters maximum.")


def test_one_call_can_be_asynchronous(shop: Shop) -> None:
    shop.activated().connected()
    answer = shop.post("rest/async/V1/products/A", product("A"), method="PUT")
    assert (answer.status_code, len(answer.json()["request_items"])) == (202, 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("async/bulk/V1/modules", 404),
        ("async/bulk/V1/products", 400),
        ("async/products", 404),
        ("bulk/V1/products", 404),
    ],
)
def test_what_no_bulk_is_is_refused(shop: Shop, path: str, status: int) -> None:
    shop.activated().connected()
    assert shop.post(f"rest/{path}", {"product": {"sku": "a"}}).status_code == status


def test_an_unknown_bulk_is_not_found(shop: Shop) -> None:
    shop.activated().connected()
    answer = shop.get("rest/V1/bulk/none/status")
    assert (answer.status_code, answer.json()["parameters"]) == (404, {"fieldName": "uuid", "fieldValue": "none"})


def test_a_bulk_needs_the_resource_of_its_call(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.deny("Magento_Catalog::products")
    answer = shop.post("rest/async/bulk/V1/products", [product("a")])
    assert (answer.status_code, answer.json()["message"]) == (401, NOT_AUTHORIZED)
    unsigned = call("POST", f"{shop.store.base_url}rest/async/bulk/V1/products", json=[])
    assert unsigned.status_code == 401


def test_a_bulk_does_what_its_items_ask_for(shop: Shop) -> None:
    shop.activated().connected()
    items = [product("24-SH001"), {"product": {"sku": "x"}}]
    bulk = shop.post("rest/async/bulk/V1/products/bySku", items, method="PUT").json()["bulk_uuid"]
    assert shop.get("rest/V1/products/24-SH001").json()["name"] == "Shirt 1"
    assert [statuses(shop, bulk) for _ in range(3)] == [[OPEN, OPEN], [COMPLETE, OPEN], [COMPLETE, FAILED]]
    assert shop.get("rest/V1/products/24-SH001").json()["name"] == "New"
