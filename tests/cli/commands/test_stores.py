"""`storelink stores`, `show`, `test`, `add`, `claim` and `forget`."""

import os
import re

import pytest
import requests

from local.stack import Stack
from storelink.store import Store
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, connect, fail_to_connect, handshake, parsed, refused
from tests.cli.terminal import Terminal

CONFIGS = "rest/V1/store/storeConfigs"
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202egnp\u200b\u2028"


def connection_elsewhere(running: Stack, url: str, **attributes: str) -> None:
    """A connection to a store that does not exist."""
    store = Store.from_url(url)
    running.aws.client("dynamodb").put_item(
        TableName=running.aws.outputs["ConnectionsTableName"],
        Item={
            "connection_id": {"S": store.connection_id},
            "store": {"S": store.url},
            "state": {"S": "connected"},
            "connected_at": {"N": "1790000000000"},
            **{name: {"S": text} for name, text in attributes.items()},
        },
    )


def test_stores_are_listed_by_state_and_tenant_and_in_pages(running: Stack, local: Storelink) -> None:
    urls = {connect(running, name) for name in ("listed-1", "listed-2")}
    assert urls <= {one["store_url"] for one in parsed(local("stores", "--all", "--json"))["connections"]}
    for url in urls:
        parsed(local("claim", url, "listers", "--json"))
    mine = parsed(local("stores", "--tenant", "listers", "--json"))["connections"]
    assert {one["store_url"] for one in mine} == urls
    assert parsed(local("stores", "--tenant", "listers", "--state", "disconnected", "--json"))["connections"] == []
    page = parsed(local("stores", "--tenant", "listers", "--limit", "1", "--json"))
    rest = parsed(local("stores", "--tenant", "listers", "--cursor", page["cursor"], "--json"))
    assert {one["store_url"] for one in (*page["connections"], *rest["connections"])} == urls
    result = local("stores", "--tenant", "listers", "--limit", "1")
    assert page["connections"][0]["store_url"] in result.out
    assert f"--cursor {page['cursor']}" in result.err


def test_a_pipe_gets_columns_without_padding_and_nothing_cut(running: Stack, local: Storelink) -> None:
    path = "a-very-long-folder-name/" * 18
    for name in ("x", path):
        connection_elsewhere(running, f"https://piped.example/{name}", tenant="pipers")
    lines = local("stores", "--tenant", "pipers").out.splitlines()
    assert lines[0] == "Store\tState\tTenant\tConnected"
    assert f"https://piped.example/{path}\tconnected\tpipers\t" in lines[1] + lines[2]
    assert all(re.search(r"\t20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ d ago\)$", line) for line in lines[1:])
    assert "  " not in "".join(lines)


def test_a_terminal_that_is_wide_enough_cuts_no_column(running: Stack, local: Storelink) -> None:
    url = f"https://wide.example/{'folder/' * 8}"
    connection_elsewhere(running, url, tenant="wide")
    screen = Terminal("stores", "--tenant", "wide", columns=160)
    assert screen.code() == Exit.DONE
    assert url in screen.seen
    assert "…" not in screen.seen


def test_a_narrow_terminal_wraps_and_cuts_nothing(running: Stack, local: Storelink) -> None:
    url, _ = fail_to_connect(running, "narrow")
    advice = local("show", url).out.split("\t")[-1].strip()
    screen = Terminal("show", url, columns=60)
    assert screen.code() == Exit.NOT_FOUND
    assert advice in " ".join(screen.seen.split())


def test_text_of_a_store_is_printed_escaped(running: Stack, local: Storelink) -> None:
    url = "https://hostile.example/"
    connection_elsewhere(running, url, tenant="hostile", reason="revoked", problem=HOSTILE)
    for result in (local("show", url), local("show", url, "--json")):
        assert "\\u001b]0;owned\\u0007" in result.out
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", result.out)
    screen = Terminal("show", url)
    assert screen.code() == Exit.DONE
    assert "\\u001b]0;owned\\u0007" in screen.seen
    assert "\x1b]0;" not in screen.seen


def test_a_store_is_shown_by_its_url_its_id_and_its_host(running: Stack, shop: str, local: Storelink) -> None:
    shown = parsed(local("show", shop, "--json"))
    assert (shown["store_url"], shown["state"], shown["history"][0]["what"]) == (shop, "connected", "connected")
    assert parsed(local("show", shown["connection_id"], "--json")) == shown
    connection_elsewhere(running, "http://only.example:8080/shop/")
    assert parsed(local("show", "only.example", "--json"))["store_url"] == "http://only.example:8080/shop/"


def test_the_history_shows_when_what_changed_and_for_which_tenant(running: Stack, local: Storelink) -> None:
    url = connect(running, "changing")
    parsed(local("claim", url, "acme", "--json"))
    lines = local("show", url).out.splitlines()
    titles = next(line for line in lines if line.startswith("History")).split("\t")
    assert titles == ["History", "What", "By", "Tenant", "Reason", "Activation"]
    newest = lines[lines.index("\t".join(titles)) + 1].split("\t")
    assert (newest[1], newest[3]) == ("claimed", "acme")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \((now|\d+ s ago)\)", newest[0])


def test_a_store_that_did_not_connect_is_shown_with_its_last_attempts(running: Stack, local: Storelink) -> None:
    url, activation_id = fail_to_connect(running, "did-not-connect")
    result = local("show", url)
    assert result.code == Exit.NOT_FOUND
    assert "is not connected" in result.err
    titles, attempt = (line.split("\t") for line in result.out.splitlines())
    assert titles[0] == "Last attempts"
    assert attempt[1:5] == [activation_id[:8], "failed", url, "header-lost"]
    assert "Authorization" in attempt[6]
    host_only = local("show", url.replace("did-not-connect/", "did-not-connect/index.php/"))
    assert activation_id[:8] in host_only.out


def test_a_host_of_several_stores_and_one_of_none_are_reported(running: Stack, local: Storelink) -> None:
    urls = [f"https://twins.example/{name}/" for name in ("one", "two")]
    for url in urls:
        connection_elsewhere(running, url)
    result = local("show", "twins.example")
    assert all(url in result.err for url in urls)
    assert "by its URL" in refused(result, Exit.USAGE, "stores:")
    refused(local("show", "nobody.example"), Exit.NOT_FOUND, "no store on nobody.example")
    refused(local("show", "https://nobody.example/"), Exit.NOT_FOUND, "https://nobody.example/ is not connected")
    refused(local("show", f"nobody.example-{'0' * 16}"), Exit.NOT_FOUND, "is not connected")


def test_a_store_is_claimed_once(running: Stack, local: Storelink) -> None:
    url = connect(running, "claimed")
    assert parsed(local("claim", url, "acme", "--json"))["tenant"] == "acme"
    refused(local("claim", url, "other"), Exit.REFUSED, "tenant")


def test_a_store_is_assigned_to_another_tenant_and_the_history_says_by_whom(running: Stack, local: Storelink) -> None:
    url = connect(running, "reassigned")
    local("claim", url, "acme")
    changed = parsed(local("claim", url, "other", "--reassign", "--json"))
    assert (changed["tenant"], changed["history"][0]["former_tenant"]) == ("other", "acme")
    shown = local("show", url).out
    assert "an operator" in shown
    assert "the merchant" in shown


def test_a_store_is_forgotten_after_a_confirmation(running: Stack, local: Storelink) -> None:
    url = connect(running, "forgotten")
    assert "--yes" in refused(local("forget", url), Exit.USAGE, "asks a question")
    assert parsed(local("show", url, "--json"))["state"] == "connected"
    assert parsed(local("forget", url, "--yes", "--json"))["state"] == "disconnected"
    refused(local("call", url, "GET", CONFIGS), Exit.NOT_FOUND, "is not connected")
    assert parsed(local("show", url, "--json"))["attempts"][0]["state"] == "connected"


def test_a_question_that_is_answered_with_no_changes_nothing(shop: str, local: Storelink) -> None:
    screen = Terminal("forget", shop)
    screen.until("[y/N]")
    screen.type("n")
    assert screen.code() == Exit.INTERRUPTED
    assert parsed(local("show", shop, "--json"))["state"] == "connected"


def test_a_store_is_tested_on_request(running: Stack, local: Storelink) -> None:
    url = connect(running, "tested")
    assert parsed(local("test", url, "--json"))["ok"] is True
    assert "accepts its credentials" in local("test", url).out
    requests.post(f"{url}sandbox/delete", json={}, timeout=5).raise_for_status()
    result = local("test", url)
    assert result.code == Exit.TROUBLE
    assert "forbidden" in result.out
    assert parsed(local("show", url, "--json"))["state"] == "disconnected"


def test_a_store_is_added_by_the_four_values_of_its_admin(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = handshake(running, local, monkeypatch, "added")
    right = os.environ["STORELINK_ACCESS_TOKEN_SECRET"]
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", "x" * 32)
    refused(local("add", url), Exit.REFUSED, "signature")
    assert local("show", url).code == Exit.NOT_FOUND
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", right[1:])
    refused(local("add", url), Exit.USAGE, "Access token secret must be 32 characters")
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", right)
    made = local("add", url, "--tenant", "acme", "--json")
    assert (parsed(made)["state"], parsed(made)["tenant"]) == ("connected", "acme")
    assert right not in made.out + made.err
    assert local("call", url, "GET", CONFIGS).code == Exit.DONE


def test_the_help_of_add_says_when_magento_shows_four_values(storelink: Storelink) -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", storelink("add", "--help").out).split())
    assert "no Callback URL or no Identity link URL: Activate posts nothing" in text
