"""What is read with many stores, and how long a fresh clone takes to its first signed call."""

import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from typing import Any

from bench.handshakes import Handshakes, sample
from local.lambda_runtime import free_ports
from local.template import ROOT
from storelink import aws, credentials
from storelink.aws.dynamodb import item
from storelink.config import config
from storelink.state import connections
from storelink.store import Store

FEW, MANY = 200, 2000
"""Connected stores. What is read for both is read for a million: each read has a key or the index' own limit."""


def items_read(handshakes: Handshakes) -> dict[str, tuple[int, int]]:
    """Items that DynamoDB reads with few and with many stores, by what reads them."""
    url = handshakes.store()
    handshakes.connected(handshakes.post_of(url))
    store, page = Store.from_url(url), sample("connections", queryStringParameters={"limit": "50"})
    reads: dict[str, Callable[[], object]] = {
        "look-up": lambda: credentials.read(handshakes.served.stack, store),
        "page of 50": lambda: handshakes.call("OperatorFunction", page),
        "sweep": lambda: handshakes.call("SweepFunction", {}),
        "health check": lambda: handshakes.call("HealthCheckFunction", {}),
    }
    connected = connections.of_store(store) | {"next_check_at": 4_000_000_000_000}  # no health check is due
    counts = []
    for stores in (FEW, MANY - FEW):
        _add(connected, stores)
        counts.append([_counted(read) for read in reads.values()])
    return dict(zip(reads, zip(*counts, strict=True), strict=True))


def _add(connected: dict[str, Any], stores: int) -> None:
    """Write rows of more connected stores, and of this one. connected: a connection's row."""
    rows = [connected]
    for _ in range(stores):
        store = Store.from_url(f"https://{uuid.uuid4().hex}.example/")
        parts = dict.fromkeys(("shard", "health_check_shard"), connections.shard(store.connection_id))
        rows.append(connected | {"connection_id": store.connection_id, "store": store.url} | parts)
    for first in range(0, len(rows), 25):
        puts = [{"PutRequest": {"Item": item(one)}} for one in rows[first : first + 25]]
        aws.client("dynamodb").batch_write_item(RequestItems={config.connections_table: puts})


def _counted(read: Callable[[], object]) -> int:
    """The items that DynamoDB reads for it."""
    found: list[int] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        found.append(parsed.get("ScannedCount", int("Item" in parsed)))

    events = aws.client("dynamodb").meta.events
    events.register("after-call", note)
    read()
    events.unregister("after-call", note)
    return sum(found)


def fresh_clone() -> tuple[float, float]:
    """Seconds of `make run` in a fresh clone of what is committed, and of its stack until it is ready."""
    ports = dict(zip(("AWS_PORT", "API_PORT", "STORE_PORT"), free_ports(3), strict=True))
    command = ["make", "run", *(f"{name}={port}" for name, port in ports.items())]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        began = time.perf_counter()
        said = subprocess.check_output(command, cwd=folder, text=True, timeout=180)
        taken = time.perf_counter() - began
    (ready,) = re.findall(r"Stack started in ([0-9.]+) s", said)
    return taken, float(ready)
