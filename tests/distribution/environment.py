"""Environments that hold the built wheel and the packages that it asks for, and nothing else."""

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement


@dataclass(frozen=True)
class Environment:
    """A virtual environment. folder: where it is."""

    folder: Path

    @property
    def scripts(self) -> Path:
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a script of it, or `python`, without what this process' environment would add."""
        program, *rest = arguments
        plain = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
        command = [str(self.scripts / program), *rest]
        return subprocess.run(command, cwd=cwd, env=plain, capture_output=True, text=True, timeout=120)


def wheel(folder: Path) -> Path:
    """The wheel, built from this project without a registry."""
    build = ["wheel", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder)]
    _pip(*build, str(Path(__file__).parents[2]))
    (made,) = folder.glob("*.whl")
    return made


def install(made: Path, extra: str, folder: Path) -> Environment:
    """Install the wheel and what it asks for. Dependencies are those of this process' environment, linked into it."""
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    _pip("--python", str(environment.scripts / "python"), "install", "--no-index", str(made))
    (metadata,) = environment.packages.glob("storelink-*.dist-info")
    requires = importlib.metadata.Distribution.at(metadata).requires or []
    for name in set(_closure(requires, {extra})):
        for entry in _entries(name):
            link = environment.packages / entry
            if not link.exists():
                link.symlink_to(_site_packages(name) / entry)
    return environment


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, "--no-deps"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _closure(requires: Iterable[str], extras: set[str]) -> Iterator[str]:
    """The names of all that requirements ask for."""
    for requirement in map(Requirement, requires):
        if any(not requirement.marker or requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement.name
            yield from _closure(importlib.metadata.requires(requirement.name) or [], requirement.extras)


def _entries(name: str) -> set[str]:
    """What a distribution has in site-packages, at the top."""
    files = importlib.metadata.files(name) or []
    return {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}


def _site_packages(name: str) -> Path:
    return Path(str(importlib.metadata.distribution(name).locate_file("")))


def loaded_packages(environment: Environment, code: str, cwd: Path) -> set[str]:
    """The packages of site-packages that a piece of code loads."""
    shown = "print(json.dumps([str(getattr(one, '__file__', None)) for one in list(sys.modules.values())]))"
    done = environment.run("python", "-c", f"import json, sys; {code}; {shown}", cwd=cwd)
    assert done.returncode == 0, done.stderr
    places = (file.partition("site-packages/")[2] for file in json.loads(done.stdout))
    return {place.split("/")[0].removesuffix(".py") for place in places if place}
