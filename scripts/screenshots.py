"""Makes the pictures of the guide (docs/guide), which the READMEs show too, in headless Chromium.

Run with ``scripts/screenshots DIR``, where DIR is a workspace that ``tianji demo`` has filled; it is copied,
and stays as it is.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.e2e.driving import Studio, settle
from tianji_core.i18n import _, set_language
from tianji_core.store.samples import ACCEPTED, STATE_TITLES

ROOT = Path(__file__).resolve().parents[1]
SIZE: ViewportSize = {"width": 1280, "height": 720}
COLOURS = 128
"""Enough for the pages' few colours, in a third of the bytes."""
GUIDE = [
    *("home", "lists", "heatmap", "generate", "review", "dataset"),
    *("train", "models", "chat", "compare", "jobs", "settings"),
]
ADDRESSES = {"home": "", "train": "train?run=1"}
"""What a page is shown with, where its first view says little."""


def picture(page: Page, studio: Studio, name: str, target: Path) -> None:
    """Opens a page and writes its picture."""
    accepted = f"review?state={_(STATE_TITLES[ACCEPTED])}"
    address = accepted if name == "review" else ADDRESSES.get(name, name)
    page.goto(f"{studio.url}/{address}")
    settle(page)
    page.wait_for_timeout(1500)  # charts move in
    page.screenshot(path=target)
    image = Image.open(target).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        home = Path(folder) / "workspace"
        shutil.copytree(sys.argv[1], home, symlinks=True)
        studio = Studio(home)
        studio.start()
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            for language in ("zh", "en"):
                set_language(language)
                settings = studio.workspace.settings()
                studio.workspace.save_settings(settings.model_copy(update={"language": language}))
                page = browser.new_page(viewport=SIZE, locale="zh-CN", color_scheme="light")
                for name in GUIDE:
                    picture(page, studio, name, ROOT / "docs" / "guide" / language / f"{name}.png")
                page.close()
        finally:
            studio.end_jobs()
            studio.stop()


if __name__ == "__main__":
    main()
