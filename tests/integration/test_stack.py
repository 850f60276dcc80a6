"""The whole stack on this machine: real processes, the real runtime path, the state machine running."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

import storelink
from local import cloud
from local.api import Api
from local.cloud import Cloud
from local.sandbox.web import Sandbox
from local.stack import Stack
from local.template import REGION, ROOT, Template
from storelink import aws as doors
from storelink.settings import settings
from tests.stacks import PORTS, activated, ended, environment, free_ports, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with serving() as stack:
        yield stack


def test_a_form_post_leads_to_a_connected_store(running: Stack) -> None:
    began = time.monotonic()
    told = activated(running)
    row = ended(running, told["consumer_key"])
    assert row["state"] == "connected", row
    assert time.monotonic() - began < 3
    assert told["callback_seconds"] < 0.5

    aws = running.cloud
    connections = aws.client("dynamodb").scan(TableName=aws.outputs["ConnectionsTableName"])["Items"]
    (connection,) = [one for one in connections if one["store"]["S"] == running.store_url]
    assert connection["state"]["S"] == "connected"
    secret = aws.client("secretsmanager").get_secret_value(SecretId=connection["secret_arn"]["S"])
    assert set(json.loads(secret["SecretString"])) > {"access_token", "access_token_secret"}

    (event,) = [one for one in events(running) if one["detail"]["store_url"] == running.store_url]
    assert event["detail-type"] == "Store Connected"
    assert event["detail"]["secret_arn"] == connection["secret_arn"]["S"]


def events(running: Stack) -> list[dict[str, Any]]:
    end = time.monotonic() + 5
    while not (found := running.events()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_the_credentials_sign_calls(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(running, activated(running, "stores/signed/")["consumer_key"])
    for name, value in cloud.environment(running.cloud.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
    settings.cache_clear()
    doors.client.cache_clear()
    shop = storelink.connect(f"{running.store_url}stores/signed/", stack=running.cloud.stack)
    assert shop.get("rest/V1/store/storeConfigs").status_code == 200


def test_the_state_machine_tries_again(running: Stack) -> None:
    store = f"{running.store_url}stores/moody/"
    for endpoint in ("request", "access"):
        trouble = {"kind": "maintenance", "times": 1, "endpoint": endpoint}
        requests.post(f"{store}sandbox/trouble", json=trouble, timeout=5).raise_for_status()
    row = ended(running, activated(running, "stores/moody/")["consumer_key"])
    assert row["state"] == "connected"


def test_the_state_machine_records_what_it_cannot_mend(running: Stack) -> None:
    store = f"{running.store_url}stores/closed/"
    requests.post(f"{store}sandbox/trouble", json={"kind": "maintenance"}, timeout=5).raise_for_status()
    row = ended(running, activated(running, "stores/closed/")["consumer_key"], patience=60)
    assert (row["state"], row["reason"]) == ("failed", "maintenance")
    executions = running.cloud.client("stepfunctions")
    machine = running.cloud.outputs["StateMachineArn"]
    arn = machine.replace(":stateMachine:", ":execution:") + f":{row['line']}-{row['attempt']}"
    end = time.monotonic() + 5
    while (told := executions.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (told["status"], told["error"]) == ("FAILED", "maintenance")
    assert "Reauthorize" in told["cause"]


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


@pytest.fixture
def by_hand(aws: Cloud, shops: Sandbox) -> Iterator[Stack]:
    """The functions behind the API, with the state machine switched off."""
    api = Api("127.0.0.1", 0, Template.read().routes)
    with api.serving(aws.functions):
        outputs = aws.outputs | {"CallbackUrl": f"{api.url}/callback"}
        yield Stack(replace(aws, outputs=outputs), api.url, shops.url, Path())
    api.close()


def signed_post(running: Stack, path: str, activation_id: str) -> requests.Response:
    """An operator's call, signed as AWS wants it."""
    body = json.dumps({"activation_id": activation_id})
    call = AWSRequest("POST", f"{running.api_url}{path}", data=body, headers={"Content-Type": "application/json"})
    credentials = boto3.Session("local", "local", region_name=REGION).get_credentials()
    assert credentials
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", REGION).add_auth(call)
    return requests.post(f"{running.api_url}{path}", data=body, headers=dict(call.headers), timeout=30)


def test_an_operator_can_do_each_step_and_do_it_again(by_hand: Stack) -> None:
    key = activated(by_hand, "stores/by-hand/")["consumer_key"]
    row = by_hand.activation(key)
    activation_id = f"{row['line']}-{row['attempt']}"
    assert row["state"] == "pending"
    for path, state in {"/request-token": "requested", "/access-token": "connected"}.items():
        for _ in range(3):
            answer = signed_post(by_hand, path, activation_id)
            assert (answer.status_code, answer.json()["state"]) == (200, state)
            assert by_hand.activation(key)["state"] == state
    log = requests.get(f"{by_hand.store_url}stores/by-hand/sandbox/state", timeout=5).json()["log"]
    assert [entry["endpoint"] for entry in log] == ["request", "access"]


def test_without_the_emulator_plain_processes_do_and_ctrl_c_ends_it() -> None:
    with serving(signal.SIGINT, STORELINK_EMULATOR="plain") as plain:
        assert ended(plain, activated(plain)["consumer_key"])["state"] == "connected"


@pytest.mark.parametrize("variable", PORTS)
@pytest.mark.parametrize("command", ["local.serve", "local.run"])
def test_a_taken_port_is_a_clear_message(variable: str, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
        done = subprocess.run(
            [sys.executable, "-m", command],
            cwd=ROOT,
            env=environment() | ports | {variable: str(port)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stdout
    assert variable in done.stdout
