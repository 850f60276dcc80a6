"""Fixtures: environments with the wheel."""

from pathlib import Path

import pytest

from tests.distribution import environment
from tests.distribution.environment import Environment


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def client_alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install storelink`."""
    return environment.install(wheel, "", tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def with_cli(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install "storelink[cli]"`."""
    return environment.install(wheel, "cli", tmp_path_factory.mktemp("cli"))


@pytest.fixture(scope="session")
def with_console(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install "storelink[console]"`."""
    return environment.install(wheel, "console", tmp_path_factory.mktemp("console"))
