"""docs/deployer-policy.json lets somebody deploy what the template makes, and little more."""

import json
from typing import Any

import boto3
import pytest

from local.template import ROOT, Template

STATEMENTS: list[dict[str, Any]] = json.loads((ROOT / "docs" / "deployer-policy.json").read_text())["Statement"]
ACTIONS = {action for statement in STATEMENTS for action in statement["Action"]}

MADE_BY = {
    "AWS::ApiGatewayV2::Api": "apigateway:POST",
    "AWS::ApiGatewayV2::ApiMapping": "apigateway:POST",
    "AWS::ApiGatewayV2::DomainName": "apigateway:POST",
    "AWS::ApiGatewayV2::Stage": "apigateway:POST",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:PutCompositeAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::CodeDeploy::Application": "codedeploy:CreateApplication",
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy:CreateDeploymentGroup",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::Lambda::Alias": "lambda:CreateAlias",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Lambda::LayerVersionPermission": "lambda:AddLayerVersionPermission",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Lambda::Version": "lambda:PublishVersion",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::Logs::MetricFilter": "logs:PutMetricFilter",
    "AWS::Route53::RecordSet": "route53:ChangeResourceRecordSets",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::Scheduler::Schedule": "scheduler:CreateSchedule",
    "AWS::SecretsManager::Secret": "secretsmanager:CreateSecret",
    "AWS::StepFunctions::StateMachine": "states:CreateStateMachine",
}
"""The action that makes each type of resource."""

CLIENTS = {"states": "stepfunctions", "logs": "logs"}
"""botocore's name of a service, where it is not the action's."""
NOT_OPERATIONS = {
    "iam:PassRole",
    "lambda:InvokeFunction",
    "execute-api:Invoke",
    "s3:GetBucketLocation",
    "s3:ListBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    # By which a service delivers logs: not in the public API.
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Delete", "Get", "Update")),
    "logs:ListLogDeliveries",
}
"""Actions that no operation of the public API is named after."""


def test_it_makes_every_type_of_resource_that_the_template_has() -> None:
    resources = Template.read().translated({"GradualDeployment": "true", "Tracing": "Active"})["Resources"]
    assert {one["Type"] for one in resources.values()} == MADE_BY.keys()
    assert set(MADE_BY.values()) <= ACTIONS


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement["Sid"])
def test_no_statement_allows_every_action_or_passes_a_role_to_any_service(statement: dict[str, Any]) -> None:
    assert not [action for action in statement["Action"] if "*" in action]
    if "iam:PassRole" in statement["Action"]:
        passed = statement["Condition"]["StringEquals"]["iam:PassedToService"]
        assert set(passed) == {f"{name}.amazonaws.com" for name in ("lambda", "states", "scheduler", "codedeploy")}


def test_every_action_is_one_of_its_service() -> None:
    for action in ACTIONS - NOT_OPERATIONS:
        service, _, name = action.partition(":")
        if service == "apigateway":
            assert name in {"DELETE", "GET", "PATCH", "POST", "PUT", "TagResource"}
            continue
        client = boto3.client(CLIENTS.get(service, service), region_name="eu-central-1")
        assert name in client.meta.service_model.operation_names, action
