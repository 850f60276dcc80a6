"""A local stack with many stores and activations, whose rows are written directly, and a console over it."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.aws import LocalAws
from storelink.aws import dynamodb
from storelink.models import ActivationId
from storelink.state import activations, connections
from storelink.store import Store
from tests.processes import PATIENCE, started

SCRIPT = Path(sys.executable).parent / "storelink"

REASONS = {
    "signature-invalid": ("pending", "The signature is invalid. Verify and try again."),
    "redirected": ("pending", "HTTP 301 to https://www.shop.example/"),
    "maintenance": ("requested", "HTTP 503"),
    "reauthorize": ("requested", "Specified token does not exist"),
    "header-lost": ("pending", 'oauth_problem="oauth_consumer_key" is required.'),
}
"""Why activations fail here, how far they came, and what the store said."""

WORDS = ("amber", "birch", "cedar", "dune", "elm", "fjord", "grove", "harbor", "iris", "juniper", "kelp", "linden")
KINDS = ("shop", "outdoor", "books", "garden", "kitchen", "music", "toys", "wines")
TENANTS = ("acme", "globex", "initech", "umbrella", "hooli")
HOSTILE = '<script>alert(1)</script> \u202egnp "quoted" \x1b[31m'


def store_url(nth: int) -> str:
    return f"https://{WORDS[nth % 12]}-{KINDS[nth // 12 % 8]}{'' if nth < 96 else f'-{nth}'}.example/"


class Rows:
    """Rows of a stack's tables, written without a handshake. now: ms since 1970."""

    def __init__(self, aws: LocalAws, seed: int = 1) -> None:
        self.aws = aws
        self.dice = random.Random(seed)
        self.now = int(time.time() * 1000)

    def connection(self, url: str, **more: Any) -> str:
        """A connection; its id."""
        (connection_id,) = self._put("ConnectionsTableName", [self._connection(url, self.now - 86_400_000, **more)])
        return connection_id

    def activation(self, url: str, **more: Any) -> str:
        """An activation; its id."""
        row = self._activation(url, **more)
        self._put("ActivationsTableName", [row])
        return str(activations.id_of(row))

    def many(self, stores: int, handshakes: int) -> None:
        """So many connections, of which some are disconnected or unclaimed, and so many activations of a day."""
        dice, rows = self.dice, []
        for nth in range(stores):
            at = self.now - dice.randrange(86_400_000, 90 * 86_400_000)
            more: dict[str, Any] = {"tenant": dice.choice(TENANTS)} if nth % 40 else {}
            if nth % 50 == 7:
                more |= {"state": "disconnected", "reason": "revoked", "problem": "Specified token does not exist"}
            rows.append(self._connection(store_url(nth), at, **more))
        self._put("ConnectionsTableName", rows)
        rows = []
        for nth in range(handshakes):
            at = self.now - int(86_400_000 * dice.random() ** 2)
            more = {"received_at": at, "updated_at": at + dice.randrange(400, 2400)}
            if nth % 23 == 5:
                reason = dice.choice(tuple(REASONS))
                reached, words = REASONS[reason]
                more |= {"state": "failed", "reached": reached, "reason": reason, "problem": words}
            rows.append(self._activation(store_url(dice.randrange(max(stores, 1))), **more))
        self._put("ActivationsTableName", rows)

    def metrics(self, days: int = 7) -> None:
        """What CloudWatch counted in so many days."""
        data, hour = [], 3600
        service = [{"Name": "service", "Value": "storelink"}, {"Name": "stack", "Value": self.aws.stack}]
        for nth in range(days * 24):
            at = datetime.fromtimestamp(self.now / 1000 - nth * hour, UTC)
            busy = 1 + 9 * max(0.0, 1 - abs(at.hour - 14) / 9)
            counted: dict[tuple[str, str], float] = {("Connected", ""): round(self.dice.uniform(4, 7) * busy)}
            for reason in REASONS:
                counted["Failed", reason] = self.dice.choice((0, 0, 1, 1, 2, 3)) * (busy > 3)
            for (name, reason), count in counted.items():
                dimensions = service + ([{"Name": "reason", "Value": reason}] if reason else [])
                data.append({"MetricName": name, "Value": count, "Dimensions": dimensions, "Timestamp": at})
            for _ in range(3):
                seconds = 0.5 + self.dice.expovariate(1.2)
                data.append({"MetricName": "HandshakeTime", "Value": seconds, "Dimensions": service, "Timestamp": at})
        self.aws.client("cloudwatch").put_metric_data(Namespace="Storelink", MetricData=data)

    def log(self, activation_id: str, *lines: dict[str, Any]) -> None:
        """Log lines of an activation. Each has `at`, in ms since 1970, and a message."""
        client, group = self.aws.client("logs"), self.aws.outputs["FunctionLogsName"]
        client.create_log_stream(logGroupName=group, logStreamName=activation_id)
        events = [
            {"timestamp": line["at"], "message": json.dumps({"activation_id": activation_id, "level": "INFO"} | line)}
            for line in lines
        ]
        client.put_log_events(logGroupName=group, logStreamName=activation_id, logEvents=events)

    def troubled_activation(self, url: str = "https://amber-shop.example/", **more: Any) -> str:
        """An activation that failed after three tries, with its log lines: its id."""
        began, words = self.now - 100_000, "Specified token does not exist"
        failed = {"state": "failed", "reached": "requested", "reason": "reauthorize", "problem": words}
        activation_id = self.activation(url, received_at=began, updated_at=began + 9000, **failed, **more)
        tried = {"message": "step is tried again", "reason": "maintenance", "problem": "HTTP 503"}
        self.log(
            activation_id,
            {"at": began + 100, "message": "activation accepted"},
            {"at": began + 700, "retry_in": 1, **tried},
            {"at": began + 2200, "retry_in": 2, **tried},
            {"at": began + 4700, "message": "activation advanced", "state": "requested"},
            {"at": began + 5500, "retry_in": 1, **tried},
            {"at": began + 9000, "message": "activation failed", "reason": "reauthorize", "problem": words},
            {"at": began + 9100, "message": "event published", "event": "Activation Failed"},
        )
        return activation_id

    def changed_store(self) -> str:
        """A store with a history: the path of its page."""
        url, day = "https://cedar-garden.example/", 86_400_000
        changes = [
            {"at": self.now - 90 * day, "what": "connected", "by": "the merchant"},
            {"at": self.now - 89 * day, "what": "claimed", "by": "alice", "tenant": "acme"},
            {"at": self.now - 9 * day, "what": "disconnected", "reason": "forbidden", "problem": "not authorized"},
            {"at": self.now - 8 * day, "what": "recovered"},
            {"at": self.now - 2 * day, "what": "claimed", "by": "bob", "tenant": "globex", "former_tenant": "acme"},
        ]
        self.activation(url, received_at=self.now - 3_600_000, updated_at=self.now - 3_599_000)
        self.troubled_activation(url)
        return f"/stores/{self.connection(url, tenant='globex', history=changes)}"

    def _connection(self, url: str, at: int, **more: Any) -> dict[str, Any]:
        store = Store.from_url(url)
        change = {"at": at, "what": "connected", "by": "the merchant"}
        row = {
            "connection_id": store.connection_id,
            "store": store.url,
            "state": "connected",
            "connected_at": at,
            "checked_at": self.now - self.dice.randrange(86_400_000),
            "consumer_key": f"{self.dice.getrandbits(128):032x}",
            "shard": connections.shard(store.connection_id),
            "history": [change],
        }
        return row | more

    def _activation(self, url: str, **more: Any) -> dict[str, Any]:
        key, attempt = f"{self.dice.getrandbits(128):032x}", f"{self.dice.getrandbits(48):012x}"
        row = {
            "integration_key": key,
            "attempt": attempt,
            "store": Store.from_url(url).url,
            "state": "connected",
            "reached": "connected",
            "received_at": self.now,
            "updated_at": self.now + 800,
            "expires_at": self.now // 1000 + activations.RETENTION,
            "shard": activations.shard(key),
        }
        row |= more
        ActivationId.from_text(str(activations.id_of(row)))
        return row

    def _put(self, table: str, rows: list[dict[str, Any]]) -> list[str]:
        client, name = self.aws.client("dynamodb"), self.aws.outputs[table]
        for start in range(0, len(rows), 25):
            puts = [{"PutRequest": {"Item": dynamodb.item(row)}} for row in rows[start : start + 25]]
            client.batch_write_item(RequestItems={name: puts})
        return [row.get("connection_id", "") for row in rows]


@contextlib.contextmanager
def console(aws: LocalAws, *options: str) -> Iterator[str]:
    """`storelink console --local`, in a process of its own; the URL that it prints."""
    variables = {"AWS_PORT": aws.url.rpartition(":")[2], "PYTHONUNBUFFERED": "1"}
    command = [str(SCRIPT), "console", "--local", "--port", "0", *options]
    said: list[str] = []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, env=os.environ | variables, **pipes) as process:
        assert process.stdout
        reading = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
        reading.start()
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(PATIENCE)
            reading.join(PATIENCE)
    assert "Traceback" not in "".join(said)
    assert code in (0, 130), said
