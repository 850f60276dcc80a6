"""What the public and the operators' routes refuse, and that nothing is kept of it."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from storelink.api import gateway
from storelink.models import ActivationId
from storelink.state import attempts
from tests.world import World, callback_event, request

FORM = {
    "oauth_consumer_key": "k" * 32,
    "oauth_consumer_secret": "s" * 32,
    "store_base_url": "https://shop.example/",
    "oauth_verifier": "v" * 32,
}


@pytest.fixture
def nothing_kept(world: World) -> Iterator[None]:
    """Nothing is written, sealed or started by what the test does."""

    def kept() -> tuple[int, int]:
        rows = world.aws.client("dynamodb").scan(TableName=world.aws.outputs["ActivationsTableName"])
        runs = world.aws.client("stepfunctions").list_executions(stateMachineArn=world.aws.outputs["StateMachineArn"])
        return rows["Count"], len(runs["executions"])

    before = kept()
    yield
    assert kept() == before


@pytest.mark.usefixtures("nothing_kept")
class TestTheCallbackRefuses:
    @pytest.mark.parametrize("field", FORM)
    def test_a_missing_field_by_its_name(self, world: World, field: str) -> None:
        answer = world.post({name: value for name, value in FORM.items() if name != field})
        assert answer["status"] == 400
        assert answer["fields"] == {field: "is missing"}

    def test_all_wrong_fields_at_once(self, world: World) -> None:
        answer = world.post({"oauth_consumer_key": "K" * 32, "store_base_url": "ftp://shop.example/"})
        assert answer["status"] == 400
        assert set(answer["fields"]) == set(FORM)

    @pytest.mark.parametrize("value", ["", "a" * 31, "a" * 33, "A" * 32, "a" * 31 + "-", "a" * 31 + "\n"])
    def test_what_is_no_key(self, world: World, value: str) -> None:
        answer = world.post(FORM | {"oauth_consumer_key": value})
        assert (answer["status"], list(answer["fields"])) == (400, ["oauth_consumer_key"])

    @pytest.mark.parametrize(
        "url",
        ["shop.example", "javascript:alert(1)", "https://", "https://a:b@shop.example/", "https://shop.example/?a=b"],
    )
    def test_what_is_no_store_url(self, world: World, url: str) -> None:
        answer = world.post(FORM | {"store_base_url": url})
        assert (answer["status"], list(answer["fields"])) == (400, ["store_base_url"])

    def test_another_content_type(self, world: World) -> None:
        event = callback_event(FORM) | {"headers": {"content-type": "application/json"}}
        assert world.call("CallbackFunction", event)["statusCode"] == 415

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
    def test_another_method(self, world: World, method: str) -> None:
        answer = world.call("CallbackFunction", request(method, "/callback"))
        assert answer["statusCode"] == 405
        assert answer["headers"]["Allow"] == "POST"

    @pytest.mark.parametrize("in_base64", [True, False])
    def test_a_body_over_8_kib(self, world: World, in_base64: bool) -> None:
        text = urlencode(FORM | {"more": "x" * gateway.MAX_BODY_BYTES})
        body = base64.b64encode(text.encode()).decode() if in_base64 else text
        event = callback_event(FORM) | {"body": body, "isBase64Encoded": in_base64}
        assert world.call("CallbackFunction", event)["statusCode"] == 413

    def test_an_empty_body(self, world: World) -> None:
        assert world.post({})["status"] == 400


@pytest.mark.parametrize("in_base64", [True, False])
def test_the_callback_takes_the_form_as_it_is_on_the_wire(world: World, in_base64: bool) -> None:
    text = urlencode(world.shop.activate("http://app.invalid/callback").form)
    event = request(
        "POST",
        "/callback",
        headers={"content-type": f"{gateway.FORM}; charset=UTF-8", "127.0.0.1": "9300"},
        body=base64.b64encode(text.encode()).decode() if in_base64 else text,
        isBase64Encoded=in_base64,
    )
    answer = world.call("CallbackFunction", event)
    assert answer["statusCode"] == 200
    assert world.run(json.loads(answer["body"])["activation_id"])["state"] == "connected"


@pytest.mark.parametrize("function", ["RequestTokenFunction", "AccessTokenFunction"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("not json", 400),
        ("[]", 400),
        ("{}", 400),
        ('{"activation_id": 7}', 400),
        ('{"activation_id": "../etc"}', 400),
        (json.dumps({"activation_id": f"{'0' * 32}-{'0' * 12}"}), 404),
    ],
)
def test_an_operator_is_told_what_is_wrong(world: World, function: str, body: str, status: int) -> None:
    answer = world.call(function, request("POST", "/step", body=body))
    told = json.loads(answer["body"])
    assert answer["statusCode"] == status
    assert told["fields"]
    assert told["advice"]


def test_an_operator_waits_while_another_run_is_under_way(world: World) -> None:
    activation_id = world.click()
    body = json.dumps({"activation_id": activation_id})
    attempts.acquire_lease(ActivationId.from_text(activation_id), "the execution", ("pending", "pending"))
    second = world.call("RequestTokenFunction", request("POST", "/request-token", body=body))
    assert (second["statusCode"], json.loads(second["body"])["error"]) == (503, "busy")
    assert second["headers"]["Retry-After"] == "15"


def test_a_step_that_the_store_could_not_answer_says_when_it_runs_again(world: World) -> None:
    world.shop.trouble("maintenance", times=1)
    body = json.dumps({"activation_id": world.click()})
    answer = world.call("RequestTokenFunction", request("POST", "/request-token", body=body))
    outcome = json.loads(answer["body"])
    assert (answer["statusCode"], outcome["state"], outcome["reason"]) == (200, "pending", "maintenance")
    assert outcome["retry_in"] == 1
