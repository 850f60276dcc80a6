"""The health check beside hostile stores: each has a budget of its own, and they delay none that answers."""

import contextlib
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local import aws as local_aws
from local.template import ROOT, Template
from storelink import credentials
from storelink.aws import dynamodb
from storelink.errors import Unavailable
from storelink.jobs import health_check
from storelink.magento import ping
from storelink.oauth.credentials import Credentials
from storelink.state import activations, connections
from storelink.store import Store
from tests.magento.hostile_bodies import BODIES
from tests.raw_store import Pours, Reply, listening, raw_response, says, silent, trickles
from tests.store_double import CREDENTIALS
from tests.world import World

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MEMORY = Template.read().functions["HealthCheckFunction"]["MemorySize"]
MIB = 1 << 20
LONG = 30.0
"""Seconds that a store goes on for: much longer than its check may take."""


def packed(body: bytes) -> Reply:
    """JSON of as many bytes as a check unpacks, in few bytes."""
    return says(raw_response(gzip.compress(body), Content_Encoding="gzip"))


def refusal(body: str) -> Reply:
    return says(raw_response(BODIES[body], "401 Unauthorized", Content_Type="application/json"))


HOSTILE: dict[str, Reply] = {
    "accepts and is silent": silent,
    "status line without an end": trickles(b"", b"H", LONG),
    "headers without an end": trickles(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n", LONG),
    "a little of the body at a time": trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x", LONG),
    "chunks without an end": trickles(CHUNKED, b"1\r\nx\r\n", LONG),
    "body without an end": Pours(),
    "chunk of -1 byte": Pours(before=CHUNKED + b"-1\r\n", most=3_000_000_000),
    "headers of 100 MB": Pours(before=b"HTTP/1.1 200 OK\r\n", drop=b"X-More: x\r\n"),
    "bomb": packed(bytes(100 * MIB)),
    "a megabyte of empty objects": packed(b"[" + b"{}," * (MIB // 3 - 2) + b"{}]"),
    "a megabyte of small objects": packed(b"[" + b'{"":0},' * (MIB // 7 - 2) + b"{}]"),
    "a megabyte of empty lists": packed(b"[" + b"[]," * (MIB // 3 - 2) + b"[]]"),
    "a megabyte of numbers": packed(b"[" + b"1e9," * (MIB // 4 - 2) + b"1]"),
    "error: each place filled with a long value": refusal("each place filled with a long value"),
    "error: errors within errors": refusal("errors within errors, as deep as fits"),
    "error: thousands of errors": refusal("thousands of errors"),
}
SLOW = ("status line without an end", "a little of the body at a time", "chunks without an end")
"""Those whose check its time alone ends."""
LARGE = ("body without an end", "bomb")
"""Those whose check its bytes end."""
LARGEST = "a megabyte of small objects"
HONEST = 64

RUN = """
import os, resource, sys, threading
from pathlib import Path
def watch():
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        if pages * os.sysconf("SC_PAGE_SIZE") > {memory} * 2**20:
            os._exit(137)
        threading.Event().wait(0.002)
threading.Thread(target=watch, daemon=True).start()
sys.path.insert(0, {folder!r})
import app, json
from local.lambda_context import LambdaContext
from storelink.magento import ping
ping.TIMEOUT = {seconds}
counts = app.handler({{}}, LambdaContext(timeout=240.0))
print(json.dumps([counts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


@pytest.fixture(params=["one of each kind", "all of the kind that takes the most memory"])
def stores(world: World, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """16 hostile stores and 64 honest ones, connected and due, the hostile ones first: name and connection id."""
    largest = {f"{LARGEST}, {nth}": HOSTILE[LARGEST] for nth in range(len(HOSTILE))}
    ids: dict[str, str] = {}
    with ExitStack() as stack:
        for name, reply in (HOSTILE if request.param == "one of each kind" else largest).items():
            ids[name] = connected(world, stack.enter_context(listening(reply)).url, len(ids) + 1)
        honest = stack.enter_context(listening(says(raw_response(b"[]"))))
        for number in range(HONEST):
            ids[f"honest {number}"] = connected(world, f"{honest.url}{number}/", len(ids) + 1)
        yield ids


def connected(world: World, url: str, due_at: int) -> str:
    """A connection that is due, as a handshake leaves it. Its id."""
    store = Store.from_url(url)
    row = {
        "connection_id": store.connection_id,
        "store": url,
        "state": "connected",
        "activation_id": f"{'0' * 32}-{'0' * 32}",
        "health_check_shard": "0",
        "next_check_at": due_at,
        **credentials.save(store, "", CREDENTIALS, "dynamodb").row_changes,
    }
    table = world.aws.outputs["ConnectionsTableName"]
    world.aws.client("dynamodb").put_item(TableName=table, Item=dynamodb.item(row))
    return store.connection_id


def checked(ids: dict[str, str]) -> set[str]:
    """The names of the stores whose check has a result."""
    return {name for name, connection_id in ids.items() if "checked_at" in connections.get(connection_id)}


def run_as_function(world: World, seconds: float) -> tuple[dict[str, int], int]:
    """A run in a process that is killed above the function's MemorySize. Its counts, and the MB that it took."""
    function = world.aws.functions["HealthCheckFunction"]
    folder = str(Template.read().folders["HealthCheckFunction"])
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(memory=MEMORY, folder=folder, seconds=seconds)],
        env={
            "PATH": "",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(health_check.__file__).parents[2])]),
            **function.variables,
            **local_aws.environment(world.aws.url),
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    counts, peak = json.loads(done.stdout.splitlines()[-1])
    return counts, peak


@pytest.mark.parametrize("credential_store", ["dynamodb"])
def test_sixteen_hostile_stores_delay_none_of_64_honest_ones(world: World, stores: dict[str, str]) -> None:
    """One run, in a process that is killed above 1,024 MB of memory, the function's MemorySize."""
    counts, peak = run_as_function(world, seconds=4.0)
    assert counts["checked"] == len(stores), counts
    assert peak < MEMORY
    assert checked(stores) == set(stores)
    rows = {name: connections.get(connection_id) for name, connection_id in stores.items()}
    assert {rows[name]["reason"] for name in SLOW if name in rows} <= {"call-slow"}
    assert {rows[name]["reason"] for name in LARGE if name in rows} <= {"call-too-large"}
    well = {name for name, row in rows.items() if "reason" not in row}
    assert {f"honest {number}" for number in range(HONEST)} <= well
    harmless = {name for name in stores if name.startswith("a megabyte of")}  # large, and JSON
    assert well - harmless == {f"honest {number}" for number in range(HONEST)}


@pytest.mark.parametrize("unanswered", ["did not answer", "died"])
@pytest.mark.parametrize("credential_store", ["dynamodb"])
def test_a_store_whose_last_check_has_no_answer_is_checked_after_all_others(
    world: World, monkeypatch: pytest.MonkeyPatch, unanswered: str
) -> None:
    """It did not answer, or the run died that checked it. It is due before the other, and its part comes first."""
    ids = {name: connected(world, f"http://{name}.example/", 1) for name in ("hostile", "honest")}

    def answer(store: Store, known: Credentials) -> tuple[str, ...]:
        if store.host == "hostile.example":
            raise Unavailable("unreachable") if unanswered == "did not answer" else SystemExit
        return known.dialects

    monkeypatch.setattr(ping, "ping", answer)
    for name in ids:
        with contextlib.suppress(SystemExit):
            health_check._check(connections.get(ids[name]))
    seen: list[str] = []

    def check(row: dynamodb.Row) -> list[str]:
        seen.append(row["connection_id"])
        return ["checked"]

    monkeypatch.setattr(health_check, "_check", check)
    own_part_first = int(connections.shard(ids["hostile"]), 16)
    later = (activations.now() // 60_000 + 2 * 24 * 60) // 16 * 16 + own_part_first
    monkeypatch.setattr(activations, "now", lambda: later * 60_000)
    health_check.run(lambda: 240_000)
    assert [one for one in seen if one in ids.values()] == [ids["honest"], ids["hostile"]]
