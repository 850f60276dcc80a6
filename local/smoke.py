"""`make smoke`: tries a deployed stack from outside, or the one of `make serve`. Ends with 1 when a check fails.

    python -m local.smoke STAGE [STORE]

STAGE: an environment of samconfig.toml, or `local`. STORE: the base URL of a sandbox store that the stack can call; it
is activated, to the end.
"""

import functools
import json
import sys
import time
import tomllib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.aws import access
from local.template import ROOT
from storelink.config import LOCAL_STACK, local_endpoint

TIMEOUT = 30
PATIENCE = 60
"""Seconds for one call, and for an activation."""


class Failed(Exception):
    """Raised by a check: what was seen instead."""


@dataclass(frozen=True)
class Target:
    """A stack that is tried. outputs: of its template, by name. clients: gives the client of an AWS service."""

    name: str
    outputs: dict[str, str]
    clients: Callable[[str], Any]
    session: boto3.Session

    @classmethod
    def of_stage(cls, stage: str) -> "Target":
        """The stack of a stage. Raises KeyError when samconfig.toml has none, botocore's errors."""
        keys: dict[str, str] = {}
        if stage == "local":
            name, keys = LOCAL_STACK, access(local_endpoint())
        else:
            name = tomllib.loads((ROOT / "samconfig.toml").read_text())[stage]["global"]["parameters"]["stack_name"]
        endpoint = {"endpoint_url": url} if (url := keys.pop("endpoint_url", "")) else {}
        session = boto3.Session(**keys)  # type: ignore[arg-type]

        def client(service: str) -> Any:
            return session.client(service, **endpoint)  # type: ignore[call-overload]

        (made,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]}
        return cls(name, outputs, client, session)

    @property
    def api_url(self) -> str:
        return self.outputs["CallbackUrl"].removesuffix("/callback")

    def signed(self, path: str) -> dict[str, Any]:
        """The answer to an operator's GET. Raises Failed unless it is 200."""
        request = AWSRequest("GET", f"{self.api_url}{path}")
        credentials = self.session.get_credentials()
        if credentials is None:
            raise Failed("no AWS credentials are set: sign in, or set AWS_PROFILE")
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self.session.region_name).add_auth(request)
        answer = requests.get(str(request.url), headers=dict(request.headers), timeout=TIMEOUT)
        return _json(answer, 200)

    def invoke(self, output: str) -> dict[str, Any]:
        """What a function answers that an output names. Raises Failed when it ends in an error."""
        answer = self.clients("lambda").invoke(FunctionName=self.outputs[output], Payload=b"{}")
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Failed(f"it ended in an error: {payload.get('errorType')}: {payload.get('errorMessage')}")
        counts: dict[str, Any] = payload
        return counts


def _json(answer: requests.Response, status: int) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.status_code != status:
        raise Failed(f"answered {answer.status_code} instead of {status}: {_text(answer)}")
    found: dict[str, Any] = body
    return found


def _text(answer: requests.Response) -> str:
    """The beginning of an answer's body, in one line."""
    return " ".join(answer.text.split())[:200]


def operator_call(target: Target) -> str:
    """A signed operator call is answered."""
    listed = target.signed("/connections?limit=1")
    if "connections" not in listed:
        raise Failed(f"the answer has no connections: {listed}")
    return "200, a list of connections"


def unsigned_call(target: Target) -> str:
    """An unsigned operator call is refused."""
    _json(requests.get(f"{target.api_url}/connections", timeout=TIMEOUT), 403)
    return "403"


def junk_post(target: Target) -> str:
    """A post that is no activation is refused."""
    answer = requests.post(target.outputs["CallbackUrl"], data={"oauth_consumer_key": "junk"}, timeout=TIMEOUT)
    fields = _json(answer, 400).get("fields", {})
    if "oauth_consumer_key" not in fields:
        raise Failed(f"the answer does not name the wrong fields: {_text(answer)}")
    return f"400, names {len(fields)} wrong fields"


def popup(target: Target) -> str:
    """The popup's page is shown."""
    answer = requests.get(target.outputs["IdentityLinkUrl"], timeout=TIMEOUT)
    if answer.status_code != 200 or "<html" not in answer.text:
        raise Failed(f"answered {answer.status_code}: {_text(answer)}")
    return "200, a page"


def sweep(target: Target) -> str:
    """The sweep runs without trouble."""
    counts = target.invoke("SweepFunctionName")
    if counts.get("trouble") != 0:
        raise Failed(f"it had trouble: {counts}")
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "nothing was left undone"


def health_check(target: Target) -> str:
    """The health check runs."""
    counts = target.invoke("HealthCheckFunctionName")
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "no store was due"


def activation(target: Target, store: str) -> str:
    """A sandbox store is activated and connected."""
    form = {"callback_url": target.outputs["CallbackUrl"], "identity_url": target.outputs["IdentityLinkUrl"]}
    form["integration"] = f"smoke-{uuid.uuid4().hex[:8]}"  # a new one, which can be activated
    clicked = requests.post(f"{store}sandbox/activate", json=form, timeout=TIMEOUT)
    if not clicked.ok:
        raise Failed(f"the store's control answered {clicked.status_code}: {_text(clicked)}")
    start, newest = time.monotonic(), {"state": "not there"}
    while time.monotonic() < start + PATIENCE:
        found = target.signed(f"/activations?{urlencode({'store_url': store})}")
        newest = next(iter(found["activations"]), newest)
        if newest["state"] == "connected":
            return f"connected after {time.monotonic() - start:.1f} s"
        if newest["state"] == "failed":
            break
        time.sleep(0.5)
    raise Failed(f"the activation is {newest['state']}: {newest.get('reason', '')} {newest.get('problem', '')}")


CHECKS = (operator_call, unsigned_call, junk_post, popup, sweep, health_check)


def run(target: Target, store: str | None, console: Console) -> bool:
    """Make all checks and print a line for each. Whether all succeeded."""
    checks: list[Callable[[Target], str]] = [*CHECKS]
    if store:
        checks.append(functools.wraps(activation)(lambda target: activation(target, store)))
    failed = 0
    for check in checks:
        title = check.__doc__
        try:
            console.print(f"[green]ok[/]      {title} {check(target)}.")
        except (Failed, requests.RequestException, ClientError, BotoCoreError) as error:
            failed += 1
            console.print(f"[red]FAILED[/]  {title} It did not: {error}")
    console.print(f"{target.name}: {len(checks) - failed} of {len(checks)} checks succeeded.")
    return not failed


def main(arguments: list[str]) -> int:
    """Try the stack of a stage. The exit code."""
    stage, store = arguments[0], arguments[1] if len(arguments) > 1 else None
    console = Console(highlight=False, soft_wrap=True)
    target = Target.of_stage(stage)
    return 0 if run(target, store and store.rstrip("/") + "/", console) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
