"""What a function loads, it loads at every cold start."""

import subprocess
import sys

import pytest

from local.template import ROOT
from tests.stacks import environment


@pytest.mark.parametrize("function", ["callback", "identity", "record_failure"])
def test_a_function_that_calls_no_store_loads_nothing_that_could(function: str) -> None:
    code = "import sys, app; print([name for name in ('requests', 'storelink.guard') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "functions" / function,
        env={**environment(), "AWS_LAMBDA_FUNCTION_NAME": function},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
