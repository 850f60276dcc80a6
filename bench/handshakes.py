"""The handshake, warm: the functions' own handlers in this process, AWS and the store in another one."""

import functools
import json
import logging
import os
import runpy
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlencode

import requests
import urllib3
from botocore.client import BaseClient

from bench.rounds import ROUNDS, Compared, alternating, seconds
from bench.server import Served
from local.lambda_context import LambdaContext
from local.template import ROOT, Template
from storelink import aws
from storelink.models import Activation, ActivationId
from storelink.oauth.credentials import Consumer, Token
from storelink.oauth.signature import authorization_header
from storelink.observability import logger
from storelink.state import hosts
from storelink.transport import http

CALLBACKS, HANDSHAKES = 60, 3
"""In one round."""
STEPS = {"request_token": ("RequestTokenFunction", "requested"), "access_token": ("AccessTokenFunction", "connected")}
"""The steps after the callback: what runs them, and the state they reach."""

Event = dict[str, Any]
Form = dict[str, str]
Call = tuple[str, Any, str, Event]
"""A call of a handshake: its part, AWS' client or None for the store, its name and its parameters."""


class Handshakes:
    """Stores that are activated one after the other."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.use()
        logger.setLevel(logging.CRITICAL)  # no line an activation among the figures
        folders = Template.read().folders
        self._handlers = {name: runpy.run_path(str(folders[name] / "app.py"))["handler"] for name in served.variables}

    def use(self) -> None:
        """Work with this stack, in this process, where another one was used."""
        for variables in self.served.variables.values():
            os.environ.update(variables)
        aws.client.cache_clear()

    def store(self) -> str:
        """A store that nobody has met: its URL."""
        return f"{self.served.stores}stores/{uuid.uuid4().hex[:12]}/"

    def post_of(self, store: str) -> Form:
        """What Magento posts when its merchant clicks Activate. It is posted to nowhere."""
        urls = dict.fromkeys(("callback_url", "identity_url"), "http://127.0.0.1:9/")
        requests.post(f"{store}sandbox/activate", json=urls, timeout=30).raise_for_status()
        (known,) = requests.get(f"{store}sandbox/state", timeout=30).json()["integrations"].values()
        return _form(store, known["consumer_key"], known["secrets"]["consumer_secret"], known["secrets"]["verifier"])

    def call(self, function: str, event: Event) -> Event:
        """What a function answers."""
        answer: Event = self._handlers[function](event, LambdaContext())
        return answer

    def callback(self, form: Form) -> str:
        """Magento's post; the activation's id."""
        answer = self.call("CallbackFunction", callback_event(form))
        if answer["statusCode"] != 200:
            raise RuntimeError(answer["body"])
        return str(json.loads(answer["body"])["activation_id"])

    def connected(self, form: Form, begin: Callable[[str], object] = str) -> str:
        """Callback and both steps; the activation's id. begin: called with the name of each part before it."""
        begin("callback")
        activation_id = self.callback(form)
        event = {"activation_id": activation_id, "holder": activation_id}
        for step, (function, state) in STEPS.items():
            begin(step)
            outcome = self.call(function, event)
            if outcome["state"] != state:
                raise RuntimeError(f"{function} did not reach {state}: {outcome}")
        return activation_id


def _form(store: str, key: str, secret: str, verifier: str) -> Form:
    names = {"oauth_consumer_key": key, "oauth_consumer_secret": secret, "oauth_verifier": verifier}
    return names | {"store_base_url": store}


def sample(name: str, **changes: Any) -> Event:
    """An event of events/, with other values."""
    event: Event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event | changes


def callback_event(form: Form) -> Event:
    """Magento's post, as the HTTP API gives it to a function."""
    return sample("callback", body=urlencode(form), isBase64Encoded=False)


class Bare:
    """The calls of a handshake, made again for another store: one after the other, by the same clients, and no more.

    What names the recorded activation is replaced; its times and ciphertexts stay. The clock stands between two calls,
    while the next one's parameters are made and, for a store, signed.
    """

    def __init__(self, handshakes: Handshakes) -> None:
        handshakes.connected(handshakes.post_of(handshakes.store()))  # makes the clients
        form = handshakes.post_of(handshakes.store())
        with _recording() as (self.calls, begin):
            activation_id = handshakes.connected(form, begin)
        self._recorded = _names(form, ActivationId.from_text(activation_id))
        self._pools = urllib3.PoolManager()

    def counted(self) -> dict[str, Counter[str]]:
        """The calls to AWS of each part, by service and name."""
        counts: dict[str, Counter[str]] = {}
        for part, client, name, _ in self.calls:
            if client:
                counts.setdefault(part, Counter())[f"{client.meta.service_model.service_name}.{name}"] += 1
        return counts

    def seconds(self, form: Form, parts: tuple[str, ...] = ("callback", *STEPS)) -> float:
        """What the calls of these parts take for the store and the keys of a form."""
        new = _names(form, ActivationId.new(Activation.from_form(form).integration_key))
        names = dict(zip(self._recorded, new, strict=True))
        taken, token = 0.0, None
        for part, client, name, parameters in self.calls:
            if part in parts and client:
                # What was encrypted for the recorded activation is decrypted for it.
                given = parameters if name == "Decrypt" else _renamed(parameters, names)
                taken += seconds(functools.partial(client._make_api_call, name, given))
            elif part in parts:
                spent, token = self._fetch(form, name, token)
                taken += spent
        return taken

    def _fetch(self, form: Form, path: str, token: Token | None) -> tuple[float, Token]:
        """The seconds that a token of the store takes, and the token. token: that of the call before."""
        url = form["store_base_url"] + path
        consumer = Consumer(form["oauth_consumer_key"], form["oauth_consumer_secret"])
        signed = authorization_header("POST", url, consumer, token, form["oauth_verifier"] if token else None)
        headers, answers = {"Authorization": signed, "Connection": "close"}, list[Any]()
        taken = seconds(lambda: answers.append(self._pools.request("POST", url, body=b"", headers=headers)))
        given = dict(parse_qsl(answers[0].data.decode()))
        return taken, Token(given["oauth_token"], given["oauth_token_secret"])


@contextmanager
def _recording() -> Iterator[tuple[list[Call], Callable[[str], None]]]:
    """The calls that are made meanwhile, and what to call with the name of each part before it."""
    calls, parts = list[Call](), list[str]()
    api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    post = http.post

    def to_store(url: str, *arguments: Any) -> http.Response:
        calls.append((parts[-1], None, f"oauth/token/{url.rpartition('/')[2]}", {}))
        return post(url, *arguments)

    def to_aws(client: Any, name: str, parameters: Event) -> Any:
        calls.append((parts[-1], client, name, parameters))
        return api_call(client, name, parameters)

    with mock.patch.object(http, "post", to_store), mock.patch.object(BaseClient, "_make_api_call", to_aws):
        yield calls, parts.append


def _names(form: Form, activation_id: ActivationId) -> list[str]:
    """What names an activation in the parameters of its calls."""
    store = Activation.from_form(form).store
    of_store = [store.url, store.connection_id, hosts.row_key(store)["integration_key"], form["oauth_consumer_key"]]
    return [activation_id.integration_key, activation_id.attempt, *of_store]


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The same with other names in each text of it."""
    if isinstance(value, dict):
        return {name: _renamed(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if isinstance(value, str):
        return functools.reduce(lambda text, name: text.replace(name, names[name]), names, value)
    return value


def handshakes_beside_bare(handshakes: Handshakes, bare: Bare) -> Compared:
    """From the callback to connected, beside its own calls to AWS and to the store."""

    def a_round(work: Callable[[Form], float]) -> float:
        return sum(work(handshakes.post_of(handshakes.store())) for _ in range(HANDSHAKES)) / HANDSHAKES

    return alternating(
        lambda: a_round(lambda form: seconds(lambda: handshakes.connected(form))), lambda: a_round(bare.seconds)
    )


def callbacks_beside_bare(handshakes: Handshakes, bare: Bare) -> tuple[Compared, Compared]:
    """The median and the 99th percentile of a callback, beside its three AWS calls made bare."""

    def form() -> Form:
        return _form(f"https://{uuid.uuid4().hex}.example/", *(uuid.uuid4().hex for _ in range(3)))

    def ours() -> float:
        event = callback_event(form())
        return seconds(lambda: handshakes.call("CallbackFunction", event))

    each = alternating(ours, lambda: bare.seconds(form(), ("callback",)), ROUNDS * CALLBACKS)
    rounds = [[side[n::ROUNDS] for n in range(ROUNDS)] for side in (each.ours, each.other)]
    parts = [[statistics.quantiles(one, n=100, method="inclusive") for one in side] for side in rounds]
    median, slow = (Compared(*([one[nth - 1] for one in side] for side in parts)) for nth in (50, 99))
    return median, slow


def transitions(handshakes: Handshakes) -> int:
    """The state transitions of one execution, as AWS bills them: its start, and each state that it enters.

    The handshake is of a served stack that executes.
    """
    client = aws.client("stepfunctions")
    machine = handshakes.served.variables["CallbackFunction"]["STORELINK_STATE_MACHINE"]
    activation_id = handshakes.callback(handshakes.post_of(handshakes.store()))
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{activation_id}"
    for _ in range(600):
        time.sleep(0.05)
        events = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        if events and events[-1]["type"] == "ExecutionSucceeded":
            return 1 + [event["type"].endswith("StateEntered") for event in events].count(True)
    raise TimeoutError(f"{execution} did not succeed")
