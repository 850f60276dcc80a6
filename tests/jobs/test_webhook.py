"""The webhook: what the app receives, and what happens while it does not take an event."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.client import BaseClient
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.aws import LocalAws
from storelink.errors import Unavailable
from storelink.jobs import webhook
from tests.world import function_environment, sample

OLD, NEW = "A" * 64, "B" * 64


class App:
    """An app that receives events. status: of its next answers. requests: headers and bodies as they came."""

    def __init__(self) -> None:
        self.status = 204
        self.requests: list[tuple[dict[str, str], bytes]] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                app.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(app.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?key=in-the-url"


@pytest.fixture
def app(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An app, the function's environment, and the secret of the webhook."""
    app = App()
    function_environment(aws, monkeypatch)
    monkeypatch.setenv("STORELINK_WEBHOOK_URL", app.url)
    webhook._secrets.cache_clear()
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name=f"{aws.stack}/webhook", SecretString=OLD)
    threading.Thread(target=app.server.serve_forever, args=(0.01,), daemon=True).start()
    yield app
    app.server.shutdown()
    app.server.server_close()
    secrets.delete_secret(SecretId=f"{aws.stack}/webhook", ForceDeleteWithoutRecovery=True)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds after which SQS was asked to deliver a message again."""
    asked: list[int] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, operation: str, parameters: Any) -> Any:
        if operation != "ChangeMessageVisibility":
            return original(client, operation, parameters)
        asked.append(parameters["VisibilityTimeout"])
        return {}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return asked


def messages(tries: int = 1) -> list[dict[str, Any]]:
    (message,) = sample("webhook.json")["Records"]
    message["attributes"]["ApproximateReceiveCount"] = str(tries)
    return [message]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines that the function has written."""
    return [vars(record) for record in caplog.records if record.msg.startswith("webhook")]


def replace_secret(aws: LocalAws, secret: str) -> None:
    aws.client("secretsmanager").put_secret_value(SecretId=f"{aws.stack}/webhook", SecretString=secret)
    webhook._secrets.cache_clear()


def test_the_app_receives_the_event_as_eventbridge_has_it(app: App) -> None:
    assert webhook.deliver(messages()) == {"batchItemFailures": []}
    ((headers, body),) = app.requests
    assert body.decode() == messages()[0]["body"]
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == json.loads(body)["id"]


def test_the_standards_own_library_verifies_the_request(app: App) -> None:
    webhook.deliver(messages())
    ((headers, body),) = app.requests
    assert Webhook(f"whsec_{OLD}").verify(body.decode(), headers)["detail-type"] == "Store Connected"
    for changed, sent in ((body + b" ", headers), (body, headers | {"webhook-id": "other"})):
        with pytest.raises(WebhookVerificationError):
            Webhook(f"whsec_{OLD}").verify(changed.decode(), sent)


def test_while_the_secret_is_replaced_both_verify(app: App, aws: LocalAws) -> None:
    replace_secret(aws, NEW)
    webhook.deliver(messages())
    ((headers, body),) = app.requests
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(body.decode(), headers)


def test_a_message_that_is_sent_again_has_the_same_id(app: App) -> None:
    webhook.deliver(messages())
    webhook.deliver(messages(2))
    assert len({headers["webhook-id"] for headers, _ in app.requests}) == 1


@pytest.mark.parametrize("status", [302, 400, 410, 500])
def test_an_event_that_the_app_does_not_take_stays_in_the_queue(app: App, delays: list[int], status: int) -> None:
    app.status = status
    (message,) = messages()
    assert webhook.deliver([message]) == {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
    assert len(app.requests) == 1  # no redirect is followed
    assert delays == [5]


def test_the_waits_get_longer_and_after_the_last_the_event_is_given_up_at_once(app: App, delays: list[int]) -> None:
    app.status = 500
    for tries in range(1, 10):
        webhook.deliver(messages(tries))
    assert delays == [5, 30, 300, 1800, 7200, 18000, 36000, 40000, 0]


def test_an_event_that_is_refused_delays_no_other(app: App, delays: list[int]) -> None:
    good, bad = messages()[0], messages()[0] | {"messageId": "bad", "body": messages()[0]["body"]}
    app.status = 500
    failed = webhook.deliver([bad])["batchItemFailures"]
    app.status = 200
    assert failed == [{"itemIdentifier": "bad"}]
    assert webhook.deliver([good])["batchItemFailures"] == []


def test_an_address_within_the_network_is_not_called(
    app: App, delays: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "false")
    monkeypatch.setenv("STORELINK_WEBHOOK_URL", "https://127.0.0.1/")
    assert webhook.deliver(messages())["batchItemFailures"]
    assert lines(caplog)[0]["problem"] == "address-not-public: 127.0.0.1"
    assert (app.requests, delays) == ([], [5])


@pytest.mark.parametrize("secret", ["short", "no base64 %", ""], ids=["short", "no base64", "empty"])
def test_a_secret_that_cannot_sign_is_named_in_the_log(
    app: App, aws: LocalAws, delays: list[int], caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    replace_secret(aws, secret or " ")
    assert webhook.deliver(messages())["batchItemFailures"]
    assert "WebhookSecretArn must be base64 of at least 24 bytes" in lines(caplog)[0]["problem"]
    assert app.requests == []


def test_a_secrets_manager_that_is_down_is_no_unsigned_request(
    app: App, delays: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: str) -> str:
        raise Unavailable("aws", "Secrets Manager: InternalServiceError")

    monkeypatch.setattr("storelink.aws.secret_text", down)
    assert webhook.deliver(messages())["batchItemFailures"]
    assert app.requests == []


def test_the_log_has_the_event_and_neither_url_nor_secret(
    app: App, delays: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    webhook.deliver(messages())
    app.status = 503
    webhook.deliver(messages(2))
    good, bad = lines(caplog)
    assert (good["msg"], bad["msg"]) == ("webhook delivered", "webhook not delivered")
    assert (bad["problem"], bad["tries"], bad["retry_in"]) == ("HTTP 503", 2, 30)
    assert good["connection_id"] == bad["connection_id"] == "shop.example-0ebceea5fcc8e4fb"
    everything = repr([vars(record) for record in caplog.records])
    assert "in-the-url" not in everything
    assert OLD not in everything
