"""Nothing reads the whole of a table: what a read costs does not grow with the rows beside it."""

import re
from pathlib import Path

import pytest

from bench import rows
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


def test_reads_go_over_as_many_items_among_many_rows_as_among_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIVATIONS", "CONNECTIONS"):
        monkeypatch.setenv(f"STORELINK_{name}_TABLE", name.lower())
    monkeypatch.setenv("STORELINK_STACK", "storelink-local")
    few, many = rows.read(200), rows.read(4_000)
    assert few == many
    assert few["one connection looked up"] == 1
    assert few["one page listed"] <= 51
