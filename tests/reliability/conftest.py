"""Fixtures: the stage on which things go wrong."""

from collections.abc import Iterator

import pytest

from local.aws import LocalAws
from storelink.testing.sandbox import Sandbox
from tests.reliability.calls import WatchedWorld
from tests.reliability.matrix import Stage, staged


@pytest.fixture(scope="module")
def stage(aws: LocalAws, shops: Sandbox) -> Iterator[Stage]:
    """Where worlds are made, with the functions' environment."""
    with staged(aws, shops) as made:
        yield made


@pytest.fixture
def watched(stage: Stage) -> Iterator[WatchedWorld]:
    """A store nobody has met before, and functions whose every call is seen."""
    with stage.world() as world:
        yield world
