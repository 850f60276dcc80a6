"""The webhook of the local stack, and the samples of docs/samples/ that receive it."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.lambda_runtime import free_ports
from local.stack import Stack
from local.template import ROOT
from storelink import webhook_signature
from tests.processes import started
from tests.stacks import activated, serving

SAMPLES = ROOT / "docs" / "samples"
PROGRAMS = {
    "python": (sys.executable, str(SAMPLES / "webhook.py")),
    "node": (shutil.which("node") or "Node.js is missing: apt-get install nodejs", str(SAMPLES / "webhook.mjs")),
}
SECRET = "A" * 64
BODY = b'{"detail-type": "Store Connected", "detail": {"store_url": "https://shop.example/"}}'


@pytest.fixture(scope="module")
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def running(port: int) -> Iterator[Stack]:
    with serving(PARAMETERS=f"WebhookUrl=http://127.0.0.1:{port}/events") as stack:
        yield stack


@contextmanager
def receiving(program: str, port: int, secret: str) -> Iterator[subprocess.Popen[str]]:
    """A sample, run as its first lines say."""
    variables = os.environ | {"STORELINK_WEBHOOK_SECRET": secret}
    with started([*PROGRAMS[program], port], env=variables, stdout=subprocess.PIPE) as process:
        patience = threading.Timer(60, process.kill)
        patience.start()
        try:
            yield process
        finally:
            patience.cancel()
            process.terminate()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_samples_receive_what_the_local_stack_delivers(running: Stack, port: int, program: str) -> None:
    secret = running.aws.client("secretsmanager").get_secret_value(SecretId="storelink-local/webhook")["SecretString"]
    activated(running, f"stores/{program}/")  # before there is a receiver: the event is sent again
    with receiving(program, port, secret) as process:
        assert process.stdout
        # An event whose receiver was ended before it answered comes again.
        assert f"Store Connected {running.store_url}stores/{program}/\n" in process.stdout


def verify_in_python(headers: dict[str, str], body: bytes) -> str:
    names: dict[str, Any] = {"__name__": "sample"}
    exec(compile((SAMPLES / "webhook.py").read_text(), "webhook.py", "exec"), names)
    try:
        return str(names["verify"](headers, body, f"whsec_{SECRET}")["detail-type"])
    except names["Refused"] as refused:
        return str(refused)


def verify_in_node(headers: dict[str, str], body: bytes) -> str:
    script = """
const [sample, headers, body, secret] = process.argv.slice(1);
const { verify } = await import(sample);
try {
  console.log(verify(JSON.parse(headers), Buffer.from(body), secret)["detail-type"]);
} catch (refused) {
  console.log(refused.message);
}
"""
    command = ["node", "--input-type=module", "-e", script, (SAMPLES / "webhook.mjs").as_uri(), json.dumps(headers)]
    done = subprocess.run(
        [*command, body.decode(), f"whsec_{SECRET}"], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


@pytest.mark.parametrize("verify", [verify_in_python, verify_in_node])
@pytest.mark.parametrize("wrong", ["nothing", "second", "key", "body", "id", "old", "early", "time", "no headers"])
def test_the_samples_refuse_what_storelink_has_not_sent(verify: Any, wrong: str) -> None:
    now = int(time.time())
    at = {"old": now - 400, "early": now + 400}.get(wrong, now)
    secrets = {"key": ["B" * 64], "second": ["B" * 64, SECRET]}.get(wrong, [SECRET])
    headers = webhook_signature.headers("1", at, BODY, secrets)
    headers |= {"id": {"webhook-id": "2"}, "time": {"webhook-timestamp": f"{now - 1}"}}.get(wrong, {})
    answer = verify({} if wrong == "no headers" else headers, BODY + b" " if wrong == "body" else BODY)
    old = wrong in ("old", "early", "no headers")
    due = "Store Connected" if wrong in ("nothing", "second") else "too old" if old else "signed by another key"
    assert answer == due
