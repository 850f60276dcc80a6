"""Rule 2: run the handshake with known secrets, to success and to every failure, and search all that comes out."""

import base64
import contextlib
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from local.lambda_context import LambdaContext
from storelink.errors import Unavailable
from storelink.models import Activation
from storelink.observability import logger
from storelink.state import step_retry
from tests.handshake.test_failure import FINAL, TRANSIENT
from tests.world import HANDLERS, World, callback_event, in_both_stores, request, sample

CALLBACK = "http://app.invalid/callback"


class Watched(World):
    """A world that remembers all that comes out of it, and every secret that was in it."""

    def __init__(self, world: World) -> None:
        super().__init__(world.aws, world.shop, world.url)
        self.out: list[str] = []
        self.secrets: set[str] = set()

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        self._learn()
        try:
            answer: dict[str, Any] = HANDLERS[function](event, LambdaContext())
        except Exception as error:
            told = traceback.TracebackException.from_exception(error, capture_locals=False)
            self.out += [repr(error), str(error), "".join(told.format())]
            raise
        finally:
            self._learn()
        self.out += [repr(answer)]
        return answer

    def post(self, form: dict[str, str]) -> dict[str, Any]:
        self.secrets |= {form["oauth_consumer_secret"], form["oauth_verifier"]}
        activation = Activation.from_form(form)
        self.out += [repr(activation), str(activation)]
        return super().post(form)

    def _learn(self) -> None:
        for integration in self.shop.state()["integrations"].values():
            self.secrets |= {value for value in integration["secrets"].values() if value}

    def found(self, logged: str) -> dict[str, str]:
        """Each secret that came out, and where."""
        places = {
            "log": logged,
            "answers and exceptions": "\n".join(self.out),
            "rows": self._stored(),
            "events": json.dumps(self.events()),
            "executions": self._executions(),
        }
        return {
            f"{name}: {kind}": text[max(0, text.find(written) - 60) : text.find(written)]
            for name, text in places.items()
            for secret in self.secrets
            for kind, write in WRITTEN.items()
            if (written := write(secret)) in text
        }

    def _stored(self) -> str:
        dynamodb = self.aws.client("dynamodb")
        names = dynamodb.list_tables()["TableNames"]
        found = [row for name in names for row in dynamodb.scan(TableName=name)["Items"]]
        # Binary as it is, and not as a repr that would hide it.
        return repr(found) + "".join(
            value["B"].decode("latin-1") for row in found for value in row.values() if "B" in value
        )

    def _executions(self) -> str:
        states = self.aws.client("stepfunctions")
        found = states.list_executions(stateMachineArn=self.aws.outputs["StateMachineArn"])["executions"]
        return repr([states.describe_execution(executionArn=one["executionArn"]) for one in found])


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
    "hex": lambda secret: secret.encode().hex(),
}


@pytest.fixture
def watched(world: World) -> Iterator[Watched]:
    before = logger.log_level
    logger.setLevel(logging.DEBUG)
    yield Watched(world)
    logger.setLevel(before)


def refuse(operation: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have AWS refuse an operation with all that it was sent. What it said is noted as it is said."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined]
    told: list[str] = []

    def refusing(self: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            told.append(repr(parameters))
            raise ClientError({"Error": {"Code": "ValidationException", "Message": told[-1]}}, name)
        return original(self, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)
    return told


def assert_nothing_leaked(watched: Watched, capfd: pytest.CaptureFixture[str], caplog: Any) -> None:
    written = capfd.readouterr()
    assert len(watched.secrets) >= 2
    assert watched.found(written.out + written.err + caplog.text) == {}


def test_the_search_finds_a_secret_where_there_is_one(watched: Watched) -> None:
    watched.click()
    secret = next(iter(watched.secrets))
    for kind, write in WRITTEN.items():
        assert f"log: {kind}" in watched.found(f"a line with {write(secret)} in it")


@in_both_stores
def test_nothing_leaks_on_the_way_to_a_connection(
    watched: Watched, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    activation_id = watched.click()
    assert_nothing_leaked(watched, capfd, caplog)
    watched.step("RequestTokenFunction", activation_id)
    assert_nothing_leaked(watched, capfd, caplog)
    watched.step("AccessTokenFunction", activation_id)
    watched.step("AccessTokenFunction", activation_id, holder="an operator")
    watched.run(watched.click_reauthorize())
    watched.call("SweepFunction", sample("sweep.json"))
    assert len(watched.secrets) >= 6
    popup = {"oauth_consumer_key": watched.connection()["consumer_key"], "success_call_back": watched.url}
    watched.call("IdentityFunction", request("GET", "/identity", queryStringParameters=popup))
    assert_nothing_leaked(watched, capfd, caplog)


@pytest.mark.parametrize("endpoint", ["request", "access"])
@pytest.mark.parametrize("trouble", [*FINAL, *TRANSIENT, "nonce_used", "drop", "cut", "half", "sha1_only"])
def test_nothing_leaks_on_the_way_to_a_failure(
    watched: Watched,
    trouble: str,
    endpoint: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step_retry, "ACCESS_PERIOD", 3600)  # 18 tries; the 92 of the rest of a day are as the last
    activation_id = watched.click()
    watched.shop.trouble(trouble, endpoint=endpoint)
    watched.run(activation_id)
    watched.run(activation_id)
    assert_nothing_leaked(watched, capfd, caplog)


def test_a_store_that_repeats_what_it_was_told_puts_nothing_into_words(
    watched: Watched,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    from storelink.transport import http
    from storelink.transport.http import Response

    form = dict(watched.shop.activate(CALLBACK).form)
    echo = "&".join(f"{name}={value}" for name, value in form.items()).replace("&", " ").replace("=", ":")

    def echoing(url: str, authorization: str, seconds: float) -> Response:
        return Response(401, {}, f"oauth_problem={echo}".encode())

    monkeypatch.setattr(http, "post", echoing)
    outcome = watched.run(watched.post(form)["activation_id"])
    assert outcome["reason"] == "refused"
    assert_nothing_leaked(watched, capfd, caplog)


def test_a_refused_post_is_not_repeated(
    watched: Watched, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    form = dict(watched.shop.activate(CALLBACK).form)
    watched.secrets |= {form["oauth_consumer_secret"], form["oauth_verifier"]}
    for wrong in ({"store_base_url": "nowhere"}, {"oauth_verifier": form["oauth_verifier"] + "x"}):
        answer = watched.call("CallbackFunction", callback_event(form | wrong))
        assert answer["statusCode"] == 400
    assert_nothing_leaked(watched, capfd, caplog)


STEPS = [
    *("Decrypt", "UpdateItem", "GetItem", "TransactWriteItems", "PutEvents"),
    *("CreateSecret", "PutSecretValue", "DescribeSecret", "UpdateSecretVersionStage"),
]


@pytest.mark.parametrize(
    ("credential_store", "operation"), [*product(["secretsmanager"], STEPS), ("dynamodb", "Encrypt")]
)
def test_an_aws_error_within_a_step_does_not_repeat_what_was_sent(
    watched: Watched,
    operation: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched.connect()
    activation_id = watched.click_reauthorize()
    with monkeypatch.context() as patched:
        told = refuse(operation, patched)
        with contextlib.suppress(Unavailable):  # where not even the failure can be written
            watched.run(activation_id)
        assert told
    assert_nothing_leaked(watched, capfd, caplog)


@pytest.mark.parametrize("operation", ["Encrypt", "TransactWriteItems", "StartExecution"])
def test_an_aws_error_does_not_repeat_what_was_sent(
    watched: Watched,
    operation: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form = dict(watched.shop.activate(CALLBACK).form)
    watched.secrets |= {form["oauth_consumer_secret"], form["oauth_verifier"]}
    with monkeypatch.context() as patched:
        refuse(operation, patched)
        assert watched.call("CallbackFunction", callback_event(form))["statusCode"] == 503
    assert_nothing_leaked(watched, capfd, caplog)
