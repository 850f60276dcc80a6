"""What the template can be told, and that each parameter does what it says, as SAM translates it."""

import re
from functools import cache
from typing import Any

import pytest

from local.template import Template
from tests.template.conditions import holds

TEMPLATE = Template.read()
PARAMETERS: dict[str, Any] = TEMPLATE.sam["Parameters"]
VERSIONED = ["CallbackFunction", "RequestTokenFunction", "AccessTokenFunction", "RecordFailureFunction"]
"""The functions of the handshake."""


@cache
def translated(**parameters: str) -> dict[str, Any]:
    resources: dict[str, Any] = TEMPLATE.translated(parameters)["Resources"]
    return resources


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_has_a_description_a_default_and_a_limit(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter["Description"].endswith(".")
    assert "Default" in parameter
    assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)
    if "AllowedPattern" in parameter:
        assert parameter["ConstraintDescription"].startswith(("is ", "starts "))
        assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


ACCEPTED = {
    "HealthCheckPath": ["rest/V1/store/storeConfigs", "rest/default/V1/modules"],
    "Stage": ["dev", "eu-1"],
    "EventBusName": ["default", "app/bus.1"],
    "AllowedPorts": ["443", "443,8443"],
    "AppName": ["Storelink", "Café & Co."],
    "AppLogo": ["https://cdn.example/logo.svg", "data:image/png;base64,AAAA"],
    "SignInUrl": ["https://login.example/storelink"],
    "WebhookUrl": ["https://app.example/storelink?key=1", "https://app.example:8443/", "http://127.0.0.1:8000/events"],
    "WebhookSecretArn": ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/webhook-AbCdEf"],
    "OidcIssuer": ["https://login.example", "https://login.example:8443/realms/acme", "https://acme.login.example/"],
    "OidcClientId": ["storelink", "0oa1b2c3@acme.apps.login.example"],
    "OidcClientSecretArn": ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:login/client-AbCdEf"],
    "OidcTenantClaim": ["sub", "org_id", "https://acme.example/account"],
    "KmsKeyArn": ["arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"],
    "FormerKmsKeyArns": ["arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"],
    "PermissionsBoundaryArn": ["arn:aws:iam::123456789012:policy/team/boundary"],
    "VpcSubnetIds": ["subnet-0123456789abcdef0"],
    "VpcSecurityGroupIds": ["sg-0123456789abcdef0"],
    "DomainName": ["connect.example.com"],
    "CertificateArn": ["arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"],
    "HostedZoneId": ["Z0123456789ABC"],
    "AlarmTopicArn": ["arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms"],
    "LayerAccount": ["123456789012"],
    "LayerOrganization": ["o-abcdefghij"],
}
REFUSED = {
    "HealthCheckPath": ["", "/rest/V1/modules", "rest/", "rest/V1/../x", "rest/V1/products?a=b", "oauth/token/request"],
    "Stage": ["", "Prod", "1st"],
    "EventBusName": ["", "arn:aws:events:eu-central-1:123456789012:event-bus/app"],
    "AllowedPorts": ["", "443, 8443", "https"],
    "AppName": ["", "two\nlines"],
    "AppLogo": ["http://cdn.example/logo.svg", "https://cdn.example/logo.svg?v=2"],
    "SignInUrl": ["http://login.example/", "login.example"],
    "WebhookUrl": ["http://app.example/", "https://app.example", "app.example", "https://user:password@app.example/"],
    "WebhookSecretArn": ["app/webhook", "whsec_AAAA"],
    "OidcIssuer": [
        "http://login.example",
        "login.example",
        "https://login.example/?tenant=acme",
        "https://a@b.example/",
    ],
    "OidcClientId": ["two words", "caf\u00e9"],
    "OidcClientSecretArn": ["login/client", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"],
    "OidcTenantClaim": ["", "two words"],
    "KmsKeyArn": ["alias/key", "arn:aws:kms:eu-central-1:123456789012:alias/key"],
    "FormerKmsKeyArns": ["alias/key"],
    "PermissionsBoundaryArn": ["boundary", "arn:aws:iam::123456789012:role/boundary"],
    "VpcSubnetIds": ["vpc-0123456789abcdef0"],
    "VpcSecurityGroupIds": ["default"],
    "DomainName": ["https://connect.example.com", "connect.example.com/", "localhost"],
    "CertificateArn": ["01234567-89ab-cdef-0123-456789abcdef"],
    "HostedZoneId": ["example.com", "/hostedzone/Z0123456789ABC"],
    "AlarmTopicArn": ["alarms", "arn:aws:sqs:eu-central-1:123456789012:alarms"],
    "LayerAccount": ["1234", "*"],
    "LayerOrganization": ["abcdefghij", "*"],
}


def test_each_pattern_takes_what_it_is_for_and_refuses_what_looks_like_it() -> None:
    patterns = {name: one["AllowedPattern"] for name, one in PARAMETERS.items() if "AllowedPattern" in one}
    assert patterns.keys() == ACCEPTED.keys() == REFUSED.keys()
    for name, pattern in patterns.items():
        assert all(re.fullmatch(pattern, value) for value in ACCEPTED[name]), name
        assert not any(re.fullmatch(pattern, value) for value in REFUSED[name]), name


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"SignInUrl": "https://login.example/"}, True),
        ({"OidcIssuer": "https://login.example", "OidcClientId": "storelink"}, True),
        (
            {"OidcIssuer": "https://login.example", "OidcClientId": "storelink", "SignInUrl": "https://a.example/"},
            False,
        ),
        ({"OidcIssuer": "https://login.example"}, False),
    ],
)
def test_merchants_have_one_login_and_the_client_that_it_takes(given: dict[str, str], allowed: bool) -> None:
    values = {name: str(one["Default"]) for name, one in PARAMETERS.items()} | given
    rule = TEMPLATE.sam["Rules"]["MerchantsHaveOneLogin"]
    asserted = [holds(one["Assert"], {}, values) for one in rule["Assertions"]]
    assert (all(asserted) or not holds(rule["RuleCondition"], {}, values)) is allowed


@pytest.mark.parametrize("url", ["", "https://app.example/"])
def test_a_secret_of_the_webhook_needs_its_url(url: str) -> None:
    values = {name: str(one["Default"]) for name, one in PARAMETERS.items()} | {"WebhookUrl": url}
    rule = TEMPLATE.sam["Rules"]["WebhookSecretHasUrl"]
    values["WebhookSecretArn"] = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/webhook-AbCdEf"
    assert holds(rule["RuleCondition"], {}, values)
    assert holds(rule["Assertions"][0]["Assert"], {}, values) is bool(url)


def test_the_console_shows_every_parameter_once_in_its_group() -> None:
    groups = TEMPLATE.sam["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)


def test_every_parameter_is_used() -> None:
    text = repr({name: part for name, part in TEMPLATE.sam.items() if name not in ("Parameters", "Metadata")})
    for name in PARAMETERS:
        assert f"'Ref': '{name}'" in text or f"${{{name}}}" in text, name


@pytest.mark.parametrize("function", VERSIONED)
def test_a_version_names_the_parameters_that_its_function_reads_and_no_others(function: str) -> None:
    """A missing one would be changed without effect; one too many would ask for a version that is there already."""
    resources = translated(SnapStart="true", Tracing="Active")
    configuration = {
        name: value
        for name, value in resources[function]["Properties"].items()
        if name in ("Environment", "SnapStart", "TracingConfig", "Timeout", "MemorySize", "KmsKeyArn")
    }
    read = parameters_of(configuration)
    for version in resources.values():
        if version["Type"] == "AWS::Lambda::Version" and version["Properties"]["FunctionName"] == {"Ref": function}:
            description = version["Properties"]["Description"]
            break
    else:
        pytest.fail("has no version")
    assert parameters_of(description) == read
    text, chosen = description["Fn::Sub"] if isinstance(description["Fn::Sub"], list) else (description["Fn::Sub"], {})
    values = {name: max(map(len, re.findall(r"'([a-z]+)'", repr(one)))) for name, one in chosen.items()}
    longest = [values[name] if name in values else _longest(PARAMETERS[name]) for name in re.findall(r"\w+", text)]
    assert sum(longest) + len(longest) - 1 <= 256  # as long as Lambda takes a description


def _longest(parameter: dict[str, Any]) -> int:
    """The characters that a parameter may have."""
    if "AllowedValues" in parameter:
        return max(map(len, map(str, parameter["AllowedValues"])))
    return len(str(parameter["MaxValue"])) if "MaxValue" in parameter else int(parameter["MaxLength"])


def parameters_of(value: Any) -> set[str]:
    """The parameters that a part of the translated template depends on, through conditions too."""
    found = _named(value)
    for condition in set(re.findall(r"'(?:Fn::If|Condition)': \[?'(\w+)'", repr(value))):
        found |= parameters_of(TEMPLATE.sam["Conditions"][condition])
    return found & PARAMETERS.keys()


def test_a_changed_layer_makes_a_new_version_of_every_function() -> None:
    (layer,) = [one for one in TEMPLATE.sam["Resources"].values() if one["Type"] == "AWS::Serverless::LayerVersion"]
    assert layer["Properties"]["PublishLambdaVersion"] is True
    for function in VERSIONED:
        assert TEMPLATE.functions[function]["AutoPublishAliasAllProperties"] is True


def test_what_has_versions_is_called_by_its_alias_alone() -> None:
    resources = translated()
    aliases = {name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Alias"}
    assert aliases == {f"{function}Aliaslive" for function in VERSIONED}
    callers = {
        name: repr(one)
        for name, one in resources.items()
        if one["Type"] in ("AWS::ApiGatewayV2::Api", "AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule")
    } | {"the machine's role": repr(resources["ActivationStateMachineRole"])}
    for function in VERSIONED:
        named = re.findall(rf"\b{function}(?:Aliaslive)?\b(?!Arn)", " ".join(callers.values()))
        assert named
        assert set(named) == {f"{function}Aliaslive"}


def test_versions_are_shifted_gradually_only_where_that_is_asked_for() -> None:
    groups = {
        name: one["Properties"]
        for name, one in translated(GradualDeployment="true").items()
        if one["Type"] == "AWS::CodeDeploy::DeploymentGroup"
    }
    assert groups.keys() == {f"{function}DeploymentGroup" for function in VERSIONED}
    for name, group in groups.items():
        (alarm,) = group["AlarmConfiguration"]["Alarms"]
        watching = alarm["Name"]["Fn::If"][1]["Ref"]
        assert watching == name.replace("FunctionDeploymentGroup", "VersionAlarm")
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert not [one for one in translated().values() if one["Type"].startswith("AWS::CodeDeploy::")]


@pytest.mark.parametrize("gradual", ["true", "false"])
def test_no_resource_waits_for_itself(gradual: str) -> None:
    resources = translated(GradualDeployment=gradual)
    waits = {name: _named(resource) & resources.keys() for name, resource in resources.items()}
    while free := {name for name, others in waits.items() if not others}:
        waits = {name: others - free for name, others in waits.items() if name not in free}
    assert waits == {}


def _named(value: Any) -> set[str]:
    """The logical ids that a part of a template refers to."""
    if isinstance(value, dict):
        found = {value["Ref"]} if "Ref" in value else set()
        if "Fn::GetAtt" in value:
            attribute = value["Fn::GetAtt"]
            found.add(attribute[0] if isinstance(attribute, list) else attribute.partition(".")[0])
        if "Fn::Sub" in value:
            text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
            found |= set(re.findall(r"\$\{(\w+)", text))
        depends = value.get("DependsOn", [])
        found |= {depends} if isinstance(depends, str) else set(depends)
        return found.union(*map(_named, value.values()))
    if isinstance(value, list):
        return set().union(*map(_named, value))
    return set()


NAMES = {"AWS::StackName": 128, "Ref": 255, "Arn": 200}
"""The longest of names and ARNs that CloudFormation makes."""


def longest(value: Any) -> int:
    """Bytes of a variable's value at worst."""
    if not isinstance(value, dict):
        return len(str(value))
    ((function, argument),) = value.items()
    if function == "Fn::If":
        return max(map(longest, argument[1:]))
    if function == "Fn::GetAtt":
        return NAMES["Arn"]
    parameter = PARAMETERS.get(argument, {})
    if "AllowedValues" in parameter:
        return max(len(str(one)) for one in parameter["AllowedValues"])
    if parameter.get("Type") == "Number":
        return 10
    bytes_of_a_character = 4 if argument == "AppName" else 1  # the other patterns take ASCII alone
    return bytes_of_a_character * parameter["MaxLength"] if parameter else NAMES.get(argument, NAMES["Ref"])


@pytest.mark.parametrize("function", TEMPLATE.functions)
def test_a_functions_environment_fits_into_lambdas_4_kb_at_worst(function: str) -> None:
    variables = translated()[function]["Properties"]["Environment"]["Variables"]
    for parameter in {one["Ref"] for one in variables.values() if isinstance(one, dict) and "Ref" in one}:
        if PARAMETERS.get(parameter, {}).get("Type") == "String" and "AllowedValues" not in PARAMETERS[parameter]:
            assert "MaxLength" in PARAMETERS[parameter], parameter
    assert sum(len(name) + longest(value) for name, value in variables.items()) <= 4096


def test_tracing_is_off_unless_it_is_asked_for() -> None:
    for function in TEMPLATE.functions:
        assert "TracingConfig" not in translated()[function]["Properties"]
        assert translated(Tracing="Active")[function]["Properties"]["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}


def test_functions_start_from_a_snapshot_only_where_that_is_asked_for() -> None:
    for function in VERSIONED:
        snapshot = translated()[function]["Properties"]["SnapStart"]
        assert snapshot == {"ApplyOn": {"Fn::If": ["UsesSnapStart", "PublishedVersions", "None"]}}


def test_a_deployment_deletes_the_versions_that_it_replaces() -> None:
    """Else each would keep its snapshot, which is billed."""
    versions = [one for one in translated().values() if one["Type"] == "AWS::Lambda::Version"]
    assert len(versions) == len(VERSIONED)
    assert [one for one in versions if one["DeletionPolicy"] != "Delete"] == []


def test_a_key_of_your_own_takes_the_place_of_the_stacks_everywhere() -> None:
    resources = translated()
    assert resources["EncryptionKey"]["Condition"] == "CreatesKey"
    either = {"Fn::If": ["CreatesKey", {"Fn::GetAtt": ["EncryptionKey", "Arn"]}, {"Ref": "KmsKeyArn"}]}
    text = repr({name: part for name, part in TEMPLATE.sam.items() if name != "Metadata"})
    assert text.count("'EncryptionKey', 'Arn'") == text.count(repr(either)) > 3


def test_the_conditions_hold_where_the_parameter_is_given_and_only_there() -> None:
    conditional = {name: one["Condition"] for name, one in translated().items() if "Condition" in one}
    assert (
        conditional.items()
        >= {
            "Domain": "HasDomain",
            "DomainMapping": "HasDomain",
            "DomainRecord": "HasHostedZone",
            "LayerForAccount": "IsLayerSharedWithAccount",
            "LayerForOrganization": "IsLayerSharedWithOrganization",
            "EncryptionKey": "CreatesKey",
        }.items()
    )
