"""Driving a real studio server and the pages in a browser."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.processes import free_port
from tianji_core import jobs
from tianji_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[2]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
LOADED = "() => !document.querySelector('[data-testid=stSkeleton]')"
"""No part of the page waits for the script that draws it."""
FAULT = ".st-key-fault, [data-testid=stException]"
"""What a page shows where the studio itself is at fault."""
NOTHING_TWICE = """() => {
    const fields = [...document.querySelectorAll('.stNumberInput, .stTextInput, .stTextArea')]
        .map(field => field.closest('[class*="st-key-"]')).filter(field => field);
    const keys = fields.map(field => [...field.classList].find(name => name.startsWith("st-key-")));
    return new Set(keys).size === keys.length;
}"""
"""While a page is drawn anew, a field that has moved stands there twice: where it was and where it is."""
WATCH = """(() => {
    window.acted = 0; window.asked = 0; window.ran = 0;
    for (const kind of ["pointerdown", "pointerup", "click", "keydown", "change", "focusout"])
        window.addEventListener(kind, event => {
            if (event.isTrusted || kind !== "click") window.acted = performance.now();
        }, true);
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (...message) {
        if (window.acted && performance.now() - window.acted < 1500) window.asked = performance.now();
        return send.apply(this, message);
    };
    new MutationObserver(() => { window.ran = performance.now(); })
        .observe(document, {subtree: true, attributes: true, attributeFilter: ["data-test-script-state"]});
})()"""
"""Notes when the person last did something, when the page asked the server for what follows from it, and when
the page's script last began or ended to run."""
ANSWERED = """() => {
    const since = performance.now() - window.acted;
    const asked = window.asked >= window.acted || since > 1500;
    return !window.acted || asked && window.ran >= window.asked || since > 25000;
}"""
"""What the person did is done: the server was asked and has begun to answer, however long that takes it, or
nothing was asked, as by opening what is folded."""
TAKES_CLICKS = """key => {
    const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    return plot && plot.querySelector(".scatterlayer .point") && plot._ev?._events?.plotly_selected;
}"""
expect.set_options(timeout=60_000)


class Studio:
    """A studio server on a free port that can be stopped and started again on the same workspace."""

    def __init__(
        self, home: Path, program: Sequence[str] = (sys.executable, "-m", "tianji_core"), cwd: Path = ROOT
    ) -> None:
        self.home = home
        self.program = program
        self.cwd = cwd
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.home)

    def start(self) -> None:
        command = [*self.program, "studio", "--port", str(self.port), "--workspace", str(self.home)]
        with (self.home.parent / "studio.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.cwd, stdout=log, stderr=log, env=dict(os.environ)
            )
        until(self._healthy, 120)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def end_jobs(self) -> None:
        end_jobs(self.workspace)


def end_jobs(space: Workspace) -> None:
    """Stop every job of a workspace and wait until they have ended."""
    for job in jobs.listed(space, active=True):
        jobs.stop(space, job.id)
    for job in jobs.listed(space, active=True):
        jobs.wait(space, job.id, timeout=60)


def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s: {condition}"
        time.sleep(0.25)


def settle(page: Page) -> None:
    """Wait until the page has drawn what it was asked for, and it is no error."""
    for pause in (100, 150):  # a part that draws itself anew may end in between
        page.wait_for_timeout(pause)
        page.wait_for_function(ANSWERED)
        page.wait_for_selector(SETTLED, timeout=90_000)
    page.wait_for_function(LOADED, timeout=90_000)
    page.wait_for_function(NOTHING_TWICE)
    expect(page.locator(FAULT)).to_have_count(0)


def visit(page: Page, studio: Studio, path: str) -> None:
    """Open a page of the studio by its address."""
    page.goto(f"{studio.url}/{path}")
    settle(page)


def press(page: Page, key: str) -> None:
    """Click the button with the Streamlit key ``key``."""
    page.locator(f".st-key-{key} button").first.click()
    settle(page)


def choose(page: Page, key: str, *options: str) -> None:
    """Add options to the multiselect with the Streamlit key ``key``, those that are not chosen yet."""
    for option in options:
        field = page.locator(f".st-key-{key}")
        field.locator("input").wait_for()  # what is chosen comes with it
        if field.get_by_text(option, exact=False).count():
            continue
        field.locator("input").click()
        page.get_by_role("option", name=option).first.click()
        page.keyboard.press("Escape")
        settle(page)


def downloaded(page: Page, key: str) -> str:
    """The text that the download button with the Streamlit key ``key`` gives. A browser gives up a download
    whose button is drawn anew in that moment."""
    for _try in range(3):
        settle(page)
        with page.expect_download() as file:
            page.locator(f".st-key-{key} button").click()
        if file.value.failure() is None:
            return Path(file.value.path()).read_text("utf-8")
    raise AssertionError(f"no download of {key}: {file.value.failure()}")


def unfold(page: Page, folded: str) -> None:
    """Open everything that is folded: ``folded`` selects the heads to click."""
    page.evaluate("folded => document.querySelectorAll(folded).forEach(head => head.click())", folded)
    settle(page)


def map_drawn(page: Page, key: str) -> Locator:
    """Wait until the map with the Streamlit key ``key`` takes clicks, and return the layers of its marks."""
    page.wait_for_function(TAKES_CLICKS, arg=key)
    settle(page)
    return page.locator(f".st-key-{key} .scatterlayer .trace")


def middle(mark: Locator) -> tuple[float, float]:
    """Where the middle of a mark is in the window."""
    box = mark.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def first_name_typed(page: Page, name: str) -> bool:
    """Write over the first row of the names; whether the table has taken it, which is drawn on a canvas."""
    shown = page.get_by_test_id("stDataFrame").first
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")  # not under the page's head
    page.wait_for_timeout(200)
    table = shown.bounding_box()
    assert table is not None
    page.mouse.dblclick(table["x"] + 340, table["y"] + 52)  # the name in the first row
    page.wait_for_timeout(300)
    page.keyboard.press("Control+A")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_timeout(700)
    settle(page)
    return page.locator(".st-key-save_names button").is_enabled()
