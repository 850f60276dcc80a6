"""Every command of `storelink`, on the local stack."""

import io
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from typer.main import get_command

from local.sandbox.accounts import OTP, PASSWORD
from local.stack import Stack
from local.template import ROOT
from storelink.store import Store
from storelink_cli.app import app
from storelink_cli.exits import Exit
from tests.cli.conftest import Said, Storelink
from tests.stacks import activated, ended, serving

CONFIGS = "rest/V1/store/storeConfigs"
SCRIPT = Path(sys.executable).parent / "storelink"
PAGE = (ROOT / "docs" / "cli.md").read_text()


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with serving() as stack:
        yield stack


@pytest.fixture(scope="module")
def shop(running: Stack) -> str:
    """The URL of a connected store, for what leaves it as it is."""
    return connected(running, "everyday")


@pytest.fixture
def local(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> Storelink:
    """`storelink`, about the local stack."""
    monkeypatch.setenv("AWS_PORT", running.cloud.url.rpartition(":")[2])
    monkeypatch.setenv("STORELINK_LOCAL", "1")
    return storelink


def connected(running: Stack, name: str) -> str:
    """The URL of a store of this name, connected."""
    assert ended(running, activated(running, f"stores/{name}/")["consumer_key"])["state"] == "connected"
    return f"{running.store_url}stores/{name}/"


def told(said: Said) -> Any:
    assert said.code == Exit.DONE, said.err
    return json.loads(said.out)


def refused(said: Said, code: Exit, problem: str) -> str:
    """That it ended by this code with this one line; its hint."""
    lines = said.err.splitlines()
    assert (said.code, said.out) == (code, "")
    assert problem in lines[0]
    assert len(lines) == 2
    return lines[1]


def shell(line: str) -> str:
    """What a line prints that someone pastes into a shell."""
    done = subprocess.run(["sh", "-c", f"{line} --silent"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Calls


def test_a_call_is_signed_and_its_answer_printed(shop: str, local: Storelink) -> None:
    (config,) = told(local("call", shop, "get", CONFIGS, "--param", "a=b c", "-p", "x[y]=1"))
    assert config["base_url"] == shop
    answer = told(local("call", shop, "GET", CONFIGS, "--json"))
    assert (answer["status"], answer["body"][0]["base_url"]) == (200, shop)


def test_a_call_that_the_store_refuses_says_so_and_ends_in_its_code(running: Stack, local: Storelink) -> None:
    url = connected(running, "refusing")
    said = local("call", url, "GET", "rest/V1/nothing")
    assert said.code == Exit.REFUSED
    assert json.loads(said.out)["message"]
    assert said.err.splitlines()[0] == "storelink: Request does not match any route."
    trouble = {"kind": "internal_error", "endpoint": "rest"}
    requests.post(f"{url}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    assert local("call", url, "GET", CONFIGS).code == Exit.UNAVAILABLE


def test_a_store_that_is_not_connected_cannot_be_called(running: Stack, local: Storelink) -> None:
    said = local("call", f"{running.store_url}stores/nobody/", "GET", CONFIGS)
    assert "Activate" in refused(said, Exit.NOT_FOUND, "is not connected")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("G T", CONFIGS), "METHOD"),
        (("GET", CONFIGS, "--data", "{"), "--data is not JSON"),
        (("GET", CONFIGS, "--param", "a"), "name=value"),
        (("GET", "https://elsewhere.example/"), "outside the store"),
        (("GET", f"{CONFIGS}?a=1&a=2"), "stands twice"),
    ],
)
def test_what_cannot_be_called_is_refused_by_name(
    shop: str, local: Storelink, arguments: tuple[str, ...], problem: str
) -> None:
    for command in ("call", "curl"):
        refused(local(command, shop, *arguments), Exit.USAGE, problem)


def test_a_curl_line_is_taken_by_the_store_once(shop: str, local: Storelink) -> None:
    said = local("curl", shop, "get", CONFIGS, "-p", "it's=a b&c", "-p", "x[0][y]=$HOME ✓")
    assert "one-time signature" in said.err
    assert json.loads(shell(said.out.strip()))[0]["base_url"] == shop
    assert "nonce is already being used" in json.loads(shell(said.out.strip()))["message"]


def test_a_curl_line_carries_a_body_and_no_secret(shop: str, local: Storelink) -> None:
    request = told(local("curl", shop, "POST", "rest/V1/nothing", "--data", '{"name": "O\'Hara"}', "--json"))
    assert request["body"] == {"name": "O'Hara"}
    assert json.loads(shell(request["curl"]))["message"] == "Request does not match any route."
    secrets = requests.get(f"{shop}sandbox/state", timeout=5).json()["integrations"]["storelink"]["secrets"]
    assert secrets["token"] in request["curl"]
    for name in ("consumer_secret", "token_secret"):
        assert secrets[name] not in request["curl"]


def integration(running: Stack, name: str) -> tuple[str, dict[str, str]]:
    """A store that has posted its four values to nobody: its URL, and the variables that hold them."""
    url = f"{running.store_url}stores/{name}/"
    requests.post(f"{url}sandbox/activate", json={"callback_url": "http://127.0.0.1:1/"}, timeout=10)
    made = requests.get(f"{url}sandbox/state", timeout=5).json()["integrations"]["storelink"]
    return url, {
        "STORELINK_CONSUMER_KEY": made["consumer_key"],
        "STORELINK_CONSUMER_SECRET": made["secrets"]["consumer_secret"],
        "STORELINK_VERIFIER": made["secrets"]["verifier"],
    }


def handshake(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """Do a handshake by two cURL lines; the store's URL. The variables hold the four values then."""
    url, values = integration(running, name)
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    said = storelink("curl", url, "--request-token")
    assert values["STORELINK_CONSUMER_SECRET"] not in said.out + said.err
    token = parse_qs(shell(said.out.strip()))
    monkeypatch.setenv("STORELINK_REQUEST_TOKEN", token["oauth_token"][0])
    monkeypatch.setenv("STORELINK_REQUEST_TOKEN_SECRET", token["oauth_token_secret"][0])
    token = parse_qs(shell(storelink("curl", url, "--access-token").out.strip()))
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN", token["oauth_token"][0])
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", token["oauth_token_secret"][0])
    return url


def test_the_handshakes_own_lines_fetch_its_tokens_and_need_no_stack(
    running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = handshake(running, storelink, monkeypatch, "by-curl")
    made = requests.get(f"{url}sandbox/state", timeout=5).json()["integrations"]["storelink"]
    assert (made["row"], made["status"]) == ("access", "active")


def test_the_handshakes_values_are_never_arguments(running: Stack, storelink: Storelink) -> None:
    refused(storelink("curl", running.store_url, "--request-token"), Exit.USAGE, "Consumer key is missing")
    refused(storelink("curl", running.store_url, "GET", "x", "--request-token"), Exit.USAGE, "takes a store alone")
    refused(storelink("curl", running.store_url), Exit.USAGE, "METHOD and PATH are missing")


# Help, errors and codes


COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_json(command: str, storelink: Storelink) -> None:
    said = storelink(command, "--help")
    assert said.code == Exit.DONE
    assert "--json" in said.out


def test_without_a_command_the_help_is_printed(storelink: Storelink) -> None:
    said = storelink()
    assert (said.code, said.err) == (Exit.USAGE, "")
    assert all(command in said.out for command in COMMANDS)


def test_a_stack_that_is_not_there_is_named(
    running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.cloud.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    arguments = ("call", "https://shop.example/", "GET", CONFIGS, "--stack", "nothing", "--region", "eu-central-1")
    assert "--stack" in refused(storelink(*arguments), Exit.AWS, "there is no stack nothing in eu-central-1")


def test_a_local_stack_that_is_not_up_is_named(storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", "1")
    said = storelink("call", "https://shop.example/", "GET", CONFIGS, "--local")
    assert "make serve" in refused(said, Exit.AWS, "the local stack does not answer")


@pytest.mark.parametrize(
    ("missing", "problem"),
    [("AWS_ACCESS_KEY_ID", "no AWS credentials"), ("AWS_DEFAULT_REGION", "no AWS region"), ("", "no such AWS profile")],
)
def test_what_aws_needs_is_asked_for(
    storelink: Storelink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, problem: str
) -> None:
    around = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    if missing:
        monkeypatch.delenv(missing)
    more = () if missing else ("--profile", "nobody")
    if missing == "AWS_ACCESS_KEY_ID":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    refused(storelink("call", "https://shop.example/", "GET", CONFIGS, *more), Exit.AWS, problem)


def test_a_failure_is_json_where_json_is_asked_for(storelink: Storelink) -> None:
    said = storelink("call", "https://shop.example/", "GET", "--json")
    assert (said.code, said.out) == (Exit.USAGE, "")
    assert json.loads(said.err) == {
        "error": "bad-input",
        "problem": "Missing argument 'path'.",
        "hint": "`--help` after a command tells how it is used.",
        "exit": 2,
    }


def test_a_fault_of_the_tool_is_one_line_without_what_it_holds(
    storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("storelink_cli.doctor.examine", fail)
    said = storelink("doctor", "https://shop.example/")
    refused(said, Exit.FAULT, "RuntimeError at test_commands.py:")
    assert "a secret" not in said.err


def test_the_exit_codes_are_documented_as_they_are() -> None:
    documented = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", PAGE, re.MULTILINE))
    assert documented == {str(int(code)): code.meaning for code in Exit}


def test_the_console_script_is_installed() -> None:
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "Commands" in done.stdout


def test_the_package_depends_on_what_the_layer_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    layer = (ROOT / "layers" / "storelink" / "requirements.in").read_text()
    needed = {re.split(r"[<>=~\[]", line)[0] for line in layer.splitlines() if line[:1].isalpha()}
    named = {re.split(r"[<>=~\[]", dependency)[0] for dependency in project["dependencies"]}
    assert named == needed | {"boto3", "rich", "typer"}


def test_a_plain_script_can_import_the_package(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import storelink\nprint(storelink.connect.__name__)\n")
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=30)
    assert done.stdout == "connect\n", done.stderr


# Connections


def test_stores_are_listed_by_state_and_tenant_and_in_pages(running: Stack, local: Storelink) -> None:
    urls = {connected(running, name) for name in ("listed-1", "listed-2")}
    assert urls <= {one["store_url"] for one in told(local("stores", "--all", "--json"))["connections"]}
    for url in urls:
        told(local("claim", url, "listers", "--json"))
    mine = told(local("stores", "--tenant", "listers", "--json"))["connections"]
    assert {one["store_url"] for one in mine} == urls
    assert told(local("stores", "--tenant", "listers", "--state", "disconnected", "--json"))["connections"] == []
    page = told(local("stores", "--tenant", "listers", "--limit", "1", "--json"))
    rest = told(local("stores", "--tenant", "listers", "--cursor", page["cursor"], "--json"))
    assert {one["store_url"] for one in (*page["connections"], *rest["connections"])} == urls
    said = local("stores", "--tenant", "listers", "--limit", "1")
    assert page["connections"][0]["store_url"] in said.out
    assert f"--cursor {page['cursor']}" in said.err


def test_a_store_is_shown_by_its_url_its_id_and_its_host(running: Stack, shop: str, local: Storelink) -> None:
    shown = told(local("show", shop, "--json"))
    assert (shown["store_url"], shown["state"], shown["history"][0]["what"]) == (shop, "connected", "connected")
    assert told(local("show", shown["connection_id"], "--json")) == shown
    assert shop in local("show", shop).out
    elsewhere(running, "http://only.example:8080/shop/")
    assert told(local("show", "only.example", "--json"))["store_url"] == "http://only.example:8080/shop/"


def elsewhere(running: Stack, url: str) -> None:
    """A connection to a store that is not here."""
    store = Store.from_url(url)
    running.cloud.client("dynamodb").put_item(
        TableName=running.cloud.outputs["ConnectionsTableName"],
        Item={
            "connection_id": {"S": store.connection_id},
            "store": {"S": store.url},
            "state": {"S": "connected"},
            "connected_at": {"N": "1790000000000"},
        },
    )


def test_a_host_of_several_stores_and_one_of_none_are_told_apart(running: Stack, local: Storelink) -> None:
    urls = [f"https://twins.example/{name}/" for name in ("one", "two")]
    for url in urls:
        elsewhere(running, url)
    said = local("show", "twins.example")
    assert all(url in said.err for url in urls)
    assert "by its URL" in refused(said, Exit.USAGE, "stores:")
    refused(local("show", "nobody.example"), Exit.NOT_FOUND, "no store on nobody.example")
    refused(local("show", "https://nobody.example/"), Exit.NOT_FOUND, "https://nobody.example/ is not connected")
    refused(local("show", f"nobody.example-{'0' * 16}"), Exit.NOT_FOUND, "is not connected")


def test_a_store_is_claimed_once(running: Stack, local: Storelink) -> None:
    url = connected(running, "claimed")
    assert told(local("claim", url, "acme", "--json"))["tenant"] == "acme"
    refused(local("claim", url, "other"), Exit.REFUSED, "tenant")


def test_a_store_is_forgotten_when_one_is_sure(running: Stack, local: Storelink) -> None:
    url = connected(running, "forgotten")
    assert "--yes" in refused(local("forget", url), Exit.USAGE, "nobody is there to answer")
    assert told(local("show", url, "--json"))["state"] == "connected"
    assert told(local("forget", url, "--yes", "--json"))["state"] == "disconnected"
    refused(local("call", url, "GET", CONFIGS), Exit.NOT_FOUND, "is not connected")


def test_a_store_is_tested_when_one_asks(running: Stack, local: Storelink) -> None:
    url = connected(running, "tested")
    assert told(local("test", url, "--json"))["ok"] is True
    assert "takes its credentials" in local("test", url).out
    requests.post(f"{url}sandbox/delete", json={}, timeout=5).raise_for_status()
    said = local("test", url)
    assert said.code == Exit.TROUBLE
    assert "forbidden" in said.out
    assert told(local("show", url, "--json"))["state"] == "disconnected"


def test_a_store_is_added_by_the_four_values_of_its_admin(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = handshake(running, local, monkeypatch, "added")
    right = os.environ["STORELINK_ACCESS_TOKEN_SECRET"]
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", "x" * 32)
    refused(local("add", url), Exit.REFUSED, "signature")
    refused(local("show", url), Exit.NOT_FOUND, "is not connected")
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", right[1:])
    refused(local("add", url), Exit.USAGE, "Access token secret must be 32 characters")
    monkeypatch.setenv("STORELINK_ACCESS_TOKEN_SECRET", right)
    made = local("add", url, "--tenant", "acme", "--json")
    assert (told(made)["state"], told(made)["tenant"]) == ("connected", "acme")
    assert right not in made.out + made.err
    assert local("call", url, "GET", CONFIGS).code == Exit.DONE


def test_a_user_is_logged_in_and_the_token_kept(shop: str, local: Storelink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_PASSWORD", PASSWORD)
    made = told(local("login", shop, "customer@shop.example", "--customer", "--json"))
    assert (made["store_url"], made["kind"]) == (shop, "customer")
    assert made["expires_at"] > time.time()
    assert "expires at" in local("login", shop, "admin").out
    refused(local("login", shop, "careful"), Exit.REFUSED, "2fa")
    monkeypatch.setenv("STORELINK_OTP", OTP)
    assert told(local("login", shop, "careful", "--otp", "--json"))["kind"] == "admin"


def test_a_password_comes_from_standard_input_and_is_said_nowhere(
    shop: str, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n{OTP}\n"))
    said = local("login", shop, "careful", "--otp")
    assert said.code == Exit.DONE
    assert PASSWORD not in said.out + said.err
    refused(local("login", shop, "careful"), Exit.USAGE, "Password is missing")


def test_an_invitation_lets_a_store_in_until_it_is_revoked(running: Stack, local: Storelink) -> None:
    url = f"{running.store_url}stores/invited/"
    made = told(local("invite", "acme", "--store", url, "--lifetime", "12h", "--json"))
    asked = {"callback_url": made["callback_url"]}
    came = requests.post(f"{url}sandbox/activate", json=asked, timeout=30).json()
    assert ended(running, came["consumer_key"])["state"] == "connected"
    assert told(local("show", url, "--json"))["tenant"] == "acme"
    said = local("invite", "acme")
    assert "/callback" in said.out
    assert re.search(r"valid until +2\d{3}-\d\d-\d\dT", said.out)
    assert "not told again" in said.err
    assert local("revoke", made["invitation_id"]).code == Exit.DONE
    refused(local("revoke", made["invitation_id"]), Exit.NOT_FOUND, "invitation")
    refused(local("invite", "acme", "--lifetime", "soon"), Exit.USAGE, "--lifetime")


# Watching


def test_activations_are_watched_as_they_happen(running: Stack, local: Storelink) -> None:
    watching = subprocess.Popen(
        [SCRIPT, "watch", "--json", "--interval", "0.2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert watching.stdout
        url = connected(running, "watched")
        seen = []
        for line in watching.stdout:
            activation = json.loads(line)
            if activation["store_url"] == url:
                seen.append(activation["state"])
            if seen[-1:] == ["connected"]:
                break
    finally:
        watching.send_signal(signal.SIGINT)
        errors = watching.communicate(timeout=10)[1]
    assert (watching.returncode, errors) == (Exit.DONE, "")
    assert url in local("watch", "--once", "--limit", "200").out


def test_a_terminal_shows_activations_in_place(shop: str, local: Storelink) -> None:
    screen = Terminal("watch", "--interval", "0.2", "--limit", "200")
    assert "State" in screen.until(shop)
    screen.interrupt()
    assert screen.code() == Exit.DONE


class Terminal:
    """`storelink` in a terminal of 100 columns and 200 lines, and what one sees there."""

    def __init__(self, *arguments: str) -> None:
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            termios.tcsetwinsize(0, (200, 100))
            os.execv(SCRIPT, [str(SCRIPT), *arguments])
        self.seen = ""

    def until(self, words: str) -> str:
        """What is seen when these words are there."""
        while words not in self.seen:
            assert self._more(), self.seen
        return self.seen

    def type(self, line: str, hidden: bool = False) -> None:
        """Type a line. hidden: once the terminal shows no more what is typed; what came before is thrown away there."""
        end = time.monotonic() + 20
        while hidden and termios.tcgetattr(self._screen)[3] & termios.ECHO:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.write(self._screen, f"{line}\n".encode())

    def interrupt(self) -> None:
        os.write(self._screen, b"\x03")

    def code(self) -> int:
        """How it ended, once it has."""
        while self._more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _more(self) -> bool:
        """See what comes next; False at the end."""
        if not select.select([self._screen], [], [], 20)[0]:
            os.kill(self._pid, signal.SIGKILL)
            raise AssertionError(f"nothing more came: {self.seen}")
        try:
            more = os.read(self._screen, 4096).decode(errors="replace")
        except OSError:  # how Linux says that the other side is closed
            more = ""
        self.seen += more
        return bool(more)


def test_a_question_answered_with_no_changes_nothing(shop: str, local: Storelink) -> None:
    screen = Terminal("forget", shop)
    screen.until("[y/N]")
    screen.type("n")
    assert screen.code() == Exit.INTERRUPTED
    assert told(local("show", shop, "--json"))["state"] == "connected"


def test_what_is_secret_is_asked_for_and_not_shown(running: Stack, storelink: Storelink) -> None:
    url, values = integration(running, "asked")
    screen = Terminal("curl", url, "--request-token")
    screen.until("Consumer key")
    screen.type(values["STORELINK_CONSUMER_KEY"])
    screen.until("Consumer secret")
    screen.type(values["STORELINK_CONSUMER_SECRET"], hidden=True)
    assert screen.code() == Exit.DONE
    assert values["STORELINK_CONSUMER_SECRET"] not in screen.seen
    assert "oauth_token=" in shell(re.findall(r"curl .+?oauth/token/request", screen.seen.replace("\r\n", " "))[0])


# Documentation


DOCUMENTED = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("storelink ")
]


def test_every_command_is_documented() -> None:
    assert {line.split()[1] for line in DOCUMENTED} == set(COMMANDS)


def test_the_documented_commands_do_what_they_say(
    running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    handshake(running, local, monkeypatch, "documented-manual")
    monkeypatch.setenv("STORELINK_PASSWORD", PASSWORD)
    stand_ins = {
        "https://shop.example/": connected(running, "documented"),
        "https://manual.example/": f"{running.store_url}stores/documented-manual/",
        "https://new.example/": f"{running.store_url}stores/documented-new/",
        "INVITATION": told(local("invite", "acme", "--json"))["invitation_id"],
    }
    for line in DOCUMENTED:
        arguments = [stand_ins.get(word, word) for word in shlex.split(line)[1:]]
        said = local(*arguments)
        assert said.code == Exit.DONE, (line, said)
        assert said.out or said.err
    assert (tmp_path / "acme-shop/etc/integration/config.xml").is_file()
