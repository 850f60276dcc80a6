"""Fixtures for pytest, which finds them where Storelink is installed: a sandbox store, and a session that calls it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from storelink import __version__

if TYPE_CHECKING:
    from storelink import StoreSession
    from storelink.testing.sandbox import Sandbox, SandboxStore


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    """A server of sandbox stores on a free port. `sandbox_server.store("second")` is one more store."""
    try:
        from storelink.testing.sandbox import serve
    except ModuleNotFoundError as missing:
        wheel = f"dist/storelink-{__version__}-py3-none-any.whl[testing]"
        pytest.fail(f'{missing.name} is missing. Install it: pip install "{wheel}"', pytrace=False)
    with serve() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox_dialect() -> str:
    """How the test's store verifies signatures: a dialect of docs/signatures.md. Override it, or parametrize it."""
    return "laminas"


@pytest.fixture
def sandbox_store(sandbox_server: Sandbox, sandbox_dialect: str) -> Iterator[SandboxStore]:
    """A store of the test's own with 250 products and 45 orders.

    It is not connected: without `connected_shop`, `storelink.connect` raises Invalid and does not ask AWS.
    """
    from storelink.testing.connection import connected

    store = sandbox_server.store(uuid.uuid4().hex)
    store.set_dialect(sandbox_dialect)
    with connected():
        yield store


@pytest.fixture
def connected_shop(sandbox_store: SandboxStore) -> Iterator[StoreSession]:
    """A session for `sandbox_store`. Meanwhile `storelink.connect(sandbox_store.base_url)` works in all code."""
    import storelink
    from storelink.testing.connection import connected

    with connected(sandbox_store):
        yield storelink.connect(sandbox_store.base_url)
