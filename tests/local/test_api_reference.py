"""The page of the API reference and the collection, which are generated from docs/openapi.yaml."""

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from local import api_reference
from local.template import ROOT

DESCRIBED: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
ROUTES = [
    (method.upper(), path, operation)
    for path, item in DESCRIBED["paths"].items()
    for method, operation in item.items()
    if method in api_reference.METHODS
]
REFERENCE = api_reference.markdown()
COLLECTION = json.loads(api_reference.collection())
REQUESTS = {item["name"]: item["request"] for folder in COLLECTION["item"] for item in folder["item"]}


def test_each_route_has_a_section_with_its_answers() -> None:
    sections = dict(re.findall(r"^### (.+?)\n\n(.*?)(?=^##|\Z)", REFERENCE, re.MULTILINE | re.DOTALL))
    for method, path, operation in ROUTES:
        section = sections[f"{method} `{path}`"]
        assert section.startswith(operation["summary"])
        assert sorted(re.findall(r"`(\d{3})`", section)) == sorted(operation["responses"])
        for parameter in re.findall(r"{(\w+)}", path):
            assert f"| `{parameter}` | path |" in section


def test_each_link_leads_to_a_section() -> None:
    titles = {title.lower() for title in re.findall(r"^##+ (.+)$", REFERENCE, re.MULTILINE)}
    links = set(re.findall(r"\]\(#(.+?)\)", REFERENCE))
    assert links
    assert links - titles == set()


def test_a_required_field_and_an_optional_one_differ() -> None:
    assert "| `tenant` | [Tenant](#tenant) |" in REFERENCE
    assert "| `reassign` (optional) | boolean | Also when it belongs to another tenant. Default `false`. |" in REFERENCE


def test_the_collection_has_the_operators_routes_and_no_other() -> None:
    due = {
        operation["operationId"]: f"{{{{api}}}}{re.sub(r'[{](.+?)[}]', r':' + chr(92) + '1', path)}"
        for _, path, operation in ROUTES
        if operation["tags"] != ["public"]
    }
    assert {name: request["url"]["raw"] for name, request in REQUESTS.items()} == due


def test_the_collection_signs_for_iam_and_has_no_secret() -> None:
    assert COLLECTION["auth"]["type"] == "awsv4"
    assert [one["value"] for one in COLLECTION["auth"]["awsv4"]] == [
        "{{awsAccessKey}}",
        "{{awsSecretKey}}",
        "{{awsSessionToken}}",
        "{{awsRegion}}",
        "execute-api",
    ]
    assert {one["key"] for one in COLLECTION["variable"]} == {
        "api",
        *(one["value"].strip("{}") for one in COLLECTION["auth"]["awsv4"][:4]),
    }
    assert not any(one["value"] for one in COLLECTION["variable"])


@pytest.mark.parametrize("name", [name for name, request in REQUESTS.items() if "body" in request])
def test_a_body_of_the_collection_is_what_the_route_takes(name: str) -> None:
    (operation,) = [operation for _, _, operation in ROUTES if operation["operationId"] == name]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = json.loads(REQUESTS[name]["body"]["raw"])
    Draft202012Validator({"components": DESCRIBED["components"], **schema}).validate(body)
    assert body
