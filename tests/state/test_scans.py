"""Nothing reads a whole table, so the cost of a read does not grow with the table."""

import re
from pathlib import Path

import pytest

from local.template import ROOT
from storelink import aws
from tests.world import World

SCANS = re.compile(r"\.scan\(|[\"']scan[\"']|:Scan\b|\bPartiQL|ExecuteStatement", re.IGNORECASE)
DEPLOYED = [*(ROOT / "layers" / "storelink" / "storelink").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]


@pytest.mark.parametrize("path", [*DEPLOYED, ROOT / "template.yaml"], ids=lambda path: path.name)
def test_nothing_deployed_knows_a_scan(path: Path) -> None:
    assert not SCANS.search(path.read_text())


def test_a_scan_of_ours_fails_the_test_that_makes_it(world: World) -> None:
    with pytest.raises(AssertionError, match="is scanned"):
        aws.client("dynamodb").scan(TableName=world.aws.outputs["ConnectionsTableName"])
