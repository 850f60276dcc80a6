"""The merchant's popup: what it shows at each moment, and where it goes."""

import re

import pytest

from storelink.aws import dynamodb
from storelink.state import activations
from tests.world import World, request

BACK = "admin/integration/loginSuccessCallback/"


def page(world: World, key: str, back: str) -> str:
    query = {"oauth_consumer_key": key, "success_call_back": back}
    answer = world.call("IdentityFunction", request("GET", "/identity", queryStringParameters=query))
    assert answer["statusCode"] == 200
    body: str = answer["body"]
    return body


def follows(body: str) -> bool:
    return 'data-follow="true"' in body


def test_it_shows_each_step_and_then_goes_back(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    key, back = form["oauth_consumer_key"], world.url + BACK
    assert "Waiting for your store" in page(world, key, back)

    activation_id = world.post(form)["activation_id"]
    pending = page(world, key, back)
    assert re.findall(r'<li class="(\w+)"', pending) == ["done", "now", "later"]
    assert 'data-waiting="true"' in pending
    assert not follows(pending)

    world.step("RequestTokenFunction", activation_id)
    assert re.findall(r'<li class="(\w+)"', page(world, key, back)) == ["done", "done", "now"]

    world.step("AccessTokenFunction", activation_id)
    connected = page(world, key, back)
    assert re.findall(r'<li class="(\w+)"', connected) == ["done", "done", "done"]
    assert follows(connected)
    assert f'href="{back}"' in connected


def test_it_says_what_failed_and_what_to_do(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    activation_id = world.post(form)["activation_id"]
    world.shop.trouble("signature_invalid")
    world.run(activation_id)
    body = page(world, form["oauth_consumer_key"], world.url + BACK)
    assert "Not connected" in body
    assert "Base URLs" in body
    assert "The signature is invalid. Verify and try again." in body
    assert activation_id in body
    assert re.findall(r'<li class="(\w+)"', body) == ["done", "failed", "skipped"]
    assert not follows(body)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_it_goes_nowhere_else_by_itself(world: World, back: str) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    world.run(world.post(form)["activation_id"])
    body = page(world, form["oauth_consumer_key"], back)
    assert "Connected" in body
    assert not follows(body)
    assert "http-equiv" not in body


def test_a_strangers_post_under_the_same_key_does_not_take_the_popup(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    world.run(world.post(form)["activation_id"])
    world.post(form | {"store_base_url": "https://evil.example/"})
    world.post(form | {"oauth_consumer_secret": "0" * 32})
    body = page(world, form["oauth_consumer_key"], world.url + BACK)
    assert "evil.example" not in body
    assert follows(body)


def test_a_hundred_posts_under_the_same_key_do_not_push_the_activation_out(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    forged = world.row(world.post(form | {"oauth_consumer_secret": "0" * 32})["activation_id"])
    put = [
        {
            "PutRequest": {
                "Item": dynamodb.item(
                    {
                        **forged,
                        "integration_key": f"{forged['integration_key'][:24]}{number:08x}",
                        "state": "failed",
                        "reason": "refused",
                    }
                )
            }
        }
        for number in range(dynamodb.PAGE_SIZE + 25)
    ]
    table = world.aws.outputs["ActivationsTableName"]
    for first in range(0, len(put), 25):
        world.aws.client("dynamodb").batch_write_item(RequestItems={table: put[first : first + 25]})
    activation_id = world.post(form)["activation_id"]
    assert activation_id in page(world, form["oauth_consumer_key"], world.url + BACK)
    world.run(activation_id)
    assert follows(page(world, form["oauth_consumer_key"], world.url + BACK))


def test_a_direct_visit_gets_a_page_that_helps(world: World) -> None:
    answer = world.call("IdentityFunction", request("GET", "/identity"))
    assert answer["statusCode"] == 200
    assert "Magento opens this page" in answer["body"]


def test_a_link_without_a_key_that_can_be_read_says_how_to_mend_it(world: World) -> None:
    assert "Identity link URL" in page(world, "abc?x=1", world.url + BACK)


def test_a_store_that_takes_its_time_is_said_to(world: World) -> None:
    form = world.shop.activate("http://app.invalid/callback").form
    key = form["oauth_consumer_key"]
    activation_id = world.post(form)["activation_id"]
    assert "keeps trying" not in page(world, key, "")
    table, line = world.aws.outputs["ActivationsTableName"], {"integration_key": activation_id.partition("-")[0]}
    dynamodb.update(
        table, line, "attribute_exists(#integration_key)", {}, changes={"received_at": activations.now() - 11_000}
    )
    assert "keeps trying" in page(world, key, "")


def test_it_speaks_the_browsers_language_and_bears_the_apps_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_APP_NAME", "Acme & Sons")
    headers = {"accept-language": "pt, de-AT;q=0.9, en;q=0.1"}
    answer = world.call("IdentityFunction", request("GET", "/identity", headers=headers))
    assert '<html lang="de" dir="ltr">' in answer["body"]
    assert "Acme &amp; Sons verbindet sich mit Ihrem Shop" in answer["body"]
    assert answer["headers"]["Content-Language"] == "de"
