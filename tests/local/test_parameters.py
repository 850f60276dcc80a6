"""`make serve` and the translation refuse the parameters that CloudFormation would refuse."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import parameters
from local.template import ROOT, Template
from tests.stacks import environment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AppName='Acme Sync' LogLevel=DEBUG",
        "SignInUrl=http://127.0.0.1:8095/login",
        "HealthCheckInterval=1 HealthCheckJitter=0",
        "VpcSubnetIds=subnet-0123456789abcdef0,subnet-0123456789abcdef1 VpcSecurityGroupIds=sg-0123456789abcdef0",
        "OidcIssuer=https://login.example OidcClientId=storelink",
        "FormerKmsKeyArns=",
    ],
)
def test_what_cloudformation_takes_is_taken(text: str) -> None:
    assert len(parameters.read(text)) == text.count("=")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nothing=1", "which template.yaml does not have"),
        ("LogLevel=LOUD", "LogLevel must be one of: DEBUG, INFO, WARNING, ERROR"),
        ("LogRetentionDays=2", "LogRetentionDays must be one of: 1, 3, 5"),
        ("AllowedPorts=https", "AllowedPorts is a list of ports like 443,8443"),
        ("AppName=", "AppName is a name without line breaks"),
        (f"AppName={'x' * 41}", "AppName must have 1 to 40 characters"),
        ("HealthCheckInterval=soon", "HealthCheckInterval must be a number"),
        ("HealthCheckInterval=0", "HealthCheckInterval must be at least 1"),
        ("HealthCheckInterval=721", "HealthCheckInterval must be at most 720"),
        ("VpcSubnetIds=subnet-0123456789abcdef0,vpc-1", "VpcSubnetIds is empty or a list of subnets"),
        ("VpcSubnetIds=subnet-0123456789abcdef0", "need a security group"),
        ("OidcIssuer=https://login.example", "needs a client that is registered there"),
        ("SignInUrl=https://a.example/ OidcIssuer=https://b.example OidcClientId=x", "either SignInUrl or OidcIssuer"),
        ("DomainName=connect.example.com", "A DomainName needs its certificate"),
        ("LogLevel=LOUD Tracing=Maybe", "LogLevel must be one of"),
    ],
)
def test_what_cloudformation_refuses_is_refused_with_its_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="PARAMETERS") as raised:
        parameters.read(text)
    assert said in str(raised.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"LogLevel.*Tracing"):
        parameters.read("LogLevel=LOUD Tracing=Maybe")


REGIONS = ("eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1")
"""One of each partition."""


def translated(*given: str, region: str = "eu-central-1") -> dict[str, Any]:
    return Template.read().standing_alone(parameters.read(shlex.join(given)), region)


def printed(*given: str, region: str = "eu-central-1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.template", *given],
        cwd=ROOT,
        env=environment() | {"AWS_REGION": region},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_translation_takes_what_sam_decides_while_it_translates() -> None:
    resources = translated("GradualDeployment=true", "Tracing=Active")["Resources"]
    assert "CallbackFunctionDeploymentGroup" in resources
    assert "TracingConfig" in resources["CallbackFunction"]["Properties"]
    assert "CallbackFunctionDeploymentGroup" not in translated()["Resources"]


def test_the_translation_is_printed_for_the_partition_of_its_region() -> None:
    given = ("GradualDeployment=true", "LogLevel=DEBUG")
    assert json.loads(printed(*given, region="cn-north-1").stdout) == translated(*given, region="cn-north-1")


def test_what_sam_has_decided_cannot_be_decided_otherwise_afterwards() -> None:
    """`Mode: Disabled` would be no mode of Lambda's, and a deployment group would be missing."""
    declared = translated("Tracing=Active", "Stage=prod")["Parameters"]
    assert (declared["Tracing"]["Default"], declared["Tracing"]["AllowedValues"]) == ("Active", ["Active"])
    assert declared["GradualDeployment"]["AllowedValues"] == ["false"]
    assert declared["Stage"]["Default"] == "prod"
    assert declared["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO", "WARNING", "ERROR"]


def test_the_translations_for_all_partitions_differ_in_the_arns_of_managed_policies_alone() -> None:
    policy = re.compile(r'"arn:([\w-]+):iam::aws:policy/(service-role/)?\w+"')
    texts = {region: json.dumps(translated(*LINTED, region=region)) for region in REGIONS}
    assert len({policy.sub("", text) for text in texts.values()}) == 1
    for region, text in texts.items():
        assert {found[1] for found in policy.finditer(text)} == {boto3.Session().get_partition_for_region(region)}


LINTED = ("GradualDeployment=true", "Tracing=Active")


def test_the_translation_passes_the_rules_of_cfn_lint_in_each_partition(tmp_path: Path) -> None:
    """By the test above, one translation is enough."""
    (tmp_path / "template.json").write_text(json.dumps(translated(*LINTED)))
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", *REGIONS]
    # W1028: what SAM has decided leaves one branch of its conditions.
    done = subprocess.run(
        [*lint, "--ignore-checks", "W1028", "--template", str(tmp_path / "template.json")],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout


def test_a_translation_with_a_wrong_parameter_is_refused() -> None:
    refused = printed("LogLevel=LOUD")
    assert refused.returncode == 1
    assert "LogLevel must be one of" in refused.stderr
