"""Rows are written and read as boto3 does it, and a write is repeated while a transaction has its row."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from storelink import aws
from storelink.aws import dynamodb
from storelink.errors import Unavailable

VALUES = st.recursive(
    st.booleans() | st.integers(-(10**37), 10**37) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(st.text(min_size=1), VALUES, max_size=5)


@given(ROWS)
def test_a_row_is_written_as_boto3_writes_it(row: dict[str, Any]) -> None:
    assert dynamodb.item(row) == {name: TypeSerializer().serialize(value) for name, value in row.items()}


@given(ROWS)
def test_a_row_is_read_as_boto3_reads_it(row: dict[str, Any]) -> None:
    written = dynamodb.item(row)
    assert dynamodb.row(written) == row
    assert {name: _plain(TypeDeserializer().deserialize(value)) for name, value in written.items()} == row


def test_a_float_is_refused() -> None:
    """Times and counts are whole numbers; a float would lose digits."""
    with pytest.raises(TypeError, match="Float"):
        dynamodb.item({"name": 0.5})


def _plain(value: Any) -> Any:
    """As our rows hold it: whole numbers as int, binary as bytes."""
    match value:
        case list():
            return [_plain(inner) for inner in value]
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case Binary():
            return bytes(value.value)  # type: ignore[attr-defined]  # the stubs do not know it
        case Decimal():
            return int(value)
    return value


class TestAWriteWhoseRowATransactionHas:
    """moto knows no transactions that meet; DynamoDB refuses one of them at once."""

    OTHER = "TransactionConflict"

    @pytest.fixture
    def refused(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[str]], list[str]]:
        """Have DynamoDB refuse an operation with these codes in turn, then do it. The calls that were made."""
        monkeypatch.setattr(time, "sleep", lambda seconds: None)

        def refuse(operation: str, codes: list[str]) -> list[str]:
            calls: list[str] = []

            class Client:
                def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
                    assert name == operation
                    return self.call

                def call(self, **_: Any) -> dict[str, Any]:
                    calls.append(operation)
                    if not codes:
                        return {"Attributes": {"name": {"S": "written"}}}
                    code = codes.pop(0)
                    answer: Any = {"Error": {"Code": code}, "CancellationReasons": []}
                    if operation == "transact_write_items":
                        answer = {
                            "Error": {"Code": "TransactionCanceledException"},
                            "CancellationReasons": [{"Code": "None"}, {"Code": code, "Item": {"name": {"S": "seen"}}}],
                        }
                    raise ClientError(answer, operation)

            monkeypatch.setattr(aws, "client", lambda _: Client())
            return calls

        return refuse

    def test_is_made_again(self, refused: Any) -> None:
        calls = refused("update_item", [f"{self.OTHER}Exception"] * 2)
        assert dynamodb.update("table", {"key": "1"}, "attribute_exists(#key)", {}) == {"name": "written"}
        assert len(calls) == 3

    def test_is_made_again_as_a_transaction(self, refused: Any) -> None:
        calls = refused("transact_write_items", [self.OTHER] * 4)
        dynamodb.transact({}, {})
        assert len(calls) == 5

    @pytest.mark.parametrize("operation", ["update_item", "transact_write_items"])
    def test_is_unavailable_when_that_does_not_end(self, refused: Any, operation: str) -> None:
        is_one = operation == "update_item"
        calls = refused(operation, [f"{self.OTHER}Exception" if is_one else self.OTHER] * 9)
        with pytest.raises(Unavailable):
            dynamodb.update("table", {"key": "1"}, "attribute_exists(#key)", {}) if is_one else dynamodb.transact({})
        assert len(calls) == dynamodb.CONFLICT_TRIES

    def test_is_not_made_again_when_a_condition_failed(self, refused: Any) -> None:
        calls = refused("transact_write_items", ["ConditionalCheckFailed"])
        with pytest.raises(dynamodb.Conflicts) as conflicts:
            dynamodb.transact({}, {})
        assert (conflicts.value.rows, calls) == ([None, {"name": "seen"}], ["transact_write_items"])
