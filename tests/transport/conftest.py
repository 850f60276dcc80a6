"""The guard's rules, as each test wants them."""

from collections.abc import Iterator

import pytest

from storelink.config import config


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The careful rules, and settings that are read anew."""
    monkeypatch.delenv("STORELINK_ALLOW_PRIVATE_STORES", raising=False)
    monkeypatch.delenv("STORELINK_ALLOWED_PORTS", raising=False)
    config.cache_clear()
    yield
    config.cache_clear()


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for local work: stores on loopback, without TLS."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
    config.cache_clear()
