"""How an index of many parts is gone over."""

from collections.abc import Iterator
from threading import Barrier, Event

from storelink.rounds import PARTS_AT_ONCE, go_over
from storelink.tables import Row


def test_parts_are_asked_for_their_rows_at_the_same_time_once_the_first_has_answered() -> None:
    together = Barrier(PARTS_AT_ONCE, timeout=10)
    gone_on = Event()

    def part(number: int) -> Iterator[Row]:
        if number:
            gone_on.set()
            together.wait()
        else:
            assert not gone_on.wait(0.2), "another part was asked beside the first"
        yield {"part": number, "row": 0}
        yield {"part": number, "row": 1}

    treated: list[tuple[int, int]] = []

    def treat(row: Row) -> list[str]:
        treated.append((row["part"], row["row"]))
        return ["done"]

    counts = {"done": 0, "trouble": 0}
    numbers = range(2 * PARTS_AT_ONCE + 1)
    assert go_over(((part(number), treat) for number in numbers), counts, lambda: 1000, enough=1)
    assert treated == [(number, row) for number in numbers for row in (0, 1)]
    assert counts == {"done": len(treated), "trouble": 0}


def test_no_further_part_is_asked_once_the_time_is_over() -> None:
    begun: list[int] = []
    over = Event()

    def part(number: int) -> Iterator[Row]:
        begun.append(number)
        if number:
            over.wait(10)
        yield {}

    def remaining() -> int:
        over.set()
        return 0

    assert not go_over(((part(number), lambda _: []) for number in range(1000)), {}, remaining, enough=1)
    assert len(begun) < 1000
