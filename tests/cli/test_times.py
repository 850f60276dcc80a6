"""Times as people read and write them."""

from datetime import UTC, datetime

import pytest

from storelink.errors import Invalid
from storelink_cli.times import duration, with_age

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "age"),
    [
        ("2026-11-26T11:59:59.700Z", "now"),
        ("2026-11-26T11:59:18Z", "42 s ago"),
        ("2026-11-26T12:50:00+01:00", "10 min ago"),
        ("2026-11-26T09:00:00Z", "3 h ago"),
        ("2026-11-19T12:00:00Z", "7 d ago"),
        ("2026-12-03T12:00:00Z", "in 7 d"),
    ],
)
def test_a_time_has_its_age_beside_it(time: str, age: str) -> None:
    shown = with_age(time, NOW)
    assert shown.endswith(f"Z ({age})")
    assert shown.startswith("2026-1")


def test_a_text_that_is_no_time_stays_as_it_is() -> None:
    assert with_age("") == ""
    assert with_age("soon") == "soon"


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("12h", 43200), ("7d", 604800), ("2w", 1209600)])
def test_a_duration_has_a_unit(text: str, seconds: int) -> None:
    assert duration(text, "--lifetime") == seconds


@pytest.mark.parametrize("text", ["7", "", "d", "soon", "-1d", "7 d", "1.5h", "7D", "\u0667d"])
def test_a_duration_without_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        duration(text, "--lifetime")
    assert list(refused.value.fields) == ["--lifetime"]
