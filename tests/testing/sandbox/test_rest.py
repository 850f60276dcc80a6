"""The sandbox store's REST API answers as Magento's does."""

from urllib.parse import quote

import pytest

from tests.testing.sandbox.shop import NOT_AUTHORIZED, SIGNATURE_INVALID, Shop, call


def test_store_configs_are_shaped_like_magentos(shop: Shop) -> None:
    shop.activated().connected()
    [config] = shop.get("rest/V1/store/storeConfigs").json()
    assert (config["id"], config["code"], config["base_url"]) == (1, "default", shop.store.base_url)


@pytest.mark.parametrize("view", ["rest", "rest/all", "rest/default"])
def test_a_store_view_is_chosen_by_path(shop: Shop, view: str) -> None:
    shop.activated().connected()
    assert shop.get(f"{view}/V1/store/storeConfigs").status_code == 200


@pytest.mark.parametrize("path", ["rest/V1/no", "rest/V2/modules", "rest/nowhere/V1/modules", "rest/all"])
def test_another_route_does_not_match(shop: Shop, path: str) -> None:
    answer = call("GET", shop.store.base_url + path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Request does not match any route."})


@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_an_unsigned_call_is_not_authorized(shop: Shop, scheme: str) -> None:
    shop.activated().connected()
    headers = {"Authorization": scheme + shop.access_token["oauth_token"]} if scheme else {}
    answer = call("GET", f"{shop.store.base_url}rest/V1/store/storeConfigs", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "message": NOT_AUTHORIZED,
        "parameters": {"resources": "Magento_Backend::store"},
    }


def test_a_wrongly_signed_call_is_told_in_json(shop: Shop) -> None:
    shop.activated().connected()
    answer = shop.get("rest/V1/modules", client_secret="x" * 32)
    assert (answer.status_code, answer.json()) == (401, {"message": SIGNATURE_INVALID})


def test_a_request_token_cannot_call(shop: Shop) -> None:
    shop.activated().requested()
    answer = shop.send("GET", "rest/V1/modules", shop.request_token)
    assert (answer.status_code, answer.json()) == (401, {"message": "Token is not an access token"})


def test_a_used_nonce_is_told_in_json_with_its_parameters(shop: Shop) -> None:
    shop.activated().connected()
    shop.get("rest/V1/modules", nonce="n")
    answer = shop.get("rest/V1/modules", nonce="n")
    number = str(shop.store.state()["integrations"]["storelink"]["consumer_id"])
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "The nonce is already being used by the consumer with ID %1",
        "parameters": [number],
    }


NESTED = "searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D%5Bfield%5D=name"


@pytest.mark.parametrize(
    "query", ["a=b%20c", "a=", "a=%C3%A9", "a=1%2B1", "a=%25foo%20bar%25", "a=1&b=2", "z=~-._", NESTED]
)
def test_a_query_written_for_magento_is_taken(shop: Shop, query: str) -> None:
    shop.activated().connected()
    assert shop.get(f"rest/V1/modules?{query}").status_code == 200


@pytest.mark.parametrize("query", ["a=b+c", "a", "a=1&a=2", "10=3&9=4&z=1", "a=b=c"])
def test_a_query_magento_reads_differently_makes_the_signature_invalid(shop: Shop, query: str) -> None:
    shop.activated().connected()
    answer = shop.get(f"rest/V1/modules?{query}")
    assert (answer.status_code, answer.json()["message"]) == (401, SIGNATURE_INVALID)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_are_not_allowed(shop: Shop, method: str) -> None:
    assert call(method, f"{shop.store.base_url}rest/V1/modules").status_code == 405


@pytest.mark.parametrize(
    ("path", "sku"), [("A%20B", "A B"), ("A+B", "A B"), ("A%2BB", "A+B"), ("A%2FB", "A/B"), ("Ä", "Ä")]
)
def test_a_sku_in_a_path_is_decoded_as_magentos_router_does(shop: Shop, path: str, sku: str) -> None:
    shop.store.products.save({"sku": sku, "name": "found"}, "all")
    shop.activated().connected()
    shop.store.set_dialect("native")
    assert shop.get(f"rest/V1/products/{quote(path, safe='%+')}").json()["name"] == "found"


def test_a_store_view_with_a_dash_is_another_store(shop: Shop) -> None:
    assert call("GET", f"{shop.store.base_url}rest/no-view/V1/modules").status_code == 404


def test_an_answer_has_the_fields_that_are_asked_for(shop: Shop) -> None:
    shop.activated().connected()
    assert shop.get("rest/V1/products/24-SH001?fields=sku,price").json() == {"sku": "24-SH001", "price": 6}
    nested = "extension_attributes%5Bstock_item%5Bqty%5D%5D,sku"
    qty = {"sku": "24-SH001", "extension_attributes": {"stock_item": {"qty": 11}}}
    assert shop.get(f"rest/V1/products/24-SH001?fields={nested}").json() == qty
    page = "searchCriteria%5Bpage_size%5D=1&fields=items%5Bsku%5D,total_count"
    assert shop.get(f"rest/V1/products?{page}").json() == {"items": [{"sku": "24-SH001"}], "total_count": 250}
