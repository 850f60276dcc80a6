"""template.yaml as this machine can deploy it: translated by aws-sam-translator, without what moto cannot make."""

import copy
import json
import logging
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[1]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
"""moto's own account."""

BUCKET = "storelink-artifacts"
"""Where `sam package` puts the code; here each folder under its logical id."""

NOT_IN_MOTO = {
    "AWS::ApiGatewayV2::": "moto's CloudFormation does not make HTTP APIs; local.api serves their routes",
    "AWS::StepFunctions::StateMachine": "moto runs only machines made by the API; local.cloud makes it so",
    "AWS::Lambda::LayerVersion": "moto's !Ref of one is no ARN; local.cloud publishes it by the API",
    "AWS::Lambda::Version": "moto's CloudFormation makes no aliases to them; local.cloud runs the functions themselves",
    "AWS::Lambda::Alias": "moto's CloudFormation does not make them; local.cloud runs the functions themselves",
    "AWS::CodeDeploy::": "moto's CloudFormation does not make them; nothing is shifted from version to version here",
    "AWS::Lambda::Permission": "nobody is kept out of anything by moto",
    "AWS::IAM::ManagedPolicy": "nobody is kept out of anything by moto",
    "AWS::Lambda::EventInvokeConfig": "moto's CloudFormation does not make them; no call is asynchronous here",
    "AWS::SecretsManager::Secret": "moto's CloudFormation does not make them; local.cloud makes the one by the API",
    "AWS::Scheduler::Schedule": "moto's CloudFormation does not make them; local.stack runs what they run",
    "AWS::CloudWatch::Alarm": "moto's CloudFormation does not make them; nobody is called here",
    "AWS::CloudWatch::CompositeAlarm": "moto's CloudFormation does not make them; nobody is called here",
    "AWS::Logs::MetricFilter": "moto's CloudFormation does not make them; nobody looks at metrics here",
}
"""Types that are left out, and who stands in for them."""


@dataclass(frozen=True)
class Route:
    """A route of the HTTP API. method: may be ANY. iam: whether callers must sign."""

    method: str
    path: str
    function: str
    iam: bool


@dataclass(frozen=True)
class Template:
    """The project's template. sam: as written, with CloudFormation's short forms read. folder: where it lies."""

    sam: dict[str, Any]
    folder: Path

    @classmethod
    def read(cls) -> "Template":
        """Read template.yaml, or the one that the variable TEMPLATE names: that of `sam build`, for example."""
        return _read(ROOT / os.environ.get("TEMPLATE", "template.yaml"))

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions' properties, the globals within them, by logical id."""
        shared = self.sam["Globals"]["Function"]
        return {
            name: {**shared, **resource["Properties"]}
            for name, resource in self.sam["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def routes(self) -> list[Route]:
        """What the HTTP API serves."""
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
    def folders(self) -> dict[str, Path]:
        """The folders of code that are deployed, by logical id."""
        found = {
            name: resource.get("Properties", {}).get("CodeUri") or resource.get("Properties", {}).get("ContentUri")
            for name, resource in self.sam["Resources"].items()
        }
        return {name: self.folder / path for name, path in found.items() if path}

    @property
    def packages(self) -> Path:
        """What the layer adds to Python's path: built, its folder python; as written, where the package lies."""
        layer = self.folders["StorelinkLayer"]
        return layer / "python" if (layer / "python").is_dir() else layer

    @property
    def state_machine(self) -> dict[str, Any]:
        """The state machine's definition, with its substitutions still to be made."""
        path = self.folder / self.sam["Resources"]["ActivationStateMachine"]["Properties"]["DefinitionUri"]
        definition: dict[str, Any] = yaml.safe_load(path.read_text())
        return definition

    @property
    def tasks(self) -> set[str]:
        """The functions that the state machine runs, by logical id."""
        states = self.state_machine["States"].values()
        return {
            state["Resource"].removeprefix("${").removesuffix("Arn}") for state in states if state["Type"] == "Task"
        }

    def translated(self, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        """CloudFormation's template, as SAM's transform makes it in the account.

        Code that was not uploaded yet, by `sam package`, is named as if it lay in `BUCKET`.
        """
        sam = copy.deepcopy(self.sam)
        for logical, resource in sam["Resources"].items():
            properties = resource.get("Properties", {})
            for name in ("CodeUri", "ContentUri", "DefinitionUri"):
                if not str(properties.get(name, "s3://")).startswith("s3://") and not isinstance(
                    properties[name], dict
                ):
                    properties[name] = f"s3://{BUCKET}/{logical}"
        logging.getLogger("samtranslator").setLevel(logging.ERROR)  # no line for each feature of its that is off
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
        cloudformation: dict[str, Any] = translator.translate(sam, parameters or {})
        return cloudformation

    def resources(self, **parameters: str) -> dict[str, Any]:
        """The resources as CloudFormation makes them with these parameters, its conditions decided."""
        cloudformation = self.translated()
        values = {
            name: str(told.get("Default", "")) for name, told in cloudformation["Parameters"].items()
        } | parameters
        decided: dict[str, Any] = _decided(cloudformation["Resources"], cloudformation["Conditions"], values)
        return decided

    def for_moto(self, stack: str, api_url: str) -> dict[str, Any]:
        """The translated template without `NOT_IN_MOTO`; what refers to it is given what stands in its place."""
        cloudformation = self.translated()
        resources = cloudformation["Resources"]
        left_out = {name: one for name, one in resources.items() if one["Type"].startswith(tuple(NOT_IN_MOTO))}
        layer = next(name for name, one in left_out.items() if one["Type"] == "AWS::Lambda::LayerVersion")
        for name in left_out:
            del resources[name]
        del cloudformation["Outputs"]["SignInSecretArn"]
        for name, resource in resources.items():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"  # moto knows this one alone
            if resource["Type"] == "AWS::IAM::Role":
                resource["Properties"].pop("ManagedPolicyArns", None)
            if resource["Type"] == "AWS::KMS::Key":
                del resource["Properties"]["Tags"]  # moto reads these as KMS' API writes them, and fails
            if resource["Type"] == "AWS::DynamoDB::Table":
                # As `sam local invoke` reads a !Ref, so that events/env.json can name it.
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
    """Kept, for reading it takes longer than most of what is done with it."""
    return Template(yaml_parse(path.read_text()), path.parent)


def state_machine_arn(stack: str) -> str:
    """The state machine's ARN, known before it is made."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{stack}-activation"


def layer_arn(stack: str) -> str:
    """The ARN of the layer's first version, known before it is published."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{stack}-storelink:1"


def _decided(value: Any, conditions: dict[str, Any], parameters: dict[str, str]) -> Any:
    """A part of a template without its Fn::If, each by its condition."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::If"}:
            name, if_so, if_not = value["Fn::If"]
            return _decided(
                if_so if _holds(conditions[name], conditions, parameters) else if_not, conditions, parameters
            )
        decided = {name: _decided(inner, conditions, parameters) for name, inner in value.items()}
        return {name: inner for name, inner in decided.items() if inner != _NOTHING}
    if isinstance(value, list):
        return [one for one in (_decided(inner, conditions, parameters) for inner in value) if one != _NOTHING]
    return value


_NOTHING = {"Ref": "AWS::NoValue"}


def _holds(condition: Any, conditions: dict[str, Any], parameters: dict[str, str]) -> bool:
    """Whether a condition of a template holds."""
    ((function, told),) = condition.items()
    if function == "Condition":
        return _holds(conditions[told], conditions, parameters)
    if function == "Fn::Equals":
        first, second = (_text(one, parameters) for one in told)
        return first == second
    held = [_holds(one, conditions, parameters) for one in told]
    return {"Fn::Not": not held[0], "Fn::And": all(held), "Fn::Or": any(held)}[function]


def _text(value: Any, parameters: dict[str, str]) -> str:
    """A text of a condition: written out, a parameter, or a list parameter's items joined."""
    if isinstance(value, dict):
        return parameters[value["Ref"]] if "Ref" in value else _text(value["Fn::Join"][1], parameters)
    return str(value)


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
    # For tools that read no SAM: the template that the variable TEMPLATE names, translated.
    print(json.dumps(Template.read().translated(), indent=2))
