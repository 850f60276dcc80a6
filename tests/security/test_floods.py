"""What a post costs, and that a flood of them leaves nothing and stops nobody."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from storelink import aws
from storelink.state import activations, hosts
from tests.stacks import connections
from tests.world import World, callback_event, request


@pytest.fixture
def calls(world: World) -> Iterator[list[str]]:
    """The AWS calls of our code, as they are made."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    for service in ("kms", "dynamodb", "stepfunctions", "secretsmanager", "events"):
        aws.client(service).meta.events.register("before-call", note)
    yield made
    aws.client.cache_clear()


def test_an_accepted_post_costs_one_key_call_one_write_and_one_execution(world: World, calls: list[str]) -> None:
    assert world.post(dict(world.shop.activate("http://app.invalid/callback").form))["status"] == 200
    assert calls == ["Encrypt", "TransactWriteItems", "StartExecution"]


@pytest.mark.parametrize(
    "event",
    [
        callback_event({}),
        callback_event({"oauth_consumer_key": "x"}),
        callback_event({"a": "b" * 9000}),
        callback_event({}) | {"headers": {}},
        request("GET", "/callback"),
    ],
    ids=["empty", "wrong", "too large", "no type", "no post"],
)
def test_a_refused_post_costs_no_call(world: World, calls: list[str], event: dict[str, Any]) -> None:
    assert world.call("CallbackFunction", event)["statusCode"] >= 400
    assert calls == []


def test_a_post_without_its_invitation_costs_no_call(
    world: World, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORELINK_ADMISSION", "invited")
    form = dict(world.shop.activate("http://app.invalid/callback").form)
    assert world.post(form)["status"] == 403
    assert calls == []
    guessed = callback_event(form) | {"pathParameters": {"invitation": "x" * 32}}
    assert world.call("CallbackFunction", guessed)["statusCode"] == 403
    assert calls == ["GetItem"]


def junk(number: int) -> dict[str, Any]:
    """Nine in ten are refused; the tenth is a well-formed post of nobody's."""
    if number % 10:
        return callback_event({"oauth_consumer_key": uuid.uuid4().hex, "junk": "x" * (number % 4000)})
    return callback_event(
        {
            "oauth_consumer_key": uuid.uuid4().hex,
            "oauth_consumer_secret": uuid.uuid4().hex,
            "oauth_verifier": uuid.uuid4().hex,
            "store_base_url": f"https://junk{number}.invalid/",
        }
    )


def test_ten_thousand_junk_posts_leave_expiring_rows_and_stop_nobody(world: World) -> None:
    table = world.aws.outputs["ActivationsTableName"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: world.call("CallbackFunction", junk(number)), range(10_000)))
    statuses = [answer["statusCode"] for answer in answers]
    assert (statuses.count(200), statuses.count(400)) == (1_000, 9_000)

    left = []
    for page in world.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        left += [row for row in page["Items"] if ".invalid" in str(row)]
    for kind, lifetime in (("store", activations.RETENTION), ("handshakes", hosts.EXPIRY)):
        rows = [row for row in left if kind in row]  # activations, and their hosts
        assert len(rows) == 1_000
        for row in rows:
            assert 0 < int(row["expires_at"]["N"]) - time.time() <= lifetime
    assert not [row for row in connections(world.aws) if ".invalid/" in row["store"]["S"]]
    secrets = world.aws.client("secretsmanager").list_secrets(
        Filters=[{"Key": "name", "Values": [f"{world.aws.stack}/connections/junk"]}]
    )
    assert secrets["SecretList"] == []

    world.connect()
    assert world.credentials_work()
