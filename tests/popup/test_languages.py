"""The merchant's page in every language: nothing missing, nothing lost in translation, the right one chosen."""

import inspect
import json
import re
from pathlib import Path
from string import Formatter

import pytest

from storelink.advice import REASONS, join_lines
from storelink.handshake import envelope, steps, transaction
from storelink.jobs import sweep
from storelink.oauth import client as oauth_client
from storelink.oauth import problems
from storelink.popup import languages
from storelink.popup.languages import MAX_HEADER_LENGTH, TAGS, load, negotiate
from storelink.transport import guard
from tests.handshake.test_failure import FINAL, TRANSIENT

ENGLISH = load("en")
OTHERS = [tag for tag in TAGS if tag != "en"]
FOLDER = Path(languages.__file__).with_name("translations")
FILES = sorted(FOLDER.glob("*.json"))

HANDSHAKE = {reason for reason, entry in REASONS.items() if entry.handshake}
"""Reasons with which an activation can end, so that a merchant reads of them."""

KEPT = re.compile(
    r"Reauthorize|Activate\b|Stores > Configuration > Web(?: > Base URLs)?|System > Extensions > Integrations"
    r"|Identity link URL|Callback URL|Authorization|CGIPassAuth On"
    r"|fastcgi_param HTTP_AUTHORIZATION \$http_authorization|HMAC-SHA\d+|oauth/token/|rest/|var/log/exception\.log"
    r"|https?\b|TLS|DNS|NTP|www|\b\d+\b"
)
"""Names and numbers that a translation keeps."""


def kept(text: str) -> list[str]:
    return sorted(set(KEPT.findall(text)))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def all_texts(tag: str) -> dict[str, str]:
    """Every text of a language's file by a key that names it, as `texts.close` or `reasons.expired.fix`."""
    data = json.loads((FOLDER / f"{tag}.json").read_text("utf-8"))
    return {
        **{f"texts.{name}": join_lines(text) for name, text in data["texts"].items()},
        **{
            f"reasons.{reason}.{part}": join_lines(text)
            for reason, parts in data["reasons"].items()
            for part, text in parts.items()
        },
    }


def test_no_translation_is_missing_and_none_is_of_nothing() -> None:
    missing = [f"{tag}: {key} is missing" for tag in OTHERS for key in all_texts("en") if key not in all_texts(tag)]
    extra = [
        f"{tag}: {key} is not in en.json" for tag in OTHERS for key in all_texts(tag) if key not in all_texts("en")
    ]
    assert missing + extra == []


def test_every_reason_with_which_an_activation_can_end_is_explained_to_merchants() -> None:
    assert sorted(HANDSHAKE - set(ENGLISH.reasons)) == [], "missing in translations/en.json"
    assert sorted(set(ENGLISH.reasons) - HANDSHAKE) == [], "without `handshake` in advice.json"


@pytest.mark.parametrize("reason", sorted(HANDSHAKE))
def test_merchants_read_of_a_fix_where_there_is_one_and_it_is_theirs(reason: str) -> None:
    theirs = bool(REASONS[reason].fix) and REASONS[reason].who == "merchant"
    assert bool(ENGLISH.reasons[reason][1]) is theirs


@pytest.mark.parametrize("tag", OTHERS)
class TestATranslation:
    @pytest.mark.parametrize("key", all_texts("en"))
    def test_keeps_placeholders_names_and_numbers(self, tag: str, key: str) -> None:
        english = all_texts("en")[key]
        translated = all_texts(tag).get(key, english)  # that none is missing is a test of its own
        assert placeholders(translated) == placeholders(english)
        assert kept(translated) == kept(english)

    def test_is_another_text_than_the_english_one(self, tag: str) -> None:
        same = {key for key, text in all_texts("en").items() if text == all_texts(tag).get(key)}
        assert len(same) <= 3, same


def test_what_is_not_translated_is_shown_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en.json").write_text((FOLDER / "en.json").read_text("utf-8"))
    (tmp_path / "xx.json").write_text('{"texts": {"back": "Kcab"}, "reasons": {}}')
    monkeypatch.setattr(languages, "_TRANSLATIONS", tmp_path)
    language = load.__wrapped__("xx")
    assert (language.say("back"), language.say("close")) == ("Kcab", ENGLISH.say("close"))
    assert language.explain("expired") == ENGLISH.explain("expired")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_one_that_a_translator_can_edit(path: Path) -> None:
    text = path.read_text("utf-8")
    assert set(json.loads(text)) <= {"texts", "reasons", "direction"}
    assert max(map(len, text.splitlines())) <= 120


def test_every_reason_that_the_handshakes_code_names_is_marked_as_such() -> None:
    """Those that the store's answers stand for, and those that the modules name by which an activation goes."""
    ends = {"aws", *problems._FINAL.values(), *problems._TRANSIENT.values(), *problems._NONCE.values()}
    ends |= {reason for reason, *_ in [*FINAL.values(), *TRANSIENT.values()]}
    for module in (guard, oauth_client, steps, transaction, envelope, sweep):
        ends |= set(REASONS) & set(re.findall('"([a-z-]+)"', inspect.getsource(module)))
    assert len(ends) > 20
    assert sorted(ends - HANDSHAKE) == []


@pytest.mark.parametrize("tag", TAGS)
def test_what_happened_is_said_in_sentences_that_name_no_button(tag: str) -> None:
    for happened, fix in load(tag).reasons.values():
        assert happened.endswith(".")
        assert not fix or fix.endswith(".")
        assert "Reauthorize" not in happened + fix


def test_a_reason_with_which_no_activation_ends_is_explained_in_english() -> None:
    assert load("fr").explain("not-found") == (REASONS["not-found"].happened, REASONS["not-found"].fix)


@pytest.mark.parametrize("tag", TAGS)
def test_a_language_is_known_by_its_tag(tag: str) -> None:
    assert load(tag).tag == tag
    assert negotiate(tag) is load(tag)


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("en;q=0.5, fr;q=0.9", "fr"),
        ("en;q=0.9, fr;q=0.95", "fr"),
        ("fr;q=0.5, es;q=0.5", "fr"),
        ("de;q=0, es;q=0.1", "es"),
        ("de;q=0", "en"),
        ("pt-BR, pt;q=0.9", "en"),
        ("pt, es;q=0.001", "es"),
        ("*", "en"),
        ("*;q=0.5, nl;q=0.4", "en"),
        ("pt, *;q=0.1, fr;q=0.2", "fr"),
        ("fr ; q=0.3 , es ; q=0.4", "es"),
        ("fr;q=1.000", "fr"),
        ("fr;q=2, es;q=0.1", "es"),
        ("fr;q=-1, es;q=0.1", "es"),
        ("fr;q=0.1234, es;q=0.1", "es"),
        ("fr;q=nan, es;q=0.1", "es"),
        ("fr;q=, es;q=0.1", "es"),
        ("fr;level=1, es;q=0.1", "es"),
        ("deutsch", "en"),
        ("de_DE", "en"),
        (",,;,", "en"),
        ("<script>", "en"),
        ("zh-Hant-TW,zh;q=0.9,es-419;q=0.8", "es"),
        ("x" * MAX_HEADER_LENGTH + ",de", "en"),
    ],
)
def test_the_browsers_wish_is_read_as_rfc_9110_says(header: str, tag: str) -> None:
    assert negotiate(header).tag == tag
