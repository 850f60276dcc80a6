"""`make cost STORES=…`: dollars a month by service, from the calls that `make bench` counted and bench/prices.toml.

At rest: the stores are connected, nobody activates, the sweep runs each minute; the check of each store is shown apart.
"""

import json
import re
import sys
import tomllib
from collections import Counter

from rich.console import Console
from rich.table import Table

from local.template import ROOT

PRICES = tomllib.loads((ROOT / "bench" / "prices.toml").read_text())
CALLS = json.loads((ROOT / "bench" / "calls.json").read_text())
DOCUMENT = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- costs: written by make cost -->", "<!-- end of costs -->"

STORES = (1, 1_000, 100_000, 1_000_000)
HOMES = ("secretsmanager", "dynamodb")
MOST_SECRETS = 500_000
"""Secrets a region, Secrets Manager's quota."""

ROW = {"secretsmanager": 1_000, "dynamodb": 1_500}
"""Bytes of a connection's row, its history and DynamoDB's 100 of overhead counted in."""
INDEXED = 5 * 280
"""Bytes of its entries in the indexes by_key, by_state, by_tenant, due and kept, 100 of overhead each counted in."""

MINUTES = 30 * 24 * 60
SHARDS = 16
SECONDS = {"callback": 0.15, "request_token": 0.6, "access_token": 0.8, "sweep": 0.5, "check": 0.6}
"""What a function's run takes: the store's own time is most of it."""
MEMORY = 0.5
"""GB of a function."""
ALARMS, METRICS = 12, 20
"""Alarms and metrics of our own, at the most."""
TRANSITIONS = 6
"""Of an execution that connects, its start and end counted in."""

Dollars = Counter[str]


def at_rest(stores: int, home: str) -> Dollars:
    """A month in which nothing happens: what is kept, and the sweep."""
    gigabytes = stores * (ROW[home] + INDEXED) / 1e9
    queries = MINUTES * 2 * SHARDS
    dollars: Dollars = Counter(
        {
            "DynamoDB storage": gigabytes * PRICES["dynamodb"]["gb_month"],
            "DynamoDB recovery": stores * ROW[home] / 1e9 * PRICES["dynamodb"]["recovery_gb_month"],
            "DynamoDB, the sweep": queries * 0.5 * PRICES["dynamodb"]["read_unit"],
            "Lambda, the sweep": MINUTES * _run("sweep"),
            "KMS key": PRICES["kms"]["key_month"],
            "CloudWatch": ALARMS * PRICES["cloudwatch"]["alarm_month"] + METRICS * PRICES["cloudwatch"]["metric_month"],
        }
    )
    if home == "secretsmanager":
        dollars["Secrets Manager"] = stores * PRICES["secretsmanager"]["secret_month"]
    return dollars


def checks(stores: int, home: str, days: float) -> Dollars:
    """The check of each store, once in so many days: its share of a function, reads, a write, and the credentials."""
    made = stores * 30 / days
    units = PRICES["dynamodb"]
    dollars: Dollars = Counter(
        {
            "Lambda": made * SECONDS["check"] / 16 * 1.0 * PRICES["lambda"]["gb_second"],
            "DynamoDB": made * (2.5 * units["read_unit"] + 2 * 2 * units["write_unit"]),
            "KMS": made * PRICES["kms"]["call"],
        }
    )
    if home == "secretsmanager":
        dollars["Secrets Manager"] = made * PRICES["secretsmanager"]["call"]
    return dollars


def activations(count: int, home: str) -> Dollars:
    """So many handshakes, by the calls that were counted."""
    made: Counter[str] = Counter()
    for calls in CALLS[home].values():
        made.update(calls)
    units = PRICES["dynamodb"]
    # A row of 1 to 2 KB and its entries in two indexes; a transaction counts twice.
    writes = made["dynamodb.UpdateItem"] * (2 + 2) + made["dynamodb.TransactWriteItems"] * 2 * (2 * 2 + 5)
    dollars: Dollars = Counter(
        {
            "API Gateway": PRICES["apigateway"]["call"],
            "Lambda": sum(_run(name) for name in ("callback", "request_token", "access_token")),
            "Step Functions": TRANSITIONS * PRICES["stepfunctions"]["transition"],
            "DynamoDB": writes * units["write_unit"] + made["dynamodb.Query"] * 0.5 * units["read_unit"],
            "KMS": sum(times for name, times in made.items() if name.startswith("kms.")) * PRICES["kms"]["call"],
            "EventBridge": made["events.PutEvents"] * PRICES["events"]["event"],
        }
    )
    secrets = sum(times for name, times in made.items() if name.startswith("secrets"))
    if secrets:
        dollars["Secrets Manager"] = secrets * PRICES["secretsmanager"]["call"]
    return Counter({name: dollars[name] * count for name in dollars})


def _run(function: str) -> float:
    return float(PRICES["lambda"]["call"] + SECONDS[function] * MEMORY * PRICES["lambda"]["gb_second"])


def table(stores: tuple[int, ...]) -> list[list[str]]:
    """A row for each service and home: dollars a month at rest, its sum, and what happens beside."""
    lines: list[list[str]] = []
    for home in HOMES:
        columns = [at_rest(count, home) for count in stores]
        lines += [[home, service, *(f"{column[service]:,.2f}" for column in columns)] for service in columns[-1]]
        lines.append([home, "**at rest**", *(f"**{column.total():,.2f}**" for column in columns)])
        for days in (1, 7, 30):
            apart = (checks(count, home, days).total() for count in stores)
            lines.append([home, f"and checks, every {days} d", *(f"{dollars:,.2f}" for dollars in apart)])
        each = (activations(count, home).total() for count in stores)
        lines.append([home, "and each activated once", *(f"{dollars:,.2f}" for dollars in each)])
    return lines


def main() -> None:
    """Print the table for the asked number of stores, or write docs/cost.md's for all."""
    asked = tuple(int(text.replace(",", "").replace("_", "")) for text in sys.argv[1:])
    stores = asked or STORES
    lines = table(stores)
    shown = Table("credentials in", "dollars a month", *(f"{count:,} stores" for count in stores))
    for line in lines:
        shown.add_row(*(cell.strip("*") for cell in line), end_section="at rest" in line[1])
    console = Console(width=120)
    console.print(shown)
    if any(count > MOST_SECRETS for count in stores):
        console.print(f"Secrets Manager keeps at most {MOST_SECRETS:,} secrets a region.")
    if not asked:
        _write(lines)


def _write(lines: list[list[str]]) -> None:
    head = ["credentials in", "dollars a month", *(f"{count:,}" for count in STORES)]
    rows = [head, ["---"] * 2 + ["---:"] * len(STORES), *lines]
    written = "\n".join([BEGIN, f"Prices of {PRICES['as_of']}.", "", *(f"| {' | '.join(row)} |" for row in rows), END])
    text = DOCUMENT.read_text()
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", text, re.DOTALL)
    if found is None:
        sys.exit(f"{DOCUMENT} has no place for it: {BEGIN} … {END}")
    DOCUMENT.write_text(text.replace(found.group(), written))


if __name__ == "__main__":
    main()
