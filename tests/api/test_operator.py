"""The operator's API: what it shows of connections and activations, and what it does to them."""

import base64
import json
import uuid
from typing import Any

import pytest

from storelink.aws import dynamodb
from storelink.state import activations, connections
from tests.world import World, request

ID = "shop.example-0123456789abcdef"


def asked(world: World, function: str, method: str, path: str, **event: Any) -> tuple[int, dict[str, Any]]:
    """What a route answers: its status and its body, read. The path's parameters are read from it."""
    parts = path.strip("/").split("/")
    if len(parts) > 1:
        event["pathParameters"] = {f"{parts[0].removesuffix('s')}_id": parts[1]}
    if "body" in event:
        event["body"] = json.dumps(event["body"])
    answer = world.call(function, request(method, path, **event))
    return answer["statusCode"], json.loads(answer["body"])


def shown(world: World, connection_id: str = "") -> dict[str, Any]:
    status, told = asked(world, "OperatorFunction", "GET", f"/connections/{connection_id or world.store.connection_id}")
    assert status == 200
    return told


def listed(world: World, **query: str) -> dict[str, Any]:
    status, told = asked(world, "OperatorFunction", "GET", "/connections", queryStringParameters=query)
    assert status == 200, told
    return told


def every_page(world: World, **query: str) -> list[list[str]]:
    """The ids on each page, to the end."""
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        told = listed(world, **query, **cursor)
        pages.append([one["connection_id"] for one in told["connections"]])
        if "cursor" not in told:
            return pages
        cursor = {"cursor": told["cursor"]}


def forgotten(world: World) -> tuple[int, dict[str, Any]]:
    return asked(world, "ForgetFunction", "DELETE", f"/connections/{world.store.connection_id}")


def claimed(world: World, tenant: object, connection_id: str = "") -> tuple[int, dict[str, Any]]:
    path = f"/connections/{connection_id or world.store.connection_id}/claim"
    return asked(world, "OperatorFunction", "POST", path, body={"tenant": tenant})


def put(world: World, count: int, **row: Any) -> list[str]:
    """Rows of connections that nobody made: their ids, in order."""
    ids = [f"{nth:03}.{world.shop.base_url.split('/')[-2]}.example-0123456789abcdef" for nth in range(count)]
    for connection_id in ids:
        changes = {"store": "https://x.example/", "state": "connected", "connected_at": 1, **row}
        dynamodb.update(
            world.aws.outputs["ConnectionsTableName"],
            {"connection_id": connection_id},
            "attribute_not_exists(#store)",
            {},
            changes,
        )
    return ids


# Showing


def test_a_connection_is_shown_with_its_history_and_without_a_secret(world: World) -> None:
    first, second = world.connect(), world.connect_again()
    told = shown(world)
    assert told["store_url"] == world.url
    assert (told["state"], told["activation_id"]) == ("connected", second)
    assert [(one["what"], one["activation_id"]) for one in told["history"]] == [
        ("connected", second),
        ("connected", first),
    ]
    assert told["connected_at"] == told["history"][0]["at"]
    assert told["connected_at"].endswith("Z")
    kept = world.credentials()
    assert kept.access_token.key not in json.dumps(told)
    assert kept.consumer.secret not in json.dumps(told)


def test_a_connection_nobody_has_made_is_not_found(world: World) -> None:
    for function, method in (("OperatorFunction", "GET"), ("ForgetFunction", "DELETE")):
        status, told = asked(world, function, method, f"/connections/{ID}")
        assert (status, told["error"]) == (404, "not-found")
    assert claimed(world, "acme", ID)[0] == 404


@pytest.mark.parametrize("connection_id", ["x", "shop.example", "-0123456789abcdef", f"{ID} ", "a" * 300 + ID])
def test_an_id_that_is_none_is_refused_by_name(world: World, connection_id: str) -> None:
    status, told = asked(world, "OperatorFunction", "GET", f"/connections/{connection_id}")
    assert (status, list(told["fields"])) == (400, ["connection_id"])


def test_the_history_keeps_the_last_changes(world: World) -> None:
    world.connect()
    ids = [world.connect_again() for _ in range(connections.HISTORY_LENGTH + 2)]
    told = [one["activation_id"] for one in shown(world)["history"]]
    assert told == ids[: -connections.HISTORY_LENGTH - 1 : -1]


# Listing


def test_pages_hold_each_connection_once_and_end(world: World) -> None:
    tenant = world.url.split("/")[-2]
    ids = put(world, 5, tenant=tenant)
    pages = every_page(world, tenant=tenant, limit="2")
    assert [one for page in pages for one in page] == ids
    assert max(map(len, pages)) == 2
    assert every_page(world, tenant=tenant, state="connected", limit="2") == pages
    assert not any(every_page(world, tenant=tenant, state="disconnected"))


def test_all_connections_are_listed_by_state_the_connected_ones_first(world: World) -> None:
    there = put(world, 3)
    gone = put(world, 0) + [f"{one[:-1]}0" for one in there]
    for one in gone:
        changes = {"store": "https://x.example/", "state": "disconnected", "reason": "revoked", "connected_at": 1}
        dynamodb.update(
            world.aws.outputs["ConnectionsTableName"],
            {"connection_id": one},
            "attribute_not_exists(#store)",
            {},
            changes,
        )
    for limit in ("1", "2", "200"):
        found = [one for page in every_page(world, limit=limit) for one in page]
        assert len(found) == len(set(found))
        assert [one for one in found if one in there] == there
        assert [one for one in found if one in gone] == gone
        assert found.index(there[-1]) < found.index(gone[0])
        of_state = [one for page in every_page(world, state="disconnected", limit=limit) for one in page]
        assert set(gone) <= set(of_state)
        assert not set(there) & set(of_state)


def test_a_listed_connection_says_what_is_wrong_with_it(world: World) -> None:
    tenant = world.url.split("/")[-2]
    put(world, 1, tenant=tenant, state="disconnected", reason="revoked", problem="Specified token does not exist")
    (told,) = listed(world, tenant=tenant)["connections"]
    assert (told["state"], told["reason"], told["problem"]) == (
        "disconnected",
        "revoked",
        "Specified token does not exist",
    )
    assert "Reauthorize" in told["advice"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"limit": "0"}, {"limit"}),
        ({"limit": "201"}, {"limit"}),
        ({"limit": "\u0661"}, {"limit"}),
        ({"state": "gone", "tenant": ""}, {"state", "tenant"}),
        ({"cursor": "x"}, {"cursor"}),
        ({"cursor": "é"}, {"cursor"}),
        ({"cursor": base64.urlsafe_b64encode(b"connected x").decode()}, {"cursor"}),
        ({"stat": "connected"}, {"stat"}),
        ({"host": "Shop.example", "reason": "weather"}, {"host", "reason"}),
        ({"unclaimed": "yes"}, {"unclaimed"}),
        ({"unclaimed": "true", "tenant": "acme"}, {"unclaimed"}),
    ],
)
def test_a_wrong_listing_is_refused_by_the_names_of_its_fields(
    world: World, query: dict[str, str], fields: set[str]
) -> None:
    status, told = asked(world, "OperatorFunction", "GET", "/connections", queryStringParameters=query)
    assert (status, set(told["fields"])) == (400, fields)


def test_connections_are_found_by_the_beginning_of_their_host(world: World) -> None:
    name = world.url.split("/")[-2]
    ids = put(world, 3)
    (found_one,) = listed(world, host=f"001.{name}")["connections"]
    assert found_one["connection_id"] == ids[1]
    found_ones = [one for page in every_page(world, host="00", state="connected", limit="2") for one in page]
    assert [one for one in found_ones if one in ids] == ids
    assert all(one.startswith("00") for one in found_ones)
    assert listed(world, host=f"{name}.nowhere") == {"connections": []}
    assert listed(world, host="00", tenant="nobody") == {"connections": []}


def test_connections_are_listed_by_reason_and_without_a_tenant(world: World) -> None:
    tenant = world.url.split("/")[-2]
    claimed_ones = put(world, 4, tenant=tenant)
    table = world.aws.outputs["ConnectionsTableName"]
    for one in claimed_ones[2:]:
        key, changes = {"connection_id": one}, {"reason": "forbidden", "problem": "not authorized"}
        dynamodb.update(table, key, "attribute_exists(#store)", {}, changes)
    world.connect()
    assert [one for page in every_page(world, tenant=tenant, reason="forbidden", limit="1") for one in page] == (
        claimed_ones[2:]
    )
    unclaimed = [one for page in every_page(world, unclaimed="true", limit="3") for one in page]
    assert world.store.connection_id in unclaimed
    assert not set(unclaimed) & set(claimed_ones)


def test_the_summary_counts_connections_by_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def counted() -> dict[str, Any]:
        return asked(world, "OperatorFunction", "GET", "/summary")[1]

    before = counted()["connections"]
    world.connect()
    put(world, 2, tenant="acme")
    after = counted()
    assert {name: after["connections"][name] - number for name, number in before.items()} == {
        "connected": 3,
        "disconnected": 0,
        "unclaimed": 1,
    }
    assert "incomplete" not in after
    monkeypatch.setattr("storelink.aws.dynamodb.MAX_COUNTED_PAGES", 0)
    assert counted()["incomplete"] is True
    assert asked(world, "OperatorFunction", "GET", "/summary", queryStringParameters={"x": "1"})[0] == 400


# Activations


def test_the_newest_activations_come_first(world: World) -> None:
    ids = [
        str(world.post(world.shop.activate("http://app.invalid/callback", integration=str(nth)).form)["activation_id"])
        for nth in range(3)
    ]
    status, told = asked(world, "OperatorFunction", "GET", "/activations", queryStringParameters={"limit": "3"})
    assert status == 200
    assert [one["activation_id"] for one in told["activations"]] == ids[::-1]
    assert {one["store_url"] for one in told["activations"]} == {world.url}


def test_an_activation_is_shown_as_it_stands_and_never_a_secret(world: World) -> None:
    world.shop.trouble("signature_invalid", endpoint="request", times=1)
    activation_id = world.click()
    world.run(activation_id)
    status, told = asked(world, "OperatorFunction", "GET", f"/activations/{activation_id}")
    assert (status, told["state"], told["reason"]) == (200, "failed", "signature-invalid")
    assert told["problem"].startswith("The signature is invalid")
    assert told["connection_id"] == world.store.connection_id
    assert "click Activate" in told["advice"]
    assert not {"encrypted_secrets", "lease_holder", "fingerprint", "integration_key"} & set(told)
    newer = world.click_reauthorize()
    status, told = asked(world, "OperatorFunction", "GET", f"/activations/{activation_id}")
    assert (status, told["state"]) == (200, "superseded")
    assert asked(world, "OperatorFunction", "GET", f"/activations/{newer}")[1]["state"] == "pending"
    assert asked(world, "OperatorFunction", "GET", f"/activations/{'0' * 32}-{'0' * 12}")[0] == 404
    assert asked(world, "OperatorFunction", "GET", "/activations/x")[0] == 400


def found(world: World, **query: str) -> dict[str, Any]:
    status, told = asked(world, "OperatorFunction", "GET", "/activations", queryStringParameters=query)
    assert status == 200, told
    return told


def test_the_last_activations_of_a_store_are_found_by_its_url(world: World) -> None:
    first, second = world.connect(), world.connect_again()
    told = found(world, store_url=world.url)
    assert [one["activation_id"] for one in told["activations"]] == [second]  # the first one's row is the second's
    assert told["activations"][0]["state"] == "connected"
    assert first != second
    assert found(world, store_url="https://nobody.example/") == {"activations": []}


@pytest.mark.parametrize("length", [8, 31, 32, 33, 45])
def test_an_activation_is_found_by_the_beginning_of_its_id(world: World, length: int) -> None:
    activation_id = world.click()
    told = found(world, reference=activation_id[:length])
    assert [one["activation_id"] for one in told["activations"]] == [activation_id]
    assert "incomplete" not in told


def put_activations(world: World, times: list[int], **row: Any) -> list[str]:
    """Rows of activations that nobody made, one for each time: their ids."""
    table, ids = world.aws.outputs["ActivationsTableName"], []
    for at in times:
        key = uuid.uuid4().hex
        ids.append(f"{key}-{'0' * 12}")
        made = {"attempt": "0" * 12, "store": world.url, "shard": key[0], "received_at": at, "updated_at": at}
        made |= {"state": "failed", "reached": "pending", "reason": "expired", **row}
        made = {name: value for name, value in made.items() if value is not None}
        dynamodb.update(table, {"integration_key": key}, "attribute_not_exists(#store)", {}, made)
    return ids


def pages_of_activations(world: World, **query: str) -> list[list[str]]:
    """The ids on each page, to the end."""
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        told = found(world, **query, **cursor)
        pages.append([one["activation_id"] for one in told["activations"]])
        if "cursor" not in told:
            return pages
        cursor = {"cursor": told["cursor"]}


def every_id(pages: list[list[str]]) -> list[str]:
    return [one for page in pages for one in page]


@pytest.mark.parametrize("limit", [3, 200])
def test_pages_hold_each_activation_once_the_newest_first(world: World, limit: int) -> None:
    tenant, began = f"paged-{limit}", activations.now()
    times = [began - nth // 2 for nth in range(14)]  # two of them in each millisecond
    ids = put_activations(world, times, tenant=tenant)
    put_activations(world, [began] * 3, tenant="another")
    pages = pages_of_activations(world, tenant=tenant, limit=str(limit))
    at = dict(zip(ids, times, strict=True))
    listed_ones = [one for page in pages for one in page]
    assert sorted(listed_ones) == sorted(ids)
    assert [at[one] for one in listed_ones] == sorted(times, reverse=True)
    assert max(map(len, pages)) <= limit + 1
    every = every_id(pages_of_activations(world, limit="200"))
    assert len(every) == len(set(every))
    assert set(ids) <= set(every)


def test_a_page_of_many_activations_continues_where_each_shard_was_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storelink.state.activation_lists.SEARCHED_AT_ONCE", 2)
    began = activations.now()
    ids = put_activations(world, [began - nth for nth in range(24)], tenant="left")
    put_activations(world, [began - nth for nth in range(24)], tenant="between")
    pages = pages_of_activations(world, tenant="left", limit="20")
    assert every_id(pages) == ids
    assert len(pages) > 2


def test_activations_are_listed_by_state_reason_and_time(world: World) -> None:
    began = activations.now()
    old, new = put_activations(world, [began - 7_200_000, began], tenant="filtered", reason="expired")
    (other,) = put_activations(world, [began], tenant="filtered", reason="redirected", suspicious=True)
    (connected,) = put_activations(world, [began], tenant="filtered", state="connected", reached="connected")
    assert set(every_id(pages_of_activations(world, tenant="filtered", state="failed"))) == {old, new, other}
    assert set(every_id(pages_of_activations(world, tenant="filtered", state="connected"))) == {connected}
    assert every_id(pages_of_activations(world, tenant="filtered", reason="redirected")) == [other]
    (retried,) = put_activations(
        world, [began], tenant="filtered", state="pending", reason=None, retry_reason="redirected"
    )
    assert set(every_id(pages_of_activations(world, tenant="filtered", reason="redirected"))) == {other, retried}
    since = dynamodb.iso8601(began - 3_600_000)
    pages = pages_of_activations(world, tenant="filtered", state="failed", since=since, limit="1")
    assert set(every_id(pages)) == {new, other}
    (told,) = found(world, tenant="filtered", suspicious="true")["activations"]
    assert (told["activation_id"], told["suspicious"], told["reached"]) == (other, True, "pending")
    assert told["action"] == "activate"


def test_a_reference_that_no_activation_has_finds_none(world: World) -> None:
    activation_id = world.click()
    other = activation_id[:7] + ("0" if activation_id[7] != "0" else "1")
    assert found(world, reference=other)["activations"] == []
    assert found(world, reference=f"{activation_id[:33]}{'0' * 12}")["activations"] == []


def test_a_reference_that_was_not_searched_for_to_the_end_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storelink.state.activation_lists.SEARCHED", 1)
    old = world.click()
    table = world.aws.outputs["ActivationsTableName"]
    shard = {"shard": old[0], "received_at": activations.now() + 1000, "attempt": "0" * 12, "store": world.url}
    key = {"integration_key": f"{old[0]}{'f' * 31}"}
    row = shard | {"state": "pending", "reached": "pending", "updated_at": 0}
    dynamodb.update(table, key, "attribute_not_exists(#store)", {}, changes=row)
    told = found(world, reference=old[:8])
    assert told == {"activations": [], "incomplete": True}
    monkeypatch.setattr("storelink.state.activation_lists.SEARCHED", 4000)
    assert [one["activation_id"] for one in found(world, reference=old[:8])["activations"]] == [old]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"reference": "1234567"}, {"reference"}),
        ({"reference": "ABCDEF12"}, {"reference"}),
        ({"reference": "0123456789-01"}, {"reference"}),
        ({"reference": "01234567", "store_url": "https://shop.example/"}, {"reference"}),
        ({"store_url": "nowhere", "limit": "0"}, {"store_url", "limit"}),
        ({"prefix": "01234567"}, {"prefix"}),
        ({"reference": "01234567", "state": "failed"}, {"reference"}),
        ({"store_url": "https://shop.example/", "cursor": "MQ=="}, {"store_url"}),
        ({"state": "gone", "reason": "weather", "tenant": ""}, {"state", "reason", "tenant"}),
        ({"since": "yesterday", "suspicious": "no"}, {"since", "suspicious"}),
        ({"since": "2026-01-31T12:00:00"}, {"since"}),
        ({"cursor": base64.urlsafe_b64encode(b"x").decode()}, {"cursor"}),
    ],
)
def test_a_wrong_search_for_activations_is_refused_by_the_names_of_its_fields(
    world: World, query: dict[str, str], fields: set[str]
) -> None:
    status, told = asked(world, "OperatorFunction", "GET", "/activations", queryStringParameters=query)
    assert (status, set(told["fields"])) == (400, fields)


def test_an_activation_that_waits_for_its_store_shows_why_and_until_when(world: World) -> None:
    world.shop.trouble("maintenance", endpoint="request", times=1)
    activation_id = world.click()
    world.call("RequestTokenFunction", {"activation_id": activation_id, "holder": activation_id})
    (told,) = found(world, store_url=world.url)["activations"]
    assert (told["state"], told["retry_reason"]) == ("pending", "maintenance")
    assert told["next_try_at"] > told["updated_at"]
    assert told["advice"]


# Invitations


def invitations_of(world: World, **query: str) -> list[dict[str, Any]]:
    status, told = asked(world, "OperatorFunction", "GET", "/invitations", queryStringParameters=query)
    assert status == 200, told
    listed: list[dict[str, Any]] = told["invitations"]
    return listed


def invite(world: World, tenant: str, **more: object) -> dict[str, Any]:
    status, told = asked(world, "OperatorFunction", "POST", "/invitations", body={"tenant": tenant, **more})
    assert status == 201
    return told


def test_invitations_are_listed_with_their_states_and_without_their_urls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = world.url.split("/")[-2]
    opened = invite(world, tenant, store_url=world.url, lifetime=7200)
    expired, revoked = invite(world, tenant, lifetime=3600), invite(world, tenant, lifetime=7200)
    status, told = asked(world, "OperatorFunction", "DELETE", f"/invitations/{revoked['invitation_id']}")
    assert (status, told["state"]) == (200, "revoked")
    later = activations.now() + 3_601_000
    monkeypatch.setattr("storelink.state.invitations.now", lambda: later)
    listed = invitations_of(world, tenant=tenant)
    states = {one["invitation_id"]: one["state"] for one in listed}
    assert states == {
        opened["invitation_id"]: "open",
        expired["invitation_id"]: "expired",
        revoked["invitation_id"]: "revoked",
    }
    assert all(one.keys().isdisjoint({"callback_url", "identity_url", "shard"}) for one in listed)
    (of_a_store,) = [one for one in listed if "store_url" in one]
    assert of_a_store["store_url"] == world.url
    assert {one["tenant"] for one in listed} == {tenant}
    assert next(one["invitation_id"] for one in invitations_of(world, limit="3")) in states
    assert invitations_of(world, tenant="nobody") == []


def test_a_route_that_is_not_there_is_not_found(world: World) -> None:
    status, told = asked(world, "OperatorFunction", "GET", "/nothing")
    assert (status, told) == (404, {"message": "Not Found"})


def test_no_response_may_be_kept_by_a_cache(world: World) -> None:
    for path in ("/connections", "/connections/x", "/nothing"):
        headers = world.call("OperatorFunction", request("GET", path))["headers"]
        assert headers == {"Content-Type": "application/json", "Cache-Control": "no-store"}


# Claiming


def test_a_connection_that_is_nobodys_is_claimed_once_and_the_app_hears_it(world: World) -> None:
    world.connect()
    world.events()
    assert claimed(world, "acme")[1]["tenant"] == "acme"
    ((kind, detail),) = world.events()
    at, secret_arn = shown(world)["history"][0]["at"], world.connection()["secret_arn"]
    assert kind == "Store Claimed"
    assert detail == {
        "connection_id": world.store.connection_id,
        "store_url": world.url,
        "secret_arn": secret_arn,
        "tenant": "acme",
        "at": at,
    }
    status, told = claimed(world, "acme")
    assert (status, [one["what"] for one in told["history"]]) == (200, ["claimed", "connected"])
    status, told = claimed(world, "other")
    assert (status, told["error"]) == (409, "claimed")
    assert shown(world)["tenant"] == "acme"
    assert world.events() == []
    assert claimed(world, "")[0] == claimed(world, None)[0] == 400


# Forgetting


def test_a_forgotten_store_is_disconnected_and_its_secret_can_be_restored(world: World) -> None:
    world.connect()
    world.events()
    status, told = forgotten(world)
    assert (status, told["state"], told["reason"]) == (200, "disconnected", "forgotten")
    assert [one["what"] for one in told["history"]] == ["disconnected", "connected"]
    ((kind, detail),) = world.events()
    assert (kind, detail["reason"], detail["at"]) == ("Store Disconnected", "forgotten", told["history"][0]["at"])
    secret = world.aws.client("secretsmanager").describe_secret(SecretId=world.connection()["secret_arn"])
    assert "DeletedDate" in secret
    assert forgotten(world)[0] == 200  # again, as after an answer that was lost
    world.connect_again()
    assert shown(world)["state"] == "connected"
    assert "reason" not in shown(world)
    assert world.credentials_work()
