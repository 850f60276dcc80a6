"""`make cost STORES=…`: dollars a month by service, from what `make bench` counted and bench/prices.toml.

At rest: the stores are connected, nobody activates, and the two schedules run. What the checks of the stores cost, and
an activation of each, is shown apart. Where a rule of AWS' leaves two ways to count, the dearer one is taken.
"""

import json
import re
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from local.template import ROOT, Template
from storelink import observability
from storelink.jobs import health_check, sweep
from storelink.state.activations import SHARDS, SWEEP_SHARDS

CALLS = ROOT / "bench" / "calls.json"
"""The AWS calls of one activation, by home of the credentials and function."""
UNITS = ROOT / "bench" / "units.json"
"""DynamoDB's units and bytes (bench/units.py)."""
PRICES = tomllib.loads((ROOT / "bench" / "prices.toml").read_text())
DOCUMENT = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- costs: written by make cost -->", "<!-- end of costs -->"

STORES = (1, 1_000, 100_000, 1_000_000)
HOMES = ("secretsmanager", "dynamodb")
MOST_SECRETS = 500_000
"""Secrets a region, Secrets Manager's quota."""

GB = 2**30
MINUTES = 30 * 24 * 60
SWEEPS, CHECKS = MINUTES, MINUTES / 5
"""Runs of the two schedules in a month."""
EMPTY = 0.5
"""Read units of a query that finds nothing."""

SECONDS = {
    "CallbackFunction": 0.15,
    "RequestTokenFunction": 0.6,
    "AccessTokenFunction": 0.8,
    "IdentityFunction": 0.1,
    "SweepFunction": 0.5,
    "HealthCheckFunction": 0.5,
}
"""What a function's run takes, that of the check without its stores; most of a step's is the store's own time."""
ANSWER = 0.6
"""Seconds that the check waits for a store, while it waits for others, too."""
LOOKS = 5
"""How often the popup asks for its page while the handshake runs: once a second."""
LOGGED = {
    "CallbackFunction": 1_000,
    "RequestTokenFunction": 1_000,
    "AccessTokenFunction": 2_300,
    "IdentityFunction": 400,
    "SweepFunction": 1_300,
    "HealthCheckFunction": 1_400,
}
"""Bytes that a run logs, Lambda's own three lines counted in; kept for a month."""
ACCESS_LINE = 400
"""Bytes of the API's line for a call."""

KEYS = 3
"""Keys that a key costs as much as: it is rotated each year, and the first two times are charged."""
VALIDATED = 2
"""Calls of KMS that Secrets Manager makes in our name where a secret gets its key, to see that we may use it."""

Dollars = Counter[str]


def at_rest(stores: int, home: str) -> Dollars:
    """A month in which nothing happens: what is kept, the schedules' runs, and what watches them."""
    prices, stored = PRICES["dynamodb"], _read(UNITS)[home]["stored"]
    queries = SWEEPS * 2 * len(SWEEP_SHARDS) + CHECKS * len(SHARDS)
    logged = SWEEPS * LOGGED["SweepFunction"] + CHECKS * LOGGED["HealthCheckFunction"]
    dollars: Dollars = Counter(
        {
            "DynamoDB storage": stores * (stored["rows"] + stored["indexes"]) / GB * prices["gb_month"],
            "DynamoDB recovery": stores * stored["rows"] / GB * prices["recovery_gb_month"],
            "DynamoDB, the schedules": queries * EMPTY * prices["read_unit"],
            "Lambda, the schedules": SWEEPS * _run("SweepFunction") + CHECKS * _run("HealthCheckFunction"),
            "EventBridge Scheduler": (SWEEPS + CHECKS) * PRICES["scheduler"]["invocation"],
            "KMS key": KEYS * PRICES["kms"]["key_month"],
            "CloudWatch": _watching(),
            "CloudWatch Logs": _logs(logged),
        }
    )
    if home == "secretsmanager":
        dollars["Secrets Manager"] = stores * PRICES["secretsmanager"]["secret_month"]
    return dollars


def checks(stores: int, home: str, days: float) -> Dollars:
    """The check of each store, once in so many days: its share of a run, reads, two writes, and the credentials."""
    made = stores * 30 / days
    waited = ANSWER / health_check.CONCURRENCY * _memory("HealthCheckFunction")
    dollars: Dollars = Counter(
        {
            "Lambda": made * waited * PRICES["lambda"]["gb_second"],
            "DynamoDB": made * _units(home, "check"),
            "KMS": made * PRICES["kms"]["call"],  # ours, or Secrets Manager's in our name
        }
    )
    if home == "secretsmanager":
        dollars["Secrets Manager"] = made * PRICES["secretsmanager"]["call"]
    return dollars


def activations(count: int, home: str) -> Dollars:
    """So many stores' first handshakes: by the calls that were counted, with the popup that shows them."""
    made: Counter[str] = Counter()
    for calls in _read(CALLS)[home].values():
        made.update(calls)
    runs = {"CallbackFunction": 1, "RequestTokenFunction": 1, "AccessTokenFunction": 1, "IdentityFunction": LOOKS}
    called = 1 + LOOKS
    logged = sum(times * LOGGED[name] for name, times in runs.items()) + called * ACCESS_LINE
    looked = LOOKS * 2 * EMPTY * PRICES["dynamodb"]["read_unit"]
    secrets = sum(times for name, times in made.items() if name.startswith("secretsmanager."))
    # The one value that is kept is encrypted in our name, too.
    in_our_name = VALIDATED * made["secretsmanager.CreateSecret"] + (1 if secrets else 0)
    ours = sum(times for name, times in made.items() if name.startswith("kms."))
    dollars: Dollars = Counter(
        {
            "API Gateway": called * PRICES["apigateway"]["call"],
            "Lambda": sum(times * _run(name) for name, times in runs.items()),
            "Step Functions": transitions() * PRICES["stepfunctions"]["transition"],
            "DynamoDB": sum(_units(home, name) for name in _read(CALLS)[home]) + looked,
            "KMS": (ours + in_our_name) * PRICES["kms"]["call"],
            "EventBridge": made["events.PutEvents"] * PRICES["events"]["event"],
            "CloudWatch Logs": _logs(logged),
            "Secrets Manager": secrets * PRICES["secretsmanager"]["call"],
        }
    )
    return Counter({name: price * count for name, price in dollars.items() if price})


def transitions() -> int:
    """State transitions of an execution that connects: into each of its states, and to its end."""
    machine = yaml.safe_load((ROOT / "statemachine" / "activation.asl.yaml").read_text())
    answers = iter(("requested", "connected"))
    name, told, made = machine["StartAt"], "", 1
    while True:
        state, made = machine["States"][name], made + 1
        match state["Type"]:
            case "Task":
                told, name = next(answers), state["Next"]
            case "Choice":
                ways = {way.get("StringEquals"): way["Next"] for way in state["Choices"]}
                name = ways.get(told, state["Default"])
            case "Succeed":
                return made


def _read(file: Path) -> dict[str, Any]:
    counted: dict[str, Any] = json.loads(file.read_text())
    return counted


def _units(home: str, function: str) -> float:
    units, prices = _read(UNITS)[home][function], PRICES["dynamodb"]
    return float(units["write"] * prices["write_unit"] + units["read"] * prices["read_unit"])


def _run(function: str) -> float:
    prices = PRICES["lambda"]
    return float(prices["call"] + SECONDS[function] * _memory(function) * prices["gb_second"])


@cache
def _memory(function: str) -> float:
    """GB of a function."""
    return float(Template.read().functions[function]["MemorySize"]) / 1024


def _logs(size: float) -> float:
    prices = PRICES["logs"]
    return float(size / GB * (prices["gb"] + prices["gb_month"]))


def _watching() -> float:
    """Alarms, by the metrics that they look at; our own metrics, without reasons of failures; the dashboard."""
    prices = PRICES["cloudwatch"]
    metrics = len(sweep.COUNTS) + len(health_check.COUNTS) + len(observability.COUNTED)
    return float(looked_at() * prices["alarm_month"] + metrics * prices["metric_month"] + prices["dashboard_month"])


@cache
def looked_at() -> int:
    """The metrics that alarms look at: an alarm costs as often as it has some."""
    resources = Template.read().sam["Resources"].values()
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    return sum(sum("MetricStat" in part for part in alarm.get("Metrics", [])) or 1 for alarm in alarms)


def table(stores: tuple[int, ...]) -> list[list[str]]:
    """A row for each service and home: dollars a month at rest, its sum, and what happens beside."""
    lines: list[list[str]] = []
    for home in HOMES:
        columns = [at_rest(count, home) for count in stores]
        lines += [[home, service, *(f"{column[service]:,.2f}" for column in columns)] for service in columns[-1]]
        lines.append([home, "**at rest**", *(f"**{column.total():,.2f}**" for column in columns)])
        for days in (1, 3, 7, 30):
            apart = (checks(count, home, days).total() for count in stores)
            lines.append([home, f"and checks, every {days} d", *(f"{dollars:,.2f}" for dollars in apart)])
        each = (activations(count, home).total() for count in stores)
        lines.append([home, "and each activated once", *(f"{dollars:,.2f}" for dollars in each)])
    return lines


def main() -> None:
    """Print the table for the asked number of stores, or write docs/cost.md's for all."""
    asked = tuple(int(text.replace(",", "").replace("_", "")) for text in sys.argv[1:])
    stores = asked or STORES
    shown = Table("credentials in", "dollars a month", *(f"{count:,} stores" for count in stores))
    for line in table(stores):
        shown.add_row(*(cell.strip("*") for cell in line), end_section="at rest" in line[1])
    console = Console(width=120)
    console.print(shown)
    if any(count > MOST_SECRETS for count in stores):
        console.print(f"Secrets Manager keeps at most {MOST_SECRETS:,} secrets a region.")
    if not asked:
        write()


def written() -> str:
    """docs/cost.md's table."""
    head = ["credentials in", "dollars a month", *(f"{count:,}" for count in STORES)]
    rows = [head, ["---"] * 2 + ["---:"] * len(STORES), *table(STORES)]
    return "\n".join([f"Prices of {PRICES['as_of']}.", "", *(f"| {' | '.join(row)} |" for row in rows)])


def write() -> None:
    """Write docs/cost.md's table."""
    text = DOCUMENT.read_text()
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", text, re.DOTALL)
    if found is None:
        sys.exit(f"{DOCUMENT} has no place for it: {BEGIN} … {END}")
    DOCUMENT.write_text(text.replace(found.group(), f"{BEGIN}\n{written()}\n{END}"))


if __name__ == "__main__":
    main()
