"""Alternating rounds: ours and the other's by turns, so that what slows the machine slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
"""Runs of each side, at the least."""


@dataclass(frozen=True)
class Compared:
    """The seconds of each round, ours and the other's, in the order they were taken."""

    ours: list[float]
    other: list[float]

    @property
    def ratio(self) -> float:
        """Ours by the other's: the median of the rounds' own ratios."""
        return statistics.median(self._ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of these ratios."""
        low, _, high = statistics.quantiles(self._ratios, n=4)
        return low, high

    @property
    def _ratios(self) -> list[float]:
        return [ours / other for ours, other in zip(self.ours, self.other, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternating(ours: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS) -> Compared:
    """Take both by turns, each time the other one first. Each gives the seconds of its round."""
    taken: tuple[list[float], list[float]] = ([], [])
    for nth in range(rounds):
        for side in (0, 1) if nth % 2 else (1, 0):
            taken[side].append((ours, other)[side]())
    return Compared(*taken)


def percentile(values: list[float], percent: int) -> float:
    """As statistics.quantiles counts it, within what was seen."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
