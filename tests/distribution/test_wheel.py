"""The wheel in an environment of its own: the client alone, and each extra."""

import json
from pathlib import Path

from storelink import __version__
from storelink_cli.errors import Exit
from tests.distribution.environment import Environment, loaded_packages

IMPORT_ALL = """
import importlib, pkgutil, storelink
for module in pkgutil.walk_packages(storelink.__path__, "storelink."):
    if not module.name.startswith("storelink.testing.") or %s:
        importlib.import_module(module.name)
"""


def test_the_client_needs_requests_and_boto3_and_no_more(client_alone: Environment, tmp_path: Path) -> None:
    loaded = loaded_packages(client_alone, "import storelink; storelink.connect", tmp_path)
    assert {"boto3", "certifi", "idna", "requests", "storelink", "urllib3"} <= loaded
    installed = {file.name for file in client_alone.packages.iterdir()}
    assert not installed & {"aws_lambda_powertools", "flask", "jwt", "nacl", "oauthlib", "rich", "typer"}


def test_every_module_of_the_client_can_be_imported(client_alone: Environment, tmp_path: Path) -> None:
    done = client_alone.run("python", "-c", IMPORT_ALL % "False", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_version_is_the_wheels(client_alone: Environment, wheel: Path, tmp_path: Path) -> None:
    done = client_alone.run("python", "-c", "import storelink; print(storelink.__version__)", cwd=tmp_path)
    assert done.stdout == f"{__version__}\n"
    assert wheel.name == f"storelink-{__version__}-py3-none-any.whl"


def test_the_command_says_what_to_install(client_alone: Environment, wheel: Path, tmp_path: Path) -> None:
    done = client_alone.run("storelink", "stores", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (Exit.AWS, "")
    assert f'pip install "dist/{wheel.name}[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_so_in_json(client_alone: Environment, tmp_path: Path) -> None:
    done = client_alone.run("storelink", "stores", "--json", cwd=tmp_path)
    failure = json.loads(done.stderr)
    assert (failure["error"], failure["exit"]) == ("not-installed", Exit.AWS)


def test_with_its_extra_the_command_runs(with_cli: Environment, tmp_path: Path) -> None:
    assert with_cli.run("storelink", "--version", cwd=tmp_path).stdout == f"storelink {__version__}\n"
    done = with_cli.run("storelink", "stores", "--json", cwd=tmp_path)
    assert json.loads(done.stderr)["error"] == "no-region"


def test_the_console_says_what_to_install(with_cli: Environment, wheel: Path, tmp_path: Path) -> None:
    failure = json.loads(with_cli.run("storelink", "console", "--json", cwd=tmp_path).stderr)
    assert (failure["error"], failure["exit"]) == ("not-installed", Exit.AWS)
    assert f'pip install "dist/{wheel.name}[console]"' in failure["hint"]


def test_with_its_extra_the_console_runs(with_console: Environment, tmp_path: Path) -> None:
    done = with_console.run("storelink", "console", "--json", cwd=tmp_path)
    assert json.loads(done.stderr)["error"] == "no-region"
