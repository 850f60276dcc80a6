"""What goes wrong at a sandbox store, by name."""

import base64
import json
import re
import time
from typing import Any

import pytest
import requests
from oauthlib.oauth1 import Client

from storelink.testing.sandbox.accounts import PASSWORD, STAGING_USER
from storelink.testing.sandbox.hostile import HOSTILE
from storelink.testing.sandbox.troubles import AROUND, EFFECTS, GROUPS, WORDS
from tests.testing.sandbox.shop import NO_TOKEN, NOT_A_VERIFIER, SHA1, SHA256, Shop, call, control, problem


@pytest.mark.parametrize("kind", sorted(set(WORDS) - {"nonce_used"}))
def test_a_trouble_with_magentos_words_says_them_at_each_endpoint(shop: Shop, kind: str) -> None:
    shop.activated().connected()
    shop.store.trouble(kind)
    assert problem(shop.request()) == problem(shop.access()) == WORDS[kind]
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, answer.json()["message"]) == WORDS[kind]


@pytest.mark.parametrize("kind", ["nonce_used", "nonce_error"])
def test_a_nonce_can_be_refused_once_on_a_rest_call(shop: Shop, kind: str) -> None:
    shop.activated().connected()
    shop.store.trouble(kind, times=1, endpoint="rest")
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, answer.json()["message"]) == WORDS[kind]
    assert shop.get("rest/V1/modules").status_code == 200


SURROUNDINGS = {
    "bom": (b"\xef\xbb\xbf", b""),
    "line_ends": (b"\r\n\n", b"\n"),
    "php_notice": (b"<br />\n<b>Deprecated: ", b""),
    "php_notice_after": (b"", b"on line <b>17</b><br />\n"),
    "php_text_notice": (b"\nDeprecated: ", b""),
}


@pytest.mark.parametrize("kind", AROUND)
def test_phps_own_output_stands_around_a_token_and_the_step_is_done(shop: Shop, kind: str) -> None:
    before, after = SURROUNDINGS[kind]
    shop.activated()
    shop.store.trouble(kind, times=1)
    answer = shop.request()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    assert answer.content.startswith(before)
    assert answer.content.endswith(after)
    assert re.search(r"oauth_token=[a-z0-9]{32}&oauth_token_secret=[a-z0-9]{32}", answer.text)
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 98
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_byte_order_mark_can_stand_before_json(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("bom", endpoint="rest")
    answer = shop.get("rest/V1/modules")
    assert answer.content.startswith(b"\xef\xbb\xbf[")
    assert json.loads(answer.content.decode("utf-8-sig"))[0] == "Magento_Store"


@pytest.mark.parametrize(
    ("kind", "invalid", "missing"),
    [
        ("old_wordings", "Invalid signature", "oauth_nonce is a required field."),
        (
            "misspelled",
            "The signatire is invalid. Verify and try again.",
            '"oauth_nonce" is required. Enter and try again.',
        ),
    ],
)
def test_older_releases_have_other_words(shop: Shop, kind: str, invalid: str, missing: str) -> None:
    shop.activated()
    shop.store.trouble(kind)
    assert problem(shop.request(client_secret="x" * 32)) == (401, invalid)
    header = f'OAuth oauth_consumer_key="{shop.key}", oauth_signature="x", oauth_signature_method="HMAC-SHA256"'
    answer = call("POST", f"{shop.store.base_url}oauth/token/request", headers={"Authorization": header})
    assert problem(answer)[1].split(", ")[0].rstrip(".") == missing.rstrip(".")


def test_an_old_store_joins_required_fields(shop: Shop) -> None:
    shop.store.trouble("old_wordings")
    answer = call("POST", f"{shop.store.base_url}oauth/token/request")
    assert problem(answer)[1].startswith("oauth_consumer_key is a required field, oauth_signature is a required field")


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "text"),
    [
        ("unauthorized", 401, "application/json", '{"message": "Unauthorized"}'),
        (
            "messages_error",
            500,
            "application/json",
            '{"messages": {"error": [{"code": 500, "message": "Server internal',
        ),
        ("plain_text", 500, "text/plain", "An error has happened during application run."),
        ("too_large", 413, "text/html", "Request Entity Too Large"),
        ("uri_too_long", 414, "text/html", "Request-URI Too Large"),
        ("html", 200, "text/html", "Welcome to our store."),
    ],
)
def test_a_rest_call_can_be_answered_by_something_else(
    shop: Shop, kind: str, status: int, content_type: str, text: str
) -> None:
    shop.activated().connected()
    shop.store.trouble(kind, endpoint="rest", times=1)
    answer = shop.get("rest/V1/modules")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(content_type)
    assert text in answer.text
    assert shop.get("rest/V1/modules").status_code == 200


# Searches

SEARCH = "rest/V1/products?searchCriteria%5BpageSize%5D={size}&searchCriteria%5BcurrentPage%5D={page}"


def found(shop: Shop, size: int, page: int) -> dict[str, Any]:
    answer: dict[str, Any] = shop.get(SEARCH.format(size=size, page=page)).json()
    return answer


def test_items_can_come_as_an_object(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("items_object")
    items = found(shop, 2, 2)["items"]
    assert list(items) == ["3", "4"]
    assert items["3"]["sku"] == "24-BO003"


def test_a_page_can_be_smaller_than_asked_for(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("capped_page_size")
    first, last = found(shop, 100, 1), found(shop, 100, 13)
    assert (len(first["items"]), first["total_count"], first["search_criteria"]["page_size"]) == (20, 250, 100)
    assert [item["id"] for item in last["items"]] == list(range(241, 251))


def test_the_page_after_the_last_is_the_last_one_or_empty(shop: Shop) -> None:
    shop.activated().connected()
    assert found(shop, 125, 3)["items"] == found(shop, 125, 2)["items"]
    shop.store.trouble("empty_last_page")
    assert len(found(shop, 125, 2)["items"]) == 125
    beyond = found(shop, 125, 3)
    assert (beyond["items"], beyond["total_count"]) == ([], 251)


def test_a_total_can_be_infinite(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("endless_total")
    answer = shop.get(SEARCH.format(size=1, page=1))
    assert '"total_count": 1e999' in answer.text
    assert answer.json()["total_count"] == float("inf")


# A password before everything


def basic(password: str = PASSWORD, user: str = STAGING_USER) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_password_stands_before_everything_a_stranger_can_reach(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("password")
    for path in ("", "magento_version", "oauth/token/request", "rest/V1/modules"):
        url = shop.store.base_url + path
        assert call("GET", url).status_code == 401
        assert call("GET", url).headers["WWW-Authenticate"] == 'Basic realm="Staging"'
        for wrong in (basic("wrong"), basic(user="wrong"), "Basic", "Bearer x"):
            assert call("GET", url, headers={"Authorization": wrong}).status_code == 401
    assert call("GET", shop.store.base_url, headers={"Authorization": basic()}).status_code == 200
    assert shop.get("rest/V1/modules").status_code == 401


def test_the_password_and_the_signature_go_in_one_header(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("password")
    url = f"{shop.store.base_url}oauth/token/request"
    signed = Client(shop.key, client_secret=shop.secret, signature_method=SHA256).sign(url, "POST")[1]["Authorization"]
    assert call("POST", url, headers={"Authorization": signed}).status_code == 401
    assert call("POST", url, headers={"Authorization": f"{basic()}, {signed}"}).status_code == 200


def test_an_encoded_slash_can_be_refused_by_the_web_server(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.set_dialect("native")
    signed_as_sent = "rest/V1/products/A%2FB"
    assert shop.get(signed_as_sent).json()["message"].startswith("The product that was requested doesn't exist")
    shop.store.trouble("encoded_slashes_off")
    answer = shop.get(signed_as_sent)
    assert answer.status_code == 404
    assert "not found on this server" in answer.text


def test_the_trouble_nonce_used_names_the_consumer(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("nonce_used", times=1)
    assert problem(shop.request()) == (401, "The nonce is already being used by the consumer with ID 1")
    assert shop.request().status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("maintenance", 503, "Service Temporarily Unavailable"),
        ("rate_limit", 429, "Too Many Requests"),
        ("forbidden", 403, "Forbidden"),
        ("html", 200, "<!doctype html>"),
        ("redirect", 302, ""),
    ],
)
def test_what_stands_before_a_store_answers_without_it(shop: Shop, kind: str, status: int, text: str) -> None:
    shop.activated()
    shop.store.trouble(kind, times=1)
    answer = shop.request()
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers.get("Retry-After") == ("1" if kind == "rate_limit" else None)
    elsewhere = f"{shop.store.base_url}elsewhere/"
    assert answer.headers.get("Location") == (elsewhere if kind == "redirect" else None)
    assert shop.request().status_code == 200


def test_an_internal_error_is_form_encoded_as_magento_does(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("internal_error", times=1)
    answer = shop.request()
    status, said = problem(answer)
    assert status == 500
    assert said.startswith("internal_error&message=")
    assert answer.text.startswith("oauth_problem=internal_error%26message%3D")
    assert shop.request().status_code == 200


def test_an_internal_error_of_rest_is_json(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("internal_error", endpoint="rest")
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, "message" in answer.json()) == (500, True)


def test_a_dropped_answer_is_lost_after_the_step_is_done(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("drop", times=1, endpoint="request")
    with pytest.raises(requests.ConnectionError):
        shop.request()
    assert shop.store.state()["log"][-1]["status"] is None
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_connection_dropped_before_loses_nothing(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("drop_before", times=1)
    with pytest.raises(requests.ConnectionError):
        shop.request()
    assert shop.request().status_code == 200


def test_a_cut_answer_ends_before_its_length_after_the_step_is_done(shop: Shop) -> None:
    shop.activated().requested()
    shop.store.trouble("cut", times=1, endpoint="access")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        shop.access()
    assert problem(shop.access()) == (401, NO_TOKEN)


def test_half_an_answer_is_a_whole_one_to_http(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("half", times=1)
    answer = shop.request()
    assert answer.status_code == 200
    assert re.fullmatch(r"oauth_token=[a-z0-9]{32}", answer.text)
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_huge_answer_is_a_mebibyte(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("huge", times=1)
    assert len(shop.request().content) == 1024 * 1024
    assert shop.request().status_code == 200


def test_a_slow_answer_takes_its_seconds(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("slow", seconds=0.1)
    began = time.monotonic()
    assert shop.request().status_code == 200
    assert time.monotonic() - began >= 0.1


def test_a_lost_header_makes_everything_required(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("header_lost", times=1)
    assert problem(shop.request())[1].startswith('"oauth_consumer_key" is required. Enter and try again')
    assert shop.request().status_code == 200


def test_troubles_come_in_order_and_run_out(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("maintenance", times=2)
    shop.store.trouble("rate_limit", times=1)
    assert [shop.request().status_code for _ in range(4)] == [503, 503, 429, 200]


def test_a_trouble_keeps_to_its_endpoint(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("maintenance", endpoint="access")
    assert shop.requested().access().status_code == 503


def test_a_condition_adds_up_with_another_trouble(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("both_methods")
    shop.store.trouble("half", times=1)
    assert re.fullmatch(r"oauth_token=[a-z0-9]{32}", shop.request(signature_method=SHA1).text)


def test_troubles_are_set_and_cleared_by_a_script(shop: Shop) -> None:
    shop.activated()
    said = control(shop, "trouble", kind="maintenance", times=None, endpoint="request").json()
    assert said["troubles"] == [{"kind": "maintenance", "times": None, "endpoint": "request", "seconds": 0.0}]
    assert shop.request().status_code == shop.request().status_code == 503
    assert call("DELETE", f"{shop.store.base_url}sandbox/trouble").json() == {"troubles": []}
    assert shop.request().status_code == 200


@pytest.mark.parametrize(
    "wishes",
    [
        {"kind": "weather"},
        {},
        {"kind": "slow", "seconds": "long"},
        {"kind": "slow", "seconds": -1},
        {"kind": "html", "times": 0},
        {"kind": "html", "times": "twice"},
        {"kind": "html", "endpoint": "admin"},
    ],
)
def test_a_trouble_that_cannot_be_is_refused(shop: Shop, wishes: dict[str, Any]) -> None:
    answer = control(shop, "trouble", **wishes)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert shop.store.state()["troubles"] == []


def test_every_trouble_has_a_name_of_its_own() -> None:
    kinds = [kind for kinds in GROUPS.values() for kind in kinds]
    assert len(kinds) == len(set(kinds)) == 56
    assert sorted(kinds) == sorted(EFFECTS)
    assert tuple(GROUPS["PHP prints into the answer"]) == tuple(AROUND)
    assert sorted(GROUPS["The store is hostile"]) == sorted(HOSTILE)


def test_a_store_that_moved_sends_on_what_is_asked_of_it(shop: Shop) -> None:
    here = shop.store.base_url
    shop.store.set_base_url("https://www.shop.example/")
    shop.store.trouble("moved")
    answer = call("POST", f"{here}oauth/token/request")
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://www.shop.example/oauth/token/request")


def test_a_password_of_the_web_server_stands_before_magento(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("password", times=1)
    answer = shop.request()
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Staging"')
    assert shop.request().status_code == 200


def test_a_store_may_take_no_signature_method(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("no_methods")
    for method in (SHA1, SHA256):
        assert problem(shop.request(signature_method=method)) == (400, f"Signature method {method} is not supported")
