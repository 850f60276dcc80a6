"""`make serve`: runs the whole stack on this machine until SIGINT or SIGTERM."""

import sys
from contextlib import AbstractContextManager

from rich.console import Console
from rich.table import Table

from local import aws as local_aws
from local import function_logs, stack
from local.stack import Ports, PortTaken, Stack
from local.template import ROOT
from local.tunnel import Tunnel
from storelink.testing.sandbox import signals

LOGS = ROOT / ".local" / "logs"


def main() -> int:
    """Start everything, print the URLs, and stop at a signal. Returns the exit code: 0, or 1 when it cannot start."""
    console = Console(highlight=False)
    wait_for_end = signals.taken()
    try:
        ports = Ports.from_environment()
        local_aws.chosen_parameters()
        dialect = stack.chosen_dialect()
        tunnel = Tunnel.from_environment()
        if tunnel:
            stack.must_be_free("PUBLIC_PORT", tunnel.address, tunnel.port)
    except (PortTaken, ValueError) as error:
        console.print(str(error), style="red")
        return 1
    console.print("Starting AWS (moto), the functions, the API and the sandbox store …")
    with stack.running(ports, LOGS, dialect=dialect, tunnel=tunnel) as running, _delivered_logs(running):
        console.print(_places(running))
        if tunnel:
            console.print(_public_places(tunnel), soft_wrap=True)
        console.print("\nFor another terminal:", style="dim")
        console.print(_exports(running), soft_wrap=True)
        console.print("ready", style="bold green")
        wait_for_end()
        console.print("Stopping …")
    return 0


def _delivered_logs(running: Stack) -> AbstractContextManager[None]:
    logs, metrics = running.aws.client("logs"), running.aws.client("cloudwatch")
    return function_logs.delivered(logs, metrics, running.aws.outputs["FunctionLogsName"], running.logs)


def _places(running: Stack) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, place in {
        "Callback URL": running.callback_url,
        "Identity link URL": running.identity_url,
        "Sandbox store": running.store_url,
        "Its admin page": f"{running.store_url}admin",
        "AWS endpoint": running.aws.url,
        "Functions' logs": str(running.logs.relative_to(ROOT)),
    }.items():
        table.add_row(name, place)
    for name in ("ActivationsTableName", "ConnectionsTableName"):
        table.add_row(name, running.aws.outputs[name])
    return table


def _public_places(tunnel: Tunnel) -> str:
    """What a store that is elsewhere needs."""
    return (
        f"\nFor a store that is not on this machine, the tunnel to http://{tunnel.address}:{tunnel.port}:\n"
        f"Callback URL          {tunnel.url}/callback\n"
        f"Identity link URL     {tunnel.url}/identity"
    )


def _exports(running: Stack) -> str:
    """The lines that make a shell, and what is started in it, use this stack: `storelink`, apps and the AWS CLI."""
    url = running.aws.url
    chosen = {"STORELINK_LOCAL": "1", "AWS_PORT": url.rpartition(":")[2], **local_aws.environment(url)}
    return "\n".join(f"export {name}={value}" for name, value in chosen.items()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
