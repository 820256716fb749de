"""Comparing in a browser: twelve cells, blind votes by keys, scores."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, choose, press, settle, until, visit
from tests.serving.conftest import Folders, folders  # noqa: F401
from tianji_core import models, serving
from tianji_core.serving.board import board_keys, load_board
from tianji_core.store import votes


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for the journeys of this file."""
    studio = Studio(tmp_path_factory.mktemp("compare") / "workspace")
    studio.start()
    yield studio
    studio.end_jobs()
    studio.stop()


def test_twelve_cells_are_compared_judged_blind_and_scored(
    page: Page,
    opened: Studio,
    folders: Folders,  # noqa: F811
) -> None:
    """The models write nonsense, but each its own; who is better is the person's word alone."""
    space = opened.workspace
    for name, folder in (("甲模", folders.base), ("乙模", folders.merged)):
        models.register_folder(space, folder, name)
    serving.wait_ready(space, serving.start_for(space, ["甲模", "乙模"]).id, 120)
    visit(page, opened, "compare")
    choose(page, "compare_names", "大舅")
    page.locator(".st-key-compare_free textarea").fill("祝您健康")
    page.locator(".st-key-compare_free textarea").press("Control+Enter")
    settle(page)
    expect(page.locator(".st-key-compare_start button")).to_contain_text("= 12 条")
    press(page, "compare_start")
    (key,) = board_keys(space)
    until(lambda: all(cell.answered for cell in load_board(space, key).cells), 90)
    visit(page, opened, f"compare?board={key}")
    expect(page.get_by_text("这条更好")).to_have_count(12)
    page.reload()
    settle(page)
    expect(page.get_by_text("这条更好")).to_have_count(12)

    visit(page, opened, f"compare?board={key}&view=blind")
    for done in range(6):
        expect(page.get_by_text(f"已评 {done}/6 题")).to_be_visible()
        expect(page.locator(".st-key-blind_answers")).not_to_contain_text("模")
        settle(page)  # a key counts from when its button is there
        page.keyboard.press(("1", "2", "1", "0", "x", "2")[done])
    expect(page.get_by_text("这次对比都评完了")).to_be_visible()
    said = [vote.outcome for vote in votes.listed(space.engine, "wishes")]
    assert said == ["better", "better", "better", "tie", "none", "better"]
    page.keyboard.press("u")
    expect(page.get_by_text("已评 5/6 题")).to_be_visible()
    settle(page)
    page.keyboard.press("1")
    expect(page.get_by_text("这次对比都评完了")).to_be_visible()
    settle(page)
    press(page, "blind_reveal")
    expect(page.get_by_text(re.compile(r"有 \d+% 的把握说"))).to_be_visible()
    expect(page.locator(".st-key-pairs_text button")).to_contain_text("4 个偏好对")
