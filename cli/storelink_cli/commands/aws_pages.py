"""Pages of the AWS console: `open`."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

import typer

from storelink_cli import lookup
from storelink_cli.context import Context, command
from storelink_cli.stack import Stack

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
_DOMAIN = "console.aws.amazon.com"


class Page(StrEnum):
    """The pages that one can be opened of."""

    EXECUTION = "execution"
    EXECUTIONS = "executions"
    ACTIVATIONS = "activations"
    CONNECTIONS = "connections"
    LOGS = "logs"
    ALARMS = "alarms"
    DASHBOARD = "dashboard"
    STACK = "stack"


@command
def open_(
    context: Context,
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="[REF]", help="An activation's reference: adds the page of its execution.", show_default=False
        ),
    ] = None,
    page: Annotated[Page | None, typer.Option(help="Open this page in the browser.")] = None,
) -> None:
    """Print the URLs of the AWS console for this stack: execution, tables, logs, alarms, dashboard."""
    activation_id = lookup.activation(context.stack, reference)["activation_id"] if reference else ""
    urls = _local_urls(context.stack) if context.stack.is_local else _urls(context.stack, activation_id)
    if page:
        url = urls.get(page) or next(iter(urls.values()))
        typer.launch(url)
        urls = {page.value: url}
    if context.out.as_json:
        context.out.json(urls)
    else:
        context.out.record(urls)
    if context.stack.is_local:
        context.out.note("The stack of `make serve` has no AWS console; this page lists what its AWS holds.")


def _local_urls(stack: Stack) -> dict[str, str]:
    return {Page.STACK.value: f"{stack.client('cloudformation').meta.endpoint_url}/moto-api/"}


def _urls(stack: Stack, activation_id: str) -> dict[str, str]:
    """The console's URLs by page. activation_id: "" for none."""
    outputs, region = stack.outputs, stack.region
    machine = outputs["StateMachineArn"]
    partition, execution = machine.split(":")[1], f"{machine.replace(':stateMachine:', ':execution:')}:{activation_id}"
    console = f"https://{region}.{_DOMAINS.get(partition, _DOMAIN)}"
    states = f"{console}/states/home?region={region}#"
    tables = f"{console}/dynamodbv2/home?region={region}#item-explorer?table="
    watch = f"{console}/cloudwatch/home?region={region}#"
    urls = {
        Page.EXECUTIONS: f"{states}/statemachines/view/{quote(machine, safe='')}",
        Page.ACTIVATIONS: f"{tables}{quote(outputs['ActivationsTableName'], safe='')}",
        Page.CONNECTIONS: f"{tables}{quote(outputs['ConnectionsTableName'], safe='')}",
        Page.LOGS: f"{watch}logsV2:log-groups$3FlogGroupNameFilter$3D{quote(stack.name, safe='')}",
        Page.ALARMS: f"{watch}alarmsV2:?~(search~'{quote(stack.name, safe='')})",
        Page.DASHBOARD: f"{watch}dashboards/dashboard/{quote(stack.name, safe='')}",
        Page.STACK: f"{console}/cloudformation/home?region={region}#/stacks?filteringText={quote(stack.name, safe='')}",
    }
    first = {Page.EXECUTION: f"{states}/v2/executions/details/{quote(execution, safe='')}"} if activation_id else {}
    return {page.value: url for page, url in (first | urls).items()}
