"""Alternating rounds: ours and the other's by turns, so that what slows the machine slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
"""Rounds of each side."""


@dataclass(frozen=True)
class Compared:
    """The values of each round, ours and the other's, in the order they were taken. Times are in seconds."""

    ours: list[float]
    other: list[float]

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The quartiles of the rounds' own ratios, ours by the other's; the second one is the median."""
        ratios = [ours / other for ours, other in zip(self.ours, self.other, strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, median, high


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternating(ours: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS) -> Compared:
    """Take both by turns, each time the other one first. Each gives the value of its round."""
    taken: tuple[list[float], list[float]] = ([], [])
    for nth in range(rounds):
        for side in (0, 1) if nth % 2 else (1, 0):
            taken[side].append((ours, other)[side]())
    return Compared(*taken)
