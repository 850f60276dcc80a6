"""`make screenshots`: pictures of every state of the merchant's page, into docs/images/.

Beside them lies a digest of the page that each was taken of, so that a changed page asks for new ones.
"""

import hashlib
import json

from playwright.sync_api import sync_playwright

from local.template import ROOT
from storelink.popup.languages import LANGUAGES
from tests.browser.conftest import QUIET, chromium
from tests.browser.states import STATES

IMAGES = ROOT / "docs" / "images"
DIGESTS = IMAGES / "popup.json"

DARK = ("requested", "failed-store")
"""States that are shown dark, too."""

SHOWN = {
    **{f"popup-{name}.png": ("light", "en", name) for name in STATES},
    **{f"popup-{name}-dark.png": ("dark", "en", name) for name in DARK},
    **{f"popup-failed-{tag}.png": ("light", tag, "failed") for tag in LANGUAGES if tag != "en"},
}
"""Pictures by name: colour scheme, language, state."""


def page(picture: str) -> str:
    """What a picture shows, in HTML."""
    _, tag, state = SHOWN[picture]
    return STATES[state].page(LANGUAGES[tag])


def digests() -> dict[str, str]:
    """What the pictures would be of now."""
    return {picture: hashlib.sha256(page(picture).encode()).hexdigest() for picture in SHOWN}


def main() -> None:
    """Take them all, and leave none that is of nothing."""
    for old in IMAGES.glob("popup-*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for picture, (scheme, _, _) in SHOWN.items():
            # Without its script, the page stays as it is.
            context = browser.new_context(
                viewport={"width": 680, "height": 510},
                color_scheme=scheme,  # type: ignore[arg-type]
                reduced_motion="reduce",
                java_script_enabled=False,
            )
            shown = context.new_page()
            shown.set_content(page(picture).replace("http-equiv", "data-http-equiv"))
            shown.screenshot(path=IMAGES / picture)
            context.close()
        browser.close()
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")


if __name__ == "__main__":
    main()
