"""What a command asks a person for."""

import os
import sys

import typer

from storelink.errors import Invalid
from storelink.oauth.credentials import TOKEN_PATTERN
from storelink_cli.errors import Exit, Failure, bad_input
from storelink_cli.escape import escape


def value(name: str, variable: str, hidden: bool = True) -> str:
    """A value that no command line may hold: from the environment, a line of standard input, or a prompt.

    hidden: not shown while it is typed. Raises Failure where there is none.
    """
    if found := os.environ.get(variable):
        return found
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=hidden, err=True)).strip()
    if line := sys.stdin.readline().strip():
        return line
    hint = f"Set {variable}, write it as a line of standard input, or run the command in a terminal."
    raise bad_input(f"{name} is missing", hint)


def magento_value(name: str, variable: str, hidden: bool = True) -> str:
    """One of the values that Magento generates: a key, a secret, a token or a verifier. Raises Failure, Invalid."""
    given = value(name, variable, hidden)
    if not TOKEN_PATTERN.fullmatch(given):
        raise Invalid({name: "must be 32 characters of a-z and 0-9, as Magento shows it"})
    return given


def confirm(question: str, yes: bool) -> None:
    """Ask before something changes. yes: the answer is given. Raises Failure unless the answer is yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise bad_input("this command asks a question and standard input is no terminal", "Give --yes to answer it.")
    if not typer.confirm(escape(question), err=True):
        raise Failure(Exit.INTERRUPTED, "not-confirmed", "nothing was changed", "")
