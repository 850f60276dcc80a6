"""What `make cost` says follows from the counted calls, the prices and the template, by AWS' rules."""

import re

import pytest

from bench import cost
from local.template import ROOT


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The calls of an access step that were counted, to be filled in."""
    calls: dict[str, int] = {}
    read = cost._read
    told = {"dynamodb": {"access_token": calls}}
    monkeypatch.setattr(cost, "_read", lambda file: told if file == cost.CALLS else read(file))
    return calls


def test_the_document_shows_what_make_cost_writes() -> None:
    assert cost.written() in cost.DOCUMENT.read_text(), "run `make cost`"


def test_a_million_stores_on_the_rows_rest_and_are_checked_each_third_day_below_150_dollars() -> None:
    rest, checks = cost.at_rest(1_000_000, "dynamodb"), cost.checks(1_000_000, "dynamodb", 3)
    assert (rest + checks).total() < 150


def test_both_schedules_are_in_what_rests() -> None:
    rest = cost.at_rest(0, "dynamodb")
    assert rest["EventBridge Scheduler"] == pytest.approx((43_200 + 8_640) * cost.PRICES["scheduler"]["invocation"])
    queries = 43_200 * 2 * 4 + 8_640 * 16
    assert rest["DynamoDB, the schedules"] == pytest.approx(queries * 0.5 * cost.PRICES["dynamodb"]["read_unit"])
    sweep, check = 43_200 * 0.5 * cost.SECONDS["SweepFunction"], 8_640 * 1.0 * cost.SECONDS["HealthCheckFunction"]
    gb_seconds = (sweep + check) * cost.PRICES["lambda"]["gb_second"]
    assert rest["Lambda, the schedules"] == pytest.approx(gb_seconds + (43_200 + 8_640) * 0.0000002)


def test_an_alarm_costs_as_often_as_it_has_metrics() -> None:
    template = (ROOT / "template.yaml").read_text()
    alarms_of_one = re.findall(r"^      MetricName:", template, re.MULTILINE)
    assert cost.looked_at() == len(alarms_of_one) + template.count("MetricStat:")


def test_an_execution_that_connects_goes_through_six_states_and_to_its_end() -> None:
    assert cost.transitions() == 7


def test_secrets_manager_calls_kms_in_our_name(counted: dict[str, int]) -> None:
    counted["secretsmanager.CreateSecret"] = 1  # with its value
    assert cost.activations(1, "dynamodb")["KMS"] == pytest.approx(3 * cost.PRICES["kms"]["call"])
    counted["secretsmanager.PutSecretValue"] = 1  # without it, and then with it
    assert cost.activations(1, "dynamodb")["KMS"] == pytest.approx(3 * cost.PRICES["kms"]["call"])
    assert cost.activations(1, "dynamodb")["Secrets Manager"] == pytest.approx(
        2 * cost.PRICES["secretsmanager"]["call"]
    )


def test_without_a_secret_kms_is_called_by_us_alone(counted: dict[str, int]) -> None:
    counted.update({"kms.Encrypt": 2, "kms.Decrypt": 1})
    assert cost.activations(1, "dynamodb")["KMS"] == pytest.approx(3 * cost.PRICES["kms"]["call"])
    assert "Secrets Manager" not in cost.activations(1, "dynamodb")


@pytest.mark.parametrize("service", [name for name in cost.PRICES if name != "as_of"])
def test_each_price_says_where_it_stands_and_what_it_was_compared_with(service: str) -> None:
    told = dict(cost.PRICES[service])
    assert told.pop("source").startswith("https://aws.amazon.com/")
    assert told.pop("compared")
    assert told
    assert all(price > 0 for price in told.values())
