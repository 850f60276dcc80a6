"""`sam build`: what would be uploaded, and that it fits the runtime it is for."""

import json
import os
import subprocess
import sys
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from local.template import ROOT, Template

RUNTIME = (3, 13)
AARCH64 = b"\xb7\x00"
"""EM_AARCH64 in an ELF header's e_machine."""
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)] + ["manylinux2014_aarch64"]
"""Of the runtime python3.13 on Amazon Linux 2023 (glibc 2.34), arm64."""


def test_no_wheel_for_another_platform_is_in_the_layer(built: Path) -> None:
    fitting = {*cpython_tags(RUNTIME, platforms=PLATFORMS), *compatible_tags(RUNTIME, "cp313", PLATFORMS)}
    wheels = list((built / "StorelinkLayer" / "python").glob("*.dist-info/WHEEL"))
    assert len(wheels) >= 8
    for wheel in wheels:
        assert _tags(wheel) & fitting, wheel
    for library in (built / "StorelinkLayer").rglob("*.so"):
        assert library.read_bytes()[18:20] == AARCH64, library


def _tags(wheel: Path) -> set[Tag]:
    lines = [line.partition(": ") for line in wheel.read_text().splitlines()]
    return {tag for name, _, value in lines if name == "Tag" for tag in parse_tag(value)}


def test_the_layer_holds_the_package_and_what_the_runtime_lacks(built: Path) -> None:
    python = built / "StorelinkLayer" / "python"
    have = {path.name for path in python.iterdir() if path.is_dir()}
    assert {"storelink", "requests", "aws_lambda_powertools", "idna"} <= have
    assert not {"boto3", "botocore", "cryptography", "flask"} & have
    assert (python / "storelink" / "client").is_dir()
    assert not (python / "storelink" / "testing").exists()


def test_the_layer_takes_at_most_12_mib_unzipped(built: Path) -> None:
    assert sum(map(len, _files(built / "StorelinkLayer").values())) <= 12 * 2**20


def test_every_function_loads_from_the_built_layer_compiled(built_here: Path) -> None:
    python = built_here / "StorelinkLayer" / "python"
    code = (
        "import json, sys, app, storelink\n"
        "storelink.connect\n"
        "specs = {name: getattr(one, '__spec__', None) for name, one in sys.modules.items()}\n"
        "print(json.dumps({name: (spec.origin or '', spec.cached) for name, spec in specs.items() if spec}))"
    )
    for properties in Template.read().functions.values():
        # boto3 is the runtime's; here it is this environment's.
        paths = os.pathsep.join([str(python), str(ROOT / properties["CodeUri"])])
        done = subprocess.run(
            [sys.executable, "-B", "-W", "ignore", "-c", code],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        loaded = json.loads(done.stdout)
        of_the_layer = {name: cached for name, (file, cached) in loaded.items() if file.startswith(str(python))}
        assert {"storelink", "requests", "aws_lambda_powertools", "idna"} <= of_the_layer.keys()
        assert [name for name, cached in of_the_layer.items() if cached and not Path(cached).is_file()] == []


def test_the_layer_is_the_same_wherever_it_is_built(built: Path, tmp_path: Path) -> None:
    assert _files(_made(tmp_path)[0]) == _files(built / "StorelinkLayer")


def test_without_the_runtimes_python_the_layer_is_the_same_without_byte_code(built: Path, tmp_path: Path) -> None:
    folder, said = _made(tmp_path, "COMPILER=")
    files = _files(built / "StorelinkLayer")
    assert _files(folder) == {name: data for name, data in files.items() if "__pycache__" not in name}
    assert "No Python 3.13 was found" in said


def _made(folder: Path, *variables: str) -> tuple[Path, str]:
    """The layer, made there by its Makefile alone, and what this said."""
    command = ["make", "build-StorelinkLayer", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={folder}", *variables]
    done = subprocess.run(
        command, cwd=ROOT / "layers" / "storelink", capture_output=True, text=True, timeout=300, check=True
    )
    return folder, done.stdout


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


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
