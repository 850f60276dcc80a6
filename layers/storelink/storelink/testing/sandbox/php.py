"""PHP's functions that Magento's verifiers call, exactly as PHP 8 computes them.

PHP's strings are bytes. Here each is a `str` with one character for each byte: see `to_bytes` and `to_text`.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from os.path import commonprefix
from urllib.parse import quote, unquote_to_bytes

WHITESPACE = " \t\n\r\v\f"
DIGITS = "0123456789"
MOST_NESTED = 64  # max_input_nesting_level
MOST_VARIABLES = 1000  # max_input_vars
LONGEST_INTEGER = 2**63


def to_bytes(text: str) -> str:
    """Return a text as PHP holds it: UTF-8, one character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def to_text(value: str) -> str:
    """Return the text of a PHP string; bytes that are no UTF-8 become U+FFFD."""
    return value.encode("latin-1").decode("utf-8", "replace")


def rawurlencode(value: str) -> str:
    """Percent-encode every byte but letters, digits and `-._~` (RFC 3986 section 2.3)."""
    return quote(value, safe="", encoding="latin-1")


def rawurldecode(value: str) -> str:
    """Decode each `%XX`."""
    return unquote_to_bytes(value.encode("latin-1")).decode("latin-1")


def urldecode(value: str) -> str:
    """Decode each `%XX`, and each `+` as a space."""
    return rawurldecode(value.replace("+", " "))


def is_integer_key(name: str) -> bool:
    """Return whether PHP makes an array's key of this name an integer: `7` and `-7`, not `07` or `-0`."""
    if not re.fullmatch(r"0|-?[1-9][0-9]*", name, re.ASCII):
        return False
    return -LONGEST_INTEGER < int(name) < LONGEST_INTEGER


def strnatcmp(one: str, other: str) -> int:
    """Compare in natural order (ext/standard/strnatcmp.c): below 0, 0 or above.

    Runs of digits compare as numbers; a run that begins with 0 compares digit by digit, as a fraction.
    """
    if not one or not other:
        return (len(one) > len(other)) - (len(one) < len(other))
    # What both begin with compares as equal, up to a character that is part of no number.
    same = len(commonprefix([one, other]))  # noqa: RUF071  of characters, not of folders
    while same and one[same - 1] in DIGITS + WHITESPACE:
        same -= 1
    a, b = (same - 1, same - 1) if same else (_without_zeros(one, 0), _without_zeros(other, 0))
    while True:
        a, b = _without_space(one, a), _without_space(other, b)
        if _is_digit(one, a) and _is_digit(other, b):
            result, a, b = _compare_digits(one, a, other, b)
            if result:
                return result
            if a >= len(one) or b >= len(other):
                return (b >= len(other)) - (a >= len(one))
        if one[a : a + 1] != other[b : b + 1]:
            return -1 if one[a : a + 1] < other[b : b + 1] else 1
        a, b = a + 1, b + 1
        if a >= len(one) or b >= len(other):
            return (b >= len(other)) - (a >= len(one))


def _is_digit(text: str, at: int) -> bool:
    return at < len(text) and text[at] in DIGITS


def _without_zeros(text: str, at: int) -> int:
    while text[at : at + 1] == "0" and _is_digit(text, at + 1):
        at += 1
    return at


def _without_space(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in WHITESPACE:
        at += 1
    return at


def _compare_digits(one: str, a: int, other: str, b: int) -> tuple[int, int, int]:
    """Compare the runs of digits at two places. Returns the result and the places behind the runs."""
    fraction = one[a] == "0" or other[b] == "0"
    bias = 0
    while _is_digit(one, a) and _is_digit(other, b):
        if one[a] != other[b] and not bias:
            bias = -1 if one[a] < other[b] else 1
            if fraction:
                return bias, a, b
        a, b = a + 1, b + 1
    if _is_digit(one, a) or _is_digit(other, b):
        return (1 if _is_digit(one, a) else -1), a, b
    return bias, a, b


natural_key = cmp_to_key(strnatcmp)
"""A sort key for `strnatcmp`'s order, as uksort(…, 'strnatcmp') uses it."""


def compare_keys(one: str, other: str) -> int:
    """Compare two string keys as ksort does: numeric strings as numbers, others byte by byte."""
    a, b = _number(one), _number(other)
    if a is None or b is None or (a == b and abs(a) == float("inf")):
        return (one > other) - (one < other)
    return (a > b) - (a < b)


ksort_key = cmp_to_key(compare_keys)
"""A sort key for ksort's order of string keys."""


def _number(text: str) -> int | float | None:
    """Return the number that a numeric string is, None for any other string."""
    stripped = text.strip(WHITESPACE)
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", stripped):
        return None
    if re.fullmatch(r"[+-]?[0-9]+", stripped) and -LONGEST_INTEGER <= int(stripped) < LONGEST_INTEGER:
        return int(stripped)
    return float(stripped)


def parse_str(query: str) -> dict[str, str | None]:
    """Return a query's top-level parameters as parse_str does (main/php_variables.c), None for an array.

    Spaces and dots of a name become `_`; the last value of a name counts; names are bytes up to the first NUL.
    """
    found: dict[str, str | None] = {}
    for pair in [pair for pair in query.split("&") if pair][:MOST_VARIABLES]:
        name, _, value = pair.partition("=")
        base, opening, rest = urldecode(name).partition("\0")[0].lstrip(" ").partition("[")
        base = re.sub(r"[ .]", "_", base)
        indexes = _indexes(rest)
        if not base:
            continue
        if not opening:
            found[base] = urldecode(value)
        elif not indexes:  # a bracket that is never closed is a character of the name
            found[f"{base}_{re.sub(r'[ .[]', '_', rest)}"] = urldecode(value)
        elif indexes <= MOST_NESTED:
            found[base] = None
        else:
            found.pop(base, None)
    return found


def _indexes(rest: str) -> int:
    """Return the number of indexes behind a name's first `[`: 2 for `a][]`, 0 for `a`."""
    closed = re.match(r"([^\]]*\])(\[[^\]]*\])*", rest)
    return len(re.findall(r"[^\]]*\]", closed[0])) if closed else 0
