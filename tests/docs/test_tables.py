"""The generated tables of docs/ are what their sources say today."""

import json
from pathlib import Path

import pytest

from local import cost, documents
from local.template import ROOT, Template
from storelink import advice
from storelink.advice import ACTIONS, REASONS

TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()


@pytest.mark.parametrize(("page", "name"), documents.TABLES)
def test_a_generated_table_is_not_stale(page: str, name: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert text == documents.written(text, name, documents.TABLES[page, name]()), "run `make tables`"


@pytest.mark.parametrize("name", documents.FILES)
def test_a_generated_file_is_not_stale(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == documents.FILES[name](), "run `make tables`"


def test_a_changed_page_is_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for page in {page for page, _ in documents.TABLES} | documents.FILES.keys():
        (tmp_path / page).write_text((ROOT / "docs" / page).read_text())
    changed = tmp_path / "troubleshooting.md"
    changed.write_text(changed.read_text().replace("| `expired` |", "| `gone-by` |"))
    documents.main(tmp_path)
    assert changed.read_text() == (ROOT / "docs" / "troubleshooting.md").read_text()
    assert capsys.readouterr().out == "docs/troubleshooting.md: reasons\n"


def test_a_page_without_the_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- reasons: written by make tables -->"):
        documents.written("# Troubleshooting\n", "reasons", "")


def test_each_reason_parameter_and_output_has_a_line() -> None:
    sam = Template.read().sam
    for table, names in (
        (documents.reasons(), REASONS),
        (documents.actions(), ACTIONS.keys() - {"none"}),
        (documents.parameters(), sam["Parameters"]),
        (documents.outputs(), sam["Outputs"]),
    ):
        assert [name for name in names if f"\n| `{name}` | " not in table] == []


def test_a_secret_costs_more_than_all_else_that_a_store_costs() -> None:
    month = cost.kept("dynamodb") + cost.checked("dynamodb") * 30 + cost.activated("dynamodb")
    assert month < cost.SECRET_MONTH / 100
    assert cost.kept("secretsmanager") == pytest.approx(cost.SECRET_MONTH + cost.kept("dynamodb"))


def test_an_alarm_costs_once_for_each_metric_it_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    translated = json.dumps(
        [one for one in Template.read().translated()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    )
    metrics = translated.count('"MetricName":') + 5 * translated.count("SELECT ")
    before = cost.fixed()
    monkeypatch.setattr(cost, "ALARM", cost.ALARM + 1)
    assert cost.fixed() - before == pytest.approx(metrics)


@pytest.mark.parametrize(
    ("row", "reason", "reached", "lost", "action"),
    [
        ("the request token was not given", "maintenance", "pending", "", "activate"),
        ("Storelink has the request token and tries again", "maintenance", "requested", "", "wait"),
        ("the store refused the access token", "signature-invalid", "requested", "", "recreate"),
        ("the answer with the request token was lost", "reauthorize", "pending", "requested", "recreate"),
        ("the answer with the access token was lost", "reauthorize", "requested", "connected", "reauthorize"),
        ("the access token of a connected store was revoked", "revoked", "", "", "reauthorize"),
    ],
)
def test_what_to_click_is_what_the_advice_says(row: str, reason: str, reached: str, lost: str, action: str) -> None:
    assert advice.action(reason, reached, lost) == action
    words = {"activate": "Activate again", "wait": "Nothing", "recreate": "Delete the", "reauthorize": "Reauthorize"}
    (line,) = [line for line in TROUBLESHOOTING.splitlines() if line.startswith(f"| {row} |")]
    assert f"**{words[action]}" in line
