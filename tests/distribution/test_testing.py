"""docs/testing.md: its files, run where the wheel and what its extra asks for is all that is installed."""

import re
import shutil
from pathlib import Path

import pytest

from local.template import ROOT
from storelink import __version__
from tests.distribution import environment
from tests.distribution.environment import Environment
from tests.distribution.test_wheel import IMPORT_ALL
from tests.typed import mypy

PAGE = (ROOT / "docs" / "testing.md").read_text()
FILES = dict(re.findall(r'^```python title="(.+?)"\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def with_testing(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install "storelink[testing]"`."""
    return environment.install(wheel, "testing", tmp_path_factory.mktemp("testing"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, and the sample that they test."""
    shutil.copy(ROOT / "docs" / "samples" / "webhook.py", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_pages_tests_pass_in_an_environment_of_their_own(with_testing: Environment, folder: Path) -> None:
    assert {"app.py", "test_app.py", "test_two_stores.py", "test_unittest.py", "test_webhook.py"} == FILES.keys()
    done = with_testing.run("python", "-m", "pytest", "-q", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"\b{_tests()} passed", done.stdout), done.stdout


def test_the_pages_tests_fail_where_the_app_is_wrong(with_testing: Environment, folder: Path) -> None:
    app = (folder / "app.py").read_text()
    (folder / "app.py").write_text(app.replace('"quantity": quantity', '"quantity": quantity + 1'))
    done = with_testing.run("python", "-m", "pytest", "-q", cwd=folder)
    assert done.returncode == 1
    assert "test_stock_is_updated_when_a_store_connects" in done.stdout


def test_the_pages_files_are_typed(folder: Path) -> None:
    said = mypy(folder, *FILES)[1]
    assert f"{len(FILES)} source files" in said
    assert [line for line in said.splitlines() if line.startswith(tuple(FILES))] == []  # webhook.py is another page's


def test_without_the_extra_pytest_runs_and_a_fixture_says_what_to_install(
    client_alone: Environment, with_testing: Environment, tmp_path: Path
) -> None:
    """pytest is there, as an app has it for other tests; Flask is not."""
    (tmp_path / "test_plain.py").write_text("def test_one(): pass\n\ndef test_store(sandbox_store): pass\n")
    code = f"import sys; sys.path += {[str(with_testing.packages)]}; sys.modules['flask'] = None; import pytest"
    run = "sys.exit(pytest.main(['-q']))"
    done = client_alone.run("python", "-c", f"{code}; {run}", cwd=tmp_path)
    assert "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    named = f"dist/storelink-{__version__}-py3-none-any.whl[testing]"
    assert f'flask is missing. Install it: pip install "{named}"' in done.stdout


def test_every_module_can_be_imported(with_testing: Environment, tmp_path: Path) -> None:
    done = with_testing.run("python", "-c", IMPORT_ALL % "True", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def _tests() -> int:
    """How many tests the page has; a parametrized one counts as often as it has values."""
    text = "".join(FILES.values())
    values = [len(found.split(",")) - 1 for found in re.findall(r'parametrize\("\w+", \[(.+?)\]\)', text)]
    return len(re.findall(r"def test_", text)) + sum(values)
