"""`sam build`: what would be uploaded, and that it fits the runtime it is for."""

import os
import subprocess
import sys
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from local.template import ROOT, Template

RUNTIME = (3, 13)
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)] + ["manylinux2014_aarch64"]
"""Of the runtime python3.13 on Amazon Linux 2023 (glibc 2.34), arm64."""


def test_no_wheel_for_another_platform_is_in_the_layer(built: Path) -> None:
    fitting = {*cpython_tags(RUNTIME, platforms=PLATFORMS), *compatible_tags(RUNTIME, "cp313", PLATFORMS)}
    wheels = list((built / "StorelinkLayer" / "python").glob("*.dist-info/WHEEL"))
    assert len(wheels) >= 8
    for wheel in wheels:
        assert _tags(wheel) & fitting, wheel
    for library in (built / "StorelinkLayer").rglob("*.so"):
        assert "cpython-313-aarch64" in library.name


def _tags(wheel: Path) -> set[Tag]:
    lines = [line.partition(": ") for line in wheel.read_text().splitlines()]
    return {tag for name, _, value in lines if name == "Tag" for tag in parse_tag(value)}


def test_the_layer_holds_the_package_and_what_the_runtime_lacks(built: Path) -> None:
    python = built / "StorelinkLayer" / "python"
    have = {path.name for path in python.iterdir() if path.is_dir()}
    assert {"storelink", "requests", "aws_lambda_powertools", "idna"} <= have
    assert not {"boto3", "botocore", "cryptography"} & have


def test_every_function_loads_from_the_built_layer(built: Path) -> None:
    python = built / "StorelinkLayer" / "python"
    for properties in Template.read().functions.values():
        code = (
            "import app, storelink, requests, aws_lambda_powertools, idna\n"
            "storelink.connect\n"
            f"for module in (storelink, requests, aws_lambda_powertools, idna):\n"
            f"    assert module.__file__.startswith({str(python)!r}), module.__file__\n"
        )
        # boto3 is the runtime's; here it is this environment's.
        paths = os.pathsep.join([str(python), str(ROOT / properties["CodeUri"])])
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


def test_the_template_is_valid(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "sam", "validate", "--lint"],
        cwd=ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
