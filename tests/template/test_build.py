"""`sam build`: what would be uploaded, and that it fits the runtime it is for."""

import shutil
import sys
from pathlib import Path

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from local.template import ROOT
from tests.template.conftest import files, run

RUNTIME = (3, 13)
AARCH64 = b"\xb7\x00"
"""EM_AARCH64 in an ELF header's e_machine."""
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)] + ["manylinux2014_aarch64"]
"""Of the runtime python3.13 on Amazon Linux 2023 (glibc 2.34), arm64."""


def dist(clone: Path) -> Path:
    """A clone in which `make dist` has run. It has the environment of this one."""
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist"))
    (clone / ".venv").symlink_to(ROOT / ".venv")
    run(clone, "make", "--old-file", ".venv/.ready", "dist")
    return clone


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For AWS, as `make build` makes it."""
    return dist(tmp_path_factory.mktemp("clones") / "one") / ".aws-sam" / "build"


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
    assert sum(map(len, files(built / "StorelinkLayer").values())) <= 12 * 2**20


def test_two_clones_make_the_same_files(built: Path, tmp_path: Path) -> None:
    first, second = built.parents[1], dist(tmp_path / "another" / "clone")
    for made in (".aws-sam/build", "dist"):
        assert files(second / made) == files(first / made)
    assert {path.suffix for path in (first / "dist").iterdir()} == {".whl", ".zip", ".json"}


def test_without_the_runtimes_python_the_layer_is_the_same_without_byte_code(built: Path, tmp_path: Path) -> None:
    command = ["make", "build-StorelinkLayer", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={tmp_path}", "COMPILER="]
    said = run(ROOT / "layers" / "storelink", *command)
    layer = files(built / "StorelinkLayer")
    assert files(tmp_path) == {name: data for name, data in layer.items() if "__pycache__" not in name}
    assert "No Python 3.13 was found" in said
