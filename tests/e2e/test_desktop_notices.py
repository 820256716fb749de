"""Notices of the desktop: switched on by a button, shown once over several tabs when a job ends."""

import sys
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.driving import Studio, settle
from tianji_core import jobs, notices

RECORDS = """(() => {
    window.shown = [];
    window.Notification = class {
        static permission = localStorage.getItem("allowed") ?? "default";
        static async requestPermission() {
            localStorage.setItem("allowed", "granted");
            return (window.Notification.permission = "granted");
        }
        constructor(title, options) { window.shown.push([title, options?.tag ?? ""]); }
        close() {}
    };
})()"""
"""The browser's own window for notices cannot be looked at, so this stands in its place."""
WAITS = "import sys, time, pathlib\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)"


def shown(*pages: Page) -> list[list[str]]:
    return [entry for page in pages for entry in page.evaluate("window.shown")]


def test_a_job_that_ends_is_shown_once_over_two_tabs(
    shared: Studio, context: BrowserContext, tmp_path: Path
) -> None:
    context.add_init_script(RECORDS)
    first = context.new_page()
    first.goto(f"{shared.url}/settings")
    settle(first)
    first.locator(".st-key-settings_notices summary").click()
    switch = first.locator(".desktop-switch button")
    switch.click()
    expect(switch).to_have_text("不再弹出")
    assert [title for title, _tag in shown(first)] == ["天机工坊：通知能弹出来"]
    second = context.new_page()
    second.goto(f"{shared.url}/jobs")
    space, gate = shared.workspace, tmp_path / "gate"
    job = jobs.start(space, "edit", "等一个文件", [sys.executable, "-c", WAITS, str(gate)])
    notices.save_afterwards(space, job.id, notices.Afterwards(notify=True))
    for page in (first, second):
        expect(page.locator(f".st-key-strip_{job.id}")).to_be_visible()
    gate.touch()
    for page in (first, second):
        page.wait_for_function(
            "id => window.studioDesktop?.seen.some(key => key.includes(`-${id}-`))", arg=job.id
        )
    titles = [title for title, tag in shown(first, second) if f"-{job.id}-" in tag]
    assert len(titles) == 1 and "等一个文件" in titles[0] and "已完成" in titles[0]
    later = tmp_path / "later"
    other = jobs.start(space, "edit", "等另一个文件", [sys.executable, "-c", WAITS, str(later)])
    for page in (first, second):  # the strip is drawn again in both tabs, when it comes and when it goes
        expect(page.locator(f".st-key-strip_{other.id}")).to_be_visible()
    later.touch()
    for page in (first, second):
        expect(page.locator(f".st-key-strip_{other.id}")).to_have_count(0)
    again = [title for title, tag in shown(first, second) if f"-{job.id}-" in tag]
    assert again == titles, "what was shown is not shown again"
