"""Draws the pictures in docs/studio: python -m tests.studio_pictures [ADDRESS].

ADDRESS is that of a service, with live sessions and a model that continues; by default
http://127.0.0.1:8000.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.music import write_chorale
from tests.studio import CHORALE, CHROMIUM, Studio, visiting

FOLDER = Path(__file__).parent.parent / "docs" / "studio"
WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
COLOURS = 128


def main(address: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            with visiting(browser, address, color_scheme=scheme, **WIDE) as studio:
                arranged(studio, scheme)
        with visiting(browser, address, color_scheme="dark", **WIDE) as studio:
            corrected_and_continued(studio)
        with visiting(browser, address, **WIDE) as studio:
            measured(studio)
        with visiting(browser, address, **WIDE) as studio:
            engraved(studio)
        with visiting(browser, address, color_scheme="dark", **WIDE) as studio:
            played(studio)
        with visiting(browser, address, **PHONE) as studio:
            on_a_phone(studio)
        browser.close()


def arranged(studio: Studio, scheme: str) -> None:
    studio.open().page.get_by_role("button", name="Alice Tegnér").wait_for()
    keep(studio, f"welcome-{scheme}")
    studio.page.get_by_role("button", name="Alice Tegnér").click()
    studio.roll.wait_for()
    studio.button("Source above").click()
    studio.button("Zoom out").click()
    studio.choose_notes(1)
    keep(studio, f"arranged-{scheme}")


def corrected_and_continued(studio: Studio) -> None:
    studio.open().page.get_by_role("button", name="Joseph Haydn").click()
    studio.roll.wait_for()
    studio.page.get_by_role("radio", name="By part").check()
    studio.choose_notes(6)
    studio.page.keyboard.press("3")
    settled(studio)
    studio.button("Alternatives").click()
    studio.page.get_by_role("radio", name="Alternative B").wait_for()
    keep(studio, "corrected")
    studio.page.get_by_role("radio", name="Together").check()
    studio.button("Go on from here").click()
    studio.button("Keep and arrange").wait_for(timeout=120_000)
    keep(studio, "continued")


def measured(studio: Studio) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = write_chorale(Path(folder) / "made.mid", beats=48).read_bytes()
    studio.open().bring(name="four-wandering-voices.mid", content=made)
    studio.button("Hide the parts and measure").click()
    studio.button("Back to the arrangement").wait_for()
    keep(studio, "measured")


def engraved(studio: Studio) -> None:
    studio.open().bring(name=CHORALE.name, content=CHORALE.read_bytes())
    studio.roll.wait_for()
    studio.button("Score").click()
    studio.page.locator(".score-paper svg").first.wait_for(timeout=120_000)
    studio.page.get_by_label("Seek").fill("6.4")
    keep(studio, "score")


def played(studio: Studio) -> None:
    studio.open().button("Live").click()
    studio.button("Begin").click()
    studio.button("End and keep the recording").wait_for()
    keyboard = studio.page.keyboard
    keyboard.press("z")
    for chord in ("adgk", "sfhl", "dgkp", "adhk"):
        for key in chord:
            keyboard.down(key)
            studio.page.wait_for_timeout(220)
        if chord != "adhk":
            for key in chord:
                keyboard.up(key)
    keep(studio, "live")


def on_a_phone(studio: Studio) -> None:
    studio.open().page.get_by_role("button", name="Alice Tegnér").click()
    studio.roll.wait_for()
    area = studio.roll.bounding_box()
    assert area is not None
    for y in range(30, int(area["height"]), 8):
        if studio.button("Lock").is_visible():
            break
        studio.page.touchscreen.tap(area["x"] + 60, area["y"] + y)
    keep(studio, "phone")


def settled(studio: Studio) -> None:
    studio.page.wait_for_timeout(300)
    while studio.busy.text_content():
        studio.page.wait_for_timeout(100)


def keep(studio: Studio, name: str) -> None:
    """A picture of what is seen, with few colours, so that it is small."""
    studio.page.wait_for_timeout(500)
    with Image.open(io.BytesIO(studio.page.screenshot())) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
