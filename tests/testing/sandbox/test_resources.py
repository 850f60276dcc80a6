"""What apps write to the sandbox store: it keeps it, and refuses bad input in Magento's words."""

import base64
from typing import Any

import pytest

from tests.testing.sandbox.shop import Shop

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
NEW = {"sku": "NEW-1", "name": "New", "attribute_set_id": 4, "price": 12.5}


@pytest.fixture
def connected(shop: Shop) -> Shop:
    return shop.activated().connected()


def refusal(shop: Shop, path: str, body: object, method: Any = "POST") -> tuple[int, str]:
    """The status and message of a call that is refused, its parameters put in."""
    answer = shop.post(f"rest/V1/{path}", body, method)
    told = answer.json()
    message, parameters = str(told["message"]), told.get("parameters", [])
    named = parameters if isinstance(parameters, dict) else {str(n): one for n, one in enumerate(parameters, 1)}
    for name, value in named.items():
        message = message.replace(f"%{name}", value)
    return answer.status_code, message


# Products


def test_a_product_is_made_changed_and_deleted(connected: Shop) -> None:
    made = connected.post("rest/V1/products", {"product": NEW}).json()
    assert (made["sku"], made["price"], made["type_id"], made["status"]) == ("NEW-1", 12.5, "simple", 1)
    connected.post("rest/V1/products/new-1", {"product": {"price": "20"}}, "PUT")
    assert connected.get("rest/V1/products/NEW-1").json()["price"] == 20
    assert connected.send("DELETE", "rest/V1/products/NEW-1", connected.access_token).json() is True
    assert connected.get("rest/V1/products/NEW-1").status_code == 404


def test_the_sku_of_the_path_counts(connected: Shop) -> None:
    changed = connected.post("rest/V1/products/24-SH001", {"product": {"sku": "OTHER", "price": 3}}, "PUT").json()
    assert (changed["sku"], changed["id"]) == ("24-SH001", 1)
    assert connected.get("rest/V1/products/OTHER").status_code == 404


def test_a_value_of_a_store_view_holds_there_alone(connected: Shop) -> None:
    connected.post("rest/V1/products", {"product": NEW})
    connected.post("rest/de/V1/products/NEW-1", {"product": {"name": "Neu", "price": 9}}, "PUT")
    products = {view: connected.get(f"rest/{view}/V1/products/NEW-1").json() for view in ("all", "default", "de")}
    assert {view: one["name"] for view, one in products.items()} == {"all": "New", "default": "New", "de": "Neu"}
    assert {one["price"] for one in products.values()} == {9}


def test_custom_attributes_are_merged(connected: Shop) -> None:
    connected.post("rest/V1/products", {"product": {**NEW, "custom_attributes": {"color": "red", "size": "M"}}})
    changed = {"custom_attributes": [{"attribute_code": "color", "value": "blue"}]}
    answer = connected.post("rest/V1/products/NEW-1", {"product": changed}, "PUT").json()
    assert {one["attribute_code"]: one["value"] for one in answer["custom_attributes"]} == {
        "color": "blue",
        "size": "M",
    }


@pytest.mark.parametrize(
    ("product", "status", "message"),
    [
        ({}, 400, 'The "SKU" attribute value is empty. Set the attribute and try again.'),
        ({"sku": "A"}, 400, 'The "Product Name" attribute value is empty. Set the attribute and try again.'),
        ({**NEW, "sku": "x" * 65}, 400, "SKU length should be 64 characters maximum."),
        ({**NEW, "price": -1}, 400, "Please enter a number 0 or greater in this field."),
        (
            {**NEW, "price": "ten"},
            400,
            'Error occurred during "price" processing. The "ten" value\'s type is invalid. The "float" type was '
            "expected. Verify and try again.",
        ),
        (
            {**NEW, "custom_attributes": [{"attribute_code": "color"}]},
            400,
            'Value is not set for attribute code "color"',
        ),
        (
            {**NEW, "media_gallery_entries": [{"label": "x"}]},
            400,
            "The image content is invalid. Verify the content and try again.",
        ),
    ],
)
def test_a_product_that_cannot_be_saved_is_refused(
    connected: Shop, product: dict[str, Any], status: int, message: str
) -> None:
    assert refusal(connected, "products", {"product": product}) == (status, message)


def test_a_property_that_no_product_has_is_magentos_own_error(connected: Shop) -> None:
    status, message = refusal(connected, "products", {"product": {**NEW, "colour": "red"}})
    assert status == 500
    assert message.startswith("Internal Error. Details are available in Magento log file. Report ID: webapi-")


def test_a_body_without_its_parameter_is_refused(connected: Shop) -> None:
    assert refusal(connected, "products", {"sku": "A"}) == (400, '"product" is required. Enter and try again.')


# Media


def test_an_image_is_added_changed_and_removed(connected: Shop) -> None:
    content = {"base64_encoded_data": PNG, "type": "image/png", "name": "Front.png"}
    entry = {"media_type": "image", "label": "Front", "types": ["image"], "content": content}
    number = connected.post("rest/V1/products/24-SH001/media", {"entry": entry}).json()
    (shown,) = connected.get("rest/V1/products/24-SH001/media").json()
    assert (shown["id"], shown["file"], shown["types"]) == (number, "/f/r/front.png", ["image"])
    path = f"rest/V1/products/24-SH001/media/{number}"
    assert connected.post(path, {"entry": {"id": number, "label": "Back"}}, "PUT").json() is True
    assert connected.get(path).json()["label"] == "Back"
    assert connected.send("DELETE", path, connected.access_token).json() is True
    assert connected.get(path).json() == {"message": "The image doesn't exist. Verify and try again."}


def test_an_image_can_have_megabytes(connected: Shop) -> None:
    content = {"base64_encoded_data": PNG + "A" * 4 * 1024 * 1024, "type": "image/png", "name": "large.png"}
    assert connected.post("rest/V1/products/24-SH001/media", {"entry": {"content": content}}).status_code == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"base64_encoded_data": "%%%"}, "The image content must be valid base64 encoded data."),
        ({"base64_encoded_data": "aGVsbG8="}, "The image content must be valid base64 encoded data."),
        ({"type": "image/jpeg"}, "The image MIME type is not valid or not supported."),
        ({"name": "a:b.png"}, "Provided image name contains forbidden characters."),
    ],
)
def test_an_image_that_cannot_be_read_is_refused(connected: Shop, content: dict[str, str], message: str) -> None:
    entry = {"content": {"base64_encoded_data": PNG, "type": "image/png", "name": "a.png", **content}}
    assert refusal(connected, "products/24-SH001/media", {"entry": entry}) == (400, message)


# Stock


def test_a_stock_item_is_that_of_the_default_source(connected: Shop) -> None:
    item = connected.get("rest/V1/stockItems/24-SH001").json()
    body = {"stockItem": {"qty": "3.0"}}
    number = connected.post(f"rest/V1/products/24-SH001/stockItems/{item['item_id']}", body, "PUT").json()
    assert number == item["item_id"]
    assert connected.get("rest/V1/stockItems/24-SH001").json() == item | {"qty": 3}
    source = {"sku": "24-SH001", "source_code": "default", "quantity": 0, "status": 0}
    assert connected.post("rest/V1/inventory/source-items", {"sourceItems": [source]}).json() == []
    assert connected.get("rest/V1/stockItems/24-SH001").json() == item | {"qty": 0, "is_in_stock": False}


def test_a_new_product_has_no_stock_until_it_is_written(connected: Shop) -> None:
    connected.post("rest/V1/products", {"product": NEW})
    assert connected.get("rest/V1/stockItems/NEW-1").json()["qty"] == 0
    stock = {"extension_attributes": {"stock_item": {"qty": 4, "is_in_stock": True}}}
    connected.post("rest/V1/products/NEW-1", {"product": stock}, "PUT")
    item = connected.get("rest/V1/stockItems/NEW-1").json()
    assert (item["qty"], item["is_in_stock"]) == (4, True)


def test_stock_is_kept_for_each_source(connected: Shop) -> None:
    items = [
        {"sku": "24-SH001", "source_code": code, "quantity": quantity, "status": 1}
        for code, quantity in (("default", 5), ("warehouse", 7))
    ]
    connected.post("rest/V1/inventory/source-items", {"sourceItems": items})
    field = "searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D"
    path = f"rest/V1/inventory/source-items?{field}%5Bfield%5D=sku&{field}%5Bvalue%5D=24-SH001"
    assert connected.get(path).json()["items"] == items
    connected.post("rest/V1/inventory/source-items-delete", {"sourceItems": items[1:]})
    assert connected.get(path).json()["items"] == items[:1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sku": ""}, 'Validation Failed: "sku" can not be empty.'),
        ({"source_code": None}, 'Validation Failed: "source_code" can not be empty.'),
        ({"quantity": "many"}, 'Validation Failed: "quantity" should be numeric.'),
        ({"status": 2}, 'Validation Failed: "status" should a known status.'),
        ({"source_code": "moon"}, "Could not save Source Item"),
    ],
)
def test_a_source_item_that_cannot_be_saved_is_refused(connected: Shop, change: dict[str, Any], message: str) -> None:
    item = {"sku": "24-SH001", "source_code": "default", "quantity": 1, "status": 1}
    items = [item | {"quantity": 77}, item | change]
    assert refusal(connected, "inventory/source-items", {"sourceItems": items}) == (400, message)
    assert connected.get("rest/V1/stockItems/24-SH001").json()["qty"] != 77  # all or none


def test_stock_of_a_product_that_does_not_exist_is_refused(connected: Shop) -> None:
    message = 'The Product with the "NONE" SKU doesn\'t exist.'
    assert refusal(connected, "products/NONE/stockItems/1", {"stockItem": {"qty": 1}}, "PUT") == (404, message)
    assert refusal(connected, "inventory/source-items", {"sourceItems": []}) == (400, "Input data is empty")


# Prices


def test_base_prices_are_set_and_what_failed_is_returned(connected: Shop) -> None:
    rows = [{"sku": "24-SH001", "price": 9.5, "store_id": 0}, {"sku": "NONE", "price": -1, "store_id": 9}]
    failed = connected.post("rest/V1/products/base-prices", {"prices": rows}).json()
    assert [(one["message"], one["parameters"]) for one in failed] == [
        ("Invalid attribute %fieldName = %fieldValue.", ["SKU", "NONE"]),
        ("Invalid attribute %fieldName = %fieldValue.", ["Price", "-1"]),
        ("Requested store is not found. Row ID: SKU = %SKU, Store ID: %storeId.", ["NONE", "9"]),
    ]
    known = connected.post("rest/V1/products/base-prices-information", {"skus": ["24-SH001", "NONE"]}).json()
    assert known == [{"price": 9.5, "store_id": 0, "sku": "24-SH001"}]
    assert connected.get("rest/V1/products/24-SH001").json()["price"] == 9.5


def test_tier_prices_are_added_replaced_and_deleted(connected: Shop) -> None:
    def prices() -> list[tuple[float, float]]:
        found = connected.post("rest/V1/products/tier-prices-information", {"skus": ["24-SH001"]}).json()
        return [(one["quantity"], one["price"]) for one in found]

    tier = {"sku": "24-SH001", "price_type": "fixed", "website_id": 0, "customer_group": "ALL GROUPS"}
    ten, fifty = tier | {"quantity": 10, "price": 9}, tier | {"quantity": 50, "price": 8}
    assert connected.post("rest/V1/products/tier-prices", {"prices": [ten, fifty]}).json() == []
    connected.post("rest/V1/products/tier-prices", {"prices": [ten | {"price": 7}]})
    assert sorted(prices()) == [(10, 7), (50, 8)]
    connected.post("rest/V1/products/tier-prices", {"prices": [fifty]}, "PUT")
    assert prices() == [(50, 8)]
    assert connected.post("rest/V1/products/tier-prices-delete", {"prices": [fifty]}).json() == []
    assert prices() == []
    (failed,) = connected.post("rest/V1/products/tier-prices", {"prices": [ten | {"price_type": "gift"}]}).json()
    assert failed["message"].startswith("Invalid attribute Price Type = gift. Row ID: SKU = %SKU")


# Orders


def test_an_order_is_commented(connected: Shop) -> None:
    comment = {"comment": "Packed", "status": "processing", "is_customer_notified": 0, "is_visible_on_front": 0}
    assert connected.post("rest/V1/orders/4/comments", {"statusHistory": comment}).json() is True
    (shown,) = connected.get("rest/V1/orders/4/comments").json()["items"]
    assert (shown["comment"], shown["parent_id"]) == ("Packed", 4)
    assert connected.get("rest/V1/orders/4").json()["status"] == "processing"
    required = '"statusHistory" is required. Enter and try again.'
    assert refusal(connected, "orders/4/comments", {"comment": "Packed"}) == (400, required)


def test_an_order_is_invoiced_and_shipped_to_its_end(connected: Shop) -> None:
    first, second = (item["item_id"] for item in connected.get("rest/V1/orders/4").json()["items"])
    part = {"items": [{"order_item_id": second, "qty": 1}]}
    invoice = connected.post("rest/V1/order/4/invoice", part).json()
    assert [one["qty"] for one in connected.get(f"rest/V1/invoices/{invoice}").json()["items"]] == [1]
    assert connected.get("rest/V1/orders/4").json()["state"] == "processing"
    connected.post("rest/V1/order/4/invoice", {"capture": True})
    tracks = [{"track_number": "1Z", "title": "UPS", "carrier_code": "ups"}]
    shipment = connected.post("rest/V1/order/4/ship", {"tracks": tracks}).json()
    shown = connected.get(f"rest/V1/shipment/{shipment}").json()
    assert ([one["order_item_id"] for one in shown["items"]], shown["tracks"]) == ([first, second], tracks)
    assert connected.get("rest/V1/orders/4").json()["state"] == "complete"


@pytest.mark.parametrize(
    ("path", "items", "message"),
    [
        ("order/3/invoice", [], "An invoice cannot be created when an order has a status of canceled"),
        ("order/3/ship", [], "A shipment cannot be created when an order has a status of canceled"),
        ("order/2/ship", [], "The order does not allow a shipment to be created."),
        (
            "order/8/invoice",
            [(80, 50)],
            "The quantity to invoice must not be greater than the unfulfilled quantity for",
        ),
        ("order/8/ship", [(80, 50)], "The quantity to ship must not be greater than the unfulfilled quantity for"),
        (
            "order/8/invoice",
            [(1, 1)],
            "The invoice contains one or more items that are not part of the original order.",
        ),
        ("order/8/invoice", [(80, 0)], "The invoice can't be created without products. Add products and try again."),
    ],
)
def test_a_document_that_cannot_be_made_is_refused(
    connected: Shop, path: str, items: list[tuple[int, int]], message: str
) -> None:
    rows = [{"order_item_id": number, "qty": quantity} for number, quantity in items]
    status, said = refusal(connected, path, {"items": rows})
    kind = "Invoice" if path.endswith("invoice") else "Shipment"
    assert (status, said.startswith(f"{kind} Document Validation Error(s):\n")) == (400, True)
    assert message in said


# Customers


def test_a_customer_is_made_changed_and_deleted(connected: Shop) -> None:
    customer = {"email": "ada@shop.example", "firstname": "Ada", "lastname": "Lovelace"}
    made = connected.post("rest/V1/customers", {"customer": customer}).json()
    path = f"rest/V1/customers/{made['id']}"
    connected.post(path, {"customer": {"lastname": "King"}}, "PUT")
    shown = connected.get(path).json()
    assert (shown["email"], shown["firstname"], shown["lastname"]) == ("ada@shop.example", "Ada", "King")
    assert refusal(connected, "customers", {"customer": customer})[1].startswith("A customer with the same email")
    assert connected.send("DELETE", path, connected.access_token).json() is True
    assert connected.get(path).json()["message"] == "No such entity with %fieldName = %fieldValue"


def test_all_that_is_wrong_with_a_customer_is_named(connected: Shop) -> None:
    answer = connected.post("rest/V1/customers", {"customer": {"email": "ada", "firstname": " "}}).json()
    assert answer["message"] == "One or more input exceptions have occurred."
    assert [error["parameters"]["fieldName"] for error in answer["errors"]] == ["firstname", "lastname", "email"]
    customer = {"email": "ada", "firstname": "Ada", "lastname": "Lovelace"}
    invalid = 'Invalid value of "ada" provided for the email field.'
    assert refusal(connected, "customers", {"customer": customer}) == (400, invalid)


def test_what_was_called_is_listed(connected: Shop) -> None:
    connected.post("rest/V1/products", {"product": {}})
    connected.get("rest/V1/products/24-SH001?fields=sku")
    assert connected.store.calls[-2:] == [("POST", "rest/V1/products", 400), ("GET", "rest/V1/products/24-SH001", 200)]
