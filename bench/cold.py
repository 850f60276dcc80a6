"""Cold starts: from the process' start to the first answer, in the emulator, of what `sam build` made."""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.rounds import ROUNDS, Compared, seconds
from bench.warm import Handshakes, callback_event
from local.lambda_runtime import Function
from local.sandbox import accounts
from local.template import ROOT, Template
from storelink import aws, credentials
from storelink.store import Store

PYTHON = Path(sys.prefix) / "runtime" / "bin" / "python"
"""Runs what is measured here: of Lambda's version where there is one, with what Lambda's runtime has. `make bench` made
it."""

FLOOR = """import boto3
CLIENTS = [boto3.client(name, endpoint_url=__import__("os").environ["AWS_ENDPOINT_URL"]) for name in {services}]
def handler(event, context):
    return {{}}
"""

Event = dict[str, Any]


def version() -> str:
    """The version of `PYTHON`."""
    command = [str(PYTHON), "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def built_template(built: Path) -> Template:
    """What `sam build` made there."""
    os.environ["TEMPLATE"] = str(built / "template.yaml")
    try:
        return Template.read()
    finally:
        del os.environ["TEMPLATE"]


def _sample(name: str, **changes: Any) -> Event:
    told: Event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return told | changes


def _events(handshakes: Handshakes) -> dict[str, Callable[[], Event]]:
    """What each function is first given: new at each start where it can be done once, so that its real work is done."""

    def activated() -> tuple[str, dict[str, str]]:
        form = handshakes.post_of(handshakes.store())
        return handshakes.callback(form), form

    def step(activation_id: str, **more: Any) -> Event:
        return {"activation_id": activation_id, "holder": activation_id, **more}

    def requested() -> Event:
        event = step(activated()[0])
        handshakes.call("RequestTokenFunction", event)
        return event

    def connected() -> tuple[str, dict[str, str], Store]:
        form = handshakes.post_of(url := handshakes.store())
        handshakes.connected(form)
        return url, form, Store.from_url(url)

    def of_store(sample: str, **changes: Any) -> Event:
        store = connected()[2]
        return _sample(sample, pathParameters={"connection_id": store.connection_id}, **changes)

    def entered() -> Event:
        url, _, store = connected()
        kept = json.loads(credentials.read(handshakes.served.stack, store).to_text())
        del kept["signature_method"]
        return _sample("connect_manually", body=json.dumps(kept | {"store_url": url}))

    def logged_in() -> Event:
        told = {
            "store_url": connected()[0],
            "username": "customer@shop.example",
            "password": accounts.PASSWORD,
            "customer": True,
        }
        return _sample("logins", body=json.dumps(told))

    def asked(form: dict[str, str]) -> dict[str, str]:
        back = f"{form['store_base_url']}admin/integration/loginSuccessCallback/"
        return {"oauth_consumer_key": form["oauth_consumer_key"], "success_call_back": back}

    def signing_in() -> Event:
        return _sample("sign_in", rawPath="/identity/sign-in", queryStringParameters=asked(connected()[1]))

    return {
        "SweepFunction": lambda: _sample("sweep"),  # first, while nothing is old enough for it
        "CallbackFunction": lambda: callback_event(handshakes.post_of(handshakes.store())),
        "RequestTokenFunction": lambda: step(activated()[0]),
        "AccessTokenFunction": requested,
        "RecordFailureFunction": lambda: step(activated()[0], error=_sample("record_failure.step")["error"]),
        "IdentityFunction": lambda: _sample("identity", queryStringParameters=asked(activated()[1])),
        "SignInFunction": signing_in,
        "OperatorFunction": lambda: _sample("connections"),
        "ConnectManuallyFunction": entered,
        "HealthCheckFunction": lambda: of_store("test"),
        "ForgetFunction": lambda: of_store("forget"),
        "LoginsFunction": logged_in,
        "BasicAuthFunction": lambda: _sample("basic_auth"),
        "MigrateCredentialsFunction": lambda: _sample("migrate_credentials", shards="0"),
    }


def starts(handshakes: Handshakes, built: Path) -> Iterator[tuple[str, Compared]]:
    """Each function's cold starts beside those of a handler that imports boto3 and makes the same clients.

    The clients are those that the function asks for in this process. Functions with the same ones share the floor's
    starts, which come between theirs.
    """
    template, events = built_template(built), _events(handshakes)
    if untried := template.functions.keys() ^ events.keys():
        raise LookupError(f"no event, or no function: {', '.join(sorted(untried))}")
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for logical, event in events.items():
        alike[_services(handshakes, logical, event())].append(logical)
    with tempfile.TemporaryDirectory() as folder:
        for services, functions in alike.items():
            floor = Path(folder) / "-".join(services)
            floor.mkdir()
            (floor / "app.py").write_text(FLOOR.format(services=services))
            variables = handshakes.served.variables[functions[0]]
            taken: dict[str, list[float]] = defaultdict(list)
            for nth in range(ROUNDS):
                names = ["", *functions]
                for name in names if nth % 2 else reversed(names):
                    code, layer, given = (
                        (template.folders[name], template.packages, events[name]()) if name else (floor, floor, {})
                    )
                    told = handshakes.served.variables[name] if name else variables
                    taken[name].append(_started(code, layer, told, given))
            for name in functions:
                yield name, Compared(taken[name], taken[""])


def _services(handshakes: Handshakes, function: str, event: Event) -> tuple[str, ...]:
    """The services whose clients a function asks for, by their names. Raises RuntimeError where it does not do well."""
    real, services = aws.client, set()

    def client(service: str) -> Any:
        services.add(service)
        return real(service)

    aws.client = client  # type: ignore[assignment]
    try:
        _answered(handshakes.call(function, event))
    finally:
        aws.client = real
    return tuple(sorted(services))


def _started(code: Path, layer: Path, variables: dict[str, str], event: Event) -> float:
    function = Function(
        code.name,
        code=code,
        layer=layer,
        # Lambda's layers and functions are read-only: what is not compiled in them is compiled at each start.
        variables={**variables, "PYTHONDONTWRITEBYTECODE": "1"},
        handler="app.handler",
        timeout=30,
        memory=512,
        log=Path(os.devnull),
        python=str(PYTHON),
    )
    told, answers = json.dumps(event), []
    try:
        taken = seconds(lambda: answers.append(function.invoke(told)))
    finally:
        function.stop()
    _answered(json.loads(answers[0].payload))
    return taken


def _answered(answer: Event) -> None:
    if "errorType" in answer or answer.get("statusCode", 200) >= 400:
        raise RuntimeError(f"it answered {answer}")
