"""The examples of docs/embedding.md, read by parsers of what they are written in, name what the template has."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from samcli.vendor.serverlessrepo.application_metadata import ApplicationMetadata
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local import parameters
from local.template import DECIDED_BY_SAM, ROOT, Template
from storelink import __version__

TEMPLATE = Template.read()
EXAMPLES = dict(
    re.findall(
        r"^```(yaml|python|hcl)\n(.*?)^```", (ROOT / "docs" / "embedding.md").read_text(), re.MULTILINE | re.DOTALL
    )
)


def assert_takes(parameters: dict[str, str]) -> None:
    """That the template has these parameters and admits these values."""
    for name, value in parameters.items():
        parameter = TEMPLATE.sam["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value]))
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)


def test_the_nested_stack_is_translated_and_names_outputs_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    sam = yaml_parse(EXAMPLES["yaml"])
    sam["Resources"]["OnConnected"]["Properties"]["CodeUri"] = "s3://bucket/key"  # as `sam package` puts it
    made: dict[str, Any] = Translator({}, Parser()).translate(sam, {})
    nested = made["Resources"]["Storelink"]
    assert nested["Type"] == "AWS::CloudFormation::Stack"
    assert_takes(nested["Properties"]["Parameters"])
    named = set(re.findall(r"Outputs\.(\w+)", EXAMPLES["yaml"]))
    assert named
    assert named <= set(TEMPLATE.sam["Outputs"])


def test_the_cdk_example_is_python_and_names_resources_that_there_are() -> None:
    calls = [node for node in ast.walk(ast.parse(EXAMPLES["python"])) if isinstance(node, ast.Call)]
    told = {keyword.arg: keyword.value for call in calls for keyword in call.keywords}
    assert_takes(ast.literal_eval(told["parameters"]))
    names = [
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get_resource"
    ]
    assert names
    assert set(names) <= set(TEMPLATE.translated()["Resources"])


def test_the_translation_for_cdk_names_parameters_that_there_are() -> None:
    (arguments,) = re.findall(
        r"-m local\.template (.+) > storelink\.json", (ROOT / "docs" / "embedding.md").read_text()
    )
    assert parameters.read(arguments).keys() == set(DECIDED_BY_SAM)


def test_what_cdk_reads_refers_to_nothing_that_only_sam_knows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.template"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'storelink'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "AWS::Serverless::" not in done.stdout
    assert not re.findall(r'"Ref": "\w+\.\w+"', done.stdout)


def test_the_terraform_example_is_hcl_and_names_parameters_and_outputs_that_there_are() -> None:
    import hcl2

    (resource,) = hcl2.loads(EXAMPLES["hcl"])["resource"]
    (stack,) = (value for kind in resource.values() for value in kind.values())
    assert f"/storelink/{__version__}/" in stack["template_url"]  # a URL that stays the same would never be read again
    plain = {name.strip('"'): value.strip('"') for name, value in stack["parameters"].items()}
    assert_takes(plain)
    assert "CAPABILITY_AUTO_EXPAND" in str(stack["capabilities"])
    (output,) = re.findall(r'outputs\["(\w+)"\]', EXAMPLES["hcl"])
    assert output in TEMPLATE.sam["Outputs"]


def test_the_repositorys_metadata_is_whole() -> None:
    told = TEMPLATE.sam["Metadata"]["AWS::ServerlessRepo::Application"]
    ApplicationMetadata(told).validate(
        ["author", "description", "name", "license_url", "readme_url", "semantic_version"]
    )
    assert re.fullmatch(r"[a-z0-9-]{1,140}", told["Name"])
    assert len(told["Description"]) <= 256
    assert len(told["Labels"]) <= 10
    for name in ("LicenseUrl", "ReadmeUrl"):
        assert (ROOT / told[name]).is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told["SemanticVersion"] == __version__
    assert told["SpdxLicenseId"] == project["license"]


def test_make_deploys_what_samconfig_names_and_samconfig_what_the_template_has() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage in ("dev", "prod"):
        deploy = config[stage]["deploy"]["parameters"]
        told = dict(one.split("=") for one in deploy["parameter_overrides"].split())
        assert told["Stage"] == stage
        assert told.get("GradualDeployment", "false") == ("true" if stage == "prod" else "false")
        assert_takes(told)
        stack = config[stage]["global"]["parameters"]["stack_name"]
        assert config[stage]["logs"]["parameters"]["cw_log_group"] == [f"/aws/lambda/{stack}"]
        for target in ("deploy", "logs", "delete"):
            printed = subprocess.run(
                ["make", "--dry-run", target, f"STAGE={stage}"], cwd=ROOT, capture_output=True, text=True, timeout=60
            )
            assert printed.returncode == 0, printed.stderr
            assert f"sam {target} --config-env {stage}" in printed.stdout
            assert "--guided" not in printed.stdout


def test_the_log_group_is_named_as_samconfig_names_it() -> None:
    group = TEMPLATE.sam["Resources"]["FunctionLogs"]["Properties"]["LogGroupName"]
    assert group == {"Fn::Sub": "/aws/lambda/${AWS::StackName}"}


def test_a_build_uploads_no_byte_code_that_tests_have_left(tmp_path: Path) -> None:
    left = tmp_path / "functions" / "callback" / "__pycache__"
    left.mkdir(parents=True)
    (left / "app.cpython-313.pyc").touch()
    (left.parent / "app.py").touch()
    printed = subprocess.run(["make", "--dry-run", "build"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    (command,) = [line for line in printed.stdout.splitlines() if line.startswith("find functions")]
    subprocess.run(command, cwd=tmp_path, shell=True, check=True)
    assert [path.name for path in left.parent.iterdir()] == ["app.py"]
