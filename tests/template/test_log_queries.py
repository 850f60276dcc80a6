"""What the functions' log lines tell, as the queries of docs/operations.md find it, over lines of real runs."""

import json
import re
import sys
from typing import Any

import pytest

from local.lambda_context import LambdaContext
from local.template import ROOT, Template
from storelink.errors import ADVICE
from storelink.observability import COUNTED, NAMESPACE, logger
from tests.template import logs_insights
from tests.world import HANDLERS, World, callback_event

QUERIES = dict(
    re.findall(
        r"^### ([^\n]+)\n\n[^#]*?```\n(.*?)```",
        (ROOT / "docs" / "operations.md").read_text().partition("## Looking into the logs")[2],
        re.MULTILINE | re.DOTALL,
    )
)


class StandardOutput:
    """Standard output as it is at each moment, to which a function's logger and its metrics write alike."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the logger write to what pytest captures now, and not to what was there when it was made."""
    monkeypatch.setattr(logger.registered_handler, "stream", StandardOutput())


def read(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of JSON that the functions have written since this was last asked."""
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def found(heading: str, lines: list[str], **named: str) -> list[dict[str, Any]]:
    """What the query under a heading of the page finds. named: what a person puts in the place of each `…`."""
    query = QUERIES[heading]
    for name, value in named.items():
        query = query.replace(f'{name} = "…"', f'{name} = "{value}"')
    assert "…" not in query
    return logs_insights.run(query, lines)


@pytest.fixture
def lines(world: World, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The log of a store that connects, reauthorizes, and is refused."""
    read(capsys)
    world.connect()
    world.connect_again()
    world.shop.trouble("signature_invalid", endpoint="request", times=1)
    world.run(world.click_reauthorize())
    return read(capsys)


def test_every_query_of_the_page_is_tried_here() -> None:
    assert set(QUERIES) == {
        "One activation, from Magento's post to the event",
        "Why activations fail",
        "How long handshakes take",
        "Answers of the API",
        "Callers that are turned away",
        "From a call to its activation",
    }


def test_one_id_leads_from_the_post_to_the_event(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    read(capsys)
    activation_id = world.connect()
    world.shop.trouble("signature_invalid", endpoint="request", times=1)
    world.run(world.click_reauthorize())
    told = found("One activation, from Magento's post to the event", read(capsys), activation_id=activation_id)
    assert [row["message"] for row in told] == [
        "activation accepted",
        "activation advanced",
        "activation connected",
        "event published",
    ]
    connected, *_ = world.events()
    assert connected[1]["activation_id"] == activation_id


def test_every_line_of_an_activation_has_its_id(lines: list[str], world: World) -> None:
    for line in lines:
        assert re.fullmatch(r"[0-9a-f]{32}-[0-9a-f]{12}", json.loads(line)["activation_id"]), line


def test_failures_are_counted_by_reason(lines: list[str]) -> None:
    assert found("Why activations fail", lines) == [{"reason": "signature-invalid", "failures": 1}]


def test_the_time_of_handshakes_is_told(lines: list[str]) -> None:
    (told,) = found("How long handshakes take", lines)
    assert told["stores"] == 2
    assert 0 < told["mean"] <= told["longest"] < 60


def test_metrics_have_few_dimensions_and_bounded_values(lines: list[str], world: World) -> None:
    blobs = [json.loads(line) for line in lines if "_aws" in line]
    seen = set()
    for blob in blobs:
        (directive,) = blob["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == NAMESPACE
        (dimensions,) = directive["Dimensions"]
        assert set(dimensions) in ({"service", "stack"}, {"service", "stack", "reason"})
        assert blob["stack"] == world.aws.stack
        assert blob.get("reason", "aws") in ADVICE
        seen |= {(metric["Name"], metric["Unit"]) for metric in directive["Metrics"]}
    elsewhere = {"NotAdmitted", "LimitReached"}  # tests/state/test_invitations.py, test_hosts.py
    assert seen == {(name, str(unit.value)) for name, unit in COUNTED.items() if name not in elsewhere}


def access_line(context: LambdaContext, status: int, api: dict[str, Any]) -> str:
    """A call's line in the API's log: the template's own format, filled as API Gateway fills it."""
    stage = next(
        one["Properties"]
        for one in Template.read().translated()["Resources"].values()
        if one["Type"] == "AWS::ApiGatewayV2::Stage"
    )
    values = {
        "requestId": api["requestId"],
        "integration.requestId": context.aws_request_id,
        "requestTimeEpoch": str(api["timeEpoch"]),
        "identity.sourceIp": api["http"]["sourceIp"],
        "routeKey": api["routeKey"],
        "status": str(status),
        "responseLatency": "180",
        "integration.latency": "170",
        "apiId": api["apiId"],
    }
    return re.sub(r"\$context\.([A-Za-z.]+)", lambda match: values[match[1]], stage["AccessLogSettings"]["Format"])


def test_a_line_of_the_access_log_leads_to_the_activation(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    read(capsys)
    api = json.loads((ROOT / "events" / "callback.json").read_text())["requestContext"]
    context = LambdaContext()
    answer = HANDLERS["CallbackFunction"](
        callback_event(world.shop.activate("http://app.invalid/callback").form), context
    )
    log = [access_line(context, answer["statusCode"], api), access_line(LambdaContext(), 429, api)]
    log.append(access_line(LambdaContext(), 503, api))
    (turned_away,) = found("Callers that are turned away", log)
    assert turned_away == {"ip": api["http"]["sourceIp"], "calls": 1}
    assert found("Answers of the API", log) == [{"route": "ANY /callback", "status": 503, "answers": 1}]
    request_id = json.loads(log[0])["function_request_id"]
    told = found("From a call to its activation", read(capsys), function_request_id=request_id)
    assert {row["activation_id"] for row in told} == {json.loads(answer["body"])["activation_id"]}


def test_a_query_with_a_wrong_word_or_field_is_refused(lines: list[str]) -> None:
    for wrong in ("select message", "fields nothing", 'filter message like "x"', "stats count(*) by message"):
        with pytest.raises(logs_insights.Malformed):
            logs_insights.run(wrong, lines)
