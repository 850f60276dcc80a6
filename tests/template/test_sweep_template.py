"""The sweep, the check, their dead letters and the alarms, as SAM translates them."""

import re
from typing import Any

import pytest

from local.stack import SCHEDULES
from local.template import Template
from storelink.jobs import health_check, sweep
from storelink.magento import ping
from storelink.observability import metrics
from storelink.state import activations
from tests.template import roles

TEMPLATE = Template.read()
RESOURCES: dict[str, Any] = TEMPLATE.translated()["Resources"]
ALARMS = {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
QUEUE = {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def index(table: str, name: str) -> dict[str, Any]:
    indexes: list[dict[str, Any]] = RESOURCES[table]["Properties"]["GlobalSecondaryIndexes"]
    (found,) = [one for one in indexes if one["IndexName"] == name]
    return found


@pytest.mark.parametrize(
    ("table", "name", "shard", "time"),
    [
        ("ActivationsTable", "unfinished", "sweep_shard", "sweep_at"),
        ("ConnectionsTable", "pending_events", "pending_events_shard", "changed_at"),
        ("ConnectionsTable", "next_check", "health_check_shard", "next_check_at"),
    ],
)
def test_sweep_and_check_have_an_index_of_what_is_left_to_do(table: str, name: str, shard: str, time: str) -> None:
    found = index(table, name)
    keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
    assert keys == {"HASH": shard, "RANGE": time}
    assert len(found["Projection"]["NonKeyAttributes"]) == 1
    types = {
        one["AttributeName"]: one["AttributeType"] for one in RESOURCES[table]["Properties"]["AttributeDefinitions"]
    }
    assert (types[shard], types[time]) == ("S", "N")


def schedule(function: str) -> dict[str, Any]:
    """What runs a function."""
    all_of_them = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Scheduler::Schedule"]
    found: dict[str, Any]
    (found,) = [one for one in all_of_them if one["Target"]["Arn"] == {"Fn::GetAtt": [function, "Arn"]}]
    return found


SCHEDULED = {
    "SweepFunction": ("rate(1 minute)", sweep.MIN_REMAINING),
    "HealthCheckFunction": ("rate(5 minutes)", health_check.MIN_REMAINING),
}


@pytest.mark.parametrize("function", SCHEDULED)
def test_a_scheduled_functions_runs_do_not_overlap(function: str) -> None:
    rate, enough = SCHEDULED[function]
    assert schedule(function)["ScheduleExpression"] == rate
    assert "Name" not in schedule(function)  # two stacks in one account have two
    assert TEMPLATE.functions[function]["Timeout"] < SCHEDULES[function][1]
    assert TEMPLATE.functions[function]["Timeout"] * 1000 > 2 * enough
    assert int(re.sub(r"\D", "", rate)) * 60 == SCHEDULES[function][1]


@pytest.mark.parametrize("function", SCHEDULED)
def test_what_fails_for_good_lands_in_the_queue(function: str) -> None:
    assert schedule(function)["Target"]["DeadLetterConfig"]["Arn"] == QUEUE
    invoked = RESOURCES[f"{function}EventInvokeConfig"]["Properties"]
    assert invoked["DestinationConfig"]["OnFailure"]["Destination"] == QUEUE
    event = next(name for name, one in TEMPLATE.functions[function]["Events"].items() if one["Type"] == "ScheduleV2")
    for role in (f"{function}Role", f"{function}{event}Role"):
        policies = RESOURCES[role]["Properties"]["Policies"]
        allowed = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
        assert any(one["Action"] == "sqs:SendMessage" and one["Resource"] == QUEUE for one in allowed)


@pytest.mark.parametrize("function", SCHEDULED)
def test_a_run_that_failed_is_not_repeated_long_after(function: str) -> None:
    invoked = RESOURCES[f"{function}EventInvokeConfig"]["Properties"]
    for retries in (schedule(function)["Target"]["RetryPolicy"], invoked):
        assert retries["MaximumRetryAttempts"] <= 1
        assert retries["MaximumEventAgeInSeconds"] == 60


def test_only_schedules_claims_and_the_webhooks_queue_run_a_function_that_nobody_waits_for() -> None:
    """Whatever else is added here has failures of its own, and they belong into the queue."""
    others = ("AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::Lambda::EventSourceMapping", "AWS::Pipes::Pipe")
    found = {name for name, one in RESOURCES.items() if one["Type"] in others}
    assert found == {"WebhookSource", "WebhookRule", "MigrateCredentialsFunctionClaim"}
    queue = {"Fn::GetAtt": ["WebhookQueue", "Arn"]}
    assert RESOURCES["WebhookSource"]["Properties"]["EventSourceArn"] == queue
    assert [target["Arn"] for target in RESOURCES["WebhookRule"]["Properties"]["Targets"]] == [queue]
    assert "RedrivePolicy" in RESOURCES["WebhookQueue"]["Properties"]
    assert [name for name, one in RESOURCES.items() if "StreamSpecification" in one.get("Properties", {})] == []


def test_a_claims_move_is_tried_again_and_lands_in_the_queue_when_it_fails_for_good() -> None:
    (target,) = RESOURCES["MigrateCredentialsFunctionClaim"]["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["MigrateCredentialsFunction", "Arn"]}
    assert target["DeadLetterConfig"]["Arn"] == QUEUE
    invoked = RESOURCES["MigrateCredentialsFunctionEventInvokeConfig"]["Properties"]
    assert invoked["MaximumRetryAttempts"] == 2
    assert invoked["DestinationConfig"]["OnFailure"]["Destination"] == QUEUE
    (statement,) = RESOURCES["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    source = {"Fn::GetAtt": ["MigrateCredentialsFunctionClaim", "Arn"]}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": source}}
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", QUEUE)


def test_every_schedule_is_played_on_one_machine() -> None:
    schedules = [name for name, one in RESOURCES.items() if one["Type"] == "AWS::Scheduler::Schedule"]
    assert len(schedules) == len(SCHEDULES) == len(SCHEDULED)


def test_a_check_that_is_begun_ends_before_the_function_does() -> None:
    assert health_check.LEASE_SECONDS * 1000 > health_check.MIN_REMAINING > ping.TIMEOUT * 1000


def test_every_asynchronous_invocation_has_its_dead_letters() -> None:
    asynchronous = {"Schedule", "ScheduleV2", "EventBridgeRule", "CloudWatchEvent", "SNS", "S3"}
    for function, properties in TEMPLATE.functions.items():
        if {event["Type"] for event in properties.get("Events", {}).values()} & asynchronous:
            assert f"{function}EventInvokeConfig" in RESOURCES


def test_dead_letters_are_encrypted_and_kept_for_14_days() -> None:
    queue = RESOURCES["DeadLetters"]["Properties"]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_dead_letter_is_an_alarm() -> None:
    alarm = ALARMS["DeadLettersAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


def test_a_sweep_in_trouble_is_an_alarm() -> None:
    alarm = ALARMS["SweepTroubleAlarm"]
    assert alarm["Namespace"] == metrics.namespace
    assert alarm["MetricName"].lower() in sweep.COUNTS
    service = TEMPLATE.functions["SweepFunction"]["Environment"]["Variables"]
    shared = TEMPLATE.sam["Globals"]["Function"]["Environment"]["Variables"]
    told = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert told == {"service": {**shared, **service}["POWERTOOLS_SERVICE_NAME"], "stack": {"Ref": "AWS::StackName"}}
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_sweep_that_stopped_is_an_alarm_and_one_that_has_not_begun_is_none() -> None:
    """At a first deployment no run is there: then the second input, which looks back for a week, is not in alarm."""
    rule = RESOURCES["SweepStoppedAlarm"]["Properties"]["AlarmRule"]
    assert rule == {"Fn::Sub": 'ALARM("${SweepRunsMissing}") AND ALARM("${SweepHasRun}")'}
    missing, has_run = ALARMS["SweepRunsMissing"], ALARMS["SweepHasRun"]
    of_sweep = [{"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}]
    assert missing["Dimensions"] == has_run["Dimensions"] == of_sweep
    assert (missing["TreatMissingData"], has_run["TreatMissingData"]) == ("breaching", "notBreaching")
    assert missing["ComparisonOperator"] == "LessThanThreshold"
    assert (has_run["ComparisonOperator"], has_run["Threshold"]) == ("GreaterThanThreshold", 0)
    assert has_run["Period"] * has_run["EvaluationPeriods"] == 7 * 24 * 3600  # as long as an alarm looks back


def test_the_sweep_opens_nothing_and_reads_no_credential() -> None:
    allowed = roles.statements(RESOURCES, "SweepFunctionRole")
    actions = {action for one in allowed for action in roles.as_list(one["Action"])}
    assert actions == {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "states:StartExecution",
        "events:PutEvents",
        "sqs:SendMessage",
        "secretsmanager:DeleteSecret",  # of what nobody claims
    }


def test_a_stuck_execution_is_over_before_it_is_ended() -> None:
    states = TEMPLATE.state_machine["States"]
    throttled, failed = states["AccessToken"]["Retry"]
    assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]  # its function has not run
    step = (1 + failed["MaxAttempts"]) * TEMPLATE.functions["AccessTokenFunction"]["Timeout"]
    for retry in (throttled, failed):
        waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))
        step += sum(min(wait, retry.get("MaxDelaySeconds", wait)) for wait in waits)
    assert step < sweep.EXECUTION_SECONDS
    assert activations.SWEEP_DELAY > activations.LEASE_SECONDS


def test_the_machine_goes_to_the_access_step_for_a_token_that_waits() -> None:
    states = TEMPLATE.state_machine["States"]
    begin = states[TEMPLATE.state_machine["StartAt"]]
    assert [choice["Next"] for choice in begin["Choices"]] == ["AccessToken"]
    assert begin["Default"] == "RequestToken"
    next_of = {choice.get("StringEquals"): choice["Next"] for choice in states["Outcome"]["Choices"]}
    assert next_of["exchanged"] == "AccessToken"
