"""The merchant's page in every language: nothing missing, nothing lost in translation, the right one chosen."""

import inspect
import re
from string import Formatter

import pytest

from storelink import aws
from storelink.errors import ADVICE
from storelink.handshake import steps
from storelink.jobs import sweep
from storelink.oauth import client as oauth_client
from storelink.oauth import problems
from storelink.popup.languages import LANGUAGES, MAX_HEADER_LENGTH, negotiate
from storelink.transport import guard
from tests.integration.test_answers import FINAL, TRANSIENT

ENGLISH = LANGUAGES["en"]
SHOWN = sorted(LANGUAGES["de"].advice)
OTHERS = sorted(set(LANGUAGES) - {"en"})

KEPT = re.compile(
    r"Reauthorize|Activate\b|Stores > Configuration > Web(?: > Base URLs)?|System > Integrations|Identity link URL"
    r"|AllowedPorts|Authorization|CGIPassAuth On|fastcgi_param HTTP_AUTHORIZATION \$http_authorization|HMAC-SHA\d+"
    r"|oauth/token/|rest/|var/log/exception\.log|https?\b|Magento|TLS|DNS|NTP|AWS|www|POST|\b\d+\b"
)
"""Names and numbers that a translation leaves as they are."""


def kept(text: str) -> list[str]:
    return sorted(set(KEPT.findall(text)))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", OTHERS)
class TestATranslation:
    def test_has_every_text_of_the_page_and_no_other(self, tag: str) -> None:
        assert set(LANGUAGES[tag].texts) == set(ENGLISH.texts)

    def test_has_the_advice_for_the_same_reasons(self, tag: str) -> None:
        assert set(LANGUAGES[tag].advice) == set(SHOWN)
        assert set(SHOWN) <= set(ADVICE)

    @pytest.mark.parametrize("name", ENGLISH.texts)
    def test_has_the_same_placeholders_and_names(self, tag: str, name: str) -> None:
        told, english = LANGUAGES[tag].texts[name], ENGLISH.texts[name]
        assert placeholders(told) == placeholders(english)
        assert kept(told) == kept(english)

    @pytest.mark.parametrize("reason", SHOWN)
    def test_keeps_the_names_and_numbers_of_an_advice(self, tag: str, reason: str) -> None:
        assert kept(LANGUAGES[tag].advice[reason]) == kept(ADVICE[reason])

    def test_is_another_text_than_the_english_one(self, tag: str) -> None:
        same = {name for name, text in LANGUAGES[tag].texts.items() if text == ENGLISH.texts[name]}
        assert len(same) <= 2, same
        assert not {reason for reason in SHOWN if LANGUAGES[tag].advice[reason] == ADVICE[reason]}


def test_every_reason_that_an_activation_can_end_with_is_translated() -> None:
    """Those that the store's answers stand for, and those that the modules name by which an activation goes."""
    ends = {*problems._FINAL.values(), *problems._TRANSIENT.values()}
    ends |= {reason for reason, *_ in [*FINAL.values(), *TRANSIENT.values()]}
    for module in (guard, oauth_client, steps, aws, sweep):
        ends |= set(ADVICE) & set(re.findall('"([a-z-]+)"', inspect.getsource(module)))
    assert len(ends) > 20
    assert ends <= set(SHOWN)


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("reason", SHOWN)
def test_an_advice_says_what_happened_and_then_what_to_do(tag: str, reason: str) -> None:
    language = LANGUAGES[tag]
    happened, to_do = language.advise(reason)
    assert f"{happened} {to_do}" == language.advice[reason]
    assert happened.endswith(".")
    assert len(to_do) > 20
    assert "Reauthorize" not in happened


def test_a_reason_that_no_page_should_show_is_told_in_english() -> None:
    assert " ".join(LANGUAGES["fr"].advise("not-found")) == ADVICE["not-found"]


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_is_known_by_its_tag(tag: str) -> None:
    assert LANGUAGES[tag].tag == tag
    assert negotiate(tag) is LANGUAGES[tag]


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
