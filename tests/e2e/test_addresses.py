"""Pages opened by an address that carries filters, and what a fault of the studio itself looks like."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driving import ROOT, SETTLED, Studio, settle, until, visit
from tests.processes import free_port, listens

FILTERED = (
    "review?scene=生日&style=正常&state=pending",
    "chat?name=妹妹&scene=生日&style=严肃",
    "heatmap?map_row=爷爷&map_kinds=节日&map_large=true&layer=严肃",
    "lists?list=风格&style_detail=严肃",
    "jobs?kind=train",
    "dataset?part=导入",
)


@pytest.fixture
def wishes(shared: Studio) -> Iterator[Studio]:
    """The journeys' studio with the recipe they use, before and after."""
    space = shared.workspace
    settings = space.settings().model_copy(update={"recipe": "wishes"})
    space.save_settings(settings)
    yield shared
    space.save_settings(settings)


@pytest.mark.parametrize("address", FILTERED)
def test_the_recipe_is_switched_on_a_page_whose_address_carries_filters(
    page: Page, wishes: Studio, address: str
) -> None:
    space = wishes.workspace
    visit(page, wishes, address)
    chosen = page.locator(".st-key-recipe_switch input")
    expect(chosen).to_have_value("送祝福")
    chosen.click()
    page.get_by_role("option").filter(has_not_text="送祝福").first.click()
    until(lambda: space.settings().recipe != "wishes", 60)
    settle(page)
    expect(chosen).not_to_have_value("送祝福")
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert "生日" not in page.url and "%E7%94%9F%E6%97%A5" not in page.url
    chosen.click()  # what the first page held is gone, and nobody asks for it any more
    page.get_by_role("option", name="送祝福", exact=True).click()
    until(lambda: space.settings().recipe == "wishes", 60)
    settle(page)
    expect(chosen).to_have_value("送祝福")


def test_back_leads_to_the_page_as_it_was_left_and_lists_say_nothing_in_english(
    page: Page, wishes: Studio
) -> None:
    visit(page, wishes, "lists")
    page.get_by_role("radio", name="场景").click()
    settle(page)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="对比").click()
    expect(page.locator(".st-key-steps .st-key-step_here_compare")).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.get_by_role("radio", name="场景")).to_be_checked()
    settle(page)
    page.go_forward()
    expect(page.locator(".st-key-steps .st-key-step_here_compare")).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="新的对比").click()
    settle(page)
    asked = page.get_by_role("combobox", name="送给谁")
    asked.click()
    expect(page.get_by_role("option", name="全选")).to_be_visible()
    asked.fill("没有这个人")
    expect(page.get_by_role("listbox")).to_have_text("没有匹配的")


FAULTY = """
import streamlit as st

def broken():
    raise KeyError("secret of the code")

st.button("press", on_click=broken, key="press")
if st.query_params.get("broken"):
    broken()
"""
LAUNCH = """
import sys
from collections.abc import Iterator
from pathlib import Path
from pages import launch
launch.APP = Path(sys.argv.pop(1))
launch.main()
"""


def test_a_fault_of_the_studio_is_one_sentence_and_a_way_home(page: Page, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FAULTY, encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-c", LAUNCH, str(tmp_path / "app.py"), "--server.port", str(port)]
    environment = {**os.environ, "TIANJI_HOME": str(tmp_path / "workspace")}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: listens(port), 120)
        for path in ("?broken=1", ""):
            page.goto(f"http://127.0.0.1:{port}/{path}")
            page.wait_for_selector(SETTLED)
            if not path:
                page.get_by_role("button", name="press").click()
            box = page.locator(".st-key-fault")
            expect(box).to_contain_text("工坊自己出错了（KeyError）")
            expect(page.get_by_text("secret of the code")).to_have_count(0)
            expect(page.get_by_test_id("stException")).to_have_count(0)
            box.get_by_role("link", name="回到总览").click()
            page.wait_for_url(f"http://127.0.0.1:{port}/")
        assert "secret of the code" in (tmp_path / "log").read_text(encoding="utf-8")
    finally:
        server.terminate()
        server.wait(60)
