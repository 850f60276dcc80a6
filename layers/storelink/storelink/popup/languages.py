"""The languages of the merchant's page, and which of them a browser asks for.

Each language is a file in translations/, named by its tag: `texts` of the page by name, and `reasons` for which an
activation fails. Names of Magento's own buttons and menus stay in English, as Magento's documentation has them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from storelink.advice import REASONS, join_lines

DEFAULT = "en"

MAX_HEADER_LENGTH = 1024
"""Characters of an Accept-Language header that are read."""

_TRANSLATIONS = Path(__file__).with_name("translations")

TAGS = tuple(sorted(path.stem for path in _TRANSLATIONS.glob("*.json")))
"""The languages that there are."""

_RANGE = re.compile(
    r"(?P<tag>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:\s*;\s*q=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Language:
    """One language. tag: as in `lang` (BCP 47). direction: "ltr" or "rtl".

    reasons: what happened, and what to change first ("" for nothing), by reason.
    """

    tag: str
    texts: Mapping[str, str] = field(repr=False)
    reasons: Mapping[str, tuple[str, str]] = field(repr=False)
    direction: str = "ltr"

    def say(self, name: str, **values: str) -> str:
        """A text of the page with its values in place."""
        return self.texts[name].format(**values)

    def explain(self, reason: str, **values: str) -> tuple[str, str]:
        """What happened, and what to change first. A reason with which no activation ends is explained in English."""
        if reason not in self.reasons:
            return REASONS[reason].happened, REASONS[reason].fix
        happened, fix = self.reasons[reason]
        return happened.format(**values), fix.format(**values)


@cache
def load(tag: str) -> Language:
    """The language of a tag, in English what is not translated. Raises FileNotFoundError where there is none."""
    data = json.loads((_TRANSLATIONS / f"{tag}.json").read_bytes())
    texts = {name: join_lines(text) for name, text in data["texts"].items()}
    reasons = {
        reason: (join_lines(texts["happened"]), join_lines(texts.get("fix", "")))
        for reason, texts in data["reasons"].items()
    }
    english = Language(tag, {}, {}) if tag == DEFAULT else load(DEFAULT)
    direction = data.get("direction", "ltr")
    return Language(tag, {**english.texts, **texts}, {**english.reasons, **reasons}, direction)


def negotiate(accept_language: str) -> Language:
    """The language that fits an Accept-Language header best (RFC 9110 section 12.5.4, RFC 4647), else English."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:MAX_HEADER_LENGTH].split(","):
        match = _RANGE.fullmatch(part.strip())
        if match:
            wanted.append((float(match["quality"] or 1), match["tag"].lower()))
    for quality, tag in sorted(wanted, key=lambda one: -one[0]):
        primary = DEFAULT if tag == "*" else tag.partition("-")[0]
        if quality > 0 and primary in TAGS:
            return load(primary)
    return load(DEFAULT)
