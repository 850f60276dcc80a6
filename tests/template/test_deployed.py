"""What `sam build` made, deployed: its own code, in the emulator, with the environment that the template gives it."""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
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
from tests.template.conftest import run
from tests.world import request

DOCUMENTED: list[tuple[str, str, str]] = re.findall(
    r"\| `(\w+Function)` \| `(events/\S+)` \| (.+) \|", (ROOT / "docs" / "local.md").read_text()
)
"""Functions, events and answers."""


@pytest.fixture(scope="module")
def deployed(built_here: Path) -> Iterator[Stack]:
    with serving(TEMPLATE=str(built_here / "template.yaml")) as stack:
        yield stack


def test_every_function_loads_from_the_built_layer_compiled(built_here: Path) -> None:
    python = built_here / "StorelinkLayer" / "python"
    code = (
        "import importlib, json, sys, storelink\n"
        "storelink.connect\n"
        "for folder in sys.argv[1:]:\n"
        "    sys.path.insert(0, folder)\n"
        "    importlib.import_module('app').handler\n"
        "    del sys.path[0], sys.modules['app']\n"
        "specs = {name: getattr(one, '__spec__', None) for name, one in sys.modules.items()}\n"
        "print(json.dumps({name: (spec.origin or '', spec.cached) for name, spec in specs.items() if spec}))"
    )
    # boto3 is the runtime's; here it is this environment's.
    folders = [ROOT / properties["CodeUri"] for properties in Template.read().functions.values()]
    command = [sys.executable, "-B", "-W", "ignore", "-c", code, *folders]
    loaded = json.loads(run(ROOT, *command, PYTHONPATH=str(python)))
    of_the_layer = {name: cached for name, (file, cached) in loaded.items() if file.startswith(str(python))}
    assert {"storelink", "requests", "aws_lambda_powertools", "idna"} <= of_the_layer.keys()
    assert [name for name, cached in of_the_layer.items() if cached and not Path(cached).is_file()] == []


def test_the_built_functions_do_a_handshake(deployed: Stack) -> None:
    row = ended(deployed, activated(deployed)["consumer_key"])
    assert row["state"] == "connected"


def answers_of_the_callback(cloud: LocalAws, logs: Path) -> tuple[int, str]:
    """How the built callback answers to its sample event."""
    answer = invoked(cloud, "CallbackFunction", json.loads((ROOT / "events" / "callback.json").read_text()), logs)
    told = json.loads(answer["body"])
    return answer["statusCode"], told.get("error") or told["state"]


def invoked(cloud: LocalAws, logical: str, event: dict[str, Any], logs: Path) -> dict[str, Any]:
    """What a built function answers in the environment that the stack gives it now."""
    one = function(cloud, logical, names_of_functions(cloud)[logical], Template.read(), logs)
    try:
        answer: dict[str, Any] = json.loads(one.invoke(json.dumps(event)).payload)
    finally:
        one.stop()
    return answer


def deploy(stack: Stack, **parameters: str) -> dict[str, str]:
    """Deploy the template again, with these parameters. The outputs."""
    formation, name = stack.aws.client("cloudformation"), stack.aws.stack
    body = json.dumps(Template.read().for_moto(name, stack.api_url))
    told = [{"ParameterKey": key, "ParameterValue": value} for key, value in (PARAMETERS | parameters).items()]
    formation.update_stack(StackName=name, TemplateBody=body, Parameters=told)
    (made,) = formation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}


def test_every_event_has_its_documented_command() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "events").glob("*.json")}
    assert {event for _, event, _ in DOCUMENTED} == files - {"events/env.json"}
    assert {function for function, _, _ in DOCUMENTED} == set(Template.read().functions)


@pytest.fixture(scope="module")
def invoke(
    deployed: Stack, built_here: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Any]]:
    """Calls a function with an event as `sam local invoke` does, in an environment that stays for its next event."""
    file = built_here / "template.yaml"
    logs = tmp_path_factory.mktemp("logs")
    told = json.loads((ROOT / "events" / "env.json").read_text())
    assert told["Parameters"]["STORELINK_AWS_ENDPOINT"] == "http://host.docker.internal:5000"
    told["Parameters"]["STORELINK_AWS_ENDPOINT"] = deployed.aws.url  # the same, from where this test runs
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPLATE", str(file))
        template = Template.read()
    with ExitStack() as ending:

        @cache
        def started(logical: str) -> Function:
            properties = template.functions[logical]
            one = Function(
                logical,
                code=template.folders[logical],
                layer=template.packages,
                variables=_as_sam_local_sets(logical, file, told),
                handler=properties["Handler"],
                timeout=properties["Timeout"],
                memory=properties["MemorySize"],
                log=logs / logical,
            )
            ending.callback(one.stop)
            return one

        yield lambda logical, event: json.loads(started(logical).invoke((ROOT / event).read_text()).payload)


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # within SAM CLI
@pytest.mark.parametrize(("logical", "event", "answer"), DOCUMENTED)
def test_a_documented_command_answers_as_it_says(
    invoke: Callable[[str, str], Any], logical: str, event: str, answer: str
) -> None:
    came = invoke(logical, event)
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


def test_the_key_is_changed_by_the_steps_of_the_runbook(
    deployed: Stack, built_here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As far as moto goes, which deletes the stack's key at the first step, where AWS keeps it."""
    monkeypatch.setenv("TEMPLATE", str(built_here / "template.yaml"))
    cloud, store_url = deployed.aws, f"{deployed.store_url}stores/runbook/"
    secrets = cloud.client("secretsmanager")
    assert ended(deployed, activated(deployed, "stores/runbook/")["consumer_key"])["state"] == "connected"
    (connection,) = [one for one in connections(cloud) if one["store"]["S"] == store_url]
    secret_arn = connection["secret_arn"]["S"]
    former, new = cloud.outputs["EncryptionKeyArn"], cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    assert secrets.describe_secret(SecretId=secret_arn)["KmsKeyId"] == former

    assert deploy(deployed, KmsKeyArn=new, FormerKmsKeyArns=former)["EncryptionKeyArn"] == new

    event = {"reencrypt": True}
    while not (answer := invoked(cloud, "MigrateCredentialsFunction", event, tmp_path))["done"]:
        assert answer["trouble"] == 0
    assert answer["reencrypted"] == len(connections(cloud))
    assert secrets.describe_secret(SecretId=secret_arn)["KmsKeyId"] == new
    assert invoked(cloud, "MigrateCredentialsFunction", event, tmp_path)["reencrypted"] == 0

    assert deploy(deployed, KmsKeyArn=new)["EncryptionKeyArn"] == new
    known = {"pathParameters": {"connection_id": connection["connection_id"]["S"]}}
    checked = invoked(cloud, "HealthCheckFunction", request("POST", "/test", **known), tmp_path)
    assert (checked["statusCode"], json.loads(checked["body"])["ok"]) == (200, True)


# The last test on this stack, which is deleted.


def test_a_changed_parameter_changes_what_a_function_does_and_what_is_deleted_leaves_the_data(
    deployed: Stack, built_here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPLATE", str(built_here / "template.yaml"))
    cloud = deployed.aws
    formation = cloud.client("cloudformation")
    deploy(deployed)
    assert answers_of_the_callback(cloud, tmp_path) == (200, "pending")
    outputs = deploy(deployed, Admission="invited")
    assert answers_of_the_callback(cloud, tmp_path) == (403, "invitation-required")

    formation.delete_stack(StackName=cloud.stack)
    assert formation.describe_stacks()["Stacks"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    resources = Template.read().translated()["Resources"]
    tables = {name for name, one in resources.items() if one["Type"] == "AWS::DynamoDB::Table"}
    lasting = {name for name in tables if resources[name]["DeletionPolicy"] != "Delete"}
    assert set(cloud.client("dynamodb").list_tables()["TableNames"]) == lasting < tables
    assert connections(cloud)
    for connection in connections(cloud):
        secret = cloud.client("secretsmanager").get_secret_value(SecretId=connection["secret_arn"]["S"])
        assert "access_token" in json.loads(secret["SecretString"])
    keys = {key["KeyArn"] for key in cloud.client("kms").list_keys()["Keys"]}
    assert outputs["EncryptionKeyArn"] in keys
