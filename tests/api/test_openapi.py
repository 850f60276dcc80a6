"""docs/openapi.yaml describes the API that is there, and the API answers as it says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.api_gateway import Api
from local.lambda_context import LambdaContext
from local.lambda_runtime import Invocation
from local.template import ROOT, Template
from tests.world import HANDLERS, World

DOCUMENT = ROOT / "docs" / "openapi.yaml"
DESCRIBED: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
METHODS = {"get", "post", "put", "patch", "delete"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

schema = schemathesis.openapi.from_dict(DESCRIBED)


def test_it_is_valid_openapi() -> None:
    assert DESCRIBED["openapi"].startswith("3.1")
    validate(DESCRIBED)


def test_it_describes_every_route_and_no_other() -> None:
    described = {
        (path, method.upper(), operation.get("security", DESCRIBED["security"]) != [])
        for path, item in DESCRIBED["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
    there = {(one.path, "POST" if one.method == "ANY" else one.method, one.iam) for one in Template.read().routes}
    assert described == there


class InProcess:
    """A function as the local API runs one, here in this process."""

    def __init__(self, function: str) -> None:
        self._handler = HANDLERS[function]

    def invoke(self, event: str) -> Invocation:
        """What its handler answers."""
        return Invocation(json.dumps(self._handler(json.loads(event), LambdaContext())), failed=False)


@pytest.fixture
def api(world: World) -> Iterator[tuple[str, World]]:
    """The local API with the functions behind it, and a store that is connected."""
    world.connect()
    serving = Api("127.0.0.1", 0, Template.read().routes)
    functions: Any = {function: InProcess(function) for function in HANDLERS}
    try:
        with serving.serving(functions):
            yield serving.url, world
    finally:
        serving.close()


@schema.parametrize()
@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_it_answers_as_it_is_described(api: tuple[str, World], case: schemathesis.Case[Any]) -> None:
    url, world = api
    if isinstance(case.body, dict):
        for name in ("store_url", "store_base_url"):
            if isinstance(case.body.get(name), str):  # no other store is ever called
                case.body[name] = world.url
    case.call_and_validate(
        base_url=url, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=local"}, checks=CHECKS, timeout=30
    )
