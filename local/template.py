"""template.yaml for this machine: translated by aws-sam-translator, without the resources that moto cannot make."""

import copy
import json
import logging
import os
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from samcli.yamlhelper import intrinsics_multi_constructor
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[1]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
"""moto's account."""

BUCKET = "storelink-artifacts"
"""The bucket that holds the code, each folder under its logical id, as after `sam package`."""

DECIDED_BY_SAM = ("GradualDeployment", "Tracing")
"""Parameters whose values SAM's transform reads."""

NOT_IN_MOTO = {
    "AWS::ApiGatewayV2::": "moto's CloudFormation does not make HTTP APIs; local.api_gateway serves their routes",
    "AWS::StepFunctions::StateMachine": "moto runs only machines made by the API; local.aws makes it so",
    "AWS::Lambda::LayerVersion": "moto's !Ref of one is no ARN; local.aws publishes it by the API",
    "AWS::Lambda::Version": "moto's CloudFormation makes no aliases to them; local.aws runs the functions themselves",
    "AWS::Lambda::Alias": "moto's CloudFormation does not make them; local.aws runs the functions themselves",
    "AWS::CodeDeploy::": "moto's CloudFormation does not make them; nothing is shifted from version to version here",
    "AWS::Lambda::Permission": "moto checks no permissions",
    "AWS::IAM::ManagedPolicy": "moto checks no permissions",
    "AWS::Lambda::EventInvokeConfig": "moto's CloudFormation does not make them; no call is asynchronous here",
    "AWS::SecretsManager::Secret": "moto's CloudFormation does not make them; local.aws makes them by the API",
    "AWS::Lambda::EventSourceMapping": "moto tries a message once; local.event_source receives it as Lambda does",
    "AWS::SQS::QueuePolicy": "moto checks no permissions",
    "AWS::Scheduler::Schedule": "moto's CloudFormation does not make them; local.stack runs what they run",
    "AWS::CloudWatch::Alarm": "moto's CloudFormation does not make them; no alarm is sent here",
    "AWS::CloudWatch::CompositeAlarm": "moto's CloudFormation does not make them; no alarm is sent here",
    "AWS::Logs::MetricFilter": "moto's CloudFormation does not make them; no metric is read here",
}
"""Resource types that are left out, and what does their work here."""


@dataclass(frozen=True)
class Route:
    """A route of the HTTP API. method: an HTTP method or ANY. iam: whether callers must sign."""

    method: str
    path: str
    function: str
    iam: bool


@dataclass(frozen=True)
class Template:
    """The project's template. sam: its content, with CloudFormation's short forms read. folder: its folder."""

    sam: dict[str, Any]
    folder: Path

    @classmethod
    def read(cls) -> "Template":
        """Read template.yaml, or the template that the variable TEMPLATE names, such as the one of `sam build`."""
        return _read(ROOT / os.environ.get("TEMPLATE", "template.yaml"))

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the functions' properties, with the globals merged in, by logical id."""
        shared = self.sam["Globals"]["Function"]
        return {
            name: {**shared, **resource["Properties"]}
            for name, resource in self.sam["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def routes(self) -> list[Route]:
        """Return the routes of the HTTP API."""
        default = self.sam["Globals"]["HttpApi"]["Auth"].get("DefaultAuthorizer")
        return [
            Route(
                event["Properties"]["Method"].upper(),
                event["Properties"]["Path"],
                function,
                event["Properties"].get("Auth", {}).get("Authorizer", default) == "AWS_IAM",
            )
            for function, properties in self.functions.items()
            for event in properties.get("Events", {}).values()
            if event["Type"] == "HttpApi"
        ]

    @property
    def run_by_events(self) -> list[str]:
        """Return the logical ids of the functions that a rule of EventBridge runs."""
        return [
            name
            for name, properties in self.functions.items()
            if any(event["Type"] == "EventBridgeRule" for event in properties.get("Events", {}).values())
        ]

    @property
    def folders(self) -> dict[str, Path]:
        """Return the folders of code that are deployed, by logical id."""
        found = {
            name: resource.get("Properties", {}).get("CodeUri") or resource.get("Properties", {}).get("ContentUri")
            for name, resource in self.sam["Resources"].items()
        }
        return {name: self.folder / path for name, path in found.items() if path}

    @property
    def packages(self) -> Path:
        """Return the layer's folder for Python's path: `python` when it is built, else the folder of the package."""
        layer = self.folders["StorelinkLayer"]
        return layer / "python" if (layer / "python").is_dir() else layer

    @property
    def state_machine(self) -> dict[str, Any]:
        """Return the state machine's definition, with its substitutions still to be made."""
        path = self.folder / self.sam["Resources"]["ActivationStateMachine"]["Properties"]["DefinitionUri"]
        definition: dict[str, Any] = yaml.safe_load(path.read_text())
        return definition

    @property
    def tasks(self) -> set[str]:
        """Return the logical ids of the functions that the state machine runs."""
        states = self.state_machine["States"].values()
        return {
            state["Resource"].removeprefix("${").removesuffix("Arn}") for state in states if state["Type"] == "Task"
        }

    def translated(self, parameters: dict[str, str] | None = None, region: str = REGION) -> dict[str, Any]:
        """Return CloudFormation's template, as SAM's transform makes it in the account.

        parameters: those that SAM resolves (GradualDeployment, Tracing). region: decides the partition, too. Code that
        `sam package` has not uploaded is named as if it were in `BUCKET`.
        """
        sam = copy.deepcopy(self.sam)
        for logical, resource in sam["Resources"].items():
            properties = resource.get("Properties", {})
            for name in ("CodeUri", "ContentUri", "DefinitionUri"):
                if not str(properties.get(name, "s3://")).startswith("s3://") and not isinstance(
                    properties[name], dict
                ):
                    properties[name] = f"s3://{BUCKET}/{logical}"
        logging.getLogger("samtranslator").setLevel(logging.ERROR)  # no line for each feature that is off
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
        cloudformation: dict[str, Any] = translator.translate(sam, parameters or {})
        return cloudformation

    def standing_alone(self, parameters: dict[str, str], region: str) -> dict[str, Any]:
        """Return CloudFormation's template for tools that do not know SAM, with these parameters as its defaults.

        What SAM decides while it translates cannot be changed afterwards, so no other value of it is allowed.
        """
        cloudformation = self.translated(parameters, region)
        for name, declared in cloudformation["Parameters"].items():
            declared["Default"] = parameters.get(name, declared["Default"])
            if name in DECIDED_BY_SAM:
                declared["AllowedValues"] = [declared["Default"]]
        return cloudformation

    def for_moto(self, stack: str, api_url: str) -> dict[str, Any]:
        """Return the translated template without `NOT_IN_MOTO`; references to those get the stand-ins' values."""
        cloudformation = self.translated()
        resources = cloudformation["Resources"]
        left_out = {name: one for name, one in resources.items() if one["Type"].startswith(tuple(NOT_IN_MOTO))}
        layer = next(name for name, one in left_out.items() if one["Type"] == "AWS::Lambda::LayerVersion")
        for name in left_out:
            del resources[name]
        for name in ("SignInSecretArn", "WebhookSecretArn"):
            del cloudformation["Outputs"][name]
        for name, resource in resources.items():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"  # moto knows this one alone
            if resource["Type"] == "AWS::IAM::Role":
                resource["Properties"].pop("ManagedPolicyArns", None)
            for target in resource.get("Properties", {}).get("Targets", []):
                function = target["Arn"].get("Fn::GetAtt", [""])[0]
                if function in self.functions:  # moto's rules run no functions; local.stack receives from the queue
                    target["Arn"] = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{function}"
            if resource["Type"] == "AWS::KMS::Key":
                del resource["Properties"]["Tags"]  # moto expects the form of KMS' API, and fails
            if resource["Type"] == "AWS::DynamoDB::Table":
                # `sam local invoke` reads a !Ref as the logical id, and events/env.json uses that name.
                resource["Properties"]["TableName"] = name
        stand_ins = {"ActivationStateMachine": state_machine_arn(stack), "Api": api_url, layer: layer_arn(stack)}
        stand_ins |= {
            name: resource["Properties"]["FunctionName"]
            for name, resource in left_out.items()
            if resource["Type"] == "AWS::Lambda::Alias"
        }
        replaced: dict[str, Any] = _replaced(cloudformation, stand_ins)
        return replaced


@cache
def _read(path: Path) -> Template:
    """Return a template. It is cached: to read it takes longer than most of its uses."""
    return Template(yaml.load(path.read_text(), _Loader), path.parent)  # noqa: S506  it is a safe loader


class _Loader(yaml.CSafeLoader):
    """SAM's own, which reads CloudFormation's short forms, by the parser in C."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def state_machine_arn(stack: str) -> str:
    """Return the state machine's ARN, which is known before it is made."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{stack}-activation"


def layer_arn(stack: str) -> str:
    """Return the ARN of the layer's first version, which is known before it is published."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{stack}-storelink:1"


def _replaced(value: Any, stand_ins: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Ref"} and value["Ref"] in stand_ins:
            return stand_ins[value["Ref"]]
        return {name: _replaced(inner, stand_ins) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, stand_ins) for inner in value]
    if isinstance(value, str):
        value = value.replace("${Api.ApiEndpoint}", stand_ins["Api"])
        for name in ("Api", "ActivationStateMachine"):
            value = value.replace(f"${{{name}}}", stand_ins[name])
    return value


if __name__ == "__main__":
    # For tools that read no SAM: prints the translated template. Arguments: NAME=VALUE of the template's parameters.
    from local import parameters

    given = parameters.read(shlex.join(sys.argv[1:]), "The command")
    print(json.dumps(Template.read().standing_alone(given, os.environ.get("AWS_REGION") or REGION), indent=2))
