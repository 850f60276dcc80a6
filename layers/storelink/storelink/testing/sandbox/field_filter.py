"""Magento's `fields` parameter: an answer has only the named properties, as in `items[sku,price],total_count`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

Filter = dict[str, "Filter"]


def selected(answer: Any, query: str) -> Any:
    """Return an answer with the properties that a query's `fields` name, the whole one where it names none."""
    text = parse_qs(query).get("fields", [""])[-1]
    return _selected(answer, _parsed(text)) if text else answer


def _parsed(text: str) -> Filter:
    """Return the names of a filter, each with those within its brackets."""
    found: Filter = {}
    open_ones, name = [found], ""
    for token in re.findall(r"[^\[\],]+|[\[\]]", text):
        if token == "[":
            open_ones.append(open_ones[-1].setdefault(name, {}))
        elif token == "]":
            open_ones = open_ones[:-1] or [found]
        else:
            name = token.strip()
            open_ones[-1].setdefault(name, {})
    return found


def _selected(value: Any, wanted: Filter) -> Any:
    if isinstance(value, list):
        return [_selected(one, wanted) for one in value]
    if not wanted or not isinstance(value, dict):
        return value
    return {name: _selected(value[name], within) for name, within in wanted.items() if name in value}
