"""GitHub's workflows: read, since nothing here can run them."""

import json
import re
from typing import Any

import pytest
import yaml

from local.sbom import sbom
from local.template import ROOT
from storelink import __version__

WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def read(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOWS[name])
    return workflow


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_of_others_are_pinned_by_commit_and_name_their_release(name: str) -> None:
    for used in re.findall(r"uses: (.+)", WORKFLOWS[name]):
        assert re.fullmatch(r"\./\S+|[\w./-]+@[0-9a-f]{40} # v[0-9.]+", used), used


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_make_target_of_a_workflow_is_there(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"run: make ([\w-]+)", WORKFLOWS[name]):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_production_is_deployed_when_the_first_stage_has_passed_its_smoke_test() -> None:
    jobs = read("ci.yml")["jobs"]
    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("check", "dev")
    assert [jobs[stage]["with"] for stage in ("dev", "prod")] == [{"stage": "dev"}, {"stage": "prod"}]
    commands = [step["run"] for step in read("deploy.yml")["jobs"]["deploy"]["steps"] if "run" in step]
    assert [command.split()[1] for command in commands] == ["deploy", "smoke"]


def test_the_version_is_the_same_everywhere() -> None:
    template = (ROOT / "template.yaml").read_text()
    assert re.findall(r"SemanticVersion: (\S+)", template) == [__version__]
    assert yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["info"]["version"] == __version__
    assert sbom()["metadata"]["component"]["version"] == __version__


def test_the_list_of_parts_names_every_pinned_package_of_the_layer() -> None:
    requirements = (ROOT / "layers" / "storelink" / "requirements.txt").read_text()
    parts = sbom()["components"]
    assert {(part["name"], part["version"]) for part in parts} == set(re.findall(r"(?m)^(\S+)==(\S+)", requirements))
    assert len(parts) > 5
    assert json.dumps(sbom()) == json.dumps(sbom())
