"""What `sam build` makes."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from local.template import ROOT


@pytest.fixture(scope="module")
def built_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the Python and the machine that run the tests."""
    folder = tmp_path_factory.mktemp("build")
    version = ".".join(platform.python_version_tuple()[:2])
    layer = {"LAYER_PYTHON": version, "LAYER_MACHINE": platform.machine()}
    run(ROOT, Path(sys.executable).parent / "sam", "build", "--build-dir", folder, "--no-cached", **layer)
    return folder


def run(folder: Path, *command: str | Path, **variables: str) -> str:
    """What a command prints that ends well, in a folder."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0", "MAKEFLAGS": "", **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by its path there."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
