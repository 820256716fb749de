"""Measures the pages over 10,000 samples in Chromium: seconds from a click on a page's link, or on a control
of a page, until everything is drawn. Baseline: a plain Streamlit page that reads all samples on each run and
shows them in a table.

Run with ``python benchmarks/page_changes.py`` on a machine that does nothing else; needs Debian's chromium
and playwright. ``--workspace DIR`` keeps the workspace for the next run. Each page and each control is
clicked several times; its figure is the median. Bars: 1 s from page to page and 0.5 s for an action, for the
slowest of them. The last line is one JSON object.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.review_keys import server  # noqa: E402
from benchmarks.review_latency import fill  # noqa: E402
from tianji_core import cleaning  # noqa: E402
from tianji_core.store import samples  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BARS = {"page_seconds": 1.0, "action_seconds": 0.5}
PAGES = {
    "lists": "列表",
    "heatmap": "适配度",
    "generate": "造数",
    "review": "审核",
    "dataset": "数据集",
    "train": "训练",
    "models": "模型",
    "chat": "对话",
    "compare": "对比",
    "jobs": "任务",
    "settings": "设置",
    "": "天机工坊",
}
ACTIONS = {
    "lists": ("场景", "风格", "称谓"),
    "heatmap": ("样本覆盖", "适配度"),
    "generate": ("白话", "文艺"),
    "review": ("采用", "待审"),
    "dataset": ("版本", "导入", "冻结"),
    "compare": ("盲评", "新的对比"),
}
"""Controls of a page that are clicked in turn, by their text; the last one leads back to where it began."""
COUNT_RUNS = """(() => {
    window.runs = 0;
    new MutationObserver(changes => {
        for (const change of changes)
            if (change.target.getAttribute("data-test-script-state") === "notRunning") window.runs += 1;
    }).observe(document, {subtree: true, attributes: true, attributeFilter: ["data-test-script-state"]});
})()"""
DRAWN = """([before, title]) => window.runs > before
    && document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"
    && (!title || document.querySelector("h1")?.innerText.trim() === title)"""
BASELINE = """
import sqlite3
import streamlit as st

st.set_page_config(layout="wide")
query = "SELECT id, name, scene, style, output, state FROM samples ORDER BY id"
rows = sqlite3.connect({path!r}).execute(query).fetchall()
st.title("all")
state = st.segmented_control("state", ["pending", "accepted"], default="pending")
st.dataframe([dict(zip(("id", "name", "scene", "style", "output", "state"), row)) for row in rows])
"""


def timed(page: Page, click: Callable[[], None], title: str = "") -> float:
    """Returns the seconds from ``click`` until the script has run and the page with ``title`` is drawn."""
    before = page.evaluate("window.runs")
    start = time.perf_counter()
    click()
    page.wait_for_function(DRAWN, arg=[before, title], polling="raf")
    took = time.perf_counter() - start
    page.wait_for_timeout(400)  # a person looks; what still runs belongs to no other click
    return took


def open_page(page: Page, address: str, title: str) -> None:
    """Opens an address and waits until it is drawn."""
    page.goto(address)
    page.wait_for_function(DRAWN, arg=[-1, title], timeout=120_000)
    page.wait_for_timeout(1000)


def page_times(page: Page, address: str, rounds: int) -> dict[str, float]:
    """Returns the median seconds of a click on the link of each page."""
    open_page(page, address, PAGES[""])
    times: dict[str, list[float]] = {name: [] for name in PAGES}
    for turn in range(rounds + 1):
        for name, title in PAGES.items():
            link = page.locator(f'[data-testid="stSidebarNavLink"][href$="/{name}"]').first
            took = timed(page, link.click, title)
            if turn:  # the first round warms up the server
                times[name].append(took)
    return {name or "home": statistics.median(each) for name, each in times.items()}


def action_times(page: Page, address: str, rounds: int) -> dict[str, float]:
    """Returns the median seconds of a click on each control."""
    found: dict[str, float] = {}
    for name, texts in ACTIONS.items():
        open_page(page, f"{address}/{name}", PAGES[name])
        times: dict[str, list[float]] = {text: [] for text in texts}
        for turn in range(rounds + 1):
            for text in texts:
                group = page.locator('[data-testid="stMain"] [data-testid="stButtonGroup"] button')
                took = timed(page, group.filter(has_text=text).first.click)
                if turn:
                    times[text].append(took)
        found |= {f"{name} {text}": statistics.median(each) for text, each in times.items()}
    return found


def slowest(times: dict[str, float]) -> float:
    """Prints the times, the longest first, and returns the longest."""
    for name, seconds in sorted(times.items(), key=lambda each: -each[1]):
        print(f"  {seconds:6.2f} s  {name}")
    return round(max(times.values()), 2)


def main() -> int:
    """Prints the figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workspace", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = arguments.workspace or Path(folder) / "workspace"
        workspace = open_workspace(home)
        if not samples.total(workspace.engine):
            fill(workspace, arguments.samples)
            cleaning.check_new(workspace, "wishes")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(locale="zh-CN", viewport={"width": 1440, "height": 900})
        page.add_init_script(COUNT_RUNS)
        with server([sys.executable, "-m", "pages.launch"], home) as address:
            print("page to page:")
            pages = slowest(page_times(page, address, arguments.rounds))
            print("action to drawn:")
            actions = slowest(action_times(page, address, arguments.rounds))
        script = Path(folder) / "all_rows.py"
        script.write_text(BASELINE.format(path=str(home / "studio.db")), encoding="utf-8")
        plain = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
        with server(plain, home) as address:
            open_page(page, address, "all")
            group = page.locator('[data-testid="stButtonGroup"] button')
            clicks = [timed(page, group.nth((turn + 1) % 2).click) for turn in range(arguments.rounds + 1)]
        browser.close()
        count = samples.total(workspace.engine)
        workspace.engine.dispose()
    slow = round(statistics.median(clicks[1:]), 2)
    result = {
        "benchmark": "page_changes",
        "figures": {
            "samples": count,
            "page_seconds": pages,
            "action_seconds": actions,
        },
        "baseline": {"action_seconds": slow},
        "ratio": round(slow / actions, 2),
        "bar": BARS,
        "pass": pages <= BARS["page_seconds"] and actions <= BARS["action_seconds"],
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
