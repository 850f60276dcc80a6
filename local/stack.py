"""The whole of it on this machine: AWS, the functions, the API and the sandbox store."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import cloud, sandbox
from local.api import Api
from local.cloud import Cloud
from local.template import ROOT, Template

HOST = "127.0.0.1"

SCHEDULES = {"SweepFunction": ("sweep.json", 60), "HealthCheckFunction": ("health_check.json", 300)}
"""What template.yaml has run by a schedule: the event, and the seconds between two runs."""


class PortTaken(Exception):
    """A port that the stack needs is in use. variable: what names it."""

    def __init__(self, variable: str, port: int) -> None:
        super().__init__(f"Port {port} is taken. Choose another one: make {variable}={port + 1} …")


@dataclass(frozen=True)
class Ports:
    """Where things listen; 0 for any free port."""

    aws: int = 0
    api: int = 0
    store: int = 0

    @classmethod
    def from_environment(cls) -> "Ports":
        """AWS_PORT, API_PORT and STORE_PORT, or their defaults. Raises PortTaken, ValueError."""
        chosen = {"AWS_PORT": 5000, "API_PORT": 3000, "STORE_PORT": 8090}
        for variable in chosen:
            text = os.environ.get(variable) or str(chosen[variable])
            if not text.isdigit() or not 0 < int(text) < 65536:
                raise ValueError(f"{variable} must be a port, a number from 1 to 65535; it is {text!r}.")
            chosen[variable] = int(text)
            _must_be_free(variable, chosen[variable])
        return cls(*chosen.values())


@dataclass(frozen=True)
class Stack:
    """What runs. store_url: the sandbox store's base URL."""

    cloud: Cloud
    api_url: str
    store_url: str
    logs: Path

    @property
    def callback_url(self) -> str:
        return self.cloud.outputs["CallbackUrl"]

    @property
    def identity_url(self) -> str:
        return self.cloud.outputs["IdentityLinkUrl"]

    def activation(self, consumer_key: str) -> dict[str, Any]:
        """The newest activation's row under a consumer key, {} where there is none."""
        rows = self.cloud.client("dynamodb").query(
            TableName=self.cloud.outputs["ActivationsTableName"],
            IndexName="by_consumer_key",
            KeyConditionExpression="consumer_key = :key",
            ExpressionAttributeValues={":key": {"S": consumer_key}},
        )["Items"]
        plain = [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]
        return max(plain, key=lambda row: int(row["received_at"]), default={})

    def events(self) -> list[dict[str, Any]]:
        """The events that have come since this was last asked."""
        sqs = self.cloud.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            told = sqs.receive_message(QueueUrl=self.cloud.events_queue_url, MaxNumberOfMessages=10)
            if not told.get("Messages"):
                return found
            for message in told["Messages"]:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.cloud.events_queue_url, ReceiptHandle=message["ReceiptHandle"])


@contextlib.contextmanager
def running(ports: Ports, logs: Path, execute: bool = True) -> Iterator[Stack]:
    """Start everything, and stop it at the end. execute: whether the state machine runs the steps."""
    with contextlib.ExitStack() as stack:
        template = Template.read()
        api = Api(HOST, ports.api, template.routes)
        stack.callback(api.close)
        aws = stack.enter_context(cloud.running(ports.aws, api.url, logs, execute=execute))
        stack.enter_context(api.serving(aws.functions))
        store = stack.enter_context(
            sandbox.serve(
                port=ports.store,
                host=HOST,
                callback_url=aws.outputs["CallbackUrl"],
                identity_url=aws.outputs["IdentityLinkUrl"],
            )
        )
        _warm(aws, template)
        for function, (event, seconds) in SCHEDULES.items():
            stack.enter_context(_scheduled(aws, function, event, seconds))
        yield Stack(aws, api.url, store.url, logs)


@contextlib.contextmanager
def _scheduled(aws: Cloud, function: str, event: str, seconds: int) -> Iterator[None]:
    """Run a function time and again, as the template's schedule does, until the end."""
    told = (ROOT / "events" / event).read_text()
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            aws.functions[function].invoke(told)

    thread = threading.Thread(target=run, name=function, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _warm(aws: Cloud, template: Template) -> None:
    """Start an environment of each function on a click's way, so that the first click does not wait for them.

    The others' start when they are called first: all of them at once make everybody wait.
    """
    names = {route.function for route in template.routes if not route.iam} | template.tasks
    refused = {"requestContext": {"http": {"method": "GET"}}, "headers": {}, "body": "{}"}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: aws.functions[name].invoke(json.dumps(refused)), names))


def _must_be_free(variable: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortTaken(variable, port) from None
