"""examples/stock_sync: its own tests pass, and its template is what SAM and Storelink's stack take."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.template import ROOT, Template
from tests.template.roles import as_list, statements
from tests.typed import mypy

EXAMPLE = ROOT / "examples" / "stock_sync"
SAM = yaml_parse((EXAMPLE / "template.yaml").read_text())
BIN = Path(sys.executable).parent


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "PYTEST"))}
    environment = {**plain, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1", **variables}
    return subprocess.run(command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=180)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """What CloudFormation creates."""
    found: dict[str, Any] = Template(SAM, EXAMPLE).translated()["Resources"]
    return found


def test_its_tests_pass() -> None:
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b6 passed", done.stdout)


def test_its_code_is_typed() -> None:
    code, said = mypy(EXAMPLE, "src/app.py", "test_app.py", path="src")
    assert code == 0, said


def test_sam_takes_and_builds_its_template(tmp_path: Path) -> None:
    done = run(str(BIN / "sam"), "validate", "--lint", "--template", "template.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(str(BIN / "sam"), "build", "--build-dir", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_function_has_its_handler_and_its_trigger(resources: dict[str, Any]) -> None:
    code = (EXAMPLE / "src" / "app.py").read_text()
    for name, handler in {
        "StoreConnectedFunction": "store_connected",
        "StoreDisconnectedFunction": "store_disconnected",
        "WriteStockFunction": "write_stock",
    }.items():
        assert resources[name]["Properties"]["Handler"] == f"app.{handler}"
        assert f"def {handler}(event" in code
    rules = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Events::Rule"]
    assert {rule["EventPattern"]["detail-type"][0] for rule in rules} == {"Store Connected", "Store Disconnected"}
    assert all(rule["EventPattern"]["source"] == ["storelink"] for rule in rules)
    assert all(rule["EventBusName"] == {"Ref": "StorelinkBus"} for rule in rules)
    (schedule,) = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Scheduler::Schedule"]
    assert schedule["ScheduleExpression"] == "rate(1 hour)"


def test_only_functions_that_call_stores_may_read_their_credentials(resources: dict[str, Any]) -> None:
    def allowed(function: str) -> set[str]:
        found = statements(resources, f"{function}Role")
        return {action for statement in found for action in as_list(statement["Action"])}

    credentials = {"secretsmanager:GetSecretValue", "kms:Decrypt"}
    assert credentials <= allowed("StoreConnectedFunction") & allowed("WriteStockFunction")
    assert not credentials & allowed("StoreDisconnectedFunction")


def test_its_parameters_are_outputs_of_storelinks_stack() -> None:
    outputs = Template.read().sam["Outputs"]
    named = re.findall(r"Output (\w+) of", str(SAM["Parameters"]))
    assert len(named) == 3
    assert set(named) <= outputs.keys()


def test_it_is_deployed_with_the_outputs(tmp_path: Path) -> None:
    """By stand-ins for the AWS CLI and for SAM: one answers with the output's name, the other prints its arguments."""
    aws = """#!/bin/sh\nfor word in "$@"; do case $word in *OutputKey*) echo "$word" | cut -d"'" -f2;; esac; done\n"""
    for name, text in {"aws": aws, "sam": '#!/bin/sh\necho "$@"\n'}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = run("./deploy.sh", "prod", "stock-sync", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    given = dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)
    assert given == {
        "StorelinkStack": "prod",
        "StorelinkLayerArn": "LayerArn",
        "StorelinkKeyArn": "EncryptionKeyArn",
        "StorelinkBus": "EventBusName",
    }
    assert given.keys() == SAM["Parameters"].keys()
