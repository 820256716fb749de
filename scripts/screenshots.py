"""Makes the pictures of the guide (docs/guide) in headless Chromium, and from them the tour of the READMEs.

Run with ``scripts/screenshots DIR``, where DIR is a workspace that ``tianji demo`` has filled, or the one of
``tianji demo --explore``; it is copied, and stays as it is.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.e2e.driving import Studio, settle
from tianji_core.i18n import _, set_language
from tianji_core.store import training
from tianji_core.store.samples import ACCEPTED, STATE_TITLES

ROOT = Path(__file__).resolve().parents[1]
SIZE: ViewportSize = {"width": 1280, "height": 720}
COLOURS = 112
"""Enough for the pages' few colours, in a third of the bytes."""
GUIDE = [
    *("home", "lists", "heatmap", "generate", "review", "dataset"),
    *("train", "models", "chat", "compare", "jobs", "settings"),
]
TOUR = ("lists", "heatmap", "generate", "review", "dataset", "train", "chat", "compare", "home")
"""The pages of the tour, in the order of the work."""
TOUR_WIDTH, TOUR_SECONDS = 960, 2


def address(studio: Studio, name: str) -> str:
    """Returns what a page is shown with, where its first view says little: the newest training, and what was
    accepted."""
    if name == "train":
        return f"train?run={training.listed(studio.workspace.engine, limit=1)[0].id}"
    return {"home": "", "review": f"review?state={_(STATE_TITLES[ACCEPTED])}"}.get(name, name)


def picture(page: Page, studio: Studio, name: str, target: Path) -> None:
    """Opens a page and writes its picture."""
    page.goto(f"{studio.url}/{address(studio, name)}")
    settle(page)
    page.wait_for_timeout(1500)  # charts move in
    page.screenshot(path=target)
    image = Image.open(target).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def tour(folder: Path) -> None:
    """Writes ``tour.webp``, an animation of the pictures in a folder."""
    frames = []
    for name in TOUR:
        image = Image.open(folder / f"{name}.png").convert("RGB")
        size = TOUR_WIDTH, round(image.height * TOUR_WIDTH / image.width)
        frames.append(image.resize(size, Image.Resampling.LANCZOS))
    frames[0].save(
        folder / "tour.webp",
        save_all=True,
        append_images=frames[1:],
        duration=TOUR_SECONDS * 1000,
        loop=0,
        quality=80,
        method=6,
    )


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
                tour(ROOT / "docs" / "guide" / language)
        finally:
            studio.end_jobs()
            studio.stop()


if __name__ == "__main__":
    main()
