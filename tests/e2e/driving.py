"""Driving a real studio server and the pages in a browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page, expect

from tianji_core import jobs
from tianji_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[2]
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
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
    window.acted = 0; window.ran = 0;
    for (const kind of ["pointerdown", "keydown", "change"])
        window.addEventListener(kind, () => { window.acted = performance.now(); }, true);
    new MutationObserver(() => { window.ran = performance.now(); })
        .observe(document, {subtree: true, attributes: true, attributeFilter: ["data-test-script-state"]});
})()"""
"""Notes when the person last did something, and when the page's script last began or ended to run."""
ANSWERED = "() => !window.acted || window.ran >= window.acted || performance.now() - window.acted > 3000"
"""The script has run since: a loaded machine may need a while. Not everything one does makes it run."""
expect.set_options(timeout=30_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
            self._process.wait(30)
            self._process = None

    def end_jobs(self) -> None:
        for job in jobs.listed(self.workspace, active=True):
            jobs.stop(self.workspace, job.id)
        for job in jobs.listed(self.workspace, active=True):
            jobs.wait(self.workspace, job.id, timeout=60)


def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s: {condition}"
        time.sleep(0.25)


def settle(page: Page) -> None:
    """Wait until the page has drawn what it was asked for, and it is no error."""
    page.wait_for_timeout(300)
    page.wait_for_function(ANSWERED)
    page.wait_for_selector(SETTLED, timeout=90_000)
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
