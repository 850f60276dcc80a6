"""Each way to fail, at either step: the state, the link that Magento's grid shows, what the popup says, what heals."""

from html import unescape

import pytest

from storelink.advice import Action
from storelink.popup.languages import load
from storelink.state import step_retry
from tests.integration.test_answers import FINAL, TRANSIENT
from tests.world import World, request

ACTIVATE, RECREATE, REAUTHORIZE = "activate", "recreate", "reauthorize"

ONCE: dict[str, tuple[str, Action]] = {"request": ("reauthorize", "recreate"), "access": ("reauthorize", "reauthorize")}
"""Reason and action where the store has given the step's token before, or its answer was lost."""

LOST = ("drop", "cut", "half")


def ends_with(trouble: str, endpoint: str) -> tuple[str, Action]:
    """The reason with which an activation ends, and what heals it."""
    if trouble in (*LOST, "revoked", "token_used"):
        return ONCE[endpoint]
    reason = (FINAL | TRANSIENT)[trouble][0]
    never_the_same_again = endpoint == "access" or reason in ("integration-deleted", "consumer-key-length")
    return reason, "recreate" if never_the_same_again else "activate"


def popup(world: World, key: str, language: str) -> str:
    """What the merchant reads."""
    query = {"oauth_consumer_key": key, "success_call_back": f"{world.url}admin/"}
    headers = {"accept-language": language}
    event = request("GET", "/identity", queryStringParameters=query, headers=headers)
    body: str = world.call("IdentityFunction", event)["body"]
    page = unescape(body.partition("<main>")[2].partition("</main>")[0])
    return page.replace('<b lang="en">', "").replace("</b>", "")


PLAYED = {("revoked", "access"), ("token_used", "access")}
"""What the sandbox only says: its integration would be active, had it given the access token."""

WAYS = [
    (trouble, endpoint)
    for trouble in (*FINAL, *TRANSIENT, *LOST)
    for endpoint in ("request", "access")
    if (trouble, endpoint) not in PLAYED
]


@pytest.mark.parametrize(("trouble", "endpoint"), WAYS)
def test_the_popup_names_what_the_grid_shows_and_that_heals_it(
    world: World, trouble: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_retry, "ACCESS_PERIOD", 60)
    reason, action = ends_with(trouble, endpoint)
    activation_id = world.click()
    world.shop.trouble(trouble, endpoint=endpoint, **({"times": 1} if trouble in LOST else {}))
    outcome = world.run(activation_id)
    assert (outcome["state"], outcome["reason"]) == ("failed", reason)

    world.shop.check_link("Reauthorize" if action == "reauthorize" else "Activate")
    key = world.row(activation_id)["consumer_key"]
    for tag, title in (("en", "Not connected"), ("de", "Nicht verbunden")):
        page, language = popup(world, key, tag), load(tag)
        assert f"<h1>{title}</h1>" in page
        happened, fix = language.explain(reason, app="Storelink")
        assert happened in page
        assert fix in page
        assert language.say(f"action.{action}", app="Storelink") in page
        assert ("Reauthorize" in page) is (action == "reauthorize")

    world.shop.clear_troubles()
    assert world.run(world.heal(action))["state"] == "connected"
