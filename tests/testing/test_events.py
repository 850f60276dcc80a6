"""The events that an app's tests build are those that Storelink sends."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from local.template import ROOT
from storelink.errors import Invalid
from storelink.testing import events
from tests.world import World, due, sample

STORE = "https://shop.example/"


def sent(world: World) -> dict[str, dict[str, Any]]:
    """The events about the world's store, whole, by their kind."""
    return {event["detail-type"]: event for event in world.whole_events()}


def shape(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what differs from one to the next, and without `account`, which moto leaves out."""
    detail = {name: type(value) for name, value in event["detail"].items()}
    return {name: type(value) for name, value in event.items() if name != "account"} | {"detail": detail}


def test_a_connected_stores_event_is_what_storelink_sends(world: World) -> None:
    activation_id = world.connect()
    (event,) = sent(world).values()
    built = events.store_connected(world.url, activation_id=activation_id)
    assert shape(built) == shape(event)
    assert (built["source"], built["detail-type"]) == (event["source"], event["detail-type"])
    for name in ("store_url", "connection_id", "activation_id"):
        assert built["detail"][name] == event["detail"][name]


def test_a_disconnected_stores_event_is_what_storelink_sends(world: World) -> None:
    world.connect()
    world.shop.trouble("revoked", endpoint="rest")
    due(world)
    world.call("HealthCheckFunction", sample("health_check.json"))
    event = sent(world)["Store Disconnected"]
    built = events.store_disconnected(world.url, problem="Specified token does not exist")
    assert shape(built) == shape(event)
    assert built["detail"]["advice"] == event["detail"]["advice"]


def test_a_failed_activations_events_are_what_storelink_sends(world: World) -> None:
    world.shop.trouble("verifier_mismatch", endpoint="access")
    world.run(world.click())
    found = sent(world)
    built = events.activation_failed(world.url, "verifier-mismatch", problem="Token verifier and verifier token …")
    assert shape(built) == shape(found["Activation Failed"])
    suspicious = events.suspicious_activation(world.url, "verifier-mismatch")
    assert suspicious["detail"].keys() == built["detail"].keys()


@pytest.mark.parametrize(
    ("build", "kind"),
    [(events.store_connected, "Store Connected"), (events.store_recovered, "Store Recovered")],
)
def test_a_connections_event_can_have_a_tenant_and_no_secret(build: Callable[..., Any], kind: str) -> None:
    event = build(STORE, tenant="acme", has_secret=False)
    assert event["detail-type"] == kind
    assert event["detail"]["tenant"] == "acme"
    assert "secret_arn" not in event["detail"]


def test_a_claimed_stores_event_has_its_tenant() -> None:
    assert events.store_claimed(STORE, "acme")["detail"]["tenant"] == "acme"


def test_an_event_says_when_it_happened() -> None:
    at = datetime(2026, 11, 27, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    event = events.store_recovered(STORE, at=at)
    assert (event["time"], event["detail"]["at"]) == ("2026-11-27T08:30:00Z", "2026-11-27T08:30:00.000Z")
    assert datetime.fromisoformat(events.store_recovered(STORE)["time"]) <= datetime.now(UTC)


def test_the_documentation_shows_the_event_that_is_built() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```", (ROOT / "docs" / "testing.md").read_text(), re.MULTILINE | re.DOTALL)
    shown = json.loads(block)
    at, activation_id = datetime.fromisoformat(shown["time"]), shown["detail"]["activation_id"]
    built = events.store_connected(STORE, tenant="acme", activation_id=activation_id, at=at)
    assert built["detail"].pop("secret_arn").startswith(shown["detail"].pop("secret_arn").removesuffix("…"))
    assert shown == built | {"id": shown["id"]}


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(Invalid, match="at has no time zone"):
        events.store_recovered(STORE, at=naive)
    with pytest.raises(Invalid, match="at has no time zone"):
        events.activation_failed(STORE, "revoked", at=naive)


def test_what_no_event_has_is_refused_by_its_name() -> None:
    with pytest.raises(Invalid, match="store_url"):
        events.store_connected("shop.example")
    with pytest.raises(Invalid, match="reason is 'broken'"):
        events.store_disconnected(STORE, reason="broken")
