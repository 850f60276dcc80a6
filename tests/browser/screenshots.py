"""`make screenshots`: pictures of every state of the merchant's page, into docs/images/.

Beside them lies a digest of the page that each was taken of, so that a changed page asks for new ones.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from local.template import ROOT
from storelink.popup.languages import TAGS, load
from tests.browser.conftest import QUIET, chromium
from tests.browser.states import STATES

IMAGES = ROOT / "docs" / "images"
DIGESTS = IMAGES / "popup.json"

POPUP, PHONE, ZOOMED = (680, 510), (375, 667), (340, 255)
"""Magento's popup, a phone's width, and the popup at 200 %."""


@dataclass(frozen=True)
class Picture:
    """A state as it is pictured. size: of the window, in CSS pixels. scale: pixels of the picture for each of them."""

    state: str
    language: str = "en"
    scheme: str = "light"
    size: tuple[int, int] = POPUP
    scale: int = 1

    @property
    def page(self) -> str:
        """What it shows, in HTML; before the causes of a silence are named, but where they are pictured."""
        classes = "script" if self.state == "waiting-causes" else "script early"
        return STATES[self.state].page(load(self.language)).replace("<html ", f'<html class="{classes}" ', 1)


IN_OTHER_LANGUAGES = ("failed", "requested-retry", "claim")
DARK = ("requested", "failed-store", "connected-other-host")
SMALL = ("failed-store", "requested", "claim")

SHOWN = {
    **{f"popup-{state}.png": Picture(state) for state in STATES},
    **{f"popup-{state}-dark.png": Picture(state, scheme="dark") for state in DARK},
    **{f"popup-{state}-375.png": Picture(state, size=PHONE) for state in SMALL},
    **{f"popup-{state}-200.png": Picture(state, size=ZOOMED, scale=2) for state in SMALL},
    **{f"popup-{state}-{tag}.png": Picture(state, tag) for state in IN_OTHER_LANGUAGES for tag in TAGS if tag != "en"},
    "popup-failed-store-de.png": Picture("failed-store", "de"),
}
"""Pictures by name."""


def digests() -> dict[str, str]:
    """What the pictures would be of now."""
    return {name: hashlib.sha256(picture.page.encode()).hexdigest() for name, picture in SHOWN.items()}


def take(browser: Browser, picture: Picture, path: Path) -> None:
    """Without its script, the page stays as it is. A picture at 200 % is of the whole page, which scrolls there."""
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=picture.scale,
        color_scheme=picture.scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        java_script_enabled=False,
    )
    page = context.new_page()
    page.set_content(picture.page.replace("http-equiv", "data-http-equiv"))
    page.screenshot(path=path, full_page=picture.size != POPUP)
    context.close()


def main() -> None:
    """Take them all, and leave none that is of nothing."""
    for old in IMAGES.glob("popup-*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for name, picture in SHOWN.items():
            take(browser, picture, IMAGES / name)
        browser.close()
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")


if __name__ == "__main__":
    main()
