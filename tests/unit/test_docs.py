"""What the documentation repeats is what the code says."""

import re
import tomllib

import pytest

from local.template import ROOT, Template
from storelink.errors import ADVICE
from storelink.oauth import problems

README = (ROOT / "README.md").read_text()
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()


@pytest.mark.parametrize("reason", ADVICE)
def test_each_reason_is_explained_as_people_meet_it(reason: str) -> None:
    assert f"| `{reason}` | {ADVICE[reason]} |" in TROUBLESHOOTING


def test_no_reason_is_explained_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", TROUBLESHOOTING, re.MULTILINE)) == set(ADVICE)


@pytest.mark.parametrize("words", [*problems._FINAL, *problems._TRANSIENT, *problems._NONCE])
def test_each_answer_of_magentos_is_found_by_its_own_words(words: str) -> None:
    found = re.findall(r"^### (.+)$|\*\*(.+?)\*\*", TROUBLESHOOTING, re.MULTILINE)
    assert any(words in "".join(text) for text in found)


def test_each_page_is_found_from_the_sites_navigation() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    navigation = str(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"])
    decisions = (ROOT / "docs" / "decisions" / "index.md").read_text()
    listed = re.findall(r"'([a-z/-]+\.md)'", navigation)
    assert pages == {*listed, *(f"decisions/{page}" for page in re.findall(r"\]\((\d.+?\.md)\)", decisions))}


def test_the_readme_names_outputs_and_parameters_that_exist() -> None:
    sam = Template.read().sam
    for name in ("CallbackUrl", "IdentityLinkUrl", "LayerArn"):
        assert f"`{name}`" in README
        assert name in sam["Outputs"]
    assert "`AllowedPorts`" in README
    assert "AllowedPorts" in sam["Parameters"]


def test_the_readme_links_to_files_that_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_commands_of_the_readme_are_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z]+)|^make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target


def test_the_invocation_that_is_documented_names_real_things() -> None:
    (command,) = re.findall(r"sam local invoke .*", README)
    function, event, environment = re.findall(r"invoke (\w+) -e (\S+) --env-vars (\S+)", command)[0]
    assert function in Template.read().functions
    assert (ROOT / event).is_file()
    assert (ROOT / environment).is_file()


def test_the_security_page_names_for_each_try_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    tries = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and not line.startswith("| -")][
        1:
    ]
    assert len(tries) >= 20
    for tried, _, shown in tries:
        tests = re.findall(r"`(\w+/\w+[.]py)::(\w+)`", shown)
        assert tests, tried
        assert re.sub(r"`[^`]+`", "", shown).strip(" ,|") == "", tried
        for path, test in tests:
            file = ROOT / "tests" / path
            assert file.is_file(), path
            assert re.search(rf"def {test}\(", file.read_text()), f"{path}::{test}"


def test_the_reliability_page_names_for_each_condition_a_test_that_is_there() -> None:
    held = (
        (ROOT / "docs" / "reliability.md")
        .read_text()
        .partition("## What holds each condition")[2]
        .partition("\n## ")[0]
    )
    code = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)` \|$", held, re.MULTILINE)
    assert len(named) > 40
    assert [name for name in named if f"def {name}(" not in code] == []
