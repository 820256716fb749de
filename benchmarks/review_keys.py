"""Measures a review by keyboard over 100,000 samples in Chromium: milliseconds from a key press to the
next sample on screen, and bytes sent for it. Baseline: a plain Streamlit page that holds all samples in
one table.

Run with ``python benchmarks/review_keys.py``; needs Debian's chromium and playwright. Filling a workspace
takes minutes; ``--workspace DIR`` keeps it for the next run. The keys accept, next, reject, undo and next,
rate and next are pressed in turn; a press ends when the browser has painted the number of another sample.
The baseline loads all rows, shows them in a table beside the current one, and reruns its whole script for
each press. Bars: p95 150 ms, 200 KB for opening the page and for the largest step. The last line is one
JSON object.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, WebSocket, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.review_latency import fill  # noqa: E402
from tianji_core import cleaning  # noqa: E402
from tianji_core.store import samples  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BARS = {"key_p95_ms": 150.0, "page_kb": 200.0, "step_kb": 200.0}
KEYS = ("a", "n", "x", "zn", "3n")
"""What is pressed in turn; the last key of each brings another sample."""
BASELINE = """
import sqlite3
import streamlit as st

@st.cache_data
def rows(path):
    query = "SELECT id, name, scene, style, output, state FROM samples ORDER BY id"
    found = sqlite3.connect(path).execute(query)
    return [dict(zip(("id", "name", "scene", "style", "output", "state"), row)) for row in found]

st.set_page_config(layout="wide")
data = rows({path!r})
place = st.session_state.setdefault("place", 0)
st.markdown(f"#{{data[place]['id']}}")
st.markdown(data[place]["output"])
def on():
    data[st.session_state["place"]]["state"] = "accepted"
    st.session_state["place"] += 1
st.button("next", key="accept", shortcut="a", on_click=on)
data[place]["state"] = "seen"
st.dataframe(data)
"""
NUMBER = "document.querySelector('[data-testid=stMain]')?.innerText.match(/#(\\d+)/)?.[1]"

DRAWN = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextmanager
def server(command: list[str], home: Path) -> Iterator[str]:
    """Runs a Streamlit server for the length of the block; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "TIANJI_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _try in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


class Meter:
    """Counts the bytes that a page's websocket receives."""

    def __init__(self, page: Page) -> None:
        self.received = 0
        page.on("websocket", self._follow)

    def _follow(self, socket_: WebSocket) -> None:
        socket_.on("framereceived", self._add)

    def _add(self, payload: str | bytes) -> None:
        self.received += len(payload)

    def take(self) -> int:
        """Returns the bytes received since the last call."""
        received, self.received = self.received, 0
        return received


def pressed(page: Page, key: str) -> float:
    """Returns the milliseconds until the number of another sample is painted."""
    before = page.evaluate(NUMBER)
    start = time.perf_counter()
    page.keyboard.press(key)
    page.wait_for_function(
        f"before => {{ const now = {NUMBER}; return now && now !== before }}", arg=before, polling="raf"
    )
    return 1000 * (time.perf_counter() - start)


def measure(
    page: Page, address: str, keys: tuple[str, ...], presses: int
) -> tuple[int, list[float], list[int]]:
    """Returns (bytes of opening, milliseconds per press, bytes per press)."""
    meter = Meter(page)
    page.goto(address)
    page.locator(".st-key-accept button").wait_for(timeout=300_000)
    page.wait_for_timeout(3000)
    page.locator(DRAWN).wait_for(timeout=300_000)
    opening = meter.take()
    times, sizes = [], []
    for number in range(presses + 3):
        turn = keys[number % len(keys)]
        for other in turn[:-1]:
            page.keyboard.press(other)
            page.wait_for_timeout(700)
        meter.take()
        took = pressed(page, turn[-1])
        page.wait_for_timeout(500)  # a person reads; what is still being sent belongs to this step
        page.locator(DRAWN).wait_for(timeout=300_000)
        if number >= 3:  # the first ones warm up the server
            times.append(took)
            sizes.append(meter.take())
    return opening, times, sizes


def p95(values: list[float]) -> float:
    """Returns the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> int:
    """Prints the figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--workspace", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = arguments.workspace or Path(folder) / "workspace"
        workspace = open_workspace(home)
        if not samples.total(workspace.engine):
            fill(workspace, arguments.samples)
            cleaning.check_new(workspace, "wishes")
        number = samples.total(workspace.engine)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        with server([sys.executable, "-m", "pages.launch"], home) as address:
            page = browser.new_page(locale="zh-CN", viewport={"width": 1440, "height": 900})
            opening, times, sizes = measure(page, f"{address}/review", KEYS, arguments.presses)
        print(
            f"{number:,} samples: page {opening / 1000:.0f} KB, {len(times)} presses, "
            f"median {statistics.median(times):.0f} ms, p95 {p95(times):.0f} ms, "
            f"largest step {max(sizes) / 1000:.0f} KB"
        )
        script = Path(folder) / "all_rows.py"
        script.write_text(BASELINE.format(path=str(home / "studio.db")), encoding="utf-8")
        plain = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
        with server(plain, home) as address:
            page = browser.new_page(locale="zh-CN", viewport={"width": 1440, "height": 900})
            slow_page, slow, slow_sizes = measure(page, address, ("a",), 8)
        print(
            f"all rows in one table: page {slow_page / 1000:,.0f} KB, "
            f"median {statistics.median(slow):.0f} ms, "
            f"largest step {max(slow_sizes) / 1000:,.0f} KB"
        )
        browser.close()
    figures = {
        "samples": number,
        "presses": len(times),
        "key_median_ms": round(statistics.median(times)),
        "key_p95_ms": round(p95(times)),
        "page_kb": round(opening / 1000),
        "step_kb": round(max(sizes) / 1000),
    }
    result = {
        "benchmark": "review_keys",
        "figures": figures,
        "baseline": {"key_median_ms": round(statistics.median(slow)), "page_kb": round(slow_page / 1000)},
        "ratio": round(statistics.median(slow) / statistics.median(times), 1),
        "bar": BARS,
        "pass": all(figures[name] <= bar for name, bar in BARS.items()),
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
