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

from local.emulator import Function
from local.stack import Stack
from local.template import ROOT, Template
from tests.stacks import activated, ended, serving

DOCUMENTED = re.findall(
    r"\| `sam local invoke (\w+) -e (\S+) --env-vars (\S+)` \| (.+) \|", (ROOT / "docs" / "local.md").read_text()
)


@pytest.fixture(scope="module")
def deployed(built: Path) -> Iterator[Stack]:
    with serving(TEMPLATE=str(built / "template.yaml")) as stack:
        yield stack


def test_the_built_functions_do_a_handshake(deployed: Stack) -> None:
    row = ended(deployed, activated(deployed)["consumer_key"])
    assert row["state"] == "connected"


def test_a_changed_parameter_reaches_the_functions_and_the_stack_can_be_deleted(built: Path) -> None:
    with serving(TEMPLATE=str(built / "template.yaml")) as stack:
        cloud = stack.cloud
        formation, functions = cloud.client("cloudformation"), cloud.client("lambda")
        formation.update_stack(
            StackName=cloud.stack,
            TemplateBody=json.dumps(formation.get_template(StackName=cloud.stack)["TemplateBody"]),
            Parameters=[
                {"ParameterKey": "Admission", "ParameterValue": "invited"},
                {"ParameterKey": "AllowPrivateStores", "ParameterValue": "true"},
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        callback = formation.describe_stack_resource(StackName=cloud.stack, LogicalResourceId="CallbackFunction")[
            "StackResourceDetail"
        ]["PhysicalResourceId"]
        told = functions.get_function_configuration(FunctionName=callback)["Environment"]["Variables"]
        assert told["STORELINK_ADMISSION"] == "invited"
        assert told["STORELINK_ALLOW_PRIVATE_STORES"] == "true"

        formation.delete_stack(StackName=cloud.stack)
        left = [stack["StackName"] for stack in formation.describe_stacks().get("Stacks", [])]
        assert cloud.stack not in left
        assert functions.list_functions()["Functions"] == []


def test_every_event_has_its_documented_command() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "events").glob("*.json")}
    assert {event for _, event, _, _ in DOCUMENTED} == files - {"events/env.json"}
    assert {function for function, _, _, _ in DOCUMENTED} == set(Template.read().functions)


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # within SAM CLI
@pytest.mark.parametrize(("function", "event", "variables", "answer"), DOCUMENTED)
def test_a_documented_command_answers_as_it_says(
    deployed: Stack,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    function: str,
    event: str,
    variables: str,
    answer: str,
) -> None:
    monkeypatch.setenv("TEMPLATE", str(built / "template.yaml"))
    template = Template.read()
    properties = template.functions[function]
    told = json.loads((ROOT / variables).read_text())
    assert told["Parameters"]["STORELINK_AWS_ENDPOINT"] == "http://host.docker.internal:5000"
    told["Parameters"]["STORELINK_AWS_ENDPOINT"] = deployed.cloud.url  # the same, from where this test runs
    run = Function(
        function,
        code=template.folders[function],
        layer=template.packages,
        variables=_as_sam_local_sets(function, built / "template.yaml", told),
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
