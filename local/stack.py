"""The whole stack on this machine: AWS, the functions, the API and the sandbox store."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import aws as local_aws
from local import background, event_source
from local.api_gateway import Api
from local.aws import LocalAws
from local.template import ROOT, Template
from local.tunnel import Tunnel
from storelink.testing import sandbox
from storelink.testing.sandbox.signature import DEFAULT_DIALECT
from storelink.testing.sandbox.store import dialect_named

HOST = "127.0.0.1"

SCHEDULES = {"SweepFunction": ("sweep.json", 60), "HealthCheckFunction": ("health_check.json", 300)}
"""The functions that template.yaml runs by a schedule: the event, and the seconds between two runs."""


class PortTaken(Exception):
    """A port that the stack needs is in use. variable: the make variable that sets it."""

    def __init__(self, variable: str, port: int) -> None:
        super().__init__(f"Port {port} is taken. Choose another one: make {variable}={port + 1} …")


@dataclass(frozen=True)
class Ports:
    """The ports to listen on; 0 for any free port."""

    aws: int = 0
    api: int = 0
    store: int = 0

    @classmethod
    def from_environment(cls) -> "Ports":
        """Return AWS_PORT, API_PORT and STORE_PORT, or their defaults.

        Raises PortTaken when one is in use, ValueError when one is no port.
        """
        chosen = {"AWS_PORT": 5000, "API_PORT": 3000, "STORE_PORT": 8090}
        for variable in chosen:
            text = os.environ.get(variable) or str(chosen[variable])
            if not text.isdigit() or not 0 < int(text) < 65536:
                raise ValueError(f"{variable} must be a port, a number from 1 to 65535; it is {text!r}.")
            chosen[variable] = int(text)
            must_be_free(variable, HOST, chosen[variable])
        return cls(*chosen.values())


def chosen_dialect() -> str:
    """Return the variable STORE_DIALECT, or the default. Raises ValueError for an unknown dialect."""
    return dialect_named(os.environ.get("STORE_DIALECT") or DEFAULT_DIALECT).name


@dataclass(frozen=True)
class Stack:
    """The running stack. store_url: the sandbox store's base URL."""

    aws: LocalAws
    api_url: str
    store_url: str
    logs: Path

    @property
    def callback_url(self) -> str:
        return self.aws.outputs["CallbackUrl"]

    @property
    def identity_url(self) -> str:
        return self.aws.outputs["IdentityLinkUrl"]

    def activation(self, consumer_key: str) -> dict[str, Any]:
        """Return the newest activation's row for a consumer key, {} when there is none."""
        rows = self.aws.client("dynamodb").query(
            TableName=self.aws.outputs["ActivationsTableName"],
            IndexName="by_consumer_key",
            KeyConditionExpression="consumer_key = :key",
            ExpressionAttributeValues={":key": {"S": consumer_key}},
        )["Items"]
        plain = [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]
        return max(plain, key=lambda row: int(row["received_at"]), default={})

    def events(self) -> list[dict[str, Any]]:
        """Return the events that have arrived since the last call."""
        sqs = self.aws.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            received = sqs.receive_message(QueueUrl=self.aws.events_queue_url, MaxNumberOfMessages=10)
            if not received.get("Messages"):
                return found
            for message in received["Messages"]:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.aws.events_queue_url, ReceiptHandle=message["ReceiptHandle"])


@contextlib.contextmanager
def running(
    ports: Ports, logs: Path, execute: bool = True, dialect: str = DEFAULT_DIALECT, tunnel: Tunnel | None = None
) -> Iterator[Stack]:
    """Run everything while the context lasts.

    execute: whether the state machine runs the steps. dialect: how the sandbox store verifies signatures. logs: the
    functions' logs are in a folder of it that is named after the API's port, so that two stacks have their own.
    tunnel: for stores that are elsewhere.
    """
    with contextlib.ExitStack() as stack:
        template = Template.read()
        api = Api(HOST, ports.api, template.routes, tunnel.url if tunnel else "")
        stack.callback(api.close)
        logs = logs / api.url.rpartition(":")[2]
        aws = stack.enter_context(local_aws.running(ports.aws, api.url, logs, execute=execute))
        stack.enter_context(api.serving(aws.functions))
        if tunnel:
            stack.enter_context(tunnel.serving(template, aws))
        store = stack.enter_context(
            sandbox.serve(
                port=ports.store,
                host=HOST,
                callback_url=aws.outputs["CallbackUrl"],
                identity_url=aws.outputs["IdentityLinkUrl"],
                dialect=dialect,
            )
        )
        _warm(aws, template)
        for function, (event, seconds) in SCHEDULES.items():
            stack.enter_context(_scheduled(aws, function, event, seconds))
        sqs = aws.client("sqs")
        for function in template.run_by_events:
            queue = sqs.get_queue_url(QueueName=function)["QueueUrl"]
            stack.enter_context(event_source.run_by_rule(sqs, queue, aws.functions[function]))
        if aws.parameters.get("WebhookUrl"):
            webhook = aws.functions["WebhookFunction"]
            queue = webhook.variables["STORELINK_WEBHOOK_QUEUE_URL"]
            stack.enter_context(event_source.polled(sqs, queue, webhook))
        yield Stack(aws, api.url, store.url, logs)


def _scheduled(aws: LocalAws, function: str, event: str, seconds: int) -> AbstractContextManager[None]:
    """Run a function again and again, as the template's schedule does, while the context lasts."""
    event_json = (ROOT / "events" / event).read_text()

    def run(ended: threading.Event) -> None:
        while not ended.wait(seconds):
            aws.functions[function].invoke(event_json)

    return background.running(run)


FIRST = ("CallbackFunction", "IdentityFunction", "RequestTokenFunction")
"""What a click needs at once."""


def _warm(aws: LocalAws, template: Template) -> None:
    """Start an environment of each function that a click needs, so that the click does not wait for them.

    Those that it needs later start while the first ones work. The others start at their first call: to start all of
    them at once takes long.
    """
    refused = json.dumps({"requestContext": {"http": {"method": "GET"}}, "headers": {}, "body": "{}"})
    later = ({route.function for route in template.routes if not route.iam} | template.tasks) - {*FIRST}
    pool = ThreadPoolExecutor(len(FIRST))
    list(pool.map(lambda name: aws.functions[name].invoke(refused), FIRST))
    pool.map(lambda name: aws.functions[name].invoke(refused), later)
    pool.shutdown(wait=False)


def must_be_free(variable: str, address: str, port: int) -> None:
    """Raises PortTaken for a port that is in use. variable: the make variable that sets it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            raise PortTaken(variable, port) from None
