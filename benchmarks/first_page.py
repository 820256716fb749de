"""Measures the seconds from a started server to the first page on screen in Chromium, against the same app
with torch and transformers imported first.

Run with ``python benchmarks/first_page.py``; needs Debian's chromium and playwright. The last line is one
JSON object.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SECONDS_AT_MOST = 3.0
HEAVY = (
    "import torch, transformers\nexec(compile(open('app.py', encoding='utf-8').read(), 'app.py', 'exec'))\n"
)


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(page: Page, command: list[str], home: Path) -> tuple[float, float]:
    """Returns (seconds from launch to a healthy server, seconds from there to the drawn home page)."""
    port = free_port()
    environment = {**os.environ, "TIANJI_HOME": str(home), "PYTHONPATH": str(ROOT)}
    started = time.monotonic()
    server = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        healthy = time.monotonic()
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_text("9 对比").wait_for(timeout=120_000)
        return healthy - started, time.monotonic() - healthy
    finally:
        server.terminate()
        server.wait(30)


def main() -> int:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_page(locale="zh-CN")
        heavy = ROOT / ".first_page_with_torch.py"
        ours = [sys.executable, "-m", "pages.launch"]
        of_heavy = f"import pathlib; from pages import launch; launch.APP = pathlib.Path({str(heavy)!r})"
        baseline = [sys.executable, "-c", f"{of_heavy}; launch.main()"]
        try:
            heavy.write_text(HEAVY, encoding="utf-8")
            measure(page, ours, Path(folder) / "warm")  # byte code and file cache are warm for both
            up, drawn = measure(page, ours, Path(folder) / "ours")
            _up, slow = measure(page, baseline, Path(folder) / "torch")
        finally:
            heavy.unlink(missing_ok=True)
        browser.close()
    result = {
        "benchmark": "first_page",
        "figures": {"first_page_seconds": round(drawn, 2), "server_up_seconds": round(up, 2)},
        "baseline": round(slow, 2),
        "ratio": round(slow / drawn, 2),
        "bar": {"first_page_seconds_at_most": SECONDS_AT_MOST},
        "pass": drawn <= SECONDS_AT_MOST,
    }
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
