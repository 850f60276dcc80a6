"""What people read is written in plain technical English: none of the banned words, no long lines."""

import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import ROOT

BANNED = {
    r"told|tells?|telling": "say, send, show, return: programs do not tell",
    r"lets? \w+ be|let(ting)? be": "keep, suppress, leave unchanged",
    r"(by|of) (it|them|him|her)sel(f|ves)": "alone, automatically",
    r"mend(s|ed|ing)?": "correct, fix",
    r"rooms?": "place, package",
    r"doors?": "function, route",
    r"knock(s|ed|ing)?": "connect, send a request",
    r"hears? (of|it|the|from)|heard (of|it|from)": "receive",
    r"(nobody|anybody|somebody|everybody)'s": "unclaimed; of no tenant",
    r"the ones? (that|who|which|whose)": "name the thing",
    r"whose[^.;:]{0,40}? (it|that|this|they) (is|was|are|were|will be|became)": "the tenant, the owner",
    r"whose move": "who has to act",
    r"says? whose": "assigns, names the tenant",
    r"com(e|es|ing) to (an|its|their) ends?": "finish",
    r"what (became|becomes|comes|has become) of": "the result of",
    r"letter by letter": "exactly",
    r"lies? (on|under|there|beside)": "is in, is stored in",
}
"""Each banned expression, and what to write instead."""

ALLOWED = {
    ("CHANGELOG.md", "the sweep's count `told`"),  # a name of 0.1.0
}
"""Places where a banned word is the right one: (file, the words around it)."""

PATTERN = re.compile(rf"\b(?:{'|'.join(BANNED)})\b".replace(" ", r"\s+"), re.IGNORECASE)
LONGEST = 120

PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = [
    *PAGES,
    ROOT / "template.yaml",
    ROOT / "docs" / "openapi.yaml",
    *sorted((ROOT / "docs" / "samples").glob("*.mjs")),
    *sorted((ROOT / "statemachine").glob("*.yaml")),
    *sorted((ROOT / ".github").rglob("*.yml")),
]
CODE = [
    path
    for folder in ("layers/storelink/storelink", "functions", "cli", "local", "docs/samples")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
DATA = sorted((ROOT / "layers" / "storelink" / "storelink").rglob("*.json"))
"""Advice and translations. Of the translations only the English one is English."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what a person reads of a file, with the number of its first line: of code the strings and comments."""
    text = path.read_text()
    if path.suffix == ".json":
        text = re.sub(r'"[^"\n]*":', "", text)  # a key is not prose
    if path.suffix != ".py":
        yield 1, re.sub(r"`test_\w+`", "", text)  # a test's name is not prose
        return
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds and " " in token.string:  # a single word is a name, not prose
            yield token.start[0], token.string


def banned(path: Path) -> list[str]:
    """Return `file:line: words` for each banned expression of a file."""
    name = name_of(path)
    found = []
    for first, text in texts_of(path):
        for file, words in ALLOWED:
            text = text.replace(words, "") if file == name else text
        found += [
            f"{name}:{first + text.count(chr(10), 0, match.start())}: {' '.join(match[0].split())!r}"
            for match in PATTERN.finditer(text)
        ]
    return found


@pytest.mark.parametrize("path", [*TEXTS, *CODE], ids=name_of)
def test_no_banned_word_is_used(path: Path) -> None:
    found = banned(path)
    assert not found, "\n".join(found)


def test_no_banned_word_is_in_what_merchants_read() -> None:
    english = [path for path in DATA if path.parent.name != "translations" or path.stem == "en"]
    found = [problem for path in english for problem in banned(path)]
    assert not found, "\n".join(found)
    for path in english:
        json.loads(path.read_text())


@pytest.mark.parametrize(
    "line",
    [
        "The app is told.",
        "It tells whose a store became.",
        "What checkov lets it be",
        "It starts by itself.",
        "Mend the named fields.",
        "a room of its own",
        "Functions: doors",
        "Any store may knock.",
        "The app hears of it.",
        "a connection that is nobody's",
        "the one that is newest",
        "say whose move it is",
        "The steps did not come to an end in time.",
        "It starts by\n  itself.",
    ],
)
def test_a_banned_word_is_found(line: str) -> None:
    assert PATTERN.search(line)


def test_what_is_found_names_file_line_and_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.test_language.ROOT", tmp_path)
    code = tmp_path / "module.py"
    code.write_text('"""Says it.\n\nThe app is told."""\n\nrooms = f"{1} doors"  # by itself\n')
    assert banned(code) == ["module.py:3: 'told'", "module.py:5: 'doors'", "module.py:5: 'by itself'"]


@pytest.mark.parametrize("line", ["recommend it", "intelligence", "Doorbell", "bedroom", "the mender", "outdoors"])
def test_a_word_that_only_contains_a_banned_one_is_not_found(line: str) -> None:
    assert not PATTERN.search(line)


def test_each_exception_is_still_needed() -> None:
    for file, words in ALLOWED:
        assert words in (ROOT / file).read_text(), (file, words)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_line_that_a_person_edits_has_at_most_120_characters(path: Path) -> None:
    text = re.sub(r"<!-- ([\w ]+): written by .*?<!-- end of \1 -->", "", path.read_text(), flags=re.DOTALL)
    unbreakable = re.compile(r"\s*\S+|\|.* `test_\w+` \|")  # an address, or a row of a table that names a test
    long = [line for line in text.splitlines() if len(line) > LONGEST and not unbreakable.fullmatch(line)]
    assert not long, "\n".join(long)
