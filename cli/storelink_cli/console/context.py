"""What the console's routes share: the stack, and calls that are made at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app

from storelink_cli.errors import CONVERTED, Failure
from storelink_cli.stack import Stack

AT_ONCE = 12
"""Calls that the console makes at once."""


@dataclass(frozen=True)
class Console:
    """One run of the console. read_only: nothing can be changed by it. made: invitations to be shown once, by their id.

    Their URLs are kept here, as the cookie of the session is no place for a secret.
    """

    stack: Stack
    read_only: bool
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))

    def together(self, **calls: Callable[[], Any]) -> dict[str, Any]:
        """Make calls at once. Returns the result of each, or the Failure with which it ended."""
        return {name: result() for name, result in self.begin(**calls).items()}

    def begin(self, **calls: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
        """The same without waiting: a function waits for its result."""
        return {name: self.pool.submit(attempt, call).result for name, call in calls.items()}


def console() -> Console:
    """The console that the current request is for."""
    return cast(Console, current_app.extensions["console"])


def attempt(call: Callable[[], Any]) -> Any:
    """The result of a call, or the Failure with which it ended."""
    try:
        return call()
    except Failure as failure:
        return failure
    except CONVERTED as error:
        return Failure.of(error)
