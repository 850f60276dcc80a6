"""AWS on this machine: moto's server, the stack made in it from template.yaml, the functions run for real."""

import contextlib
import io
import json
import logging
import os
import shlex
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import jsonpath_ng.ext
from moto.awslambda.models import LambdaFunction
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer

from local import dynamodb
from local.emulator import Function
from local.template import ACCOUNT, BUCKET, REGION, Template, layer_arn, state_machine_arn

EVENTS_QUEUE = "storelink-events"
"""Where every event of the stack can be read on this machine."""

PARAMETERS = {"AllowPrivateStores": "true", "LogLevel": os.environ.get("LOG_LEVEL") or "INFO"}
"""The template's parameters that this machine sets: the sandbox store is on loopback."""


def chosen_parameters() -> dict[str, str]:
    """More of the template's parameters: NAME=VALUE, apart by spaces, in the variable PARAMETERS. Raises ValueError."""
    chosen = [one.partition("=") for one in shlex.split(os.environ.get("PARAMETERS", ""))]
    wrong = [name for name, _, _ in chosen if name not in Template.read().sam["Parameters"]]
    if wrong:
        raise ValueError(f"PARAMETERS names {', '.join(wrong)}, which template.yaml does not have.")
    return {name: value for name, _, value in chosen}


@dataclass(frozen=True)
class Cloud:
    """The stack as it was made. outputs: the template's own, by name."""

    url: str
    stack: str
    outputs: dict[str, str]
    functions: dict[str, Function]
    events_queue_url: str

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS."""
        return _client(self.url, service)


@cache
def _client(url: str, service: str) -> Any:
    """Kept, for making one takes longer than most calls."""
    return boto3.client(service, **access(url))  # type: ignore[call-overload]


def access(url: str) -> dict[str, str]:
    """What makes boto3 talk to this AWS, which asks for no real keys."""
    return {
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }


def environment(url: str) -> dict[str, str]:
    """The same for a process, as variables."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def running(
    port: int, api_url: str, logs: Path, stack: str = "storelink-local", execute: bool = True
) -> Iterator[Cloud]:
    """Start AWS, make the stack in it and keep both until the end. port: 0 for any. execute: run the state machine."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line a request
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)  # no line an execution that fails, as it may
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    default_user_config["stepfunctions"]["execute_state_machine"] = execute
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        os.environ["MOTO_PORT"] = url.rpartition(":")[2]
        cloud = _deployed(Template.read(), url, stack, api_url, logs)
        try:
            with _running_for_real(cloud.functions), _looked_up_once(), dynamodb.mended():
                yield cloud
        finally:
            for function in cloud.functions.values():
                function.stop()
    finally:
        server.stop()


def _deployed(template: Template, url: str, stack: str, api_url: str, logs: Path) -> Cloud:
    cloud = Cloud(url, stack, {}, {}, "")
    _upload(cloud, template)
    layer = {"S3Bucket": BUCKET, "S3Key": "StorelinkLayer"}
    cloud.client("lambda").publish_layer_version(LayerName=layer_arn(stack).split(":")[-2], Content=layer)
    formation = cloud.client("cloudformation")
    parameters = PARAMETERS | chosen_parameters()
    if parameters.get("SignInUrl") or parameters.get("OidcIssuer"):
        # As the template's SignInSecret.
        secrets = cloud.client("secretsmanager")
        key = secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)["RandomPassword"]
        secrets.create_secret(Name=f"{stack}/sign-in", SecretString=key)
    formation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(template.for_moto(stack, api_url)),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    made = formation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    names = names_of_functions(cloud)
    functions = {logical: function(cloud, logical, name, template, logs) for logical, name in sorted(names.items())}
    make_state_machine(cloud, stack, names, template)
    key = functions["CallbackFunction"].variables["STORELINK_KMS_KEY"]
    cloud.client("kms").create_alias(AliasName=f"alias/{stack}", TargetKeyId=key)
    return Cloud(url, stack, outputs, functions, _make_events_queue(cloud, outputs["EventBusName"]))


def _upload(cloud: Cloud, template: Template) -> None:
    """Put the code where the translated template says it is."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for logical, folder in template.folders.items():
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            for file in sorted(folder.rglob("*.py")):
                written.write(file, file.relative_to(folder))
        s3.put_object(Bucket=BUCKET, Key=logical, Body=archive.getvalue())


def names_of_functions(cloud: Cloud) -> dict[str, str]:
    """The names that AWS gave the stack's functions, by logical id."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=cloud.stack)["StackResources"]
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        # moto lists those too whose condition does not hold, without a type
        if resource.get("ResourceType") == "AWS::Lambda::Function"
    }


def function(cloud: Cloud, logical: str, name: str, template: Template, logs: Path) -> Function:
    """A function to run as its AWS has it now. logical, name: of its resource, and AWS' own."""
    made = cloud.client("lambda").get_function_configuration(FunctionName=name)
    # Lambda's are all text; moto leaves a number of the template a number.
    told = {variable: str(value) for variable, value in made["Environment"]["Variables"].items()}
    logs.mkdir(parents=True, exist_ok=True)
    return Function(
        name,
        code=template.folders[logical],
        layer=template.packages,
        variables={**told, **environment(cloud.url)},
        handler=made["Handler"],
        timeout=made["Timeout"],
        memory=made["MemorySize"],
        log=logs / f"{logical}.log",
    )


def make_state_machine(cloud: Cloud, stack: str, names: dict[str, str], template: Template) -> None:
    """Make the template's state machine. names: of the functions, by logical id."""
    definition = json.dumps(template.state_machine)
    for logical, name in names.items():
        definition = definition.replace(
            "${%sArn}" % logical,  # noqa: UP031  braces
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        )
    cloud.client("stepfunctions").create_state_machine(
        name=state_machine_arn(stack).rpartition(":")[2],
        definition=definition,
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{stack}-activation",
    )


def _make_events_queue(cloud: Cloud, bus: str) -> str:
    """A queue that hears all that the stack says on the bus."""
    queue: str = cloud.client("sqs").create_queue(QueueName=EVENTS_QUEUE)["QueueUrl"]
    events = cloud.client("events")
    events.put_rule(Name=EVENTS_QUEUE, EventBusName=bus, EventPattern=json.dumps({"source": ["storelink"]}))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{EVENTS_QUEUE}"
    events.put_targets(Rule=EVENTS_QUEUE, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


@contextlib.contextmanager
def _looked_up_once() -> Iterator[None]:
    """Have moto keep what it works out anew for each call: whose a host is, and what a path into JSON says."""
    of_host = DomainDispatcherApplication.get_backend_for_host
    with (
        mock.patch.object(DomainDispatcherApplication, "get_backend_for_host", cache(of_host)),
        mock.patch.object(jsonpath_ng.ext, "parse", cache(jsonpath_ng.ext.parse)),  # type: ignore[attr-defined]
    ):
        yield


@contextlib.contextmanager
def _running_for_real(functions: dict[str, Function]) -> Iterator[None]:
    """Have moto's Lambda hand its invocations to the functions' own processes, where it would start containers."""
    by_name = {function.name: function for function in functions.values()}
    in_containers = LambdaFunction._invoke_lambda

    def invoke(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        answer = by_name[self.function_name].invoke(json.dumps(event) if isinstance(event, dict) else event)
        return answer.payload, answer.failed, ""

    LambdaFunction._invoke_lambda = invoke  # type: ignore[method-assign]
    try:
        yield
    finally:
        LambdaFunction._invoke_lambda = in_containers  # type: ignore[method-assign]
