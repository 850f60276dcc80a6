"""What template.yaml makes, as SAM translates it: who may do what, what is kept and for how long."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from samtranslator.translator.arn_generator import ArnGenerator

from local.template import ROOT, Template
from storelink import aws
from storelink.jobs import webhook
from storelink.models import EXPIRATION_PERIOD
from storelink.oauth import client as oauth_client
from storelink.state import activations, connections, step_retry
from tests.template import roles
from tests.template.conditions import holds, resources
from tests.template.roles import as_list as _list

TEMPLATE = Template.read()
RESOURCES = resources(TEMPLATE, Tracing="Active")
ON_ROWS = resources(TEMPLATE, Tracing="Active", CredentialStore="dynamodb")
"""The resources where credentials are kept on the connections' rows."""
UNCLAIMED_ON_ROWS = resources(TEMPLATE, Tracing="Active", UnclaimedDays="30")
"""The resources where only the credentials of unclaimed connections are."""
FUNCTIONS = sorted(TEMPLATE.functions)
AS_WRITTEN: dict[str, Any] = TEMPLATE.sam["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def statements(function: str) -> list[tuple[set[str], list[Any]]]:
    """What a function may do: actions, and the resources they are for."""
    found = roles.statements(RESOURCES, f"{function}Role")
    return [(set(_list(one["Action"])), _list(one["Resource"])) for one in found]


def actions(function: str) -> set[str]:
    return set().union(*(names for names, _ in statements(function)))


def test_the_functions_of_the_design_are_there() -> None:
    assert set(FUNCTIONS) == {
        "CallbackFunction",
        "RequestTokenFunction",
        "AccessTokenFunction",
        "IdentityFunction",
        "RecordFailureFunction",
        "SweepFunction",
        "ForgetFunction",
        "MigrateCredentialsFunction",
        "SignInFunction",
        "OperatorFunction",
        "HealthCheckFunction",
        "LoginsFunction",
        "ConnectManuallyFunction",
        "BasicAuthFunction",
        "WebhookFunction",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_on_python_313_on_arm64_with_the_layer(function: str) -> None:
    properties = RESOURCES[function]["Properties"]
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
    (layer,) = properties["Layers"]
    assert layer["Ref"].startswith("StorelinkLayer")


def test_the_routes_are_public_only_where_magento_and_the_popup_come_in() -> None:
    routes = {f"{route.method} {route.path}": route.iam for route in TEMPLATE.routes}
    assert routes == {
        "ANY /callback": False,
        "GET /identity": False,
        "POST /request-token": True,
        "POST /access-token": True,
        "ANY /i/{invitation}/callback": False,
        "GET /i/{invitation}/identity": False,
        "GET /identity/sign-in": False,
        "GET /identity/return": False,
        "GET /invitations": True,
        "POST /identity/claim": False,
        "POST /invitations": True,
        "DELETE /invitations/{invitation_id}": True,
        "POST /logins": True,
        "PUT /stores/basic-auth": True,
        "DELETE /stores/basic-auth": True,
        "GET /summary": True,
        "GET /connections": True,
        "POST /connections": True,
        "GET /connections/{connection_id}": True,
        "DELETE /connections/{connection_id}": True,
        "POST /connections/{connection_id}/claim": True,
        "POST /connections/{connection_id}/test": True,
        "GET /activations": True,
        "GET /activations/{activation_id}": True,
    }


def test_the_routes_are_throttled() -> None:
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    settings = stage["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRate"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurst"}


@pytest.mark.parametrize("table", ["ActivationsTable", "ConnectionsTable", "InvitationsTable"])
def test_a_table_is_on_demand_encrypted_and_can_be_restored(table: str) -> None:
    properties = RESOURCES[table]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_activations_expire_and_connections_outlive_the_stack() -> None:
    expiry = RESOURCES["ActivationsTable"]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}
    for lasting in ("ConnectionsTable", "InvitationsTable", "EncryptionKey"):
        # What a first deployment made that failed is deleted, so that it can be deployed again.
        assert RESOURCES[lasting]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert RESOURCES[lasting]["UpdateReplacePolicy"] == "Retain"


def test_no_sealed_secret_is_in_an_index() -> None:
    for table in ("ActivationsTable", "ConnectionsTable"):
        for index in RESOURCES[table]["Properties"]["GlobalSecondaryIndexes"]:
            assert index["Projection"]["ProjectionType"] == "INCLUDE"
            assert "encrypted_secrets" not in index["Projection"]["NonKeyAttributes"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_to_a_group_that_is_kept_for_the_set_days(function: str) -> None:
    group = RESOURCES[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_outputs_are_what_one_pastes_and_attaches() -> None:
    assert set(TEMPLATE.sam["Outputs"]) >= {
        "CallbackUrl",
        "IdentityLinkUrl",
        "LayerArn",
        "ActivationsTableName",
        "ConnectionsTableName",
        "EventBusName",
    }


STARS = {
    ("EncryptionKey", "kms:*"): "leaves access to IAM: nobody could correct a key's policy that allows nobody",
    ("EncryptionKey", "*"): "in a key's own policy, this key",
    ("AccessTokenFunctionRole", "STACK/connections/*"): "a secret for each store, made as they come",
    ("ForgetFunctionRole", "STACK/connections/*"): "any of them can be forgotten",
    ("SweepFunctionRole", "STACK/connections/*"): "any of them that nobody claims can be forgotten",
    ("MigrateCredentialsFunctionRole", "STACK/connections/*"): "all of them are moved",
    ("LoginsFunctionRole", "STACK/logins/*"): "a secret for each user, made as they come",
    ("ActivationStateMachineRole", "*"): "the actions of log deliveries and of X-Ray have no resources",
    ("SignInFunctionRole", "STACK/sign-in-??????"): "the one key; AWS adds six characters to a secret's name",
    ("HealthCheckFunctionRole", "STACK/connections/*"): "all of them are checked",
    ("BasicAuthFunctionRole", "STACK/connections/*"): "each of them can get a password",
    ("WebhookFunctionRole", "STACK/webhook-??????"): "the one key, as the one of the sign-in",
}
"""All that is said with a star: where, what, and why it cannot be named."""


def permissions(name: str) -> list[dict[str, Any]]:
    """The statements by which a resource of the template admits something, wherever in it they stand."""

    def within(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "Effect" in value and "sts:AssumeRole" not in _list(value.get("Action")):
                yield value
            value = list(value.values())
        for inner in value if isinstance(value, list) else ():
            yield from within(inner)

    return list(within(RESOURCES[name]))


def text(resource: Any) -> str:
    """A statement's resource in one line, an ARN from its account on."""
    if "Fn::If" in resource:
        return " or ".join(map(text, resource["Fn::If"][1:]))
    if isinstance(resource, dict):
        told = next(iter(resource.values()))
        resource = told[0] if "Fn::Sub" in resource and isinstance(told, list) else told
    written = resource if isinstance(resource, str) else ".".join(resource)
    return re.sub(r"^arn:.*[$]{AWS::AccountId}:(secret:)?", "", written).replace("${AWS::StackName}", "STACK")


def test_no_permission_is_wider_than_a_named_resource() -> None:
    found = set()
    for name in RESOURCES:
        for statement in permissions(name):
            assert not {"NotAction", "NotResource"} & set(statement), name
            said = [*_list(statement["Action"]), *map(text, _list(statement["Resource"]))]
            found |= {(name, one) for one in said if "*" in one or "?" in one}
    assert found == set(STARS)


RUNNING = {
    ArnGenerator.generate_aws_managed_policy_arn(f"service-role/{name}")
    # To write log lines; and to have a network interface, which SAM adds where VpcConfig can be set.
    for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
}
"""AWS' own policies that a function has."""


def test_managed_policies_are_those_of_running_and_of_this_template() -> None:
    functions = {f"{function}Role" for function in FUNCTIONS}
    assert functions <= set(of_type("AWS::IAM::Role"))
    for name, role in of_type("AWS::IAM::Role").items():
        attached = role.get("ManagedPolicyArns", [])
        aws_own = {one for one in attached if isinstance(one, str)}
        assert aws_own == (RUNNING if name in functions else set()), name
        assert {one["Ref"] for one in attached if isinstance(one, dict)} <= set(of_type("AWS::IAM::ManagedPolicy"))


def test_every_role_has_the_permissions_boundary_where_one_is_given() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    for name, role in resources(TEMPLATE, PermissionsBoundaryArn=boundary).items():
        if role["Type"] == "AWS::IAM::Role":
            assert role["Properties"]["PermissionsBoundary"] == {"Ref": "PermissionsBoundaryArn"}, name
    assert "PermissionsBoundary" not in repr(of_type("AWS::IAM::Role"))


def test_the_functions_are_in_a_vpc_only_where_subnets_are_given() -> None:
    inside = resources(TEMPLATE, VpcSubnetIds="subnet-0123456789abcdef0", VpcSecurityGroupIds="sg-0123456789abcdef0")
    for function in FUNCTIONS:
        assert "VpcConfig" not in RESOURCES[function]["Properties"]
        assert inside[function]["Properties"]["VpcConfig"] == {
            "SubnetIds": {"Ref": "VpcSubnetIds"},
            "SecurityGroupIds": {"Ref": "VpcSecurityGroupIds"},
        }


def test_the_operator_function_has_no_dangerous_right() -> None:
    assert actions("OperatorFunction") == {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "events:PutEvents",
    }


def test_the_callback_can_seal_and_never_open_or_read_what_is_pending() -> None:
    allowed = statements("CallbackFunction")
    assert set().union(*(names for names, _ in allowed)) == {
        "kms:Encrypt",
        "dynamodb:UpdateItem",
        "dynamodb:GetItem",
        "states:StartExecution",
    }
    (readable,) = [resources for names, resources in allowed if "dynamodb:GetItem" in names]
    assert {one["Fn::GetAtt"][0] for one in readable} == {"InvitationsTable", "ConnectionsTable"}


def test_the_popup_reads_an_index_connections_and_invitations_and_nothing_else() -> None:
    (activations_, found), (connections_, kept) = statements("IdentityFunction")
    assert (activations_, connections_) == ({"dynamodb:Query"}, {"dynamodb:GetItem"})
    assert [one["Fn::Sub"] for one in found] == ["${ActivationsTable.Arn}/index/by_consumer_key"]
    assert [one["Fn::GetAtt"][0] for one in kept] == ["ConnectionsTable", "InvitationsTable"]


def test_who_reads_credentials_and_who_the_key_of_the_sign_in() -> None:
    reading = {
        (function, text(resource))
        for function in FUNCTIONS
        for names, resources in statements(function)
        for resource in resources
        if "secretsmanager:GetSecretValue" in names
    }
    assert reading == {
        ("SignInFunction", "STACK/sign-in-??????"),
        ("HealthCheckFunction", "STACK/connections/*"),
        ("BasicAuthFunction", "STACK/connections/*"),
        ("WebhookFunction", "STACK/webhook-??????"),
    }


def test_the_sign_in_reads_a_clients_secret_only_where_there_is_one() -> None:
    def reads(**parameters: str) -> bool:
        role = resources(TEMPLATE, **parameters)["SignInFunctionRole"]
        return repr({"Ref": "OidcClientSecretArn"}) in repr(role)

    assert reads(OidcClientSecretArn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:login/client-AbCdEf")
    assert not reads()


WEBHOOK = {
    "WebhookSource": "AWS::Lambda::EventSourceMapping",
    "WebhookRule": "AWS::Events::Rule",
    "WebhookQueuePolicy": "AWS::SQS::QueuePolicy",
    "WebhookSecret": "AWS::SecretsManager::Secret",
    "WebhookRefusedAlarm": "AWS::CloudWatch::Alarm",
    "WebhookDeadLettersAlarm": "AWS::CloudWatch::Alarm",
}
"""What a webhook has, beside the function and the two queues."""


def test_without_a_webhook_nothing_is_posted_and_nothing_of_it_costs() -> None:
    translated = TEMPLATE.translated()
    for name, kind in WEBHOOK.items():
        assert translated["Resources"][name]["Type"] == kind
        condition = translated["Conditions"][translated["Resources"][name]["Condition"]]
        parameters = {"WebhookUrl": "https://app.example/storelink", "WebhookSecretArn": ""}
        assert holds(condition, translated["Conditions"], parameters)
        assert not holds(condition, translated["Conditions"], parameters | {"WebhookUrl": ""})


def test_the_webhook_reads_the_vendors_own_secret_where_there_is_one() -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vendor/webhook-AbCdEf"
    own = resources(TEMPLATE, WebhookUrl="https://app.example/", WebhookSecretArn=arn)
    (statement,) = [
        one for one in roles.statements(own, "WebhookFunctionRole") if one["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert statement["Resource"] == {"Ref": "WebhookSecretArn"}
    variables = own["WebhookFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["STORELINK_WEBHOOK_SECRET"] == {"Ref": "WebhookSecretArn"}
    conditions = TEMPLATE.translated()["Conditions"]
    parameters = {"WebhookUrl": "https://app.example/", "WebhookSecretArn": arn}
    assert not holds(conditions["CreatesWebhookSecret"], conditions, parameters)


def test_the_webhooks_secret_is_base64_of_48_bytes() -> None:
    made = of_type("AWS::SecretsManager::Secret")["WebhookSecret"]["GenerateSecretString"]
    assert made == {"PasswordLength": 64, "ExcludePunctuation": True}


def test_the_webhooks_queue_gives_an_event_up_after_the_last_delay() -> None:
    queue, timeout = of_type("AWS::SQS::Queue")["WebhookQueue"], TEMPLATE.functions["WebhookFunction"]["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == len(webhook.DELAYS) + 1
    assert queue["MessageRetentionPeriod"] > 2 * sum(webhook.DELAYS)
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert timeout > webhook.SECONDS + 5
    assert max(webhook.DELAYS) + timeout < 12 * 3600  # SQS' limit


def test_only_the_webhooks_rule_may_send_to_its_queues() -> None:
    policy = of_type("AWS::SQS::QueuePolicy")["WebhookQueuePolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["WebhookRule", "Arn"]}}}


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ("AppName", ["Acme Sync", "Müller & Söhne", 'It\'s "x"'], ["", "a\nb", "\x00"]),
        (
            "AppLogo",
            [
                "",
                "https://cdn.acme.example/a/logo.svg",
                "https://a.example:8443/x.png",
                "data:image/png;base64,iVBORw0K==",
            ],
            [
                *[
                    "http://a.example/x.png",
                    "https://a.example/x.png?a=b",
                    "https://a.example/x;y",
                    "https://a.example/'x",
                ],
                *[
                    "https://a.example/x y",
                    "javascript:alert(1)",
                    "data:text/html;base64,AAAA",
                    "data:image/png,x",
                    "x",
                ],
                "https://a.example/x\nhttps://b.example/",
            ],
        ),
        (
            "SignInUrl",
            ["", "https://login.acme.example/storelink", "https://a.example/?x=y", "http://127.0.0.1:8095/login"],
            ["http://a.example/", "https://a.example", "https://a.example/#x", "https://a@b.example/", "//a.example/"],
        ),
    ],
)
def test_a_parameter_takes_what_the_page_can_show_and_nothing_else(
    parameter: str, taken: list[str], refused: list[str]
) -> None:
    pattern = TEMPLATE.sam["Parameters"][parameter]["AllowedPattern"]
    for value in taken:
        assert re.fullmatch(pattern, value), value
    for value in refused:
        assert not re.fullmatch(pattern, value), value


def test_without_a_login_of_the_vendors_there_is_no_key_for_it() -> None:
    assert RESOURCES["SignInSecret"]["Condition"] == "HasSignIn"
    assert TEMPLATE.sam["Outputs"]["SignInSecretArn"]["Condition"] == "HasSignInUrl"
    assert TEMPLATE.sam["Outputs"]["SignInReturnUrl"]["Condition"] == "HasOidcProvider"


SECRETS_MANAGER = {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}
VIA_SECRETS_MANAGER = {"StringEquals": {"kms:ViaService": SECRETS_MANAGER}}
FORMER = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"


def purpose(name: str) -> dict[str, Any]:
    """The condition of a direct use of the key."""
    return {"StringEquals": {"kms:EncryptionContext:purpose": name}}


def key_uses(resources: dict[str, Any], condition: dict[str, Any]) -> dict[str, set[str]]:
    """What functions may do with keys under a condition."""
    found: dict[str, set[str]] = defaultdict(set)
    for function in FUNCTIONS:
        for statement in roles.statements(resources, f"{function}Role"):
            used = {action for action in _list(statement["Action"]) if action.startswith("kms:")}
            if used and statement.get("Condition") == condition:
                found[function] |= used
    return found


@pytest.mark.parametrize("store", ["secretsmanager", "dynamodb"])
def test_a_key_is_used_for_one_purpose_or_through_secrets_manager(store: str) -> None:
    made = resources(TEMPLATE, CredentialStore=store, FormerKmsKeyArns=FORMER)
    allowed = [VIA_SECRETS_MANAGER, *map(purpose, ("activation", "connection", "basic_auth"))]
    for function in FUNCTIONS:
        for statement in roles.statements(made, f"{function}Role"):
            if any(action.startswith("kms:") for action in _list(statement["Action"])):
                assert statement["Condition"] in allowed, function


def test_only_the_steps_decrypt_what_is_pending() -> None:
    assert (
        key_uses(RESOURCES, purpose("activation"))
        == key_uses(ON_ROWS, purpose("activation"))
        == {
            "CallbackFunction": {"kms:Encrypt"},
            "ConnectManuallyFunction": {"kms:Encrypt"},
            "RequestTokenFunction": {"kms:Decrypt"},
            "AccessTokenFunction": {"kms:Decrypt"},
        }
    )


def test_passwords_of_web_servers_are_decrypted_by_the_handshake_and_the_migration_alone() -> None:
    assert (
        key_uses(RESOURCES, purpose("basic_auth"))
        == key_uses(ON_ROWS, purpose("basic_auth"))
        == {
            "BasicAuthFunction": {"kms:Encrypt"},
            "RequestTokenFunction": {"kms:Decrypt"},
            "AccessTokenFunction": {"kms:Decrypt"},
            "ConnectManuallyFunction": {"kms:Decrypt"},
            "MigrateCredentialsFunction": {"kms:Decrypt", "kms:Encrypt"},
        }
    )


def test_credentials_on_rows_are_decrypted_by_the_check_the_migration_and_for_a_password_alone() -> None:
    reading = {
        "HealthCheckFunction": {"kms:Decrypt"},
        "MigrateCredentialsFunction": {"kms:Decrypt"},
        "BasicAuthFunction": {"kms:Decrypt"},
    }
    assert key_uses(RESOURCES, purpose("connection")) == reading
    assert key_uses(ON_ROWS, purpose("connection")) == {
        "HealthCheckFunction": {"kms:Decrypt"},
        "MigrateCredentialsFunction": {"kms:Decrypt", "kms:Encrypt"},
        "BasicAuthFunction": {"kms:Decrypt", "kms:Encrypt"},
        "AccessTokenFunction": {"kms:Encrypt"},
    }
    assert key_uses(UNCLAIMED_ON_ROWS, purpose("connection")) == key_uses(ON_ROWS, purpose("connection"))
    assert key_uses(UNCLAIMED_ON_ROWS, VIA_SECRETS_MANAGER) == key_uses(RESOURCES, VIA_SECRETS_MANAGER)


@pytest.mark.parametrize(
    ("given", "on_rows"),
    [
        ({}, False),
        ({"UnclaimedDays": "1"}, True),
        ({"SignInUrl": "https://login.example/"}, True),
        ({"OidcIssuer": "https://login.example"}, True),
        ({"UnclaimedDays": "1", "CredentialStore": "dynamodb"}, False),
    ],
)
def test_unclaimed_connections_cost_no_secret_where_they_are_claimed_or_end(
    given: dict[str, str], on_rows: bool
) -> None:
    made = resources(TEMPLATE, **given)
    for function in ("AccessTokenFunction", "BasicAuthFunction", "MigrateCredentialsFunction"):
        variables = made[function]["Properties"]["Environment"]["Variables"]
        assert variables["STORELINK_UNCLAIMED_ON_ROWS"] == str(on_rows).lower()
        assert ("kms:Encrypt" in str(key_uses(made, purpose("connection")).get(function))) == (
            on_rows or "CredentialStore" in given
        )


def test_a_former_key_decrypts_what_the_key_decrypts_and_nothing_more() -> None:
    made = resources(TEMPLATE, FormerKmsKeyArns=FORMER)
    for function in FUNCTIONS:
        found = roles.statements(made, f"{function}Role")
        former = [one for one in found if one["Resource"] == {"Ref": "FormerKmsKeyArns"}]
        assert all(one["Action"] == "kms:Decrypt" for one in former)
        direct = [
            one["Condition"]
            for one in found
            if one not in former and one["Action"] == "kms:Decrypt" and "Ref" not in one["Resource"]
        ]
        assert [one["Condition"] for one in former] == direct, function
    assert "FormerKmsKeyArns" not in repr(RESOURCES)


def test_who_writes_reads_and_deletes_credentials() -> None:
    can: dict[str, set[str]] = defaultdict(set)
    for name in RESOURCES:
        for statement in permissions(name):
            if any(
                text(resource) == "*" or "STACK/connections" in text(resource)
                for resource in _list(statement["Resource"])
            ):
                can[name] |= {action for action in _list(statement["Action"]) if action.startswith("secretsmanager:")}
    assert {name: able for name, able in can.items() if able} == {
        "AccessTokenFunctionRole": {
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:RestoreSecret",
            "secretsmanager:UpdateSecretVersionStage",
        },
        "BasicAuthFunctionRole": {
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        },
        "ForgetFunctionRole": {"secretsmanager:DeleteSecret"},
        "SweepFunctionRole": {"secretsmanager:DeleteSecret"},
        "HealthCheckFunctionRole": {"secretsmanager:GetSecretValue"},
        "MigrateCredentialsFunctionRole": {
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:RestoreSecret",
            "secretsmanager:UpdateSecret",
            "secretsmanager:UpdateSecretVersionStage",
        },
    }


def test_where_credentials_are_kept_on_rows_the_access_step_reaches_no_secret_and_gets_nothing_else() -> None:
    for action in ("secretsmanager:", "kms:GenerateDataKey"):
        assert action in str(roles.statements(RESOURCES, "AccessTokenFunctionRole"))
        assert action not in str(roles.statements(ON_ROWS, "AccessTokenFunctionRole"))
    differing = {
        name for name, one in RESOURCES.items() if one != ON_ROWS[name] and one["Type"] != "AWS::Lambda::Version"
    }
    changed = {"AccessTokenFunctionRole", "BasicAuthFunctionRole", "MigrateCredentialsFunctionRole"}
    assert differing == changed | {"EncryptCredentials"}


def test_forgetting_takes_no_longer_than_the_access_step_allows_for() -> None:
    assert TEMPLATE.functions["ForgetFunction"]["Timeout"] == connections.FORGET_SECONDS


def waits(state: str) -> list[float]:
    """The seconds between the tries of a state, where its function is not refused an execution."""
    throttled, retry = TEMPLATE.state_machine["States"][state]["Retry"]
    assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    return [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]


def longest(state: str) -> float:
    """The seconds after which a state's last try is over."""
    return sum(waits(state)) + (1 + len(waits(state))) * float(TEMPLATE.functions[f"{state}Function"]["Timeout"])


def test_one_pass_of_all_steps_ends_within_magentos_300_seconds() -> None:
    tasks = [name for name, state in TEMPLATE.state_machine["States"].items() if state["Type"] == "Task"]
    assert tasks == ["RequestToken", "AccessToken", "RecordFailure"]
    assert TEMPLATE.functions["CallbackFunction"]["Timeout"] + sum(map(longest, tasks)) < EXPIRATION_PERIOD


def test_the_machine_outlasts_the_day_that_the_access_step_is_tried() -> None:
    last_try = step_retry.ACCESS_PERIOD + longest("AccessToken") + longest("RecordFailure")
    assert TEMPLATE.state_machine["TimeoutSeconds"] > last_try


@pytest.mark.parametrize("state", ["RequestToken", "AccessToken"])
def test_the_waits_outlast_a_store_that_asks_for_half_a_minute(state: str) -> None:
    assert sum(waits(state)) > 30


@pytest.mark.parametrize("function", ["RequestTokenFunction", "AccessTokenFunction"])
def test_a_step_that_is_cut_off_no_longer_holds_its_activation(function: str) -> None:
    assert oauth_client.TIMEOUT < TEMPLATE.functions[function]["Timeout"] <= activations.LEASE_SECONDS


def test_a_secrets_manager_that_hangs_leaves_time_to_seal_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = aws.client.__wrapped__("secretsmanager").meta.config
    tries = config.retries["total_max_attempts"]
    hangs = tries * (config.connect_timeout + config.read_timeout) + sum(2**n for n in range(tries - 1))
    before_the_store_and_after_it, other_calls = 2 * hangs, 2
    assert (
        before_the_store_and_after_it + oauth_client.TIMEOUT + other_calls
        < TEMPLATE.functions["AccessTokenFunction"]["Timeout"]
    )


def test_the_definition_has_no_yaml_aliases_which_cloudformation_would_not_resolve() -> None:
    path = TEMPLATE.folder / AS_WRITTEN["ActivationStateMachine"]["Properties"]["DefinitionUri"]
    assert [event for event in yaml.parse(path.read_text()) if isinstance(event, yaml.AliasEvent)] == []


def test_every_state_leads_to_an_end() -> None:
    states = TEMPLATE.state_machine["States"]
    targets = set(re.findall(r"'(?:Next|Default)': '(\w+)'", repr(states)))
    assert targets <= set(states)
    assert {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")} == {
        "Connected",
        "Superseded",
        "Failed",
    }


def test_each_folder_of_functions_is_one_function_of_the_template_and_the_other_way_round() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/*.py")}
    named = {properties["CodeUri"].strip("/").split("/")[-1] for properties in TEMPLATE.functions.values()}
    assert named == folders
    for function in FUNCTIONS:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", function.removesuffix("Function")).lower()
        assert TEMPLATE.functions[function]["CodeUri"] == f"functions/{snake}/"


def test_each_function_is_one_short_handler() -> None:
    for function in FUNCTIONS:
        folder = ROOT / TEMPLATE.functions[function]["CodeUri"]
        assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == ["app.py"]
        assert len((folder / "app.py").read_text().splitlines()) < 30


@pytest.mark.parametrize("name", ["template.yaml", "statemachine/activation.asl.yaml", "samconfig.toml"])
def test_lines_that_people_edit_have_at_most_120_characters(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert [f"{name}:{nth}" for nth, line in enumerate(lines, 1) if len(line) > 120] == []


def test_every_suppression_stands_in_one_place_with_its_reason() -> None:
    skipped = TEMPLATE.sam["Metadata"]["checkov"]["skip"]
    assert all(re.fullmatch(r"CKV2?_AWS_\d+", skip["id"]) and len(skip["comment"].split()) > 5 for skip in skipped)
    assert len({skip["id"] for skip in skipped}) == len(skipped)
    text = (ROOT / "template.yaml").read_text()
    assert text.count("checkov:") == 1
    for suppression in ("cfn-lint", "checkov:skip", "guard", "cfn_nag"):
        assert not re.search(rf"^\s*#?\s*{suppression}\s*:", text, re.MULTILINE)
