"""Fixtures: a store on a socket that answers as a test says."""

from collections.abc import Iterator

import pytest

from storelink.client import retry
from storelink.magento import bulk
from tests import store_double
from tests.store_double import StoreDouble


class Clock:
    """A time that only goes on while it is waited for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which a session waits."""
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    monkeypatch.setattr(bulk, "time", clock)
    return clock


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreDouble]:
    """A store on a socket."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
    with store_double.running() as running:
        yield running
