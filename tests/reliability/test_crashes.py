"""A function that is killed at any moment of the handshake loses nothing, or says what the merchant has to do."""

import pytest

from tests.reliability import matrix
from tests.reliability.calls import Point
from tests.reliability.matrix import CLICK, CONNECTED, ENDS, REAUTHORIZE, RECREATE, WAYS, Stage

POINTS = list(matrix.documented_points())

LOST = {"request_token": RECREATE, "access_token": REAUTHORIZE}
"""What heals a lost answer of a store, by the step that asked for it (Magento gives each token once)."""


@pytest.mark.parametrize(
    ("start", "point"), [pytest.param(start, point, id=f"{start}: {point}") for start, point in POINTS]
)
def test_a_crash_comes_to_a_good_end(stage: Stage, start: str, point: Point) -> None:
    end = stage.end(start, point)
    if end == CLICK:
        assert point.call.function == "callback"
    elif end == LOST.get(point.call.function) and start not in ENDS:
        assert (start, point) in set(after_the_store_has_answered(stage))
    else:
        assert end == ENDS.get(start, ("", CONNECTED))[1]


def after_the_store_has_answered(stage: Stage) -> list[tuple[str, Point]]:
    """The points from the last answer of a store to the end of that function."""
    found: list[tuple[str, Point]] = []
    for start in WAYS:
        calls = stage.clean_run(start)
        for function in dict.fromkeys(call.function for call in calls):
            points = [Point(when, call) for call in calls if call.function == function for when in matrix.WHEN]
            answered = [n for n, point in enumerate(points) if point.call.is_to_store and point.when == "after"]
            found += [(start, point) for point in points[answered[-1] :]] if answered else []
    return found


def test_every_call_of_the_handshake_is_in_the_table(stage: Stage) -> None:
    assert set(POINTS) == set(stage.points()), "run tests/reliability/matrix.py"


def test_the_table_is_what_happens(stage: Stage) -> None:
    assert matrix.documented() == matrix.table(stage), "run tests/reliability/matrix.py"


def test_each_function_of_the_handshake_is_in_it(stage: Stage) -> None:
    functions = {point.call.function for _, point in POINTS}
    assert functions == {"callback", "request_token", "access_token", "record_failure"}
