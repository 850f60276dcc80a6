"""What watches the stack: alarms, the dashboard, the access log, and that each of them speaks of what is there."""

import json
import re
from typing import Any

import pytest

from local.template import ROOT, Template
from storelink import observability
from storelink.jobs import sweep

TEMPLATE = Template.read()
RESOURCES: dict[str, Any] = TEMPLATE.translated()["Resources"]
ALL_ALARMS = {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"].endswith("Alarm")}
ALARMS = {name: one for name, one in ALL_ALARMS.items() if "AlarmActions" in one}
"""Those that people hear of. The others are read by CodeDeploy, or by another alarm."""
VERSIONED = ["CallbackFunction", "RequestTokenFunction", "AccessTokenFunction", "RecordFailureFunction"]
"""The functions of the handshake, which are deployed gradually."""
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

METRICS = {
    "AWS/Lambda": ("FunctionName", "AWS::Lambda::Function", {"Errors", "Invocations", "Throttles", "Duration"}),
    "AWS/States": (
        "StateMachineArn",
        "AWS::StepFunctions::StateMachine",
        {"ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut"},
    ),
    "AWS/DynamoDB": ("TableName", "AWS::DynamoDB::Table", {"ReadThrottleEvents", "WriteThrottleEvents"}),
    "AWS/SQS": (
        "QueueName",
        "AWS::SQS::Queue",
        {"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"},
    ),
    "AWS/ApiGateway": ("ApiId", "AWS::ApiGatewayV2::Api", {"Count", "4xx", "5xx"}),
}
"""Of AWS' own metrics those that are used here: the dimension, what it names, and the metrics' names."""

OWN = {*observability.COUNTED, *map(str.capitalize, sweep.COUNTS)}
"""Those that the functions write."""

Metric = tuple[str, str, dict[str, str]]
"""Namespace, name, and dimensions with the logical ids that they name."""


def logical(value: Any) -> str:
    """The logical id that a dimension's value names, or the value itself."""
    if isinstance(value, dict):
        return str(value.get("Ref") or value.get("Fn::Sub") or value["Fn::GetAtt"][0])
    match = re.fullmatch(r"\$\{([A-Za-z:]+)(\.QueueName)?\}", value)
    return match[1] if match else str(value)


def of_alarm(alarm: dict[str, Any]) -> list[Metric]:
    """The metrics that an alarm looks at."""
    single = [alarm] if "MetricName" in alarm else []
    several = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    return [
        (one["Namespace"], one["MetricName"], {told["Name"]: logical(told["Value"]) for told in one["Dimensions"]})
        for one in single + several
    ]


def of_dashboard() -> list[Metric]:
    """The metrics that the dashboard shows."""
    found = []
    for widget in json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]:
        for metric in widget["properties"]["metrics"]:
            if not isinstance(metric[0], dict):
                namespace, name, *told = [part for part in metric if isinstance(part, str)]
                found.append((namespace, name, dict(zip(told[::2], map(logical, told[1::2]), strict=True))))
    return found


def assert_is_there(metric: Metric) -> None:
    namespace, name, dimensions = metric
    if namespace in METRICS:
        dimension, kind, names = METRICS[namespace]
        assert name in names, metric
        (named,) = [dimensions[dimension]]
        assert RESOURCES[named]["Type"] == kind, metric
    elif name == "ApiThrottles":
        (filtered,) = [one for one in RESOURCES.values() if one["Type"] == "AWS::Logs::MetricFilter"]
        (made,) = filtered["Properties"]["MetricTransformations"]
        assert (made["MetricNamespace"], made["MetricName"]) == (namespace, name)
        assert dimensions == {made["Dimensions"][0]["Key"]: "Api"}
    else:
        assert namespace == observability.NAMESPACE
        assert name in OWN, metric
        assert dimensions == {"service": "storelink", "stack": "AWS::StackName"}, metric


QUERIES = {name: one for name, one in ALARMS.items() if "SELECT" in repr(one)}
"""Alarms on a query instead of named metrics."""


@pytest.mark.parametrize("name", sorted(ALL_ALARMS.keys() - QUERIES.keys() - {"SweepStoppedAlarm"}))
def test_an_alarm_looks_at_metrics_that_are_there(name: str) -> None:
    metrics = of_alarm(ALL_ALARMS[name])
    assert 1 <= len(metrics) <= 10  # as many as an alarm may have
    for metric in metrics:
        assert_is_there(metric)
    for metric in ALL_ALARMS[name].get("Metrics", []):
        assert ("Expression" in metric) == metric.get("ReturnData", True)


def test_an_alarm_that_is_part_of_another_one_is_named_there() -> None:
    silent = ALL_ALARMS.keys() - ALARMS.keys()
    parts = set(re.findall(r"\$\{(\w+)\}", ALARMS["SweepStoppedAlarm"]["AlarmRule"]["Fn::Sub"]))
    assert silent == parts | {f"{function.removesuffix('Function')}VersionAlarm" for function in VERSIONED}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_sent_to_the_topic_where_one_is_named(name: str) -> None:
    actions = [{"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]}]
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == actions
    # Else it would ring at a first deployment, before there is anything to measure.
    assert ALARMS[name].get("TreatMissingData", "notBreaching") == "notBreaching"
    assert TEMPLATE.sam["Parameters"]["AlarmTopicArn"]["Default"] == ""


def test_each_alarm_has_its_runbook_and_each_runbook_its_alarm() -> None:
    assert sorted(re.findall(r"^### (\w+Alarm)$", OPERATIONS, re.MULTILINE)) == sorted(ALARMS)


def test_a_runbook_says_what_to_do() -> None:
    sections = dict(re.findall(r"^### (\w+Alarm)\n(.*?)(?=^##)", OPERATIONS, re.MULTILINE | re.DOTALL))
    for name in ALARMS:
        assert re.search(r"^(1\.|- )", sections[name], re.MULTILINE), name


def unattended() -> set[str]:
    """The functions that run for strangers, for the state machine or by the clock: nobody sees what they answer."""
    open_to_all = {route.function for route in TEMPLATE.routes if not route.iam}
    machine = {
        one["Ref"].removesuffix("Aliaslive")
        for one in RESOURCES["ActivationStateMachine"]["Properties"]["DefinitionSubstitutions"].values()
    }
    by_the_clock = {
        one["Properties"]["Target"]["Arn"]["Fn::GetAtt"][0]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::Scheduler::Schedule"
    }
    by_a_queue = {
        one["Properties"]["FunctionName"]["Ref"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::Lambda::EventSourceMapping"
    }
    return open_to_all | machine | by_the_clock | by_a_queue


def test_errors_and_throttles_of_every_function_that_nobody_looks_at_are_alarms() -> None:
    for metric, alarms in {
        "Errors": ["FunctionErrorsAlarm", "StepErrorsAlarm"],
        "Throttles": ["FunctionThrottlesAlarm"],
    }.items():
        watched = [one for name in alarms for one in of_alarm(ALARMS[name]) if one[1] == metric]
        assert {dimensions["FunctionName"] for _, _, dimensions in watched} == unattended()


def test_throttles_of_every_table_and_its_indexes_are_an_alarm() -> None:
    """`ThrottledRequests` counts requests to a table and to its indexes; Read- and WriteThrottleEvents do not."""
    watched = set()
    for alarm in QUERIES.values():
        (query,) = alarm["Metrics"]
        text = query["Expression"]["Fn::Sub"]
        found = re.fullmatch(
            r'SELECT SUM\(ThrottledRequests\) FROM SCHEMA\("AWS/DynamoDB", TableName, Operation\)'
            r" WHERE TableName = '\$\{(\w+)\}'",
            text,
        )
        assert found, text
        watched.add(found[1])
    assert watched == {name for name, one in RESOURCES.items() if one["Type"] == "AWS::DynamoDB::Table"}


def test_the_version_that_is_deployed_is_watched_alone_by_an_alarm_of_its_own() -> None:
    """An alarm that rings for the version before would keep its fix from being deployed."""
    for function in VERSIONED:
        alarm = TEMPLATE.translated({"GradualDeployment": "true"})["Resources"][
            f"{function.removesuffix('Function')}VersionAlarm"
        ]
        assert alarm["Condition"] == "ShiftsGradually"
        dimensions = {one["Name"]: one["Value"] for one in alarm["Properties"]["Dimensions"]}
        version = dimensions["ExecutedVersion"]["Fn::GetAtt"][0]
        assert RESOURCES[version]["Properties"]["FunctionName"] == {"Ref": function}
        assert dimensions["FunctionName"] == {"Ref": function}
        assert dimensions["Resource"] == {"Fn::Sub": f"${{{function}}}:live"}
        # A changed name is a new alarm: it does not begin in the state of the one before.
        assert f"${{{version}.Version}}" in alarm["Properties"]["AlarmName"]["Fn::Sub"]


def test_failed_and_broken_off_activations_are_alarms() -> None:
    machine = {"StateMachineArn": "ActivationStateMachine"}
    assert of_alarm(ALARMS["FailedActivationsAlarm"]) == [("AWS/States", "ExecutionsFailed", machine)]
    assert ALARMS["FailedActivationsAlarm"]["Threshold"] == {"Ref": "AlarmFailedActivations"}
    assert {name for _, name, _ in of_alarm(ALARMS["AbortedExecutionsAlarm"])} == {
        "ExecutionsAborted",
        "ExecutionsTimedOut",
    }


def test_the_callback_is_an_alarm_before_magento_gives_up() -> None:
    alarm = ALARMS["SlowCallbackAlarm"]
    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
    assert 2500 <= alarm["Threshold"] < 5000


def test_the_dashboard_shows_metrics_that_are_there() -> None:
    shown = of_dashboard()
    assert len(shown) > 20
    for metric in shown:
        assert_is_there(metric)


def test_the_dashboard_shows_every_function_table_and_count() -> None:
    shown = of_dashboard()
    assert {told["FunctionName"] for _, name, told in shown if name == "Errors"} == set(TEMPLATE.functions)
    assert {name for namespace, name, _ in shown if namespace == "Storelink"} == OWN | {"ApiThrottles"}
    tables = {name for name, one in RESOURCES.items() if one["Type"] == "AWS::DynamoDB::Table"}
    assert {told["TableName"] for _, _, told in shown if "TableName" in told} == tables


def test_the_dashboard_finds_failures_by_the_dimensions_that_are_written() -> None:
    (search,) = re.findall(
        r"SEARCH\('\{(.+?)\} MetricName=..(\w+)", RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    )
    assert search == ("Storelink,reason,service,stack", "Failed")


def test_no_widget_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]:
        across = range(widget["x"], widget["x"] + widget["width"])
        down = range(widget["y"], widget["y"] + widget["height"])
        cells = {(x, y) for x in across for y in down}
        assert across.stop <= 24
        assert not cells & taken
        taken |= cells


def access_log() -> str:
    (stage,) = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::ApiGatewayV2::Stage"]
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}
    assert RESOURCES["AccessLogs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    return str(stage["AccessLogSettings"]["Format"])


def test_the_access_log_is_json_and_has_neither_path_nor_query() -> None:
    line = json.loads(re.sub(r"\$context\.[A-Za-z.]+", "7", access_log()))
    assert {"request_id", "function_request_id", "route", "status", "latency"} <= line.keys()
    variables = set(re.findall(r"\$context\.([A-Za-z.]+)", access_log()))
    assert variables == {
        "requestId",
        "integration.requestId",
        "requestTimeEpoch",
        "identity.sourceIp",
        "routeKey",
        "status",
        "responseLatency",
        "integration.latency",
        "apiId",
    }
