"""The pictures in the documentation are of the page as it is."""

import json
import struct

import pytest

from tests.browser.screenshots import DIGESTS, IMAGES, SHOWN, digests


@pytest.mark.parametrize("picture", SHOWN)
def test_a_picture_is_of_the_page_as_it_is(picture: str) -> None:
    taken = json.loads(DIGESTS.read_text())
    assert taken[picture] == digests()[picture], "the page has changed: make screenshots"


def test_there_is_no_picture_of_anything_else() -> None:
    assert {path.name for path in IMAGES.glob("popup-*.png")} == set(SHOWN) == set(json.loads(DIGESTS.read_text()))


@pytest.mark.parametrize("picture", SHOWN)
def test_a_picture_is_as_large_as_magentos_popup_and_small_to_load(picture: str) -> None:
    content = (IMAGES / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (680, 510)
    assert len(content) < 80_000
