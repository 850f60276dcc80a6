"""The console script: help, version, exit codes, errors and what the tool is installed with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from local.stack import Stack
from local.template import ROOT
from storelink import __version__
from storelink_cli.errors import Exit
from storelink_cli.main import app
from tests.cli.conftest import SCRIPT, Storelink, refused

CALL = ("call", "https://shop.example/", "GET", "V1/x")
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_json(command: str, storelink: Storelink) -> None:
    result = storelink(command, "--help")
    assert result.code == Exit.DONE
    assert "--json" in result.out


def test_without_a_command_the_help_is_printed(storelink: Storelink) -> None:
    result = storelink()
    assert (result.code, result.err) == (Exit.USAGE, "")
    assert all(command in result.out for command in COMMANDS)


def test_the_version_is_the_packages(storelink: Storelink) -> None:
    assert storelink("--version").out == f"storelink {__version__}\n"


def test_a_stack_that_does_not_exist_is_named(
    running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.aws.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    for where in (("--region", "eu-central-1"), ()):
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        result = storelink(*CALL, "--stack", "nothing", *where)
        assert "--stack" in refused(result, Exit.AWS, "there is no stack nothing in eu-central-1")


def test_a_local_stack_that_does_not_run_is_named(storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", "1")
    assert "make serve" in refused(storelink(*CALL, "--local"), Exit.AWS, "the local stack does not answer")


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        ("AWS_ACCESS_KEY_ID", "No AWS credentials are set: "),
        ("AWS_DEFAULT_REGION", "No AWS region is set: give --region, or set AWS_REGION"),
        ("", "There is no such AWS profile: "),
    ],
)
@pytest.mark.parametrize("command", [CALL, ("stores",), ("logs",), ("open",)])
def test_an_aws_setting_that_is_missing_is_named(
    storelink: Storelink,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    missing: str,
    problem: str,
    command: tuple[str, ...],
) -> None:
    settings = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    if missing:
        monkeypatch.delenv(missing)
    if missing == "AWS_ACCESS_KEY_ID":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    more = () if missing else ("--profile", "nobody")
    refused(storelink(*command, *more), Exit.AWS, problem)


def test_a_failure_is_json_where_json_is_asked_for(storelink: Storelink) -> None:
    result = storelink("call", "https://shop.example/", "GET", "--json")
    assert (result.code, result.out) == (Exit.USAGE, "")
    assert json.loads(result.err) == {
        "error": "bad-input",
        "problem": "Missing argument 'path'.",
        "hint": "`storelink COMMAND --help` shows how a command is used.",
        "exit": 2,
    }


def test_a_value_that_is_no_choice_is_refused_with_the_choices(storelink: Storelink) -> None:
    refused(storelink("stores", "--state", "lost"), Exit.USAGE, "'lost' is not one of 'connected', 'disconnected'")
    refused(storelink("open", "--page", "moon"), Exit.USAGE, "'alarms'")


def test_a_bug_is_one_line_without_the_text_of_its_exception(
    storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("storelink_cli.diagnosis.examine", fail)
    result = storelink("doctor", "https://shop.example/")
    refused(result, Exit.FAULT, "RuntimeError at test_main.py:")
    assert "a secret" not in result.err


def test_the_exit_codes_are_documented_as_they_are() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    documented = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", page, re.MULTILINE))
    assert documented == {str(int(code)): code.meaning for code in Exit}


def test_everything_is_printed_through_the_filter() -> None:
    """Only output.py prints: a text that went past it could reach the terminal unescaped.

    calls.py writes a file (--output). script.py runs where what output.py needs is not installed; its text is its own.
    """
    prints = re.compile(r"\bprint\(|\becho\(|console\.print|\.write\(|secho\(")
    files = [file for file in (ROOT / "cli" / "storelink_cli").rglob("*.py") if file.name != "output.py"]
    assert {file.name for file in files if prints.search(file.read_text())} == {"calls.py", "script.py"}


def test_the_console_script_is_installed() -> None:
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "Connect stores" in done.stdout


def test_a_reader_that_has_enough_is_no_failure(shop: str, running: Stack) -> None:
    line = f"'{SCRIPT}' stores --all --local | head -n 1"
    port = running.aws.url.rpartition(":")[2]
    done = subprocess.run(["sh", "-c", line], env=os.environ | {"AWS_PORT": port}, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_encoding_that_lacks_a_letter_is_no_failure(tmp_path: Path) -> None:
    plain = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run([SCRIPT, "curl", "--help"], env=plain, capture_output=True, timeout=60)
    assert done.returncode == 0


def test_a_plain_script_can_import_the_package(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import storelink\nprint(storelink.connect.__name__)\n")
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=60)
    assert done.stdout == "connect\n", done.stderr
