"""The handshake, warm: the functions' own handlers in this process, AWS and the store in another one."""

import functools
import json
import logging
import os
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from requests_oauthlib import OAuth1

from bench.rounds import Compared, alternating, percentile, seconds
from bench.server import Served
from local.lambda_context import LambdaContext
from local.template import Template
from storelink import aws
from storelink.observability import logger

CALLS = 60
"""Callbacks in one round."""

SERVICES = ("kms", "dynamodb", "stepfunctions", "events", "secretsmanager")
"""Those of AWS that an activation calls."""


class _Posts:
    """A place that takes what Magento posts. forms: those that came."""

    def __init__(self) -> None:
        forms: list[dict[str, str]] = []

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                forms.append(dict(parse_qsl(body.decode())))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """No line a request."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.forms = forms
        self.url = f"http://127.0.0.1:{server.server_port}/"


STEPS = {"request_token": ("RequestTokenFunction", "requested"), "access_token": ("AccessTokenFunction", "connected")}
"""The steps after the callback: what runs them, and the state they reach."""

During = Callable[[str], AbstractContextManager[None]]
"""What is done while a part of a handshake runs: callback, or one of `STEPS`."""


class Handshakes:
    """Stores that are activated one after the other."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.use()
        logger.setLevel(logging.CRITICAL)  # no line an activation among the figures
        template = Template.read()
        self._posts = _Posts()
        self._handlers = {name: _handler(template, name) for name in template.functions}

    def use(self) -> None:
        """Work with this stack, in this process, where another one was used."""
        for variables in self.served.variables.values():
            os.environ.update(variables)
        aws.client.cache_clear()

    def store(self) -> str:
        """A store that nobody has met: its URL."""
        return f"{self.served.stores}stores/{uuid.uuid4().hex[:12]}/"

    def post_of(self, store: str) -> dict[str, str]:
        """What Magento posts when its merchant clicks Activate."""
        urls = {"callback_url": self._posts.url, "identity_url": self._posts.url}  # without both Magento posts nothing
        requests.post(f"{store}sandbox/activate", json=urls, timeout=30).raise_for_status()
        return self._posts.forms.pop()

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """What a function answers."""
        answer: dict[str, Any] = self._handlers[function](event, LambdaContext())
        return answer

    def callback(self, form: dict[str, str]) -> str:
        """Magento's post; the activation's id."""
        answer = self.call("CallbackFunction", callback_event(form))
        if answer["statusCode"] != 200:
            raise RuntimeError(answer["body"])
        return str(json.loads(answer["body"])["activation_id"])

    def connected(self, form: dict[str, str], during: During = lambda _: nullcontext()) -> None:
        """Callback and both steps."""
        with during("callback"):
            activation_id = self.callback(form)
        event = {"activation_id": activation_id, "holder": activation_id}
        for step, (function, state) in STEPS.items():
            with during(step):
                answer = self.call(function, event)
            if answer["state"] != state:
                raise RuntimeError(f"{function} did not reach {state}")

    def counted(self) -> dict[str, Counter[str]]:
        """The AWS calls of one activation, by function: each as botocore's events name it."""
        self.connected(self.post_of(self.store()))  # makes the clients
        made: dict[str, Counter[str]] = {}

        @contextmanager
        def counting(part: str) -> Iterator[None]:
            calls = made[part] = Counter()

            def note(model: Any, **_: Any) -> None:
                calls[f"{model.service_model.service_name}.{model.name}"] += 1

            clients = [aws.client(name) for name in SERVICES]
            for client in clients:
                client.meta.events.register("before-call", note)
            yield
            for client in clients:
                client.meta.events.unregister("before-call", note)

        self.connected(self.post_of(self.store()), counting)
        return made


def _handler(template: Template, function: str) -> Callable[[dict[str, Any], LambdaContext], Any]:
    path = template.folders[function] / "app.py"
    spec = spec_from_file_location(f"bench_{function}", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    handler: Callable[[dict[str, Any], LambdaContext], Any] = loaded.handler
    return handler


def callback_event(form: dict[str, str]) -> dict[str, Any]:
    """Magento's post, as the HTTP API gives it to a function."""
    return {
        "version": "2.0",
        "rawPath": "/callback",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
        "requestContext": {"http": {"method": "POST", "path": "/callback"}},
        "isBase64Encoded": False,
        "body": urlencode(form),
    }


def callbacks(handshakes: Handshakes) -> tuple[Compared, Compared]:
    """The median and the 99th percentile of a callback, beside its three AWS calls made bare."""
    bare = _recorded(handshakes)
    taken: dict[int, tuple[list[float], list[float]]] = {50: ([], []), 99: ([], [])}

    def ours() -> float:
        form = {
            "oauth_consumer_key": uuid.uuid4().hex,
            "oauth_consumer_secret": uuid.uuid4().hex,
            "oauth_verifier": uuid.uuid4().hex,
            "store_base_url": "https://shop.example/",
        }
        event = callback_event(form)
        return seconds(lambda: handshakes.call("CallbackFunction", event))

    for nth in range(7):
        rounds: tuple[list[float], list[float]] = ([], [])
        for _ in range(CALLS):
            for side in (0, 1) if nth % 2 else (1, 0):
                rounds[side].append(ours() if side == 0 else bare())
        for percent, sides in taken.items():
            for side in (0, 1):
                sides[side].append(percentile(rounds[side], percent))
    return Compared(*taken[50]), Compared(*taken[99])


def _recorded(handshakes: Handshakes) -> Callable[[], float]:
    """The three calls of a callback, to be made again with a name of their own, by the same clients."""
    made: list[tuple[Any, str, dict[str, Any]]] = []
    seen = []
    for service in ("kms", "dynamodb", "stepfunctions"):
        client = aws.client(service)

        def note(params: dict[str, Any], model: Any, client: Any = client, **_: Any) -> None:
            made.append((client, model.name, dict(params)))

        client.meta.events.register("provide-client-params", note)
        seen.append((client, note))
    handshakes.callback(handshakes.post_of(handshakes.store()))
    for client, note in seen:
        client.meta.events.unregister("provide-client-params", note)
    methods = {"Encrypt": "encrypt", "UpdateItem": "update_item", "StartExecution": "start_execution"}
    if [name for _, name, _ in made] != list(methods):
        raise RuntimeError(f"the callback calls {made}")

    def bare() -> float:
        fresh = uuid.uuid4().hex
        calls = []
        for client, name, params in made:
            mine = dict(params)
            if name == "UpdateItem":
                mine["Key"] = {"integration_key": {"S": fresh}}
            if name == "StartExecution":
                mine["name"] = fresh
            calls.append(functools.partial(getattr(client, methods[name]), **mine))
        began = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - began

    return bare


class _Watch:
    """Waits for AWS, in seconds, and the time at which a store was connected: when its row said so."""

    def __init__(self) -> None:
        self.waited = self.waited_till_then = self.connected_at = self._sent_at = 0.0
        for service in SERVICES:
            events = aws.client(service).meta.events
            events.register("before-send", self._sent)
            events.register("response-received", self._received)

    def _sent(self, **_: Any) -> None:
        self._sent_at = time.perf_counter()

    def _received(self, event_name: str, **_: Any) -> None:
        now = time.perf_counter()
        self.waited += now - self._sent_at
        if event_name.endswith(".TransactWriteItems"):
            self.connected_at, self.waited_till_then = now, self.waited


def handshakes_beside_a_script(handshakes: Handshakes, of_a_round: int = 3) -> tuple[Compared, float]:
    """Callback to connected, beside a plain script: two calls by requests-oauthlib and one put_secret_value.

    And how much of ours is waiting for AWS: the median of the rounds' parts.
    """
    watch, parts = _Watch(), list[float]()
    secrets = aws.client("secretsmanager")
    secret = secrets.create_secret(Name=f"bench/{uuid.uuid4().hex}")["ARN"]

    def plain(form: dict[str, str]) -> None:
        base, key, consumer_secret = (
            form[f] for f in ("store_base_url", "oauth_consumer_key", "oauth_consumer_secret")
        )
        with requests.Session() as session:
            first = OAuth1(key, consumer_secret, signature_method="HMAC-SHA256")
            token = dict(parse_qsl(session.post(f"{base}oauth/token/request", auth=first, timeout=8).text))
            second = OAuth1(
                key,
                consumer_secret,
                token["oauth_token"],
                token["oauth_token_secret"],
                verifier=form["oauth_verifier"],
                signature_method="HMAC-SHA256",
            )
            access = dict(parse_qsl(session.post(f"{base}oauth/token/access", auth=second, timeout=8).text))
        secrets.put_secret_value(
            SecretId=secret, SecretString=json.dumps(access | {"consumer": [key, consumer_secret]})
        )

    def ours(form: dict[str, str]) -> float:
        watch.waited, began = 0.0, time.perf_counter()
        handshakes.connected(form)
        taken = watch.connected_at - began
        parts.append(watch.waited_till_then / taken)
        return taken

    def a_round(work: Callable[[dict[str, str]], float]) -> float:
        forms = [handshakes.post_of(handshakes.store()) for _ in range(of_a_round)]
        return sum(work(form) for form in forms) / of_a_round

    compared = alternating(lambda: a_round(ours), lambda: a_round(lambda form: seconds(lambda: plain(form))))
    return compared, statistics.median(parts)


def state_machine(handshakes: Handshakes, executions: int = 7) -> float:
    """The state machine's own seconds in an execution, by its history: those in which no function ran. The median.

    The handshakes are of a served stack that executes. The first one, which starts the functions, is not counted.
    """
    client = aws.client("stepfunctions")
    machine = handshakes.served.variables["CallbackFunction"]["STORELINK_STATE_MACHINE"]

    def own() -> float:
        execution = (
            machine.replace(":stateMachine:", ":execution:")
            + ":"
            + handshakes.callback(handshakes.post_of(handshakes.store()))
        )
        end = time.monotonic() + 60
        while (status := client.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            if time.monotonic() > end:
                raise TimeoutError(execution)
            time.sleep(0.05)
        if status != "SUCCEEDED":
            raise RuntimeError(f"{execution}: {status}")
        events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        return _between(events, "ExecutionStarted", "ExecutionSucceeded") - _between(events, *RUN)

    own()
    return statistics.median(own() for _ in range(executions))


RUN = ("LambdaFunctionStarted", "LambdaFunctionSucceeded")
"""The events of a history between which a function runs."""


def _between(events: list[dict[str, Any]], begin: str, end: str) -> float:
    """The seconds between each event of a kind and the one of the other kind after it, in all."""
    times = [[event["timestamp"] for event in events if event["type"] == kind] for kind in (begin, end)]
    if not times[0]:
        raise LookupError(f"no {begin} among {[event['type'] for event in events]}")
    return float(sum((after - before).total_seconds() for before, after in zip(*times, strict=True)))
