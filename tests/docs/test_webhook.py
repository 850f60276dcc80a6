"""The samples of docs/samples/ that receive webhooks."""

import json
import subprocess
import time
from typing import Any

import pytest

from local.template import ROOT
from storelink import webhook_signature

SAMPLES = ROOT / "docs" / "samples"
SECRET = "A" * 64
BODY = b'{"detail-type": "Store Connected", "detail": {"store_url": "https://shop.example/"}}'


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
