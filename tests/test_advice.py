"""The advice names the link that Magento's grid shows, and every text says what happened and what to do."""

import json
import re
from pathlib import Path

import pytest

from storelink import advice
from storelink.advice import ACTIONS, REASONS
from storelink.errors import Rejected

DATA = Path(advice.__file__).with_suffix(".json")

GRID = [
    # The request token was not given: the row is inactive and shows Activate.
    ("maintenance", "pending", "", "activate"),
    ("signature-invalid", "pending", "", "activate"),
    ("expired", "pending", "", "activate"),
    ("redirected", "pending", "", "activate"),
    # The request token was given and is kept: the exchange has no time limit.
    ("maintenance", "requested", "", "wait"),
    ("unreachable", "requested", "", "wait"),
    ("aws", "exchanged", "", "wait"),
    ("unfinished", "requested", "", "wait"),
    # The request token was given, and its answer was lost; or the store refused what was made of it.
    ("unreachable", "pending", "requested", "activate"),
    ("reauthorize", "pending", "", "recreate"),
    ("reauthorize", "pending", "requested", "recreate"),
    ("signature-invalid", "requested", "", "recreate"),
    # The access token was given, and its answer was lost: the row is active and shows Reauthorize.
    ("unreachable", "requested", "connected", "wait"),
    ("reauthorize", "requested", "", "recreate"),
    ("reauthorize", "requested", "connected", "reauthorize"),
    ("reauthorize", "requested", "connected", "reauthorize"),
    # The store does not know the integration, or the app must not use it: whatever the step.
    ("integration-deleted", "pending", "", "recreate"),
    ("integration-deleted", "requested", "connected", "recreate"),
    ("consumer-key-length", "pending", "", "recreate"),
    ("another-store", "exchanged", "", "recreate"),
    ("superseded", "requested", "", "none"),
    # A store that was connected.
    ("revoked", "", "", "reauthorize"),
    ("revoked", "connected", "", "reauthorize"),
    ("secret-gone", "", "", "reauthorize"),
    # No handshake is known of: nothing is said of Magento's links.
    ("maintenance", "", "", "none"),
    ("redirected", "", "", "none"),
]


@pytest.mark.parametrize(("reason", "reached", "answer_lost", "action"), GRID)
def test_the_action_is_the_link_that_the_grid_shows(reason: str, reached: str, answer_lost: str, action: str) -> None:
    assert advice.action(reason, reached, answer_lost) == action


@pytest.mark.parametrize(
    ("reached", "action"), [("pending", "activate"), ("requested", "recreate"), ("exchanged", "wait")]
)
def test_when_the_steps_have_ended_only_an_access_token_that_is_kept_still_connects(reached: str, action: str) -> None:
    assert advice.action("maintenance", reached, ended=True) == action


@pytest.mark.parametrize("reason", [name for name, entry in REASONS.items() if entry.handshake])
def test_nobody_whose_first_step_failed_is_sent_to_reauthorize(reason: str) -> None:
    for answer_lost in ("", "requested"):
        action = advice.action(reason, "pending", answer_lost)
        assert "Reauthorize" not in advice.text(reason, action)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_says_what_happened_and_what_to_do(reason: str) -> None:
    entry = REASONS[reason]
    assert entry.happened.endswith(".")
    assert entry.who in ("merchant", "operator", "nobody", "caller")
    assert entry.action in ("", *ACTIONS)
    assert entry.handshake in ("", "final", "retried")
    todo = f"{entry.fix} {ACTIONS[entry.action or 'none']}".strip()
    assert todo or entry.handshake or reason == "claimed"
    assert advice.ADVICE[reason] == f"{entry.happened} {todo}".strip()


def test_a_text_holds_what_happened_the_fix_and_the_click() -> None:
    assert advice.text("certificate-invalid", "activate") == (
        "The store's TLS certificate is not valid for its host. Renew the certificate or complete its chain. "
        "In Magento, open System > Extensions > Integrations and click Activate in the integration's row."
    )


def test_an_error_that_knows_no_handshake_names_no_link() -> None:
    assert Rejected("certificate-invalid").advice == (
        "The store's TLS certificate is not valid for its host. Renew the certificate or complete its chain."
    )


def test_the_menu_is_called_as_in_magento() -> None:
    text = DATA.read_text()
    assert re.findall(r"System > (?!Extensions > Integrations)", text.replace('",\n', "")) == []


def test_the_file_is_one_that_a_person_can_edit() -> None:
    data = json.loads(DATA.read_text())
    assert set(data) == {"actions", "reasons"}
    for entry in data["reasons"].values():
        assert set(entry) <= {"who", "handshake", "action", "happened", "fix"}
    assert max(map(len, DATA.read_text().splitlines())) <= 120
