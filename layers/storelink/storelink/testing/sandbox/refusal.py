"""How a sandbox store refuses, in Magento's two forms: a sentence, or a message with its parameters beside it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INTERNAL_ERROR = "Internal Error. Details are available in Magento log file. Report ID: webapi-"


@dataclass(eq=False)
class Refused(Exception):
    """The store refuses: an HTTP `status`, and a `message` with `%1` or `%name` for its `parameters`."""

    status: int
    message: str
    parameters: Sequence[str] | Mapping[str, str | list[str]] = ()
    errors: Sequence[Refused] = ()

    @property
    def problem(self) -> str:
        """Return the sentence as the token endpoints write it; several errors in one line, as Magento joins them."""
        if self.errors:
            return ", ".join(error.problem.rstrip(".") for error in self.errors)
        given = self.parameters
        sentence = self.message
        for name, value in given.items() if isinstance(given, Mapping) else enumerate(given, start=1):
            sentence = sentence.replace(f"%{name}", str(value))
        return sentence

    def worded(self, wordings: Mapping[str, str]) -> Refused:
        """Return the same refusal in other words. wordings: today's message to the other one."""
        errors = [error.worded(wordings) for error in self.errors]
        return Refused(self.status, wordings.get(self.message, self.message), self.parameters, errors)


def internal_error() -> Refused:
    """Return what Magento answers where it fails itself."""
    return Refused(500, INTERNAL_ERROR + secrets.token_hex(6))
