"""`make screenshots`: pictures of every state of the merchant's page and of the console, into docs/images/.

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
from tests.browser.console import Rows, console
from tests.browser.states import STATES
from tests.stacks import serving

IMAGES = ROOT / "docs" / "images"
DIGESTS = IMAGES / "popup.json"
CONSOLE_FILES = ROOT / "cli" / "storelink_cli" / "console"

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


DESK = (1280, 900)
_MASK = "(fields) => fields.forEach((one) => { one.value = `https://api.example/i/…/${one.id.split('_')[0]}`; })"
"""Takes an invitation's code out of the picture."""
CONSOLE_DIGESTS = IMAGES / "console.json"


@dataclass(frozen=True)
class ConsolePicture:
    """A page of the console as it is pictured, as a whole. press: the button that is pressed first."""

    path: str
    scheme: str = "light"
    size: tuple[int, int] = DESK
    press: str = ""


CONSOLE = {
    "console-overview.png": ConsolePicture("/"),
    "console-overview-dark.png": ConsolePicture("/", "dark"),
    "console-stores.png": ConsolePicture("/stores"),
    "console-store.png": ConsolePicture("STORE"),
    "console-activation.png": ConsolePicture("ACTIVATION"),
    "console-activation-dark-375.png": ConsolePicture("ACTIVATION", "dark", PHONE),
    "console-doctor.png": ConsolePicture("STORE", press="Doctor"),
    "console-search.png": ConsolePicture("/search?q=reauthorize"),
    "console-invitations.png": ConsolePicture("/invitations?tenant=acme", press="Invite"),
}
"""Pictures of the console by name."""


def console_digests() -> dict[str, str]:
    """What the console's pictures would be of now: its templates and its style."""
    files = [file for name in ("templates", "static") for file in sorted((CONSOLE_FILES / name).iterdir())]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return dict.fromkeys(CONSOLE, digest)


def take_console(browser: Browser) -> None:
    """Take the console's pictures, of a stack with 60 stores."""
    with serving(STORELINK_EMULATOR="plain") as stack:
        rows = Rows(stack.aws)
        rows.many(60, 400)
        rows.metrics()
        paths = {"ACTIVATION": f"/activations/{rows.troubled_activation()}", "STORE": rows.changed_store()}
        with console(stack.aws) as entry:
            page = browser.new_page()
            page.set_default_timeout(120_000)
            page.goto(entry)
            for name, picture in CONSOLE.items():
                width, height = picture.size
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=picture.scheme)  # type: ignore[arg-type]
                page.goto(entry.partition("/enter")[0] + paths.get(picture.path, picture.path))
                if picture.press:
                    page.get_by_role("button", name=picture.press).click()
                    page.wait_for_load_state()
                    page.locator(".copied input").evaluate_all(_MASK)
                for frame in page.locator("iframe").all():
                    frame.scroll_into_view_if_needed()  # a browser paints no frame that was never in the window
                page.screenshot(path=IMAGES / name, full_page=True)


def main() -> None:
    """Take them all, and leave none that is of nothing."""
    for old in (*IMAGES.glob("popup-*.png"), *IMAGES.glob("console-*.png")):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for name, picture in SHOWN.items():
            take(browser, picture, IMAGES / name)
        take_console(browser)
        browser.close()
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")
    CONSOLE_DIGESTS.write_text(json.dumps(console_digests(), indent=2) + "\n")


if __name__ == "__main__":
    main()
