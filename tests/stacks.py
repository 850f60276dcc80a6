"""`make serve` for tests: in a process of its own, on ports of its own, met as a user meets it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from local.aws import EVENTS_QUEUE, LocalAws
from local.lambda_runtime import free_ports
from local.stack import Stack
from local.template import ROOT
from tests.processes import PATIENCE, started

PORTS = ("AWS_PORT", "API_PORT", "STORE_PORT")


@contextlib.contextmanager
def serving(ending: signal.Signals = signal.SIGTERM, **variables: str) -> Iterator[Stack]:
    """`make serve` as a user has it, until it is told to end; it has to end cleanly."""
    ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
    said = ""
    with started(
        [sys.executable, "-m", "local.serve"],
        cwd=ROOT,
        env=environment() | ports | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                said += line
                if line.strip() == "ready":
                    break
            yield stack_at(**{name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
        finally:
            process.send_signal(ending)
            said += process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said, said
    assert f"http://127.0.0.1:{ports['API_PORT']}/callback" in said
    for port in ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(port)))


def stack_at(AWS_PORT: str, API_PORT: str, STORE_PORT: str) -> Stack:  # noqa: N803
    """What runs there, by what its AWS tells."""
    empty = LocalAws(AWS_PORT, "storelink-local", {}, {}, "")
    (made,) = empty.client("cloudformation").describe_stacks(StackName=empty.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    queue = empty.client("sqs").get_queue_url(QueueName=EVENTS_QUEUE)["QueueUrl"]
    return Stack(LocalAws(AWS_PORT, empty.stack, outputs, {}, queue), API_PORT, f"{STORE_PORT}/", Path())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'storelink'}"}


def activated(running: Stack, store: str = "", action: str = "activate") -> dict[str, Any]:
    """What the store tells of an activation: its key, and how the callback answered."""
    urls = {"callback_url": running.callback_url, "identity_url": running.identity_url}
    told: dict[str, Any] = requests.post(f"{running.store_url}{store}sandbox/{action}", json=urls, timeout=30).json()
    assert told["callback_status"] == 200, told
    return told


def ended(running: Stack, consumer_key: str, patience: float = 30.0) -> dict[str, Any]:
    end = time.monotonic() + patience
    while (row := running.activation(consumer_key)).get("state") not in ("connected", "failed"):
        assert time.monotonic() < end, row
        time.sleep(0.02)
    return row


def connections(aws: LocalAws) -> list[dict[str, Any]]:
    """The connections, as they are stored. In their table are rows of consumer keys, too, which have no store."""
    rows = aws.client("dynamodb").scan(TableName=aws.outputs["ConnectionsTableName"])["Items"]
    return [row for row in rows if "store" in row]
