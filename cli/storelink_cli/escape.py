"""The one filter for text of a store or of the API: what a terminal could obey or hide is shown escaped.

Escaped are the control characters (C0, DEL and C1), the controls of direction (bidi), everything of no width,
separators of lines and paragraphs, surrogates, and what Unicode does not define. An escape is written as in JSON, so
JSON that is filtered stays JSON: ESC becomes \\u001b.
"""

import re
import unicodedata

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that are drawn as nothing: Unicode's Default_Ignorable_Code_Point, and the blank Braille pattern."""


def escape(text: str, keep: str = "") -> str:
    """The text with every such character escaped. keep: those that stay, such as line feeds of a text of many lines."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or _is_visible(char) else _escaped(char) for char in text)


def _is_visible(char: str) -> bool:
    if _IGNORABLE.match(char):
        return False
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
