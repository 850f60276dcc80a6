"""Cold starts: the processor time from the process' start to the first answer, in the emulator, with the built layer.

Lambda gives a function with 512 MB some 0.3 of a core, so that is what decides. What AWS and the store take to answer
is not in it: floors call nothing.
"""

import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from bench.handshakes import Event, Form, Handshakes, callback_event, sample
from bench.rounds import Compared
from local.lambda_runtime import Function
from local.template import Template
from storelink import aws, credentials
from storelink.store import Store
from storelink.testing.sandbox import accounts

PYTHON = Path(sys.prefix) / "runtime" / "bin" / "python"
"""Of Lambda's version where there is one, with what Lambda's runtime has. `make bench` made it."""

ROUNDS = 7
"""Starts of each function and of each floor."""
FLOORS = {"boto3, Powertools": "from aws_lambda_powertools import Logger, Metrics, single_metric\n", "boto3": ""}
"""What a floor's handler imports beside boto3, by the name that the table gives it."""
CLIENTS = """import boto3
CLIENTS = [boto3.client(name, endpoint_url=__import__("os").environ["AWS_ENDPOINT_URL"]) for name in {services}]
def handler(event, context):
    return {{}}
"""
NOT_STARTED = {"WebhookFunction"}
"""It runs only where a webhook's URL is set."""


def _events(made: Handshakes) -> dict[str, Callable[[], Event]]:
    """What each function is first given: new at each start where it can be done once, so that its real work is done."""

    def new() -> Form:
        return made.post_of(made.store())

    def connected() -> tuple[Form, Store]:
        form = new()
        made.connected(form)
        return form, Store.from_url(form["store_base_url"])

    def step(form: Form, **more: Any) -> Event:
        activation_id = made.callback(form)
        return {"activation_id": activation_id, "holder": activation_id, **more}

    def requested() -> Event:
        made.call("RequestTokenFunction", event := step(new()))
        return event

    def of_store(name: str) -> Event:
        return sample(name, pathParameters={"connection_id": connected()[1].connection_id})

    def entered() -> Event:
        store = connected()[1]
        kept = json.loads(credentials.read(made.served.stack, store).to_text()) | {"store_url": store.url}
        del kept["signature_method"]
        return sample("connect_manually", body=json.dumps(kept))

    def logged_in() -> Event:
        user = {"username": "customer@shop.example", "password": accounts.PASSWORD, "customer": True}
        return sample("logins", body=json.dumps(user | {"store_url": connected()[1].url}))

    def popup(name: str, form: Form, **more: str) -> Event:
        back = f"{form['store_base_url']}admin/integration/loginSuccessCallback/"
        asked = {"oauth_consumer_key": form["oauth_consumer_key"], "success_call_back": back}
        return sample(name, queryStringParameters=asked, **more)

    def shown() -> Event:
        made.callback(form := new())
        return popup("identity", form)

    return {
        "SweepFunction": lambda: sample("sweep"),  # first, while nothing is old enough for it
        "CallbackFunction": lambda: callback_event(new()),
        "RequestTokenFunction": lambda: step(new()),
        "AccessTokenFunction": requested,
        "RecordFailureFunction": lambda: step(new(), error=sample("record_failure.step")["error"]),
        "IdentityFunction": shown,
        "SignInFunction": lambda: popup("sign_in", connected()[0], rawPath="/identity/sign-in"),
        "OperatorFunction": lambda: sample("connections"),
        "ConnectManuallyFunction": entered,
        "HealthCheckFunction": lambda: of_store("test"),
        "ForgetFunction": lambda: of_store("forget"),
        "LoginsFunction": logged_in,
        "BasicAuthFunction": lambda: sample("basic_auth"),
        "MigrateCredentialsFunction": lambda: sample("migrate_credentials", shards="0"),
    }


def starts(made: Handshakes, layer: Path) -> Iterator[tuple[str, dict[str, Compared]]]:
    """Each function's cold starts beside those of the floors, whose handlers make the same clients and call nothing.

    The clients are those that the function asks for in this process. Functions with the same ones share the floors'
    starts, which come between theirs. layer: for `PYTHON`, as its Makefile makes it.
    """
    folders, events = Template.read().folders, _events(made)
    if untried := (made.served.variables.keys() - NOT_STARTED) ^ events.keys():
        raise LookupError(f"no event, or no function: {', '.join(sorted(untried))}")
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for logical, event in events.items():
        alike[_services(made, logical, event())].append(logical)
    with tempfile.TemporaryDirectory() as folder:
        for services, functions in alike.items():
            code = {name: folders[name] for name in functions}
            for floor, imports in FLOORS.items():
                code[floor] = Path(folder) / f"{floor}-{'-'.join(services)}"
                code[floor].mkdir()
                (code[floor] / "app.py").write_text(imports + CLIENTS.format(services=services))
            taken: dict[str, list[float]] = defaultdict(list)
            for nth in range(ROUNDS):
                for name in code if nth % 2 else reversed(code):
                    variables = made.served.variables[functions[0] if name in FLOORS else name]
                    given = {} if name in FLOORS else events[name]()
                    taken[name].append(_started(code[name], layer, variables, given))
            for name in functions:
                yield name, {floor: Compared(taken[name], taken[floor]) for floor in FLOORS}


def _services(made: Handshakes, function: str, event: Event) -> tuple[str, ...]:
    """The services whose clients a function asks for, by their names. Raises RuntimeError where it does not do well."""
    with mock.patch.object(aws, "client", wraps=aws.client) as client:
        _answered(made.call(function, event))
    return tuple(sorted({call.args[0] for call in client.call_args_list}))


def _started(code: Path, layer: Path, variables: dict[str, str], event: Event) -> float:
    # Lambda's layers and functions are read-only: what is not compiled in them is compiled at each start.
    variables = {**variables, "PYTHONDONTWRITEBYTECODE": "1"}
    log, python = Path(os.devnull), str(PYTHON)
    function = Function(
        code.name, code, layer, variables, "app.handler", timeout=30, memory=512, log=log, python=python
    )
    try:
        _answered(json.loads(function.invoke(json.dumps(event)).payload))
        (process,) = function.processes()
        return _processor_seconds(process)
    finally:
        function.stop()


def _processor_seconds(process: int) -> float:
    """What a process and its children have taken by now, by Linux' schedstat (ns)."""
    threads = list(Path(f"/proc/{process}/task").iterdir())
    own = sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)
    children = " ".join((thread / "children").read_text() for thread in threads).split()
    return own / 1e9 + sum(_processor_seconds(int(child)) for child in children)


def _answered(answer: Event) -> None:
    if "errorType" in answer or answer.get("statusCode", 200) >= 400:
        raise RuntimeError(f"it answered {answer}")
