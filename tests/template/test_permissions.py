"""Each function may do what it does, no more and no less: the calls it makes, beside the policy of its role."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from local.lambda_context import LambdaContext
from local.template import Template
from storelink.aws import dynamodb
from storelink.config import config
from storelink.credentials import basic_auth
from storelink.credentials.basic_auth import BasicAuthRequest
from storelink.errors import Unavailable
from storelink.jobs import webhook
from storelink.state import activations
from storelink.testing.sandbox import Sandbox
from storelink.testing.sandbox.accounts import PASSWORD, STAGING_USER
from tests.popup.test_openid import signed_in
from tests.popup.test_sign_in import LOGIN, Browser, returned, signed
from tests.provider import serving
from tests.template import roles
from tests.template.conditions import resources
from tests.world import (
    HANDLERS,
    STORES,
    World,
    callback_event,
    due,
    in_both_stores,
    merchants_sign_in,
    merchants_sign_in_at_the_provider,
    request,
    sample,
)

CLIENT = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vendor/client-AbCdEf"
RESOURCES = {store: resources(Template.read(), CredentialStore=store, OidcClientSecretArn=CLIENT) for store in STORES}
"""The resources, by where credentials are kept."""
FUNCTIONS = sorted(Template.read().functions)

IAM_OF = {"dynamodb:TransactWriteItems": "dynamodb:UpdateItem"}
"""Operations whose permission has another name: a transaction needs those of what it does."""

EXPLAINED = {
    # Secrets Manager encrypts with the stack's key in the name of who writes the secret.
    ("AccessTokenFunction", "secretsmanager"): {"kms:GenerateDataKey"},
    # It decrypts in the name of who reads it, too.
    ("HealthCheckFunction", "secretsmanager"): {"kms:Decrypt"},
    ("BasicAuthFunction", "secretsmanager"): {"kms:Decrypt", "kms:GenerateDataKey"},
    ("LoginsFunction", "secretsmanager"): {"kms:Decrypt", "kms:GenerateDataKey"},
    ("LoginsFunction", "dynamodb"): {"kms:Decrypt", "kms:GenerateDataKey"},
    ("MigrateCredentialsFunction", "secretsmanager"): {"kms:GenerateDataKey", "kms:Encrypt"},
    # It decrypts for who reads a secret.
    ("MigrateCredentialsFunction", "dynamodb"): {"kms:Decrypt"},
    # Lambda polls the queue in the name of the function.
    **{
        ("WebhookFunction", store): {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
        for store in STORES
    },
}
"""Permissions that are used on a function's behalf, and so are in no call of its own."""


def needed(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[str]:
    """The permissions that a call needs: each action, and for which table, index or kind of secret."""
    action = f"{service}:{operation}"
    action = IAM_OF.get(action, action)
    if service == "dynamodb":
        writes = [write for item in parameters.get("TransactItems", ()) for write in item.values()]
        for one in writes or [parameters]:
            index = f"/index/{one['IndexName']}" if "IndexName" in one else ""
            yield f"{action} {one['TableName']}{index}"
    elif service == "secretsmanager":
        name = parameters.get("SecretId") or parameters.get("Name") or "/all/"
        yield f"{action} {name.split('/')[1]}"
    else:
        yield action


def admitted(action: str, resource: Any) -> str:
    """The same, as a statement of a policy says it."""
    if action.startswith("dynamodb:"):
        target = resource["Fn::GetAtt"][0] if "Fn::GetAtt" in resource else resource["Fn::Sub"].replace("${", "")
        return f"{action} {target.replace('.Arn}', '')}"
    if resource == {"Ref": "OidcClientSecretArn"}:
        return f"{action} client"
    if action.startswith("secretsmanager:"):
        kind = resource["Fn::Sub"].split("/")[1] if isinstance(resource, dict) else "all"
        return f"{action} {kind.removesuffix('-??????')}"
    return action


class Recorder:
    """The AWS calls of each function, as the permissions that they need; and a way to have some refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: dict[str, set[str]] = defaultdict(set)
        self.refused: set[str] = set()
        self.function: str | None = None
        original = BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: Any, operation: str, parameters: Any) -> Any:
            if self.function is not None:
                self.made[self.function] |= {*needed(client.meta.service_model.signing_name, operation, parameters)}
                if operation in self.refused:
                    raise ClientError({"Error": {"Code": "InternalServiceError"}}, operation)
            return original(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)


class Watched(World):
    """A world whose functions are recorded."""

    def __init__(self, world: World, recorder: Recorder, shops: Sandbox) -> None:
        super().__init__(world.aws, world.shop, world.url)
        self.recorder = recorder
        self.shops = shops

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        self.recorder.function = function
        try:
            answer: dict[str, Any] = HANDLERS[function](event, LambdaContext())
            return answer
        finally:
            self.recorder.function = None


@pytest.fixture
def recorder(world: World, shops: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What every way through the functions asks of AWS."""
    recorder = Recorder(monkeypatch)
    watched = Watched(world, recorder, shops)
    merchants_sign_in(world.aws, monkeypatch, LOGIN)
    for way in WAYS:
        way(watched)
    return recorder


def connects_and_reauthorizes(world: Watched) -> None:
    first = world.connect()
    key = {"oauth_consumer_key": world.connection()["consumer_key"]}
    world.call("IdentityFunction", request("GET", "/identity", queryStringParameters=key))
    world.connect_again()
    world.step("AccessTokenFunction", first)


def comes_by_an_invitation_that_is_over(world: Watched) -> None:
    made = world.call("OperatorFunction", sample("invitations.json") | {"body": '{"tenant": "acme"}'})
    told = json.loads(made["body"])
    table, key = config.invitations_table, {"invitation_id": told["invitation_id"]}
    dynamodb.update(table, key, "attribute_exists(#tenant)", {}, changes={"valid_until": 0})
    code = {"pathParameters": {"invitation": told["callback_url"].split("/")[-2]}}
    form = dict(world.shop.reauthorize("http://app.invalid/callback").form)
    assert world.call("CallbackFunction", callback_event(form) | code)["statusCode"] == 403
    query = {"oauth_consumer_key": form["oauth_consumer_key"]}
    world.call("IdentityFunction", request("GET", "/identity", queryStringParameters=query) | code)
    for query in ({}, {"tenant": "acme"}):
        world.call("OperatorFunction", request("GET", "/invitations", queryStringParameters=query))
    world.call("OperatorFunction", request("DELETE", f"/invitations/{told['invitation_id']}", pathParameters=key))


def signs_in_at_the_vendors(world: Watched) -> None:
    browser = Browser(world)
    query = {"oauth_consumer_key": world.connection()["consumer_key"], "success_call_back": world.url}
    state = browser.state(f"/identity/sign-in?{urlencode(query)}")
    key = world.aws.client("secretsmanager").get_secret_value(SecretId=f"{world.aws.stack}/sign-in")["SecretString"]
    browser.sign_in(returned(state, signed(key, state)))
    assert world.connection()["tenant"] == "acme"


def signs_in_at_the_provider(world: Watched) -> None:
    world.connect_again()
    browser = Browser(world)
    query = {"oauth_consumer_key": world.connection()["consumer_key"], "success_call_back": world.url}
    with serving() as provider, pytest.MonkeyPatch.context() as monkeypatch:
        merchants_sign_in_at_the_provider(world.aws, monkeypatch, provider.url)
        browser.sign_in(signed_in(browser, f"/identity/sign-in?{urlencode(query)}"))
    assert world.connection()["tenant"] == "acme"


def comes_with_the_key_of_another_store(world: Watched) -> None:
    copied = world.copy(world.shops)
    assert copied.run(copied.click_reauthorize())["reason"] == "another-store"


def is_refused_by_the_store_at_each_step(world: Watched) -> None:
    for endpoint in ("request", "access"):
        activation_id = world.click_reauthorize()
        world.shop.trouble("signature_invalid", endpoint=endpoint, times=1)
        world.run(activation_id)


def is_not_answered_by_the_store(world: Watched) -> None:
    activation_id = world.click_reauthorize()
    world.shop.trouble("maintenance")
    world.run(activation_id)
    world.shop.clear_troubles()


def is_told_late(world: Watched) -> None:
    activation_id = world.click_reauthorize()
    world.recorder.refused = {"PutEvents"}
    with pytest.raises(Unavailable):
        world.run(activation_id)
    world.recorder.refused = set()
    world.step("AccessTokenFunction", activation_id)


def is_recorded_as_a_failure_after_it_connected(world: Watched) -> None:
    activation_id = world.click_reauthorize()
    world.step("RequestTokenFunction", activation_id)
    world.recorder.refused = {"PutEvents"}
    with pytest.raises(Unavailable):
        world.call("AccessTokenFunction", {"activation_id": activation_id, "holder": activation_id})
    world.recorder.refused = set()
    world.call("RecordFailureFunction", sample("record_failure.step.json") | {"activation_id": activation_id})
    assert "pending_events" not in world.connection()


def waits_for_the_home_of_credentials(world: Watched) -> None:
    activation_id = world.click_reauthorize()
    world.recorder.refused = {"PutSecretValue", "TransactWriteItems"}
    world.run(activation_id)
    world.recorder.refused = set()
    assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"


def is_overtaken_by_another_integration(world: Watched) -> None:
    old = world.click_reauthorize()
    world.step("RequestTokenFunction", old)
    newer = world.post(dict(world.shop.activate("http://app.invalid/callback", integration="newer").form))
    assert world.run(newer["activation_id"])["state"] == "connected"
    assert world.step("AccessTokenFunction", old)["reason"] == "superseded"


def comes_back_after_its_secret_was_deleted(world: Watched) -> None:
    secret = world.connection().get("secret_arn")
    if secret is None:
        return
    world.aws.client("secretsmanager").delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    world.connect_again()


def logs_in_and_in_again(world: Watched) -> None:
    body = {"store_url": world.url, "username": "admin", "password": PASSWORD}
    event = request("POST", "/logins", body=json.dumps(body))
    told = [json.loads(world.call("LoginsFunction", event)["body"]) for _ in range(2)]
    world.aws.client("secretsmanager").delete_secret(SecretId=told[0]["secret_arn"], RecoveryWindowInDays=7)
    assert world.call("LoginsFunction", event)["statusCode"] == 201


def is_behind_a_password(world: Watched) -> None:
    def password(method: str, **fields: str) -> None:
        body = json.dumps({"store_url": world.url, **fields})
        event = request(method, "/stores/basic-auth", body=body)
        assert world.call("BasicAuthFunction", event)["statusCode"] == 200

    world.shop.trouble("password")
    password("PUT", username=STAGING_USER, password=PASSWORD)
    is_entered_by_hand(world)
    assert world.run(world.click_reauthorize())["state"] == "connected"
    activation_id = world.click_reauthorize()
    world.shop.clear_troubles()
    world.step("RequestTokenFunction", activation_id)
    world.shop.trouble("password")
    assert world.step("AccessTokenFunction", activation_id)["state"] == "connected"
    world.shop.clear_troubles()
    password("DELETE")


def is_swept(world: Watched) -> None:
    aged = world.click_reauthorize()
    table, line = config.activations_table, {"integration_key": aged.partition("-")[0]}
    for age in (60_000, 400_000):
        at = activations.now() - age
        dynamodb.update(
            table,
            line,
            "attribute_exists(#integration_key)",
            {},
            changes={"updated_at": at, "received_at": at, "sweep_at": at},
        )
        world.call("SweepFunction", sample("sweep.json"))
    assert world.row(aged)["reason"] == "unfinished"
    world.connect_again()
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    untold = {"changed_at": 0, "pending_events_shard": "0", "pending_events": world.connection()["history"][-1:]}
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=untold)
    world.call("SweepFunction", sample("sweep.json"))
    assert "pending_events_shard" not in world.connection()


def becomes_nobodys(world: Watched) -> None:
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    dynamodb.update(table, key, "attribute_exists(#tenant)", {}, remove=("tenant",))


def is_looked_at_and_claimed(world: Watched) -> None:
    path = f"/connections/{world.store.connection_id}"
    for query in ({}, {"tenant": "acme"}):
        world.call("OperatorFunction", request("GET", "/connections", queryStringParameters=query))
    world.call("OperatorFunction", request("GET", "/summary"))
    world.call("OperatorFunction", request("GET", path))
    for query in ({}, {"store_url": world.url}, {"reference": world.connection()["activation_id"][:8]}):
        world.call("OperatorFunction", request("GET", "/activations", queryStringParameters=query))
    world.call("OperatorFunction", request("GET", f"/activations/{world.connection()['activation_id']}"))
    claim = request("POST", f"{path}/claim", body='{"tenant": "acme"}')
    assert world.call("OperatorFunction", claim)["statusCode"] == 200


def gets_its_secret_by_a_claim(world: Watched) -> None:
    if os.environ["STORELINK_CREDENTIAL_STORE"] == "dynamodb":
        return
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("STORELINK_UNCLAIMED_ON_ROWS", "true")
        store = world.copy(world.shops)
        store.shop.delete()
        World(store.aws, store.shop, store.url).connect()
        table, key = config.connections_table, {"connection_id": store.store.connection_id}
        untold = {"pending_events": store.connection()["history"]}
        dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=untold)
        path = f"/connections/{store.store.connection_id}/claim"
        claim = request("POST", path, body='{"tenant": "acme"}')
        assert world.call("OperatorFunction", claim)["statusCode"] == 200
        store.run_rules()
        assert "pending_events" not in store.connection()


def is_checked(world: Watched) -> None:
    due(world)
    world.shop.trouble("revoked", endpoint="rest", times=1)
    assert world.call("HealthCheckFunction", sample("health_check.json"))["disconnected"] == 1
    known = {"pathParameters": {"connection_id": world.store.connection_id}}
    assert world.call("HealthCheckFunction", request("POST", "/test", **known))["statusCode"] == 200
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    in_a_secret = {"backend": "secretsmanager", "secret_arn": "arn:aws:secretsmanager:::secret:x/connections/x"}
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=in_a_secret, remove=("encrypted_credentials",))
    assert world.call("HealthCheckFunction", request("POST", "/test", **known))["statusCode"] == 200
    world.connect_again()


def is_entered_by_hand(world: Watched) -> None:
    kept = world.credentials()
    told = {"store_url": world.url, "consumer_key": kept.consumer.key, "consumer_secret": kept.consumer.secret}
    told |= {"access_token": kept.access_token.key, "access_token_secret": kept.access_token.secret}
    answer = world.call("ConnectManuallyFunction", request("POST", "/connections", body=json.dumps(told)))
    assert answer["statusCode"] == 202
    assert world.step("AccessTokenFunction", json.loads(answer["body"])["activation_id"])["state"] == "connected"


def is_forgotten(world: Watched) -> None:
    known = {"pathParameters": {"connection_id": world.store.connection_id}}
    assert world.call("ForgetFunction", request("DELETE", "/connections", **known))["statusCode"] == 200


def is_forgotten_before_its_secret_was_moved(world: Watched) -> None:
    world.connect_again()
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    secret_arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{world.aws.stack}/connections/left-over"
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes={"secret_arn": secret_arn})
    is_forgotten(world)


def is_forgotten_since_nobody_claims_it(world: Watched) -> None:
    world.connect_again()
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    secret_arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{world.aws.stack}/connections/left-over"
    long_ago = {"secret_arn": secret_arn, "connected_at": 1}
    dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=long_ago)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("STORELINK_UNCLAIMED_DAYS", "1")
        assert world.call("SweepFunction", sample("sweep.json"))["unclaimed"] == 1


def has_its_credentials_moved(world: Watched) -> None:
    home = os.environ["STORELINK_CREDENTIAL_STORE"]
    (elsewhere,) = set(STORES) - {home}
    unwatched = World(world.aws, world.shop, world.url)
    table, key = config.connections_table, {"connection_id": world.store.connection_id}
    event = sample("migrate_credentials.json") | {"delete_left_over": True}
    for deleted in (False, True):
        os.environ["STORELINK_CREDENTIAL_STORE"] = elsewhere
        unwatched.connect_again()
        os.environ["STORELINK_CREDENTIAL_STORE"] = home
        if deleted and home == "secretsmanager":
            world.aws.client("secretsmanager").delete_secret(SecretId=world.connection()["secret_arn"])
        for _ in range(2):
            world.call("MigrateCredentialsFunction", event | {"shards": world.connection()["shard"]})
            long_ago = {"migrated_at": 0, "connected_at": 0}
            dynamodb.update(table, key, "attribute_exists(#store)", {}, changes=long_ago)
        assert world.connection()["backend"] == home


def has_its_key_changed(world: Watched) -> None:
    basic_auth.save(BasicAuthRequest(world.store, "staging:password"))
    key = world.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("STORELINK_KMS_KEY", key)
        event = sample("migrate_credentials.json") | {"reencrypt": True, "shards": world.connection()["shard"]}
        assert world.call("MigrateCredentialsFunction", event)["reencrypted"] >= 1


def is_posted_to_the_app(world: Watched) -> None:
    sqs, secrets = world.aws.client("sqs"), world.aws.client("secretsmanager")
    queue = sqs.create_queue(QueueName="webhook")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=sample("webhook.json")["Records"][0]["body"])
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    secrets.create_secret(Name=f"{world.aws.stack}/webhook", SecretString="A" * 64)
    event = sample("webhook.json")
    event["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("STORELINK_WEBHOOK_URL", "http://127.0.0.1:1/")
        monkeypatch.setenv("STORELINK_WEBHOOK_QUEUE_URL", queue)
        webhook._secrets.cache_clear()
        assert world.call("WebhookFunction", event)["batchItemFailures"]
    secrets.delete_secret(SecretId=f"{world.aws.stack}/webhook", ForceDeleteWithoutRecovery=True)


WAYS = (
    connects_and_reauthorizes,
    comes_with_the_key_of_another_store,
    comes_by_an_invitation_that_is_over,
    is_refused_by_the_store_at_each_step,
    is_not_answered_by_the_store,
    is_told_late,
    is_recorded_as_a_failure_after_it_connected,
    waits_for_the_home_of_credentials,
    is_overtaken_by_another_integration,
    comes_back_after_its_secret_was_deleted,
    logs_in_and_in_again,
    is_behind_a_password,
    is_swept,
    signs_in_at_the_vendors,
    becomes_nobodys,
    signs_in_at_the_provider,
    becomes_nobodys,
    is_looked_at_and_claimed,
    gets_its_secret_by_a_claim,
    is_checked,
    is_entered_by_hand,
    has_its_credentials_moved,
    has_its_key_changed,
    is_forgotten,
    is_forgotten_before_its_secret_was_moved,
    is_posted_to_the_app,
    is_forgotten_since_nobody_claims_it,
)


def allowed(function: str, store: str) -> set[str]:
    """What a function's role admits, with credentials kept there."""
    found: set[str] = set()
    for statement in roles.statements(RESOURCES[store], f"{function}Role"):
        actions, resources = (roles.as_list(statement[name]) for name in ("Action", "Resource"))
        found |= {admitted(action, resource) for action in actions for resource in resources}
    # Given by SAM to who sends its failures to a queue; Lambda does the sending.
    return found - {"sqs:SendMessage"}


@in_both_stores
def test_each_function_may_do_what_it_does_no_more_and_no_less(
    recorder: Recorder, credential_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("function", "permission", "called")
    for function in FUNCTIONS:
        for action in sorted(allowed(function, credential_store) | recorder.made[function]):
            called = "yes" if action in recorder.made[function] else "on its behalf"
            table.add_row(function, action, called)
    with capsys.disabled():
        Console(width=100).print(table)
    for function in FUNCTIONS:
        on_its_behalf = EXPLAINED.get((function, credential_store), set())
        assert recorder.made[function] | on_its_behalf == allowed(function, credential_store), function
