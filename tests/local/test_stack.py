"""The whole stack on this machine: real processes, the real runtime path, the state machine running."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

import storelink
from local import aws as local_aws
from local import demo, serve, stack
from local.api_gateway import Api
from local.aws import LocalAws
from local.lambda_runtime import free_ports
from local.serve import LOGS
from local.stack import Stack
from local.template import REGION, ROOT, Template
from storelink import aws as doors
from storelink.errors import ADVICE
from storelink.testing.sandbox import Sandbox
from tests.stacks import PORTS, activated, connections, ended, environment, serving


@pytest.fixture(scope="module")
def plain() -> Iterator[Stack]:
    """Another stack, without the emulator. Ctrl-C ends it."""
    with serving(signal.SIGINT, STORELINK_EMULATOR="plain", PARAMETERS="UnclaimedDays=30") as stack:
        yield stack


@pytest.fixture(scope="module")
def doomed(running: Stack) -> str:
    """The consumer key of a store that refuses the signature."""
    store = f"{running.store_url}stores/doomed/"
    requests.post(f"{store}sandbox/trouble", json={"kind": "signature_invalid"}, timeout=5).raise_for_status()
    return str(activated(running, "stores/doomed/")["consumer_key"])


def test_a_form_post_leads_to_a_connected_store(running: Stack) -> None:
    store_url = f"{running.store_url}stores/new/"
    told = activated(running, "stores/new/")
    row = ended(running, told["consumer_key"])
    assert row["state"] == "connected", row
    assert told["callback_seconds"] < 5  # Magento waits no longer

    aws = running.aws
    (connection,) = [one for one in connections(aws) if one["store"]["S"] == store_url]
    assert connection["state"]["S"] == "connected"
    secret = aws.client("secretsmanager").get_secret_value(SecretId=connection["secret_arn"]["S"])
    assert set(json.loads(secret["SecretString"])) > {"access_token", "access_token_secret"}

    (event,) = events(running, store_url)
    assert event["detail-type"] == "Store Connected"
    assert event["detail"]["secret_arn"] == connection["secret_arn"]["S"]


def events(running: Stack, store_url: str) -> list[dict[str, Any]]:
    end = time.monotonic() + 5
    while not (found := [one for one in running.events() if one["detail"]["store_url"] == store_url]):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_the_credentials_sign_calls(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(running, activated(running, "stores/signed/")["consumer_key"])
    for name, value in local_aws.environment(running.aws.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
    doors.client.cache_clear()
    shop = storelink.connect(f"{running.store_url}stores/signed/", stack=running.aws.stack)
    assert shop.get("rest/V1/store/storeConfigs").status_code == 200


APP = """
import sys, boto3, storelink
shop = storelink.connect(sys.argv[1], stack=sys.argv[2] or None)
queues = boto3.client("sqs").list_queues().get("QueueUrls", []) if sys.argv[3] else []
print(shop.get("V1/store/storeConfigs").status_code, any("storelink-events" in url for url in queues))
"""


@pytest.mark.parametrize("stack_name", ["", "storelink"])
def test_an_app_uses_the_local_stack_by_one_variable(running: Stack, tmp_path: Path, stack_name: str) -> None:
    store = f"stores/local-{stack_name}/"
    ended(running, activated(running, store)["consumer_key"])
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"], "HOME": str(tmp_path)}
    of_aws = {"AWS_PROFILE": "none", "STORELINK_STACK": "storelink", "STORELINK_ALLOW_PRIVATE_STORES": "false"}
    local = {"STORELINK_LOCAL": "1", "AWS_PORT": running.aws.url.rpartition(":")[2]}
    command = [sys.executable, "-c", APP, running.store_url + store, stack_name, ""]
    done = subprocess.run(command, env=plain | of_aws | local, capture_output=True, text=True, timeout=60)
    assert done.stdout == "200 False\n", done.stderr


def test_the_printed_exports_make_a_shell_use_the_stack(running: Stack, tmp_path: Path) -> None:
    ended(running, activated(running, "stores/exported/")["consumer_key"])
    script = f'{serve._exports(running)}exec "$@"'
    command = ["sh", "-euc", script, "sh", sys.executable, "-c", APP, f"{running.store_url}stores/exported/", "", "1"]
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=plain, capture_output=True, text=True, timeout=60)
    assert done.stdout == "200 True\n", done.stderr


@pytest.mark.usefixtures("doomed")
def test_the_state_machine_waits_and_tries_again(running: Stack) -> None:
    store = f"{running.store_url}stores/moody/"
    for endpoint in ("request", "access"):
        trouble = {"kind": "maintenance", "times": 1, "endpoint": endpoint}
        requests.post(f"{store}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    row = ended(running, activated(running, "stores/moody/")["consumer_key"])
    assert row["state"] == "connected"


def test_two_stacks_on_one_machine_have_nothing_in_common(running: Stack, plain: Stack) -> None:
    keys = [activated(one, "stores/twin/")["consumer_key"] for one in (running, plain)]
    for here, own_key, others_key in ((running, *keys), (plain, *reversed(keys))):
        row = ended(here, own_key)
        assert row["state"] == "connected"
        (one,) = [one for one in connections(here.aws) if one["store"]["S"].endswith("/stores/twin/")]
        assert one["store"]["S"].startswith(here.store_url)
        assert here.activation(others_key) == {}
        activation_id = f"{row['integration_key']}-{row['attempt']}"
        folders = {path.parent.name for path in LOGS.rglob("*.log") if activation_id in path.read_text()}
        assert folders == {here.api_url.rpartition(":")[2]}


def test_an_operators_routes_want_a_signature(running: Stack) -> None:
    for path in ("/request-token", "/access-token"):
        answer = requests.post(f"{running.api_url}{path}", json={"activation_id": ""}, timeout=10)
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_an_unknown_route_is_not_found(running: Stack) -> None:
    assert requests.get(f"{running.api_url}/nothing", timeout=10).status_code == 404


def test_the_popup_shows_the_connected_store_and_the_way_back(running: Stack) -> None:
    told = activated(running, "stores/shown/")
    ended(running, told["consumer_key"])
    page = requests.get(told["popup_url"] or "", timeout=10)
    assert page.status_code == 200
    assert "Connected" in page.text
    assert 'data-follow="true"' in page.text


def ran(running: Stack, monkeypatch: pytest.MonkeyPatch) -> int:
    """`make run` at a stack that is up. Its exit code."""
    ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
    monkeypatch.setattr(stack, "running", lambda *_, **__: contextlib.nullcontext(running))
    doors.client.cache_clear()
    with mock.patch.dict(os.environ, ports):
        return demo.main()


def test_make_run_ends_with_0_and_the_signed_calls_answer(
    running: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = replace(running, store_url=f"{running.store_url}stores/ran/")
    assert ran(shop, monkeypatch) == 0
    said = capsys.readouterr().out
    assert f'"base_url": "{shop.store_url}"' in said
    assert f"Connected: {shop.store_url}" in said


def test_make_run_that_fails_ends_with_1_and_the_reason(
    running: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = replace(running, store_url=f"{running.store_url}stores/ran-in-vain/")
    trouble = {"kind": "signature_invalid"}
    requests.post(f"{shop.store_url}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    assert ran(shop, monkeypatch) == 1
    said = capsys.readouterr().out
    assert "signature-invalid: The signature is invalid. Verify and try again." in said
    assert ADVICE["signature-invalid"] in said


def test_a_flood_of_junk_leaves_expiring_rows_and_stops_nobody(running: Stack) -> None:
    def post(number: int) -> int:
        form = dict.fromkeys(("oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier"), f"{number:032}")
        url = f"http://flood{number}.invalid/" if number % 10 == 0 else "nowhere"
        return requests.post(running.callback_url, data=form | {"store_base_url": url}, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, range(300)))
    assert (statuses.count(200), statuses.count(400)) == (30, 270)
    assert ended(running, activated(running, "stores/after/")["consumer_key"])["state"] == "connected"
    for number in range(0, 300, 10):
        row = ended(running, f"{number:032}")
        assert (row["state"], row["reason"]) == ("failed", "host-unknown")
    kept = running.aws.client("dynamodb").scan(TableName=running.aws.outputs["ActivationsTableName"])["Items"]
    left = [row for row in kept if ".invalid/" in row.get("store", {"S": ""})["S"]]
    assert len(left) == 30
    assert all("expires_at" in row and "encrypted_secrets" not in row for row in left)


def test_no_secret_is_in_what_the_stack_logs_tells_and_remembers(running: Stack) -> None:
    """At the log level DEBUG, with the history of each execution and each row as it is stored."""
    secrets: set[str] = set()
    out: list[str] = []
    arns: list[str] = []

    def learn(store: str) -> None:
        state = requests.get(f"{running.store_url}{store}sandbox/state", timeout=5).json()
        for integration in state["integrations"].values():
            secrets.update(filter(None, integration["secrets"].values()))

    def go(store: str, action: str = "activate") -> None:
        told = activated(running, store, action)
        learn(store)
        out.append(stored(running))
        row = ended(running, told["consumer_key"])
        learn(store)
        out.append(requests.get(told["popup_url"], timeout=10).text)
        machine = running.aws.outputs["StateMachineArn"]
        arns.append(machine.replace(":stateMachine:", ":execution:") + f":{row['integration_key']}-{row['attempt']}")

    for store, endpoint in {"stores/leak-none/": "", "stores/leak-a/": "request", "stores/leak-b/": "access"}.items():
        if endpoint:
            trouble = {"kind": "signature_invalid", "times": 1, "endpoint": endpoint}
            requests.post(f"{running.store_url}{store}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
        go(store)
        go(store, "click")
    states = running.aws.client("stepfunctions")
    histories = [states.get_execution_history(executionArn=arn)["events"] for arn in arns]
    assert all(any("stateExitedEventDetails" in event for event in history) for history in histories)
    logs = [path.read_text() for path in LOGS.glob(f"{running.api_url.rpartition(':')[2]}/*.log")]
    for function in running.aws.client("lambda").list_functions()["Functions"]:
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    assert all(f"{arn.rpartition(':')[2]}" in "".join(logs) for arn in arns)
    out += [*logs, stored(running), repr(histories), json.dumps(running.events())]
    out += [repr(states.describe_execution(executionArn=arn)) for arn in arns]
    out.append(repr(running.aws.client("secretsmanager").list_secrets()))
    assert len(secrets) > 20
    assert not [secret for secret in secrets if any(secret in text for text in out)]


def stored(running: Stack) -> str:
    """Every row of every table, binary values as they are."""
    dynamodb = running.aws.client("dynamodb")
    rows = [row for name in dynamodb.list_tables()["TableNames"] for row in dynamodb.scan(TableName=name)["Items"]]
    return repr(rows) + "".join(value["B"].decode("latin-1") for row in rows for value in row.values() if "B" in value)


@pytest.fixture
def by_hand(aws: LocalAws, shops: Sandbox) -> Iterator[Stack]:
    """The functions behind the API, with the state machine switched off."""
    api = Api("127.0.0.1", 0, Template.read().routes)
    with api.serving(aws.functions):
        outputs = aws.outputs | {"CallbackUrl": f"{api.url}/callback"}
        yield Stack(replace(aws, outputs=outputs), api.url, shops.url, Path())
    api.close()


def signed_post(running: Stack, path: str, told: dict[str, str]) -> requests.Response:
    """An operator's call, signed as AWS wants it."""
    body = json.dumps(told)
    call = AWSRequest("POST", f"{running.api_url}{path}", data=body, headers={"Content-Type": "application/json"})
    credentials = boto3.Session("local", "local", region_name=REGION).get_credentials()
    assert credentials
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", REGION).add_auth(call)
    return requests.post(f"{running.api_url}{path}", data=body, headers=dict(call.headers), timeout=30)


def test_an_operator_can_do_each_step_and_do_it_again(by_hand: Stack) -> None:
    key = activated(by_hand, "stores/by-hand/")["consumer_key"]
    row = by_hand.activation(key)
    activation_id = f"{row['integration_key']}-{row['attempt']}"
    assert row["state"] == "pending"
    for path, state in {"/request-token": "requested", "/access-token": "connected"}.items():
        for _ in range(3):
            answer = signed_post(by_hand, path, {"activation_id": activation_id})
            assert (answer.status_code, answer.json()["state"]) == (200, state)
            assert by_hand.activation(key)["state"] == state
    log = requests.get(f"{by_hand.store_url}stores/by-hand/sandbox/state", timeout=5).json()["log"]
    assert [entry["endpoint"] for entry in log] == ["request", "access"]


def test_without_the_emulator_an_unclaimed_connection_gets_its_secret_when_an_operator_claims_it(plain: Stack) -> None:
    store_url = f"{plain.store_url}stores/unclaimed/"
    assert ended(plain, activated(plain, "stores/unclaimed/")["consumer_key"])["state"] == "connected"
    (connection,) = [one for one in connections(plain.aws) if one["store"]["S"] == store_url]
    secrets = plain.aws.client("secretsmanager")
    (event,) = events(plain, store_url)
    assert (event["detail-type"], "secret_arn" in event["detail"]) == ("Store Connected", False)
    assert secrets.list_secrets()["SecretList"] == []
    path = f"/connections/{connection['connection_id']['S']}/claim"
    assert signed_post(plain, path, {"tenant": "acme"}).status_code == 200
    (event,) = events(plain, store_url)
    assert (event["detail-type"], event["detail"]["tenant"]) == ("Store Claimed", "acme")
    secret = secrets.get_secret_value(SecretId=event["detail"]["secret_arn"])
    assert "access_token" in secret["SecretString"]


@pytest.mark.parametrize("variable", PORTS)
def test_make_run_says_that_a_port_is_taken(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name, value in (ports | {variable: str(port)}).items():
            monkeypatch.setenv(name, value)
        assert demo.main() == 1
    said = capsys.readouterr().out
    assert f"Port {port} is taken" in said
    assert f"make {variable}=" in said


def test_a_port_that_is_none_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=ROOT,
        env=environment() | {"AWS_PORT": "none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "AWS_PORT must be a port" in done.stdout


def test_the_state_machine_fails_with_reason_and_advice(running: Stack, doomed: str) -> None:
    row = ended(running, doomed, patience=60)
    assert (row["state"], row["reason"]) == ("failed", "signature-invalid")
    executions = running.aws.client("stepfunctions")
    machine = running.aws.outputs["StateMachineArn"]
    arn = machine.replace(":stateMachine:", ":execution:") + f":{row['integration_key']}-{row['attempt']}"
    end = time.monotonic() + 5
    while (told := executions.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (told["status"], told["error"]) == ("FAILED", "signature-invalid")
    assert "click Activate" in told["cause"]
