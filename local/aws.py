"""AWS on this machine: moto's server with the stack of template.yaml; its functions run in processes of their own."""

import contextlib
import gc
import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest import mock

import boto3
from jsonpath_ng import ext as jsonpath
from moto import backends
from moto.awslambda.models import LambdaFunction
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer
from moto.utilities import utils as moto_utils

from local import cloudwatch, dynamodb, dynamodb_indexes, parameters
from local.lambda_runtime import Function
from local.template import ACCOUNT, BUCKET, REGION, Template, layer_arn, state_machine_arn
from storelink.config import LOCAL_STACK

EVENTS_QUEUE = "storelink-events"
"""The queue that receives every event of the stack."""

PARAMETERS = {"AllowPrivateStores": "true", "LogLevel": os.environ.get("LOG_LEVEL") or "INFO"}
"""The template's parameters that differ from its defaults: the sandbox store is on loopback."""


def chosen_parameters() -> dict[str, str]:
    """Return the template's parameters that the variable PARAMETERS names: NAME=VALUE, separated by spaces.

    Raises ValueError when CloudFormation would refuse them.
    """
    return parameters.read(os.environ.get("PARAMETERS", ""))


@dataclass(frozen=True)
class LocalAws:
    """The stack as CloudFormation made it. outputs: the template's outputs. parameters: those that were given."""

    url: str
    stack: str
    outputs: dict[str, str]
    functions: dict[str, Function]
    events_queue_url: str
    parameters: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS."""
        return _client(self.url, service)


@cache
def _client(url: str, service: str) -> Any:
    """Return a boto3 client. It is cached: to make one takes longer than most calls."""
    return boto3.client(service, **access(url))  # type: ignore[call-overload]


def access(url: str) -> dict[str, str]:
    """Return the arguments that make boto3 use this AWS, which accepts any keys."""
    return {
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }


def environment(url: str) -> dict[str, str]:
    """Return the environment variables that make a process use this AWS."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def running(port: int, api_url: str, logs: Path, stack: str = LOCAL_STACK, execute: bool = True) -> Iterator[LocalAws]:
    """Start AWS and make the stack in it; both last as long as the context.

    port: 0 for any free port. execute: whether the state machine runs the steps.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)  # no line for each execution that fails
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    default_user_config["stepfunctions"]["execute_state_machine"] = execute
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        os.environ["MOTO_PORT"] = url.rpartition(":")[2]
        with _without_lists():
            aws = _deployed(Template.read(), url, stack, api_url, logs)
        try:
            with contextlib.ExitStack() as changed:
                changed.enter_context(_invoked_in_processes(aws.functions))
                changed.enter_context(dynamodb.one_call_at_a_time())
                changed.enter_context(dynamodb_indexes.used())
                changed.enter_context(cloudwatch.with_percentiles())
                changed.enter_context(_read_once())
                gc.freeze()  # what is loaded by now stays
                gc.set_threshold(2_000)  # short looks for garbage: a long one holds up a call
                yield aws
        finally:
            for function in aws.functions.values():
                function.stop()
    finally:
        server.stop()


@contextlib.contextmanager
def _without_lists() -> Iterator[None]:
    """Spare moto what it loads as it begins: each service's model, for its regions, and the types of EC2's machines.

    It wants one region to be us-east-1.
    """
    with (
        mock.patch.object(boto3.Session, "get_available_regions", return_value=[REGION, "us-east-1"]),
        mock.patch.object(moto_utils, "load_resource", return_value={}),
    ):
        yield


def _deployed(template: Template, url: str, stack: str, api_url: str, logs: Path) -> LocalAws:
    aws = LocalAws(url, stack, {}, {}, "")
    _upload(aws, template)
    layer = {"S3Bucket": BUCKET, "S3Key": "StorelinkLayer"}
    aws.client("lambda").publish_layer_version(LayerName=layer_arn(stack).split(":")[-2], Content=layer)
    formation = aws.client("cloudformation")
    chosen = PARAMETERS | chosen_parameters()
    if chosen.get("SignInUrl") or chosen.get("OidcIssuer"):
        _create_secret(aws, f"{stack}/sign-in")
    if chosen.get("WebhookUrl") and not chosen.get("WebhookSecretArn"):
        _create_secret(aws, f"{stack}/webhook")
    formation.create_stack(
        StackName=stack,
        # The tab makes moto read JSON: it tries YAML first, by a slow parser, to which a tab is an error.
        TemplateBody="\t" + json.dumps(template.for_moto(stack, api_url)),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    made = formation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    names = names_of_functions(aws)
    functions = {logical: function(aws, logical, name, template, logs) for logical, name in sorted(names.items())}
    make_state_machine(aws, stack, names, template)
    key = functions["CallbackFunction"].variables["STORELINK_KMS_KEY"]
    aws.client("kms").create_alias(AliasName=f"alias/{stack}", TargetKeyId=key)
    for function_name in template.run_by_events:
        aws.client("sqs").create_queue(QueueName=function_name)
    queue = _make_events_queue(aws, outputs["EventBusName"])
    return LocalAws(url, stack, outputs, functions, queue, chosen)


def _create_secret(aws: LocalAws, name: str) -> None:
    """Create a secret as the template's GenerateSecretString does."""
    secrets = aws.client("secretsmanager")
    key = secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)["RandomPassword"]
    secrets.create_secret(Name=name, SecretString=key)


def _upload(aws: LocalAws, template: Template) -> None:
    """Upload the code to where the translated template expects it."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for logical, folder in template.folders.items():
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            for file in sorted(folder.rglob("*.py")):
                written.write(file, file.relative_to(folder))
        s3.put_object(Bucket=BUCKET, Key=logical, Body=archive.getvalue())


def names_of_functions(aws: LocalAws) -> dict[str, str]:
    """Return the names that AWS gave the stack's functions, by logical id."""
    resources = aws.client("cloudformation").describe_stack_resources(StackName=aws.stack)["StackResources"]
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        # moto also lists resources that their condition leaves out, without a type
        if resource.get("ResourceType") == "AWS::Lambda::Function"
    }


def function(aws: LocalAws, logical: str, name: str, template: Template, logs: Path) -> Function:
    """Return a function with the configuration that AWS has now. logical: its logical id. name: AWS' name for it."""
    made = aws.client("lambda").get_function_configuration(FunctionName=name)
    # Lambda's variables are text; moto keeps a number of the template as a number.
    configured = {variable: str(value) for variable, value in made["Environment"]["Variables"].items()}
    logs.mkdir(parents=True, exist_ok=True)
    return Function(
        name,
        code=template.folders[logical],
        layer=template.packages,
        variables={**configured, **environment(aws.url), "STORELINK_LOCAL": ""},
        handler=made["Handler"],
        timeout=made["Timeout"],
        memory=made["MemorySize"],
        log=logs / f"{logical}.log",
    )


def make_state_machine(aws: LocalAws, stack: str, names: dict[str, str], template: Template) -> None:
    """Make the template's state machine. names: the functions' names by logical id."""
    definition = json.dumps(template.state_machine)
    for logical, name in names.items():
        definition = definition.replace(
            "${%sArn}" % logical,  # noqa: UP031  braces
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        )
    aws.client("stepfunctions").create_state_machine(
        name=state_machine_arn(stack).rpartition(":")[2],
        definition=definition,
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{stack}-activation",
    )


def _make_events_queue(aws: LocalAws, bus: str) -> str:
    """Make the queue that receives every event of the bus. Returns its URL."""
    queue: str = aws.client("sqs").create_queue(QueueName=EVENTS_QUEUE)["QueueUrl"]
    events = aws.client("events")
    events.put_rule(Name=EVENTS_QUEUE, EventBusName=bus, EventPattern=json.dumps({"source": ["storelink"]}))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{EVENTS_QUEUE}"
    events.put_targets(Rule=EVENTS_QUEUE, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


@contextlib.contextmanager
def _invoked_in_processes(functions: dict[str, Function]) -> Iterator[None]:
    """Make moto's Lambda invoke the functions' own processes, where it would start containers."""
    by_name = {function.name: function for function in functions.values()}

    def invoke(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        answer = by_name[self.function_name].invoke(json.dumps(event) if isinstance(event, dict) else event)
        return answer.payload, answer.failed, ""

    with mock.patch.object(LambdaFunction, "_invoke_lambda", invoke):
        yield


@contextlib.contextmanager
def _read_once() -> Iterator[None]:
    """Make moto remember what it would find out for each call: its modules, and how an event is written."""
    modules, events = tuple(backends.list_of_moto_modules()), cast(Any, jsonpath)
    with (
        mock.patch.object(backends, "list_of_moto_modules", return_value=modules),
        mock.patch.object(events, "parse", cache(events.parse)),
    ):
        yield
