"""A call's JSON body, read as Magento's service input processor reads it: required parameters and simple types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from storelink.testing.sandbox.refusal import Refused, internal_error
from storelink.testing.sandbox.troubles import REQUIRED

Fields = dict[str, Any]

SEVERAL = "One or more input exceptions have occurred."
INVALID_VALUE = 'Invalid value of "%value" provided for the %fieldName field.'


def types(**names: str) -> dict[str, str]:
    """Return the PHP type of each property of a data object. names: those of each type, with spaces between them."""
    return {name: kind for kind, listed in names.items() for name in listed.split()}


def parameter(body: Any, name: str) -> Any:
    """Return a parameter of a call's body. Raises Refused where it is missing."""
    if not isinstance(body, dict) or name not in body:
        raise required(name)
    return body[name]


def fields(body: Any, name: str, types: Mapping[str, str]) -> Fields:
    """Return a data object of a body, converted. types: PHP's type of each property. Raises Refused."""
    return converted(parameter(body, name), types)


def rows(body: Any, name: str, types: Mapping[str, str]) -> list[Fields]:
    """Return a list of data objects of a body, converted. Raises Refused."""
    found = parameter(body, name)
    return [converted(one, types) for one in found] if isinstance(found, list) else []


def converted(given: Any, types: Mapping[str, str]) -> Fields:
    """Return a data object with its simple properties in their types; anything but an object is an empty one.

    Raises Refused for a value that is not of its type, and for a property that the interface does not have.
    """
    if not isinstance(given, dict):
        return {}
    return {name: _converted(name, value, types.get(name)) for name, value in given.items()}


def _converted(name: str, value: Any, kind: str | None) -> Any:
    if kind is None:  # Magento looks for a setter, finds none, and fails
        raise internal_error()
    if kind == "mixed" or value is None:
        return value
    if isinstance(value, dict | list):
        raise _not_of_type(name, "array", kind)
    if kind == "bool":
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "on", "yes")
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    try:
        number = float(value)
    except ValueError:
        raise _not_of_type(name, str(value), kind) from None
    if not math.isfinite(number):
        raise _not_of_type(name, str(value), kind)
    return int(number) if kind == "int" or number.is_integer() else number


def _not_of_type(name: str, value: str, kind: str) -> Refused:
    details = f'The "{value}" value\'s type is invalid. The "{kind}" type was expected. Verify and try again.'
    return Refused(400, f'Error occurred during "{name}" processing. {details}')


def required(name: str) -> Refused:
    """Return the refusal of a call without a parameter."""
    return Refused(400, REQUIRED, {"fieldName": name})


def together(problems: list[Refused]) -> None:
    """Raise what Magento answers to one or several problems of the input; nothing for none."""
    if len(problems) > 1:
        raise Refused(400, SEVERAL, errors=problems)
    if problems:
        raise problems[0]
