"""`storelink invite`, `invitations` and `revoke`."""

import re

import pytest
import requests

from local.stack import Stack
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, parsed, refused
from tests.stacks import ended


def test_an_invitation_admits_a_store_until_it_is_revoked(running: Stack, local: Storelink) -> None:
    url = f"{running.store_url}stores/invited/"
    made = parsed(local("invite", "acme", "--store", url, "--lifetime", "12h", "--json"))
    asked = {"callback_url": made["callback_url"]}
    came = requests.post(f"{url}sandbox/activate", json=asked, timeout=30).json()
    assert ended(running, came["consumer_key"])["state"] == "connected"
    assert parsed(local("show", url, "--json"))["tenant"] == "acme"
    assert local("revoke", made["invitation_id"]).code == Exit.DONE
    refused(local("revoke", made["invitation_id"]), Exit.NOT_FOUND, "invitation")


def test_an_invitation_is_shown_once_with_its_urls_and_its_end(running: Stack, local: Storelink) -> None:
    result = local("invite", "acme")
    assert "/callback\n" in result.out
    assert re.search(r"valid until: 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in 7 d\)", result.out)
    assert "not shown again" in result.err


def test_invitations_are_listed_and_revoked_by_the_beginning_of_their_id(running: Stack, local: Storelink) -> None:
    store = "https://listed.example/"
    made = parsed(local("invite", "lister", "--store", store, "--json"))
    row = ["open", "lister", store]
    titles, listed = (line.split("\t") for line in local("invitations", "--tenant", "lister").out.splitlines())
    assert titles == ["Invitation", "State", "Tenant", "Store", "Created", "Valid until"]
    assert listed[:4] == [made["invitation_id"], *row]
    assert re.search(r"Z \(in 7 d\)$", listed[5])
    assert local("revoke", made["invitation_id"][:8]).code == Exit.DONE
    (shown,) = parsed(local("invitations", "--tenant", "lister", "--json"))["invitations"]
    assert (shown["state"], "callback_url" in shown) == ("revoked", False)
    assert made["invitation_id"] in local("invitations").out


@pytest.mark.parametrize("invitation", ["0" * 8, "short", "x" * 32])
def test_an_invitation_that_does_not_exist_is_refused(running: Stack, local: Storelink, invitation: str) -> None:
    assert local("revoke", invitation).code in (Exit.NOT_FOUND, Exit.USAGE)


@pytest.mark.parametrize("lifetime", ["7", "soon", "59m", "1s", "0d", "-1d"])
def test_a_lifetime_without_unit_or_below_an_hour_is_refused(storelink: Storelink, lifetime: str) -> None:
    refused(storelink("invite", "acme", f"--lifetime={lifetime}"), Exit.USAGE, "--lifetime")
