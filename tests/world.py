"""The world of tests that need more than one function: AWS, a store, and what happens between them."""

import contextlib
import copy
import json
import time
import uuid
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, Self
from urllib.parse import urlencode

import pytest

from local.aws import LocalAws
from local.lambda_context import LambdaContext
from local.template import ROOT, Template
from storelink import aws as doors
from storelink import credentials
from storelink.api import gateway
from storelink.aws import dynamodb
from storelink.client import session as client_session
from storelink.credentials.secretsmanager import secret_name
from storelink.models import ActivationId
from storelink.oauth.credentials import Credentials
from storelink.popup import openid
from storelink.state import activations, connections
from storelink.store import Store
from storelink.testing.sandbox import Sandbox, SandboxStore
from tests.provider import CLIENT_ID, CLIENT_SECRET

TEMPLATE = Template.read()
TRIES = {
    f"{name}Function": 1 + state["Retry"][-1]["MaxAttempts"]
    for name, state in TEMPLATE.state_machine["States"].items()
    if state["Type"] == "Task"
}
"""How often the state machine runs a function, at most."""
EVENTS = ROOT / "events"
STORES = tuple(TEMPLATE.sam["Parameters"]["CredentialStore"]["AllowedValues"])
in_both_stores = pytest.mark.parametrize("credential_store", STORES)
"""Runs tests that take `world` once for each home of credentials."""


def handler_of(function: str) -> Any:
    """A function's handler by its logical id, loaded as Lambda loads it: from its folder, by the template's name."""
    properties = TEMPLATE.functions[function]
    module, _, name = properties["Handler"].rpartition(".")
    path = TEMPLATE.folders[function] / f"{module}.py"
    spec = spec_from_file_location(f"{function}_{module}", path)
    assert spec
    assert spec.loader
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)


HANDLERS = {function: handler_of(function) for function in TEMPLATE.functions}


def request(method: str, path: str, **event: Any) -> dict[str, Any]:
    """An event of the HTTP API."""
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "isBase64Encoded": False,
        **event,
    }


def callback_event(form: dict[str, str]) -> dict[str, Any]:
    """Magento's post."""
    return request("POST", "/callback", headers={"content-type": gateway.FORM}, body=urlencode(form))


class Clock:
    """The functions' clock, which a test can set forward."""

    ahead = 0.0

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.ahead += seconds

    def now(self) -> int:
        """As `activations.now`."""
        return int((time.time() + self.ahead) * 1000)


CLOCK = Clock()


class World:
    """A store nobody has met before, an app in the cloud, and what happens between them."""

    def __init__(self, aws: LocalAws, shop: SandboxStore, url: str) -> None:
        self.aws = aws
        self.shop = shop
        self.url = url
        self.store = Store.from_url(url)

    def copy(self, shops: Sandbox) -> Self:
        """A copy of the store on another host, as a staging server is."""
        name = uuid.uuid4().hex[:12]
        url = f"{shops.url}stores/{name}/".replace("127.0.0.1", "localhost")
        shop = shops.store(name)
        shop.copy_database(self.shop)
        shop.set_base_url(url)
        copied = copy.copy(self)
        copied.shop, copied.url, copied.store = shop, url, Store.from_url(url)
        return copied

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """What a function answers to an event."""
        answer: dict[str, Any] = HANDLERS[function](event, LambdaContext())
        return answer

    def post(self, form: dict[str, str]) -> dict[str, Any]:
        """What the callback answers to a form: its status and its body, read."""
        answer = self.call("CallbackFunction", callback_event(form))
        return {"status": answer["statusCode"], **json.loads(answer["body"])}

    def click(self) -> str:
        """The merchant clicks Activate. The activation's id."""
        return str(self.post(self.shop.activate("http://app.invalid/callback").form)["activation_id"])

    def click_reauthorize(self) -> str:
        """The merchant clicks Reauthorize. The activation's id."""
        return str(self.post(self.shop.reauthorize("http://app.invalid/callback").form)["activation_id"])

    def step(self, function: str, activation_id: str, holder: str | None = None) -> dict[str, Any]:
        """Run one step as the state machine does, with its retries but without its waits; then its Catch."""
        event = {"activation_id": activation_id, "holder": holder or activation_id}
        try:
            return self._tried(function, event)
        except Exception as error:
            cause = {"errorMessage": str(error), "errorType": type(error).__name__}
            failure = {"Error": type(error).__name__, "Cause": json.dumps(cause)}
            return self._tried("RecordFailureFunction", {**event, "error": failure})

    def _tried(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        for _ in range(TRIES[function] - 1):
            with contextlib.suppress(Exception):
                return self.call(function, event)
        return self.call(function, event)

    def run(self, activation_id: str) -> dict[str, Any]:
        """What the state machine ends with. Its waits take no time: the functions' clock is set forward."""
        outcome = self.step("RequestTokenFunction", activation_id)
        while "retry_in" in outcome or outcome["state"] in ("requested", "exchanged"):
            CLOCK.wait(outcome.get("retry_in", 0))
            function = "RequestTokenFunction" if outcome["state"] == "pending" else "AccessTokenFunction"
            outcome = self.step(function, activation_id)
        return outcome

    def run_rules(self) -> None:
        """Run functions as EventBridge does, with the events that their rules have matched since the last call."""
        sqs = self.aws.client("sqs")
        for function in TEMPLATE.run_by_events:
            queue = sqs.get_queue_url(QueueName=function)["QueueUrl"]
            while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                for message in messages:
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                    self.call(function, json.loads(message["Body"]))

    def heal(self, action: str) -> str:
        """The merchant does what the advice says, by the link that Magento's grid shows. The new activation's id."""
        if action == "reauthorize":
            self.shop.check_link("Reauthorize")
            return self.click_reauthorize()
        if action == "recreate":
            self.shop.delete()
        self.shop.check_link("Activate")
        return self.click()

    def connect(self) -> str:
        """Activate, to the end. The activation's id."""
        activation_id = self.click()
        assert self.run(activation_id)["state"] == "connected"
        return activation_id

    def connect_again(self) -> str:
        """Reauthorize, to the end. The activation's id."""
        activation_id = self.click_reauthorize()
        assert self.run(activation_id)["state"] == "connected"
        return activation_id

    def row(self, activation_id: str) -> dict[str, Any]:
        """The row that an activation lives in, {} where there is none."""
        line = ActivationId.from_text(activation_id).integration_key
        return dynamodb.get(self.aws.outputs["ActivationsTableName"], {"integration_key": line})

    def connection(self) -> dict[str, Any]:
        """The store's connection, {} where there is none."""
        key = {"connection_id": self.store.connection_id}
        return dynamodb.get(self.aws.outputs["ConnectionsTableName"], key)

    def secret(self) -> dict[str, Any]:
        """What Secrets Manager tells of the store's secret, {} where there is none."""
        client = self.aws.client("secretsmanager")
        try:
            told = client.describe_secret(SecretId=secret_name(self.aws.stack, self.store))
        except client.exceptions.ResourceNotFoundException:
            return {}
        return {name: value for name, value in told.items() if name != "ResponseMetadata"}

    def credentials(self) -> Credentials:
        """The store's current credentials."""
        return credentials.read(self.aws.stack, self.store)

    def credentials_work(self) -> bool:
        """Whether the store takes them."""
        client_session._kept.cache_clear()
        shop = client_session.connect(self.url, stack=self.aws.stack)
        return bool(shop.get("rest/V1/store/storeConfigs").status_code == 200)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and detail of the events about this store since this was last asked."""
        return [(event["detail-type"], event["detail"]) for event in self.whole_events()]

    def whole_events(self) -> list[dict[str, Any]]:
        """The same, as EventBridge delivers them."""
        sqs, queue, most = self.aws.client("sqs"), self.aws.events_queue_url, 10
        found: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = [{}] * most
        while len(messages) == most:
            messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=most).get("Messages", [])
            found += [json.loads(message["Body"]) for message in messages]
            read = [{"Id": str(nth), "ReceiptHandle": one["ReceiptHandle"]} for nth, one in enumerate(messages)]
            if read:
                sqs.delete_message_batch(QueueUrl=queue, Entries=read)
        return [event for event in found if event["detail"]["store_url"] == self.url]


def due(world: World) -> None:
    """Make a store's connection due for its check, and no other one."""
    table = world.aws.outputs["ConnectionsTableName"]
    client = world.aws.client("dynamodb")
    for item in client.scan(TableName=table, IndexName="next_check")["Items"]:
        key = {"connection_id": item["connection_id"]}
        client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE health_check_shard")
    key = {"connection_id": world.store.connection_id}
    changes = {"health_check_shard": connections.shard(world.store.connection_id), "next_check_at": 1}
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes)


def function_environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process what the functions' processes have."""
    for function in aws.functions.values():
        for name, value in function.variables.items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORELINK_STEPS_PER_HOST", "999")  # the stores of all tests are on one host
    for limit in ("HANDSHAKES_PER_HOST", "UNCLAIMED_CONNECTIONS_PER_HOST", "NEW_CONNECTIONS_PER_HOUR"):
        monkeypatch.setenv(f"STORELINK_{limit}", "999")  # the stores of all tests are on one host
    doors.client.cache_clear()
    monkeypatch.setattr(CLOCK, "ahead", 0.0)
    monkeypatch.setattr(activations, "now", CLOCK.now)


def merchants_sign_in(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    """Have the functions send merchants to the vendor's login at `url`; the key that both sign with."""
    monkeypatch.setenv("STORELINK_SIGN_IN_URL", url)
    monkeypatch.setenv("STORELINK_OIDC_ISSUER", "")
    secrets, name = aws.client("secretsmanager"), f"{aws.stack}/sign-in"
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString=uuid.uuid4().hex * 2)
    return str(secrets.get_secret_value(SecretId=name)["SecretString"])


def merchants_sign_in_at_the_provider(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    """Have the functions send merchants to the OpenID provider at `issuer`, where Storelink is a client."""
    merchants_sign_in(aws, monkeypatch, "")
    secrets, name = aws.client("secretsmanager"), "vendor/client"
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString=CLIENT_SECRET)
    monkeypatch.setenv("STORELINK_OIDC_ISSUER", issuer)
    monkeypatch.setenv("STORELINK_OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("STORELINK_OIDC_CLIENT_SECRET_ARN", name)
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the provider of tests has no TLS
    openid._discovered.cache_clear()


def sample(name: str) -> dict[str, Any]:
    """An event of events/."""
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event
