"""What a function loads, it loads at every cold start."""

import subprocess
import sys

import pytest

from local.template import Template
from tests.stacks import environment

TEMPLATE = Template.read()
CALL_STORES = {"AccessTokenFunction", "AddFunction", "CheckFunction", "LoginsFunction", "RequestTokenFunction"}


@pytest.mark.parametrize(
    ("functions", "needless"),
    [
        (CALL_STORES, ("boto3",)),
        (TEMPLATE.functions.keys() - CALL_STORES, ("boto3", "requests", "storelink.guard")),
    ],
    ids=["those that call stores", "those that call none"],
)
def test_functions_do_not_load_what_they_do_not_need(functions: set[str], needless: tuple[str, ...]) -> None:
    code = f"import runpy, sys; [runpy.run_path(p) for p in sys.argv[1:]]; print(sys.modules.keys() & {set(needless)})"
    done = subprocess.run(
        [sys.executable, "-c", code, *(TEMPLATE.folders[function] / "app.py" for function in functions)],
        env={**environment(), "AWS_LAMBDA_FUNCTION_NAME": "function"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
