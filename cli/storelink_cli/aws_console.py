"""URLs of the AWS console: the pages of a stack, and those of one activation."""

from enum import StrEnum
from urllib.parse import quote

from storelink_cli.stack import Stack

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
_DOMAIN = "console.aws.amazon.com"


class Page(StrEnum):
    """The pages that one can be opened of."""

    EXECUTION = "execution"
    LOG_LINES = "log-lines"
    TRACES = "traces"
    EXECUTIONS = "executions"
    ACTIVATIONS = "activations"
    CONNECTIONS = "connections"
    LOGS = "logs"
    ALARMS = "alarms"
    DASHBOARD = "dashboard"
    STACK = "stack"


def urls(stack: Stack, activation_id: str = "") -> dict[str, str]:
    """The URLs by page. activation_id: "" for none. The stack of `make serve` has a page of its own instead."""
    if stack.is_local:
        return {Page.STACK.value: f"{stack.client('cloudformation').meta.endpoint_url}/moto-api/"}
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
    first = (
        {
            Page.EXECUTION: f"{states}/v2/executions/details/{quote(execution, safe='')}",
            Page.LOG_LINES: f"{watch}logsV2:logs-insights{_insights(outputs['FunctionLogsName'], activation_id)}",
            Page.TRACES: f"{watch}xray:traces/query",
        }
        if activation_id
        else {}
    )
    return {page.value: url for page, url in (first | urls).items()}


def _insights(group: str, activation_id: str) -> str:
    """A query of Logs Insights for an activation's lines of two days, as the console writes it in its URLs."""
    query = (
        f'filter activation_id = "{activation_id}" | fields timestamp, level, message, reason, problem | sort timestamp'
    )
    fields = {
        "end": "0",
        "start": "-172800",
        "timeType": "'RELATIVE",
        "unit": "'seconds",
        "editorString": f"'{_starred(query)}",
    }
    detail = "~(" + "~".join(f"{name}~{value}" for name, value in fields.items()) + f"~source~(~'{_starred(group)}))"
    return quote(f"?queryDetail={quote(detail, safe='*')}", safe="").replace("%", "$")


def _starred(text: str) -> str:
    """A text with `*` and two hex digits for all but letters and digits."""
    return "".join(char if char.isalnum() or char in "-._" else f"*{ord(char):02x}" for char in text)
