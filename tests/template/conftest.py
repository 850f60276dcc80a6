"""What `sam build` makes, made once."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from local.template import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For AWS, as `make build` makes it."""
    return sam_build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def built_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for the Python and the machine that run the tests."""
    version = ".".join(platform.python_version_tuple()[:2])
    return sam_build(tmp_path_factory.mktemp("build"), LAYER_PYTHON=version, LAYER_MACHINE=platform.machine())


def sam_build(folder: Path, **variables: str) -> Path:
    done = subprocess.run(
        [Path(sys.executable).parent / "sam", "build", "--build-dir", folder, "--no-cached"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0", "MAKEFLAGS": "", **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder
