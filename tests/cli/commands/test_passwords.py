"""`storelink password`."""

import io
import sys

import pytest
import requests

from local.stack import Stack
from storelink.testing.sandbox.accounts import PASSWORD, STAGING_USER
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, connect, parsed, refused
from tests.stacks import activated, ended


def ask_for_password(url: str) -> None:
    requests.post(f"{url}sandbox/trouble", json={"kind": "password"}, timeout=5).raise_for_status()


def test_a_store_that_did_not_connect_is_connected_after_its_password_is_set(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{running.store_url}stores/staging/"
    ask_for_password(url)
    row = ended(running, activated(running, "stores/staging/")["consumer_key"])
    assert row["reason"] == "password-protected"
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{STAGING_USER}\n{PASSWORD}\n"))
    result = local("password", url)
    assert result.code == Exit.DONE, result.err
    assert f"The password of {url} is set." in result.out
    assert "Activate" in result.out
    assert PASSWORD not in result.out + result.err
    assert ended(running, activated(running, "stores/staging/")["consumer_key"])["state"] == "connected"
    assert local("test", url).code == Exit.DONE


def test_the_password_of_a_connected_store_is_set_and_removed(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = connect(running, "protected")
    ask_for_password(url)
    assert "storelink password" in local("test", url).out
    monkeypatch.setenv("STORELINK_PASSWORD", PASSWORD)
    set_ = local("password", url, "--user", STAGING_USER)
    assert f"storelink test {url}" in set_.out
    assert local("test", url).code == Exit.DONE
    doctor = local("doctor", url)
    assert doctor.code == Exit.DONE, doctor.out
    assert "What is behind the password is not examined" in doctor.out
    gone = parsed(local("password", url, "--remove", "--json"))
    assert (gone["is_set"], gone["connection_changed"]) == (False, True)
    assert "storelink password" in local("test", url).out
    assert "calls fail" in local("doctor", url).out


def test_a_password_is_asked_for_and_not_both_set_and_removed(shop: str, local: Storelink) -> None:
    refused(local("password", shop, "--user", "staging"), Exit.USAGE, "Password is missing")
    refused(local("password", shop), Exit.USAGE, "User name is missing")
    refused(local("password", shop, "--user", "staging", "--remove"), Exit.USAGE, "--remove")
