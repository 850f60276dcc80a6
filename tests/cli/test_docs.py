"""docs/cli.md: every command is documented, and the documented commands work."""

import re
import shlex
import time
from pathlib import Path

import pytest

from local.stack import Stack
from local.template import ROOT
from storelink.testing.sandbox.accounts import PASSWORD
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, connect, fail_to_connect, handshake, parsed
from tests.cli.test_main import COMMANDS

DOCUMENTED = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("storelink ")
]


def test_every_command_is_documented() -> None:
    assert {line.split()[1] for line in DOCUMENTED} == set(COMMANDS)


def test_the_documented_commands_work(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    handshake(running, local, monkeypatch, "documented-manual")
    monkeypatch.setenv("STORELINK_PASSWORD", PASSWORD)
    monkeypatch.setattr("storelink_cli.console.server.Server.run", lambda server: server.close())
    failed = fail_to_connect(running, "documented-failed")[1]
    end = time.monotonic() + 20
    while local("logs", failed).code != Exit.DONE:  # its lines are delivered within a second
        assert time.monotonic() < end
        time.sleep(0.05)
    stand_ins = {
        "https://shop.example/": connect(running, "documented"),
        "https://manual.example/": f"{running.store_url}stores/documented-manual/",
        "https://new.example/": f"{running.store_url}stores/documented-new/",
        "1f3a9c2e": failed[:8],
        "8200": "0",
        "INVITATION": parsed(local("invite", "acme", "--json"))["invitation_id"],
    }
    for line in DOCUMENTED:
        arguments = [stand_ins.get(word, word) for word in shlex.split(line)[1:]]
        if arguments[0] == "listen":  # test_events runs it; here no event comes
            continue
        result = local(*arguments)
        assert result.code == Exit.DONE, (line, result)
        assert result.out or result.err
    assert (tmp_path / "acme-shop/etc/integration.xml").is_file()
