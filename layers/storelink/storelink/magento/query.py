"""How a call's parameters are written: nested as PHP reads them, each value as Magento reads it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from storelink.errors import Invalid
from storelink.oauth.signature import percent_encode

Value = str | int | float | Decimal | bool | date | datetime | None
"""What a parameter may hold. A bool is written 1 or 0, a date as 2026-11-24, a datetime in UTC as Magento keeps its."""

Parameters = Mapping[str, Any]
"""Values, and mappings, lists and tuples of them to any depth, by name."""


def query(parameters: Parameters | Iterable[tuple[str, Any]]) -> str:
    """The query for parameters, percent-encoded: {"a": {"b": [1, True]}} becomes a[b][0]=1&a[b][1]=1.

    What is None is left out, and so is what is empty. A list of more than 10 starts at 10, 100, …, so that its indexes
    have as many digits: verifiers sort [2] and [10] in different orders. Raises Invalid, naming the parameter that
    cannot be written.
    """
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    written = [pair for name, value in pairs for pair in _written(str(name), value)]
    return "&".join([f"{_encoded(name, name)}={_encoded(name, text)}" for name, text in written])


def format_value(name: str, value: Value) -> str:
    """One value as Magento reads it. name: what it is called in the error. Raises Invalid."""
    if isinstance(value, bool):  # its filters compare with 1 and 0 in the database; "true" would be 0 there
        return str(int(value))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Invalid({name: "is a time without a zone; give it one, as in datetime.now(UTC)"}, "bad-parameter")
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    wrong = f"cannot be written from a {type(value).__name__}; give text, a number, a bool, a date or a time"
    raise Invalid({name: wrong}, "bad-parameter")


def _written(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        inner: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value, first_index(value))
    else:
        yield name, format_value(name, value)
        return
    for key, one in inner:
        yield from _written(f"{name}[{key}]", one)


def first_index(values: Sequence[Any]) -> int:
    """The index at which a list starts: 0 up to 10 entries, 10 up to 90, 100 up to 900, …"""
    first = 0
    while len(values) > 10 * max(first, 1) - first:
        first = 10 * max(first, 1)
    return first


def _encoded(name: str, text: str) -> str:
    try:
        return percent_encode(text)
    except UnicodeEncodeError:
        raise Invalid({ascii(name): "holds a lone surrogate, which UTF-8 has not"}, "bad-parameter") from None
