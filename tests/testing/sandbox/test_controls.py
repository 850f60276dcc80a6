"""Controls for scripts: what they do, and who may use them."""

import pytest

from storelink.testing.sandbox import Sandbox
from storelink.testing.sandbox.acl import AclResource
from storelink.testing.sandbox.controls import CONTROLS
from storelink.testing.sandbox.request import SignedRequest
from storelink.testing.sandbox.resources import RESOURCES
from storelink.testing.sandbox.server import application
from tests.testing.sandbox.shop import SHA1, SHA256, Shop, call, control


@pytest.mark.parametrize("name", ["reauthorize", "delete", "expire"])
def test_a_control_for_an_unknown_integration_says_so(shop: Shop, name: str) -> None:
    answer = control(shop, name, integration="nobody", callback_url="http://127.0.0.1:1/")
    assert answer.status_code == 404
    assert answer.json()["message"] == "There is no integration 'nobody' here; activate it first."


def test_the_state_counts_and_logs_requests_and_tells_the_secrets(shop: Shop) -> None:
    shop.activated().connected()
    shop.get("rest/V1/modules")
    shop.request(signature_method=SHA1)
    seen = call("GET", f"{shop.store.base_url}sandbox/state").json()
    assert seen["requests"] == {"request": 2, "access": 1, "rest": 1}
    known = seen["integrations"]["storelink"]
    assert (known["status"], known["row"], known["consumer_key"]) == ("active", "access", shop.key)
    assert known["secrets"]["consumer_secret"] == shop.secret
    assert known["secrets"]["token"] == shop.access_token["oauth_token"]
    assert [(one["endpoint"], one["signature_method"], one["status"]) for one in seen["log"]] == [
        ("request", SHA256, 200),
        ("access", SHA256, 200),
        ("rest", SHA256, 200),
        ("request", SHA1, 400),
    ]
    assert seen["log"][-1]["problem"] == "Signature method HMAC-SHA1 is not supported"


def test_a_stores_own_words_hold_no_secret(shop: Shop) -> None:
    shop.activated().connected()
    request = SignedRequest("GET", "http://x/", f'OAuth oauth_token="{shop.verifier}"', shop.secret)
    shown = repr(vars(shop.store)) + repr(request)
    values = [shop.secret, shop.verifier, *shop.access_token.values()]
    assert not any(value in shown for value in values)


def test_the_controls_answer_this_machine_only(server: Sandbox) -> None:
    client = application(server).test_client()
    paths = [control.__name__ for control in CONTROLS]
    afar = {"REMOTE_ADDR": "192.0.2.7"}
    answers = [client.post(f"/sandbox/{path}", json={}, environ_base=afar) for path in paths]
    answers.append(client.delete("/sandbox/trouble", environ_base=afar))
    answers.append(client.get("/sandbox/state", environ_base=afar))
    assert {answer.status_code for answer in answers} == {403}


def test_an_acl_resource_that_no_path_needs_is_refused(shop: Shop) -> None:
    answer = control(shop, "deny", resources=["Magento_Catalog::products", "Magento_Nope::x"])
    assert answer.status_code == 400
    assert "No path needs the ACL resource 'Magento_Nope::x'; take one of Magento_" in answer.text
    with pytest.raises(ValueError, match="'Magento_Nope::x'"):
        shop.store.deny("Magento_Nope::x")
    assert shop.activated().connected().get("rest/V1/products/24-SH001").ok


def test_each_acl_resource_of_a_path_can_be_denied(shop: Shop) -> None:
    shop.activated().connected()
    assert {one.acl for one in RESOURCES} == {*AclResource, "self", None}
    shop.store.deny(*AclResource)
    assert shop.get("rest/V1/modules").status_code == 401
    shop.store.deny()
    assert shop.get("rest/V1/modules").ok


def test_a_control_takes_json_only(shop: Shop) -> None:
    answer = call("POST", f"{shop.store.base_url}sandbox/clock", data={"seconds": "5"})
    assert answer.status_code == 415
    assert shop.store.state()["clock_seconds"] == 0
