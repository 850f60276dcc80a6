"""`storelink activation` and `storelink watch`."""

import json
import signal
import subprocess

import pytest

from local.stack import Stack
from storelink_cli.errors import Exit
from tests.cli.conftest import SCRIPT, Storelink, connect, fail_to_connect, parsed, refused
from tests.cli.terminal import Terminal
from tests.processes import PATIENCE, started


def activation_elsewhere(running: Stack, integration_key: str) -> str:
    """An activation of a store that does not exist; its id."""
    running.aws.client("dynamodb").put_item(
        TableName=running.aws.outputs["ActivationsTableName"],
        Item={
            "integration_key": {"S": integration_key},
            "shard": {"S": integration_key[0]},
            "attempt": {"S": "0123456789ab"},
            "store": {"S": f"https://{integration_key[-4:]}.example/"},
            "state": {"S": "pending"},
            "reached": {"S": "pending"},
            "received_at": {"N": "1790000000000"},
            "updated_at": {"N": "1790000000000"},
        },
    )
    return f"{integration_key}-0123456789ab"


@pytest.mark.parametrize("length", [8, 20, 32, 33, 40, 45])
def test_an_activation_is_found_by_the_beginning_of_its_id(running: Stack, local: Storelink, length: int) -> None:
    url, activation_id = fail_to_connect(running, "referenced")
    found = parsed(local("activation", activation_id[:length], "--json"))
    assert (found["activation_id"], found["store_url"], found["state"]) == (activation_id, url, "failed")


def test_a_reference_is_read_as_people_copy_it(running: Stack, local: Storelink) -> None:
    _, activation_id = fail_to_connect(running, "copied")
    for text in (f" {activation_id[:8].upper()} ", f"{activation_id[:8]}…", f"{activation_id[:8]}..."):
        assert parsed(local("activation", text, "--json"))["activation_id"] == activation_id


def test_an_activation_is_shown_with_its_problem_and_what_to_do(running: Stack, local: Storelink) -> None:
    _, activation_id = fail_to_connect(running, "explained")
    result = local("activation", activation_id[:8])
    shown = dict(line.split(": ", 1) for line in result.out.splitlines())
    assert (shown["state"], shown["reason"]) == ("failed", "header-lost")
    assert "Authorization" in shown["advice"]
    assert f"storelink logs {activation_id[:8]}" in result.err


def test_a_reference_that_is_ambiguous_names_the_activations(running: Stack, local: Storelink) -> None:
    ids = [activation_elsewhere(running, f"abcdef01{digit * 24}") for digit in "23"]
    result = local("activation", "abcdef01")
    assert all(one in result.err for one in ids)
    assert "more characters" in refused(result, Exit.USAGE, "ambiguous")
    assert parsed(local("activation", "abcdef0122", "--json"))["activation_id"] == ids[0]


def test_a_reference_that_is_unknown_or_none_is_refused(running: Stack, local: Storelink) -> None:
    refused(local("activation", "00000000"), Exit.NOT_FOUND, "no activation begins with 00000000")
    for text in ("1234567", "not-a-reference", "0" * 31 + "-", "0" * 32 + "-" + "0" * 13):
        refused(local("activation", text), Exit.USAGE, "REF must be")


def test_activations_are_watched_as_they_happen(running: Stack, local: Storelink) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started([SCRIPT, "watch", "--json", "--interval", "0.2"], **pipes) as watching:
        assert watching.stdout
        url = connect(running, "watched")
        seen = []
        for line in watching.stdout:
            activation = json.loads(line)
            if activation["store_url"] == url:
                seen.append(activation["state"])
            if seen[-1:] == ["connected"]:
                break
        watching.send_signal(signal.SIGINT)
        errors = watching.communicate(timeout=PATIENCE)[1]
    assert (watching.returncode, errors) == (Exit.DONE, "")


def test_a_pipe_gets_each_change_once_with_reference_problem_and_advice(
    running: Stack, shop: str, local: Storelink
) -> None:
    with started([SCRIPT, "watch", "--interval", "0.2"], stdout=subprocess.PIPE) as watching:
        assert watching.stdout
        lines = [watching.stdout.readline()]  # it is watching
        url, activation_id = fail_to_connect(running, "watched-in-a-pipe")
        connect(running, "watched-later")
        for line in watching.stdout:
            lines.append(line)
            if "connected\t" in line and "watched-later" in line:
                break
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=PATIENCE)
    assert len(lines) == len(set(lines))
    (failed,) = [line.rstrip("\n").split("\t") for line in lines if f"failed\t{url}" in line]
    assert failed[1] == activation_id[:8]
    assert failed[4] == "header-lost"
    assert failed[5]
    assert "Authorization" in failed[6]


def test_the_newest_activations_are_printed_once(running: Stack, local: Storelink) -> None:
    url, activation_id = fail_to_connect(running, "watched-once")
    titles, *rows = (line.split("\t") for line in local("watch", "--once").out.splitlines())
    assert titles == ["At", "Reference", "State", "Store", "Reason", "Problem", "Advice"]
    assert [activation_id[:8], "failed", url] in [row[1:4] for row in rows]


def test_a_terminal_shows_activations_in_place(shop: str, local: Storelink) -> None:
    screen = Terminal("watch", "--interval", "0.2", "--limit", "200")
    assert "State" in screen.until(shop)
    screen.interrupt()
    assert screen.code() == Exit.DONE
