"""`storelink listen` and `storelink trigger`."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from storelink_cli import subscription
from storelink_cli.commands.events import EventName
from storelink_cli.errors import Exit
from storelink_cli.subscription import Subscription
from tests.cli.conftest import SCRIPT, Storelink, connect, fail_to_connect, parsed, refused
from tests.processes import PATIENCE, started

PREFIX = "storelink-local-listen-"


class Listener:
    """`storelink listen` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def until(self, words: str) -> str:
        """The line of standard error that has these words."""
        assert self.process.stderr
        seen = ""
        for line in self.process.stderr:
            seen += line
            if words in line:
                return line
        raise AssertionError(seen)

    def read(self) -> str:
        """The next event that is printed."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self, by: signal.Signals = signal.SIGINT) -> str:
        """End it. Returns what else it has printed to standard error."""
        self.process.send_signal(by)
        return self.process.communicate(timeout=30)[1]


@contextmanager
def listening(*arguments: str, cwd: Path | None = None) -> Iterator[Listener]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started([SCRIPT, "listen", *arguments], cwd=cwd, **pipes) as process:
        listener = Listener(process)
        try:
            listener.until("Listening")
            yield listener
        finally:
            if listener.process.poll() is None:
                listener.end()


def left(running: Stack) -> tuple[list[str], list[str]]:
    """The names of the queues and the rules of listeners that are there."""
    queues = running.aws.client("sqs").list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    rules = running.aws.client("events").list_rules(NamePrefix=PREFIX)["Rules"]
    return [url.rpartition("/")[2] for url in queues], [rule["Name"] for rule in rules]


class App:
    """An app that takes events by HTTP. statuses: of its answers; the last one from then on."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[dict[str, Any]] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json"
                app.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(app.statuses.pop(0) if len(app.statuses) > 1 else app.statuses[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def __enter__(self) -> "App":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def _event_at_start(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is published as soon as a command of this process listens; retries follow at once."""
    create = Subscription.create

    def create_and_publish(self: Subscription, names: list[str]) -> None:
        create(self, names)
        detail = json.dumps({"store_url": "https://shop.example/"})
        event = {"Source": "storelink", "DetailType": "Store Connected", "Detail": detail, "EventBusName": "default"}
        running.aws.client("events").put_events(Entries=[event])

    monkeypatch.setattr(Subscription, "create", create_and_publish)
    monkeypatch.setattr(subscription, "RETRY_SECONDS", 0)


def test_a_store_that_connects_is_printed_and_nothing_is_left(running: Stack, local: Storelink) -> None:
    with listening() as listener:
        url = connect(running, "heard")
        cells = listener.read().rstrip("\n").split("\t")
        assert cells[1:3] == ["Store Connected", url]
        assert len(cells[-1]) == 8  # the reference
        assert [len(names) for names in left(running)] == [1, 1]
        assert listener.end() == ""
        assert listener.process.returncode == Exit.DONE
    assert left(running) == ([], [])


def test_the_event_is_printed_as_eventbridge_delivers_it(running: Stack, local: Storelink) -> None:
    with listening("--json", "--event", "activation failed") as listener:
        connect(running, "heard-not")
        url, activation_id = fail_to_connect(running, "heard-failing")
        event = json.loads(listener.read())
    assert (event["source"], event["detail-type"]) == ("storelink", "Activation Failed")
    assert event["detail"]["activation_id"] == activation_id
    assert event["detail"]["store_url"] == url


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP], ids=["killed", "terminal closed"])
def test_nothing_is_left_when_it_is_ended(running: Stack, local: Storelink, by: signal.Signals) -> None:
    with listening() as listener:
        assert listener.end(by) == ""
        assert listener.process.returncode == Exit.DONE
    assert left(running) == ([], [])


def test_nothing_is_left_after_an_error(running: Stack, local: Storelink, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(Subscription, "messages", fail)
    assert local("listen").code == Exit.FAULT
    assert left(running) == ([], [])


def test_what_a_killed_run_has_left_is_removed_by_the_next(running: Stack, local: Storelink) -> None:
    with listening() as killed, listening() as alive:
        killed.process.kill()
        killed.process.wait(PATIENCE)
        assert [len(names) for names in left(running)] == [2, 2]
        with listening() as other:
            assert [len(names) for names in left(running)] == [2, 2]
            local("trigger", "Store Connected")
            for listener in (alive, other):
                assert "Store Connected" in listener.read()
        assert other.process.returncode == Exit.DONE
    assert left(running) == ([], [])


@pytest.mark.parametrize(
    ("process", "until", "is_left"),
    [
        ("elsewhere/1", 2**40, True),
        ("elsewhere/1", 1, False),
        (f"{socket.gethostname()}/{os.getpid()}", 2**40, True),
        (f"{socket.gethostname()}/{2**22 + 1}", 2**40, False),
        ("", 0, False),
    ],
    ids=["in use elsewhere", "its time is up", "this process", "its process has ended", "without tags"],
)
@pytest.mark.usefixtures("_event_at_start")
def test_a_queue_that_is_in_use_is_not_removed(
    running: Stack, local: Storelink, process: str, until: int, is_left: bool
) -> None:
    sqs = running.aws.client("sqs")
    tags = {"storelink:process": process, "storelink:in-use-until": str(until)} if process else {}
    url = sqs.create_queue(QueueName=f"{PREFIX}other", tags=tags)["QueueUrl"]
    assert local("listen", "--limit", "1").code == Exit.DONE
    names = left(running)[0]
    if is_left:
        sqs.delete_queue(QueueUrl=url)
    assert (f"{PREFIX}other" in names) is is_left


def test_an_app_on_this_machine_gets_the_event(running: Stack, local: Storelink) -> None:
    with App(204) as app, listening("--forward-to", app.url, "--limit", "1") as listener:
        url = connect(running, "forwarded")
        assert url in listener.read()
        assert listener.process.wait(30) == Exit.DONE
    ((event),) = app.received
    assert (event["detail-type"], event["detail"]["store_url"]) == ("Store Connected", url)


@pytest.mark.usefixtures("_event_at_start")
def test_an_app_that_fails_gets_the_event_again(running: Stack, local: Storelink) -> None:
    with App(500, 302, 200) as app:
        result = local("listen", "--forward-to", app.url, "--limit", "1")
    assert result.code == Exit.DONE
    assert len(app.received) == 3
    assert f"{app.url} answered 500; trying again" in result.err
    assert len(result.out.splitlines()) == 1


@pytest.mark.usefixtures("_event_at_start")
def test_an_app_that_is_not_there_is_given_up(running: Stack, local: Storelink) -> None:
    result = local("listen", "--forward-to", "http://127.0.0.1:1/", "--limit", "1")
    assert "http://127.0.0.1:1/ does not answer (ConnectionError); given up after 3 tries" in result.err


HANDLER = """
import storelink

def handler(event, context):
    print("called", context.aws_request_id)
    shop = storelink.connect(event["detail"]["store_url"])
    return {"views": len(shop.get("V1/store/storeConfigs").json()), "left": context.get_remaining_time_in_millis() > 0}
"""


def test_a_lambda_handler_gets_the_event_and_calls_the_store(running: Stack, local: Storelink, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    with listening("--exec", "app:handler", "--json", "--limit", "1", cwd=tmp_path) as listener:
        connect(running, "executed")
        printed, errors = listener.process.communicate(timeout=30)
    assert json.loads(printed)["detail-type"] == "Store Connected"
    assert "called" in errors
    assert 'app:handler returned {"views": 1, "left": true}' in errors, errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--forward-to", "127.0.0.1:8000"), "--forward-to: 127.0.0.1:8000 is no URL"),
        (("--forward-to", "ftp://app/"), "is no URL"),
        (("--forward-to", "http://app:99999/"), "is no URL"),
        (("--exec", "app"), "--exec: app is no handler"),
        (("--exec", "json:nothing"), "--exec: json has no function nothing"),
        (("--exec", "json:loads", "--forward-to", "http://app/"), "exclude each other"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused(
    running: Stack, local: Storelink, arguments: tuple[str, ...], problem: str
) -> None:
    result = local("listen", *arguments)
    assert (result.code, result.out) == (Exit.USAGE, "")
    assert problem in result.err
    assert left(running) == ([], [])


def test_an_event_that_does_not_exist_is_refused(local: Storelink) -> None:
    assert "'store connected'" in local("trigger", "Store Opened").err


@pytest.mark.parametrize("name", [one.value for one in EventName])
def test_a_sample_has_the_fields_that_the_documentation_lists(running: Stack, local: Storelink, name: str) -> None:
    detail = parsed(local("trigger", name, "--json"))["detail"]
    assert detail.pop("sample") is True
    failure = {"reason", "problem", "advice"}
    of_connection = {"connection_id", "store_url", "secret_arn", "at"}
    assert (
        detail.keys()
        == {
            "Store Connected": of_connection | {"activation_id"},
            "Store Disconnected": of_connection | failure,
            "Store Recovered": of_connection,
            "Store Claimed": of_connection | {"tenant"},
            "Activation Failed": {"activation_id", "store_url"} | failure,
            "Suspicious Activation": {"activation_id", "store_url"} | failure,
        }[name]
    )
    assert all(detail.values())


def test_a_sample_has_the_shape_of_the_real_event(running: Stack, local: Storelink) -> None:
    with listening("--json", "--limit", "4") as listener:
        url = connect(running, "sampled")
        real = json.loads(listener.read())
        local("trigger", "store connected", "--store", url, "--tenant", "acme")
        sample = json.loads(listener.read())
        _, activation_id = fail_to_connect(running, "sampled-failing")
        failed = json.loads(listener.read())
        local("trigger", "Activation Failed")
        sample_of_failure = json.loads(listener.read())
    assert real.keys() == sample.keys()
    same = ("connection_id", "store_url", "secret_arn")
    assert [real["detail"][name] for name in same] == [sample["detail"][name] for name in same]
    assert sample["detail"].keys() - real["detail"].keys() == {"sample", "tenant"}
    assert failed["detail"]["activation_id"] == activation_id
    assert failed["detail"] | sample_of_failure["detail"] == sample_of_failure["detail"]


def test_on_aws_it_is_asked_before_every_consumer_gets_a_sample(
    running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.aws.url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    command = ("trigger", "Store Connected", "--stack", "storelink-local")
    assert "--yes" in refused(storelink(*command), Exit.USAGE, "asks a question")
    assert storelink(*command, "--yes").code == Exit.DONE
