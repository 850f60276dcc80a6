"""`make serve` and the translation refuse the parameters that CloudFormation would refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import parameters
from local.template import ROOT


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


def translated(*arguments: str, region: str = "eu-central-1") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "storelink")])
    return subprocess.run(
        [sys.executable, "-m", "local.template", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "AWS_REGION": region},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_translation_takes_what_sam_decides_while_it_translates() -> None:
    resources = json.loads(translated("GradualDeployment=true", "Tracing=Active").stdout)["Resources"]
    assert "CallbackFunctionDeploymentGroup" in resources
    assert "TracingConfig" in resources["CallbackFunction"]["Properties"]
    assert "CallbackFunctionDeploymentGroup" not in json.loads(translated().stdout)["Resources"]


def test_the_translation_is_for_the_partition_of_its_region() -> None:
    assert "arn:aws-cn:iam::aws:policy/service-role/" in translated(region="cn-north-1").stdout
    assert "arn:aws:iam::aws:policy/service-role/" in translated().stdout


def test_what_sam_has_decided_cannot_be_decided_otherwise_afterwards() -> None:
    """`Mode: Disabled` would be no mode of Lambda's, and a deployment group would be missing."""
    declared = json.loads(translated("Tracing=Active", "Stage=prod").stdout)["Parameters"]
    assert (declared["Tracing"]["Default"], declared["Tracing"]["AllowedValues"]) == ("Active", ["Active"])
    assert declared["GradualDeployment"]["AllowedValues"] == ["false"]
    assert declared["Stage"]["Default"] == "prod"
    assert declared["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO", "WARNING", "ERROR"]


REGIONS = ("eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1")


def test_the_translation_passes_the_rules_of_cfn_lint_in_each_partition(tmp_path: Path) -> None:
    templates = []
    for region in REGIONS:
        templates.append(tmp_path / f"{region}.json")
        templates[-1].write_text(translated("GradualDeployment=true", "Tracing=Active", region=region).stdout)
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", *REGIONS]
    # W1028: what SAM has decided leaves one branch of its conditions.
    done = subprocess.run(
        [*lint, "--ignore-checks", "W1028", "--template", *map(str, templates)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout


def test_a_translation_with_a_wrong_parameter_is_refused() -> None:
    refused = translated("LogLevel=LOUD")
    assert refused.returncode == 1
    assert "LogLevel must be one of" in refused.stderr
