"""What the documentation repeats is what the code says."""

import re
import tomllib

import pytest

from local.template import ROOT, Template
from storelink.oauth import problems

README = (ROOT / "README.md").read_text()
CODE_OF_TESTS = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()


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


def test_the_readme_counts_functions_and_tables_right() -> None:
    template = Template.read()
    tables = [one for one in template.sam["Resources"].values() if one["Type"] == "AWS::DynamoDB::Table"]
    assert re.findall(r"(\d+) Lambda\s+functions", README) == [str(len(template.functions))]
    assert re.findall(r"(\d+) DynamoDB\s+tables", README) == [str(len(tables))]


def test_the_readme_says_that_nothing_was_deployed_and_what_was_tried_instead() -> None:
    status = README.partition("**Status.**")[2].partition("\n## ")[0]
    assert "has not been deployed to AWS" in status
    for part in ("moto", "runtime interface emulator", "cfn-lint", "sam validate", "checkov", "2.4.4", "2.4.6"):
        assert part in status


def test_no_page_sends_merchants_to_a_menu_that_is_not_there() -> None:
    pages = [README, *(page.read_text() for page in (ROOT / "docs").rglob("*.md"))]
    menus = re.findall(r"System\W+>[^\n]*?Integrations", "\n".join(pages))
    assert len(menus) > 3
    assert [menu for menu in menus if "Extensions" not in menu] == []


def test_the_troubleshooting_page_names_the_four_things_to_click() -> None:
    table = TROUBLESHOOTING.partition("## What to click after a failure")[2].partition("\n## ")[0]
    for action in ("Activate again", "Nothing: Storelink continues.", "Delete the integration, add it again, Activate"):
        assert f"**{action}**" in " ".join(table.split())
    assert "**Reauthorize**" in table


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


def test_each_threat_of_the_security_page_has_tests_that_are_there() -> None:
    page, _, appendix = (ROOT / "docs" / "security.md").read_text().partition("## Appendix: tests")
    threats = re.findall(r"^\| (\d+) \| ", page, re.MULTILINE)
    tests = re.findall(r"^\| (\d+) \| `(test_\w+)` \|$", appendix, re.MULTILINE)
    assert len(threats) >= 20
    assert {number for number, _ in tests} == set(threats)
    assert [name for _, name in tests if f"def {name}(" not in CODE_OF_TESTS] == []


def test_the_reliability_page_names_for_each_condition_a_test_that_is_there() -> None:
    held = (ROOT / "docs" / "reliability.md").read_text().partition("## Conditions")[2].partition("\n## ")[0]
    named = re.findall(r"`(test_\w+)` \|$", held, re.MULTILINE)
    assert len(named) > 40
    assert [name for name in named if f"def {name}(" not in CODE_OF_TESTS] == []
