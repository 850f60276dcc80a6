"""Rows are written and read as boto3 does it, without loading boto3."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from storelink.aws import dynamodb

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
