"""Times as people read and write them."""

import re
from datetime import UTC, datetime

from storelink.errors import Invalid

MIN_LIFETIME = 3600
"""The shortest lifetime of an invitation, in seconds."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def iso(text: str) -> str:
    """An ISO 8601 time of the API, to the second and in UTC; another text as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return text


def with_age(text: str, now: datetime | None = None) -> str:
    """The same with the time that has passed, or will: `2026-11-26T12:00:00Z (2 min ago)`. "" for ""."""
    passed = age(text, now)
    return f"{iso(text)} ({passed})" if passed else text


def age(text: str, now: datetime | None = None) -> str:
    """The time that has passed since an ISO 8601 time, or will pass until it: `2 min ago`. "" for another text."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(text).astimezone(UTC)).total_seconds()
    except ValueError:
        return ""
    unit, name = next((entry for entry in _AGES if abs(seconds) >= entry[0]), (1, "s"))
    count = round(abs(seconds) / unit)
    return "now" if count == 0 else f"{count} {name} ago" if seconds > 0 else f"in {count} {name}"


def duration(text: str, option: str) -> int:
    """The seconds that a text such as 90m, 12h, 7d or 2w names. Raises Invalid, naming the option."""
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if not match:
        raise Invalid({option: f"{text} needs a number and a unit: 90m, 12h, 7d or 2w"})
    return int(match[1]) * _UNITS[match[2]]


def lifetime(text: str, option: str) -> int:
    """The seconds that an invitation is valid. Raises Invalid, naming the option."""
    seconds = duration(text, option)
    if seconds < MIN_LIFETIME:
        raise Invalid({option: f"{text} is too short: the merchant needs at least 1h"})
    return seconds
