"""What `sam build` makes, made once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.template import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    done = subprocess.run(
        [Path(sys.executable).parent / "sam", "build", "--build-dir", folder, "--no-cached"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder
