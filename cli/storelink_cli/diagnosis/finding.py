"""What a check finds."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """The result of one check. cause: a stable name of what is wrong, else "". fix: what to do, else ""."""

    check: str
    level: Level
    message: str
    cause: str = ""
    fix: str = ""


class CheckFailed(Exception):
    """A check failed, and no later check can succeed."""

    def __init__(self, check: str, cause: str, message: str, fix: str) -> None:
        self.finding = Finding(check, "fail", message, cause, fix)
        super().__init__(cause)
