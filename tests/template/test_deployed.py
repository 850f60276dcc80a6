"""What `sam build` made, deployed: its own code, in the emulator, with the environment that the template gives it."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from local.aws import PARAMETERS, LocalAws, function, names_of_functions
from local.lambda_runtime import Function
from local.stack import Stack
from local.template import ROOT, Template
from tests.stacks import activated, connections, ended, serving

DOCUMENTED = [
    (function, event, "events/env.json", answer)
    for function, event, answer in re.findall(
        r"\| `(\w+Function)` \| `(events/\S+)` \| (.+) \|", (ROOT / "docs" / "local.md").read_text()
    )
]


@pytest.fixture(scope="module")
def deployed(built_here: Path) -> Iterator[Stack]:
    with serving(TEMPLATE=str(built_here / "template.yaml")) as stack:
        yield stack


def test_the_built_functions_do_a_handshake(deployed: Stack) -> None:
    row = ended(deployed, activated(deployed)["consumer_key"])
    assert row["state"] == "connected"


def test_a_changed_parameter_changes_what_a_function_does_and_what_is_deleted_leaves_the_data(
    built_here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPLATE", str(built_here / "template.yaml"))
    with serving(TEMPLATE=str(built_here / "template.yaml")) as stack:
        assert ended(stack, activated(stack)["consumer_key"])["state"] == "connected"
        cloud = stack.aws
        formation = cloud.client("cloudformation")
        assert answers_of_the_callback(cloud, tmp_path) == (200, "pending")

        changed = [{"ParameterKey": "Admission", "ParameterValue": "invited"}]
        kept = [{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()]
        body = json.dumps(Template.read().for_moto(cloud.stack, stack.api_url))
        formation.update_stack(StackName=cloud.stack, TemplateBody=body, Parameters=changed + kept)
        assert answers_of_the_callback(cloud, tmp_path) == (403, "invitation-required")

        formation.delete_stack(StackName=cloud.stack)
        assert formation.describe_stacks()["Stacks"] == []
        assert cloud.client("lambda").list_functions()["Functions"] == []
        resources = Template.read().translated()["Resources"]
        tables = {name for name, one in resources.items() if one["Type"] == "AWS::DynamoDB::Table"}
        lasting = {name for name in tables if resources[name]["DeletionPolicy"] != "Delete"}
        assert set(cloud.client("dynamodb").list_tables()["TableNames"]) == lasting < tables
        (connection,) = connections(cloud)
        secret = cloud.client("secretsmanager").get_secret_value(SecretId=connection["secret_arn"]["S"])
        assert "access_token" in json.loads(secret["SecretString"])
        keys = {key["KeyArn"] for key in cloud.client("kms").list_keys()["Keys"]}
        assert cloud.outputs["EncryptionKeyArn"] in keys


def answers_of_the_callback(cloud: LocalAws, logs: Path) -> tuple[int, str]:
    """How the built callback answers to its sample event in the environment that the stack gives it now."""
    logical = "CallbackFunction"
    callback = function(cloud, logical, names_of_functions(cloud)[logical], Template.read(), logs)
    try:
        answer = json.loads(callback.invoke((ROOT / "events" / "callback.json").read_text()).payload)
    finally:
        callback.stop()
    told = json.loads(answer["body"])
    return answer["statusCode"], told.get("error") or told["state"]


def test_every_event_has_its_documented_command() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "events").glob("*.json")}
    assert {event for _, event, _, _ in DOCUMENTED} == files - {"events/env.json"}
    assert {function for function, _, _, _ in DOCUMENTED} == set(Template.read().functions)


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # within SAM CLI
@pytest.mark.parametrize(("logical", "event", "variables", "answer"), DOCUMENTED)
def test_a_documented_command_answers_as_it_says(
    deployed: Stack,
    built_here: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    logical: str,
    event: str,
    variables: str,
    answer: str,
) -> None:
    monkeypatch.setenv("TEMPLATE", str(built_here / "template.yaml"))
    template = Template.read()
    properties = template.functions[logical]
    told = json.loads((ROOT / variables).read_text())
    assert told["Parameters"]["STORELINK_AWS_ENDPOINT"] == "http://host.docker.internal:5000"
    told["Parameters"]["STORELINK_AWS_ENDPOINT"] = deployed.aws.url  # the same, from where this test runs
    run = Function(
        logical,
        code=template.folders[logical],
        layer=template.packages,
        variables=_as_sam_local_sets(logical, built_here / "template.yaml", told),
        handler=properties["Handler"],
        timeout=properties["Timeout"],
        memory=properties["MemorySize"],
        log=tmp_path / "log",
    )
    try:
        came = json.loads(run.invoke((ROOT / event).read_text()).payload)
    finally:
        run.stop()
    assert _as_documented(answer, came), (answer, came)


def _as_sam_local_sets(function: str, template: Path, told: dict[str, Any]) -> dict[str, str]:
    """A function's environment by SAM CLI's own code, with the region that samconfig.toml gives to `local invoke`."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    region = config["default"]["local_invoke"]["parameters"]["region"]
    stacks, _ = SamLocalStackProvider.get_stacks(str(template))
    provider = SamFunctionProvider(stacks)
    runner = LocalLambdaRunner(
        None,
        provider,
        cwd=str(template.parent),
        aws_region=region,
        env_vars_values=told,
        real_path=str(template.parent),
    )
    variables: dict[str, str] = runner._make_env_vars(provider.get(function)).resolve()
    return variables


def _as_documented(answer: str, came: dict[str, Any]) -> bool:
    status, _, word = answer.partition(", ")
    if status.isdigit():
        said = {"the popup's page": "<!DOCTYPE html>", "the invitation's URLs": "callback_url"}.get(
            word, word.strip("`")
        )
        return bool(came["statusCode"] == int(status) and said in came["body"])
    if status.startswith("the error"):
        return bool(came["errorType"] == status.split("`")[1] and word.strip("`") in came["errorMessage"])
    return all(isinstance(number, int) for number in came.values())
