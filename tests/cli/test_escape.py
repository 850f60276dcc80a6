"""The filter of what is printed."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storelink_cli.escape import escape

HARMLESS = "Grüße, 24\u00a0€, 日本語 العربية עברית हिन्दी 👍 \u3000'\"\\<>&~"


def test_text_in_any_language_stays_as_it_is() -> None:
    assert escape(HARMLESS) == HARMLESS


@pytest.mark.parametrize(
    "char",
    [
        *map(chr, range(0x20)),
        *map(chr, range(0x7F, 0xA0)),
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        *"\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u2060\u2061\u2800\u3164\ufe0f\ufeff\uffa0",
        *"\u2028\u2029\ud800\udfff\ue000\uffff\U0001d173\U000e0001\U000e0041\U000e0100\U0010ffff",
    ],
    ids=lambda char: f"{ord(char):04x}",
)
def test_a_character_that_is_obeyed_or_not_seen_is_escaped(char: str) -> None:
    shown = escape(f"a{char}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert json.loads(f'"{shown}"') == f"a{char}b"


def test_line_feeds_stay_where_a_text_has_many_lines() -> None:
    assert escape("a\nb\rc", keep="\n") == "a\nb\\u000dc"


@given(st.text())
def test_no_control_is_left_in_any_text(text: str) -> None:
    assert not {unicodedata.category(char) for char in escape(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.recursive(st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5))
def test_filtered_json_has_the_same_value(value: object) -> None:
    assert json.loads(escape(json.dumps(value, ensure_ascii=False), keep="\n")) == value
