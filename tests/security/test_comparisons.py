"""Where a secret is compared, the time that it takes tells nothing: no `==` on one, in all that is deployed."""

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import storelink
from local.template import ROOT
from storelink.confidential import Confidential
from storelink.signing import Consumer, Token

SECRET = re.compile(
    r"secret|token|verifier|password|otp|signature|credential|mac|code|nonce|used|sealed", re.IGNORECASE
)
"""Names that things have which hold secrets, or prove that somebody knows one."""

EXPLAINED = {
    "consumer.signature_method == FALLBACK_METHOD": "the name of a method",
    "claims['nonce'] != nonce": "the name of a sign-in, which stands in URLs",
    "row.get('sign_in') == token_id": "the same",
    "home == IN_SECRETS_MANAGER": "the name of a home of credentials",
    "version != row['secret_version']": "the name of a secret's version",
    "fresh == used": "of classes that are Confidential, or hold nothing but such",
}
"""Comparisons of what only has such a name, and what it is."""

FILES = [*(ROOT / "layers" / "storelink" / "storelink").glob("**/*.py"), *(ROOT / "functions").glob("**/*.py")]


def names(node: ast.AST) -> str:
    """The last name of what is compared; nothing for a constant, a number, a call that counts."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return names(node.slice)
    return str(node.id if isinstance(node, ast.Name) else getattr(node, "value", ""))


def compared(path: Path) -> Iterator[str]:
    """The comparisons by value in a file with such a name on one side, and no constant on the other."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(isinstance(how, ast.Eq | ast.NotEq) for how in node.ops):
            sides = [node.left, *node.comparators]
            if not any(isinstance(side, ast.Constant) for side in sides) and any(
                SECRET.search(names(s)) for s in sides
            ):
                yield ast.unparse(node)


def test_no_secret_is_compared_by_its_value() -> None:
    assert len(FILES) > 20
    found = {comparison for path in FILES for comparison in compared(path)}
    assert found <= set(EXPLAINED)


def test_what_holds_a_secret_is_compared_in_constant_time() -> None:
    """A field that is not shown is a secret; what has one is not compared as dataclasses are."""
    modules = [importlib.import_module(f"storelink.{found.name}") for found in pkgutil.iter_modules(storelink.__path__)]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    holding = {
        kind
        for kind in filter(dataclasses.is_dataclass, classes)
        if any(not one.repr and "Mapping" not in str(one.type) for one in dataclasses.fields(kind))
    }
    assert {Token, Consumer} < holding
    assert {kind for kind in holding if kind.__eq__ is not Confidential.__eq__} == set()


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Token("a" * 32, "b" * 32), True),
        (Token("a" * 32, "b" * 31 + "c"), False),
        (Token("a" * 32, ""), False),
        (Consumer("a" * 32, "b" * 32), False),
        ("a" * 32, False),
    ],
    ids=["same", "another secret", "no secret", "another kind", "its key alone"],
)
def test_it_is_equal_by_value_all_the_same(other: object, equal: bool) -> None:
    one = Token("a" * 32, "b" * 32)
    assert (one == other) is equal
    assert (len({one, other}) == 1) is equal
