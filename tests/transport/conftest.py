"""The guard's rules, as each test wants them."""

import pytest


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The careful rules, and settings that are read anew."""
    monkeypatch.delenv("STORELINK_ALLOW_PRIVATE_STORES", raising=False)
    monkeypatch.delenv("STORELINK_ALLOWED_PORTS", raising=False)


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for local work: stores on loopback, without TLS."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
