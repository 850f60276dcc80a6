"""The pictures in the documentation are of the page as it is."""

import json
import struct

import pytest

from tests.browser.screenshots import (
    CONSOLE,
    CONSOLE_DIGESTS,
    DIGESTS,
    IMAGES,
    POPUP,
    SHOWN,
    console_digests,
    digests,
)


@pytest.mark.parametrize("picture", SHOWN)
def test_a_picture_is_of_the_page_as_it_is(picture: str) -> None:
    taken = json.loads(DIGESTS.read_text())
    assert taken[picture] == digests()[picture], "the page has changed: make screenshots"


def test_there_is_no_picture_of_anything_else() -> None:
    assert {path.name for path in IMAGES.glob("popup-*.png")} == set(SHOWN) == set(json.loads(DIGESTS.read_text()))


@pytest.mark.parametrize("picture", SHOWN)
def test_a_picture_is_as_large_as_its_window_and_small_to_load(picture: str) -> None:
    content = (IMAGES / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    wanted = SHOWN[picture]
    assert width == wanted.size[0] * wanted.scale
    assert height == wanted.size[1] * wanted.scale or (wanted.size != POPUP and height > wanted.size[1])
    assert len(content) < 80_000 * wanted.scale**2


def test_the_consoles_pictures_are_of_its_pages_as_they_are() -> None:
    assert json.loads(CONSOLE_DIGESTS.read_text()) == console_digests(), "the console has changed: make screenshots"
    assert {path.name for path in IMAGES.glob("console-*.png")} == set(CONSOLE)


@pytest.mark.parametrize("picture", CONSOLE)
def test_a_picture_of_the_console_is_small_to_load(picture: str) -> None:
    assert len((IMAGES / picture).read_bytes()) < 400_000
