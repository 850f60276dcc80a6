"""Admission: by invitation, and by nothing else where that is asked for."""

import json
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any

import pytest

from storelink.aws import dynamodb
from storelink.config import config
from storelink.models import digest
from storelink.popup import languages
from storelink.state import activations, invitations
from storelink.state.invitations import LIFETIME
from tests.world import World, callback_event, request

CALLBACK = "http://app.invalid/callback"


def invite(world: World, **asked: Any) -> dict[str, Any]:
    """An operator's invitation as it is told, with the code that stands in its URLs."""
    event = request(
        "POST",
        "/invitations",
        body=json.dumps({"tenant": "acme", **asked}),
        headers={"host": "api.example", "x-forwarded-proto": "https"},
    )
    answer = world.call("OperatorFunction", event)
    assert answer["statusCode"] == 201, answer
    told: dict[str, Any] = json.loads(answer["body"])
    return told | {"code": told["callback_url"].split("/")[-2]}


def knock(world: World, form: dict[str, str], code: str) -> dict[str, Any]:
    event = callback_event(form) | {"pathParameters": {"invitation": code}}
    answer = world.call("CallbackFunction", event)
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


@pytest.fixture
def form(world: World) -> dict[str, str]:
    return dict(world.shop.activate(CALLBACK).form)


def test_an_invitation_is_told_as_the_two_urls_to_paste(world: World) -> None:
    told = invite(world)
    assert told["callback_url"] == f"https://api.example/i/{told['code']}/callback"
    assert told["identity_url"] == f"https://api.example/i/{told['code']}/identity"
    lifetime = datetime.fromisoformat(told["valid_until"]) - datetime.fromisoformat(told["created_at"])
    assert lifetime.total_seconds() == LIFETIME


def test_a_code_has_192_random_bits_and_is_not_kept(world: World) -> None:
    told = invite(world)
    assert len(told["code"]) == 32
    assert told["code"] != invite(world)["code"]
    kept = dynamodb.get(config.invitations_table, {"invitation_id": told["invitation_id"]})
    assert kept["tenant"] == "acme"
    assert told["code"] not in repr(kept)


def test_an_invitation_does_not_take_the_place_of_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = invite(world)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: told["code"])
    with pytest.raises(dynamodb.Conflict):
        invitations.create(invitations.Invitation("another", None, LIFETIME))
    kept = dynamodb.get(config.invitations_table, {"invitation_id": told["invitation_id"]})
    assert kept["tenant"] == "acme"


def test_the_connection_and_its_event_belong_to_the_tenant(world: World, form: dict[str, str]) -> None:
    activation_id = knock(world, form, invite(world)["code"])["activation_id"]
    assert world.run(activation_id)["state"] == "connected"
    assert world.connection()["tenant"] == "acme"
    ((_, detail),) = world.events()
    assert detail["tenant"] == "acme"


def test_a_store_that_confirms_another_tenants_invitation_goes_over_to_it(world: World, form: dict[str, str]) -> None:
    world.run(knock(world, form, invite(world)["code"])["activation_id"])
    again = dict(world.shop.reauthorize(CALLBACK).form)
    assert (
        world.run(knock(world, again, invite(world, tenant="rival")["code"])["activation_id"])["state"] == "connected"
    )
    connection = world.connection()
    assert connection["tenant"] == "rival"
    assert [told["tenant"] for told in connection["history"]] == ["acme", "rival"]
    assert [detail["tenant"] for _, detail in world.events()] == ["acme", "rival"]


def test_an_invitation_that_the_store_does_not_confirm_takes_no_connection(world: World, form: dict[str, str]) -> None:
    world.run(knock(world, form, invite(world)["code"])["activation_id"])
    before, rival = world.connection(), invite(world, tenant="rival")["code"]
    for post in (form, form | {"oauth_consumer_secret": "0" * 32}, form | {"oauth_consumer_key": "0" * 32}):
        assert world.run(knock(world, post, rival)["activation_id"])["state"] == "failed"
    assert world.connection() == before


def test_a_reauthorization_without_an_invitation_leaves_it_to_its_tenant(world: World, form: dict[str, str]) -> None:
    world.run(knock(world, form, invite(world)["code"])["activation_id"])
    world.connect_again()
    assert world.connection()["tenant"] == "acme"


def test_a_connection_without_an_invitation_has_no_tenant(world: World) -> None:
    world.connect()
    assert "tenant" not in world.connection()


class TestWhereOnlyInvitedStoresAreTaken:
    @pytest.fixture(autouse=True)
    def invited(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STORELINK_ADMISSION", "invited")

    def test_a_plain_post_is_refused_and_nothing_kept(self, world: World, form: dict[str, str]) -> None:
        answer = world.post(form)
        assert (answer["status"], answer["error"]) == (403, "invitation-required")
        assert "operator" in answer["advice"]
        key = world.aws.client("dynamodb").query(
            TableName=world.aws.outputs["ActivationsTableName"],
            IndexName="by_consumer_key",
            KeyConditionExpression="consumer_key = :key",
            ExpressionAttributeValues={":key": {"S": form["oauth_consumer_key"]}},
        )
        assert key["Items"] == []

    def test_an_invited_post_is_taken(self, world: World, form: dict[str, str]) -> None:
        activation_id = knock(world, form, invite(world)["code"])["activation_id"]
        assert world.run(activation_id)["state"] == "connected"


@pytest.mark.parametrize("code", ["", "x", "x" * 32, "../callback", "é" * 32])
def test_a_code_that_was_never_given_is_refused(world: World, form: dict[str, str], code: str) -> None:
    answer = knock(world, form, code)
    assert (answer["status"], answer["error"]) == (403, "invitation-unknown")


def test_the_id_that_operators_know_lets_nobody_in(world: World, form: dict[str, str]) -> None:
    assert knock(world, form, invite(world)["invitation_id"])["status"] == 403


def test_an_invitation_for_one_store_takes_no_other(world: World, form: dict[str, str]) -> None:
    told = invite(world, store_url="https://other.example")
    assert told["store_url"] == "https://other.example/"
    assert knock(world, form, told["code"])["status"] == 403
    assert knock(world, form, invite(world, store_url=world.url)["code"])["status"] == 200


def revoke(world: World, invitation_id: str) -> int:
    event = request("DELETE", f"/invitations/{invitation_id}")
    status: int = world.call("OperatorFunction", event)["statusCode"]
    return status


def test_a_revoked_invitation_takes_nobody_not_even_who_came_by_it(world: World, form: dict[str, str]) -> None:
    told = invite(world)
    world.run(knock(world, form, told["code"])["activation_id"])
    assert revoke(world, told["invitation_id"]) == 200
    again = dict(world.shop.reauthorize(CALLBACK).form)
    assert knock(world, again, told["code"])["status"] == 403


@pytest.mark.parametrize(("invitation_id", "status"), [("0" * 32, 404), ("nonsense", 400)])
def test_what_cannot_be_revoked_is_said(world: World, invitation_id: str, status: int) -> None:
    assert revoke(world, invitation_id) == status


def test_revoking_twice_says_that_it_is_done(world: World) -> None:
    told = invite(world)
    assert revoke(world, told["invitation_id"]) == 200
    assert revoke(world, told["invitation_id"]) == 404


def test_after_its_lifetime_it_takes_only_stores_that_are_connected_for_its_tenant(
    world: World, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = invite(world, lifetime=3600)
    world.run(knock(world, form, told["code"])["activation_id"])
    again = dict(world.shop.reauthorize(CALLBACK).form)
    other = form | {"store_base_url": "https://other.example/"}
    later = activations.now() + 3_601_000
    monkeypatch.setattr("storelink.state.invitations.now", lambda: later)
    assert knock(world, other, told["code"])["status"] == 403
    assert knock(world, again, told["code"])["status"] == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "tenant"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": 7}, "tenant"),
        ({"tenant": "a b"}, "tenant"),
        ({"tenant": "x" * 129}, "tenant"),
        ({"tenant": "acme", "lifetime": 0}, "lifetime"),
        ({"tenant": "acme", "lifetime": 3599}, "lifetime"),
        ({"tenant": "acme", "lifetime": True}, "lifetime"),
        ({"tenant": "acme", "lifetime": "7"}, "lifetime"),
        ({"tenant": "acme", "lifetime": 10**9}, "lifetime"),
        ({"tenant": "acme", "store_url": "nowhere"}, "store_url"),
        ({"tenant": "acme", "store": "https://shop.example/"}, "store"),
    ],
)
def test_a_wrong_field_is_named(world: World, asked: dict[str, Any], field: str) -> None:
    answer = world.call("OperatorFunction", request("POST", "/invitations", body=json.dumps(asked)))
    assert answer["statusCode"] == 400
    assert list(json.loads(answer["body"])["fields"]) == [field]


def test_the_code_is_named_by_a_digest_alone() -> None:
    assert digest("invitation", "a") != digest("invitation", "b")


def popup(world: World, form: dict[str, str], code: str) -> str:
    """The page that Magento opens after its post."""
    query = {"oauth_consumer_key": form["oauth_consumer_key"], "success_call_back": f"{world.url}admin/"}
    event = request("GET", f"/i/{code}/identity", queryStringParameters=query, pathParameters={"invitation": code})
    return str(world.call("IdentityFunction", event)["body"])


def expired(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    code = str(invite(world, lifetime=3600)["code"])
    later = activations.now() + 3_601_000
    monkeypatch.setattr("storelink.state.invitations.now", lambda: later)
    return code


def revoked(world: World, _: pytest.MonkeyPatch) -> str:
    told = invite(world)
    invitations.revoke(told["invitation_id"])
    return str(told["code"])


REFUSED: dict[str, Callable[[World, pytest.MonkeyPatch], str]] = {
    "invitation-unknown": lambda *_: "0" * 32,
    "invitation-revoked": revoked,
    "invitation-expired": expired,
    "invitation-other-store": lambda world, _: str(invite(world, store_url="https://other.example/")["code"]),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_post_is_named_by_answer_popup_log_and_metric(
    world: World,
    form: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    code = REFUSED[reason](world, monkeypatch)
    capsys.readouterr()
    answer = knock(world, form, code)
    assert (answer["status"], answer["error"]) == (403, reason)
    page = popup(world, form, code)
    language = languages.negotiate("en")
    assert escape(language.say(f"{reason}.title", app="Storelink")) in page
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    logged = [record for record in caplog.records if record.message == "activation not admitted"]
    assert [(record.levelname, record.__dict__["reason"]) for record in logged] == [("WARNING", reason)]
    assert logged[0].__dict__["store"] == world.store.host
    counted = [one for one in lines if "NotAdmitted" in one]
    assert [one.get("reason") for one in counted] == [None, reason]


def test_a_refusal_is_shown_to_the_popup_of_its_own_post_alone(world: World, form: dict[str, str]) -> None:
    code = invite(world, store_url="https://other.example/")["code"]
    knock(world, form, code)
    assert "This invitation is for another store" in popup(world, form, code)
    assert "This invitation is for another store" not in popup(world, form | {"oauth_consumer_key": "0" * 32}, code)
