"""`storelink open`."""

import pytest

from local.stack import Stack
from storelink_cli import aws_console
from storelink_cli.errors import Exit
from storelink_cli.stack import Stack as CliStack
from tests.cli.conftest import Storelink, fail_to_connect, parsed


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that the browser is asked to open."""
    urls: list[str] = []
    monkeypatch.setattr("typer.launch", urls.append)
    return urls


@pytest.fixture
def deployed(running: Stack, storelink: Storelink, monkeypatch: pytest.MonkeyPatch) -> Storelink:
    """`storelink`, about the same stack as if it were on AWS."""
    settings = {
        "AWS_ENDPOINT_URL": running.aws.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "eu-central-1",
        "STORELINK_STACK": running.aws.stack,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return storelink


def test_every_page_of_a_stack_has_its_url(running: Stack, deployed: Storelink) -> None:
    urls = parsed(deployed("open", "--json"))
    of_activation = (aws_console.Page.EXECUTION, aws_console.Page.LOG_LINES, aws_console.Page.TRACES)
    assert list(urls) == [page.value for page in aws_console.Page if page not in of_activation]
    assert all(url.startswith("https://eu-central-1.console.aws.amazon.com/") for url in urls.values())
    assert urls["executions"].endswith("stateMachine%3Astorelink-local-activation")
    assert urls["activations"].endswith("table=ActivationsTable")


def test_a_reference_adds_its_execution(running: Stack, deployed: Storelink) -> None:
    _, activation_id = fail_to_connect(running, "opened")
    urls = parsed(deployed("open", activation_id[:8], "--json"))
    assert urls["execution"].endswith(f"execution%3Astorelink-local-activation%3A{activation_id}")
    assert activation_id in urls["log-lines"]
    assert urls["traces"].endswith("#xray:traces/query")


def test_a_page_is_opened_in_the_browser(running: Stack, deployed: Storelink, opened: list[str]) -> None:
    result = deployed("open", "--page", "alarms")
    assert result.code == Exit.DONE
    assert result.out == f"alarms: {opened[0]}\n"
    assert "alarmsV2" in opened[0]


@pytest.mark.parametrize(
    ("partition", "domain"), [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")]
)
def test_other_partitions_have_their_own_console(
    running: Stack, deployed: Storelink, monkeypatch: pytest.MonkeyPatch, partition: str, domain: str
) -> None:
    arn = f"arn:{partition}:states:eu-central-1:123456789012:stateMachine:storelink-activation"
    outputs = {"StateMachineArn": arn, "ActivationsTableName": "a", "ConnectionsTableName": "c"}
    monkeypatch.setattr(CliStack, "outputs", outputs)
    assert all(domain in url for url in parsed(deployed("open", "--json")).values())


def test_the_local_stack_has_the_page_of_its_aws(running: Stack, local: Storelink) -> None:
    result = local("open")
    assert result.out == f"stack: {running.aws.url}/moto-api/\n"
    assert "no AWS console" in result.err
