"""Computes the table of docs/cost.md, in US dollars a month. The page explains each assumption."""

import json
from collections import Counter

from local.template import ROOT, Template
from storelink import observability
from storelink.jobs import health_check, sweep
from storelink.state.activations import SHARDS, SWEEP_SHARDS

STORES = (1, 1_000, 100_000, 1_000_000)
BACKENDS = ("secretsmanager", "dynamodb")

# List prices of eu-central-1, first tier, compared on 2026-11-25. docs/cost.md says with what.
SECRET_MONTH, SECRET_CALL, KEY_MONTH, KEY_CALL = 0.40, 0.000005, 3.00, 0.000003
WRITE_UNIT, READ_UNIT, GB_MONTH, GB_RECOVERY = 0.0000007625, 0.0000001525, 0.306, 0.2448
RUN, GB_SECOND, TRANSITION, API_CALL, EVENT, SCHEDULED = 2e-7, 0.0000133334, 0.000025, 1.2e-6, 1e-6, 1.25e-6
ALARM, METRIC, DASHBOARD, LOG_GB = 0.10, 0.30, 3.00, 0.6624

SWEEPS, CHECK_RUNS = 30 * 24 * 60, 30 * 24 * 12  # runs in a month: each minute, each 5 minutes
SECONDS = {"callback": 0.15, "request_token": 0.6, "access_token": 0.8, "popup": 0.1, "schedule": 0.5, "store": 0.6}
LOOKS, TRANSITIONS = 5, 7  # requests of the popup and state transitions of an activation
UNITS = {"dynamodb.UpdateItem": 4, "dynamodb.TransactWriteItems": 10}  # write units, indexes included
CHECK_UNITS, ROWS, ENTRIES = 10, 1_400, 1_050  # write units of a check; bytes of a store's rows and index entries
LOGGED = {"activation": 8_700, "schedule": 1_350}  # bytes
GIB, MEMORY, CHECK_MEMORY = 2**30, 0.5, 1.0  # GB of a function, and of the health check's


def fixed() -> float:
    """Return what a month costs without any store: schedules, key, alarms, metrics, dashboard."""
    resources = Template.read().sam["Resources"].values()
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    # An alarm costs once for each metric that it looks at; a query looks at about five operations of a table.
    parts = [part for alarm in alarms for part in alarm.get("Metrics", [alarm])]
    watched = sum("MetricStat" in part or "MetricName" in part or 5 * ("Period" in part) for part in parts)
    metrics = len(sweep.COUNTS) + len(health_check.COUNTS) + len(observability.COUNTED)
    queries = (SWEEPS * 2 * len(SWEEP_SHARDS) + CHECK_RUNS * len(SHARDS)) * READ_UNIT / 2
    runs = (SWEEPS * MEMORY + CHECK_RUNS * CHECK_MEMORY) * SECONDS["schedule"] * GB_SECOND
    runs += (SWEEPS + CHECK_RUNS) * (RUN + SCHEDULED + LOGGED["schedule"] / GIB * LOG_GB)
    return KEY_MONTH + watched * ALARM + metrics * METRIC + DASHBOARD + queries + runs


def kept(backend: str) -> float:
    """Return what a connected store costs in a month, without its checks."""
    rows = ((ROWS + ENTRIES) * GB_MONTH + ROWS * GB_RECOVERY) / GIB
    return rows + (SECRET_MONTH if backend == "secretsmanager" else 0)


def checked(backend: str) -> float:
    """Return what one health check costs."""
    waiting = SECONDS["store"] / health_check.CONCURRENCY * CHECK_MEMORY * GB_SECOND
    return waiting + CHECK_UNITS * WRITE_UNIT + READ_UNIT + KEY_CALL + SECRET_CALL * (backend == "secretsmanager")


def activated(backend: str) -> float:
    """Return what a first activation costs, with its popup."""
    functions = json.loads((ROOT / "bench" / "calls.json").read_text())[backend]
    calls: Counter[str] = sum(map(Counter, functions.values()), Counter())
    of = {name: sum(calls[one] for one in calls if one.startswith(name)) for name in ("kms", "secrets", "events")}
    writes = sum(units * calls[name] for name, units in UNITS.items()) * WRITE_UNIT
    keys = (of["kms"] + 3 * of["secrets"]) * KEY_CALL  # Secrets Manager calls KMS with our key
    seconds = sum(SECONDS[name] for name in functions) + LOOKS * SECONDS["popup"]
    runs = (len(functions) + LOOKS) * RUN + seconds * MEMORY * GB_SECOND + TRANSITIONS * TRANSITION
    rest = of["secrets"] * SECRET_CALL + of["events"] * EVENT + LOGGED["activation"] / GIB * LOG_GB
    return writes + keys + runs + rest + (1 + LOOKS) * API_CALL


def table() -> str:
    """Return the table in Markdown: a line for each part of the bill, a column for each number of stores."""
    lines = [["dollars a month", *(f"{count:,}" for count in STORES)], ["---", *["---:"] * len(STORES)]]
    lines.append(["fixed", *[f"{fixed():,.2f}"] * len(STORES)])
    for backend in BACKENDS:
        parts = {"kept": kept(backend), "activated once": activated(backend)}
        parts |= {f"checked every {days} d": checked(backend) * 30 / days for days in (1, 3, 7)}
        lines += [[f"{part}, `{backend}`", *(f"{one * n:,.2f}" for n in STORES)] for part, one in parts.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
