"""The whole corridor by clicking, as a person without a key and without a GPU would walk it."""

import re
from functools import partial

from playwright.sync_api import Page, expect

from tests.e2e.driving import (
    FAULT,
    Studio,
    choose,
    first_name_typed,
    map_drawn,
    middle,
    press,
    settle,
    until,
    visit,
)
from tianji_core import jobs, models
from tianji_core.drafts import changing_draft
from tianji_core.recipe import kept_cells
from tianji_core.store import datasets, recipes, samples, training
from tianji_core.store.samples import SampleFilter
from tianji_core.verbs.demo_report import DemoReport, StepResult, write_report
from tianji_core.workspace import Workspace

TASKS = 90
ANSWERS = re.compile(r"回答的是 v1 · 第 \d+ 步 · 合并模型")
COUNT_CLICKS = """window.clicks = Number(sessionStorage.clicks || 0);
window.addEventListener("click", event => {
    if (event.isTrusted && event.detail) sessionStorage.clicks = ++window.clicks;
}, true);"""
"""Counts what a person clicks in this tab, over its pages."""


def is_at(space: Workspace, revision: int) -> bool:
    """Whether the stored recipe has reached this revision."""
    return recipes.current(space.engine, "wishes").revision == revision


def clicks(page: Page) -> int:
    """The clicks since the last call."""
    count = page.evaluate("window.clicks")
    page.evaluate("sessionStorage.clicks = window.clicks = 0")
    return int(count)


def first_dataset(page: Page, studio: Studio, texts: int) -> int:
    """Make a dataset version out of an empty workspace by the button that every page offers next; returns the
    samples that it holds."""
    space = studio.workspace
    with changing_draft(space, "generate") as draft:
        draft.values["limit"] = texts  # all of them would take a test too long
    visit(page, studio, "")
    press(page, "next_step")
    press(page, "start_run")
    page.locator(".st-key-clean_freeze button").first.wait_for(timeout=90_000)
    settle(page)
    press(page, "clean_freeze")
    until(lambda: datasets.listed(space.engine, "wishes"), 120)
    expect(page.locator(".st-key-next_step")).to_contain_text("训练")
    return datasets.listed(space.engine, "wishes")[0].count


def test_from_an_edited_name_to_a_comparison(page: Page, studio: Studio) -> None:
    page.add_init_script(COUNT_CLICKS)
    space = studio.workspace
    first = first_dataset(page, studio, 30)
    assert clicks(page) <= 4 and first > 10
    earlier = samples.state_counts(space.engine, SampleFilter("wishes"))

    visit(page, studio, "lists")
    until(lambda: first_name_typed(page, "钱老师"), 180)
    press(page, "save_names")
    until(lambda: recipes.current(space.engine, "wishes").revision == 1, 60)
    recipe = recipes.current(space.engine, "wishes").recipe
    assert recipe.names[0].text == "钱老师"

    visit(page, studio, "heatmap")
    cells = len(kept_cells(recipe, recipe.threshold))
    expect(page.get_by_text(str(cells), exact=True).first).to_be_visible()
    for revision in (1, 2):  # suitable → doubtful → unsuitable
        cells_of_map = map_drawn(page, f"suitability_{revision}_cycle__False").first
        page.mouse.click(*middle(cells_of_map.locator(".point").first))
        until(partial(is_at, space, revision + 1), 120)
    recipe = recipes.current(space.engine, "wishes").recipe
    assert recipe.matrix().value("钱老师", recipe.scenes[0].text) == 0
    assert len(kept_cells(recipe, recipe.threshold)) == cells - 1

    visit(page, studio, "generate")
    limit = page.locator(".st-key-limit input")
    limit.fill(str(TASKS))
    limit.press("Enter")
    settle(page)
    press(page, "start_run")
    wanted = SampleFilter("wishes")
    until(lambda: samples.count(space.engine, wanted) == TASKS + 30, 120)
    until(lambda: not jobs.listed(space, kind="generate", active=True), 120)

    visit(page, studio, "review")
    press(page, "accept")
    until(lambda: samples.state_counts(space.engine, wanted).get("accepted") == earlier["accepted"] + 1, 60)
    press(page, "reject")
    until(lambda: samples.state_counts(space.engine, wanted).get("rejected") == 1, 60)
    press(page, "edit")
    editor = page.locator("textarea").first
    editor.fill("祝您生日快乐，平安喜乐，岁岁年年都有好光景。")
    page.wait_for_timeout(300)
    page.get_by_role("button", name=re.compile("保存")).first.click()
    settle(page)
    until(lambda: any(s.output != s.original for s in samples.page(space.engine, wanted, limit=200)), 60)
    page.locator(".st-key-view").get_by_text("批量").click()
    settle(page)
    press(page, "accept_clean")
    until(lambda: samples.state_counts(space.engine, wanted).get("accepted", 0) > first + TASKS / 2, 120)

    visit(page, studio, "dataset")
    page.locator(".st-key-version_name input").fill("v1")
    page.locator(".st-key-version_name input").press("Tab")
    settle(page)
    press(page, "freeze")
    until(lambda: datasets.find(space.engine, "v1") is not None, 120)

    visit(page, studio, "")
    clicks(page)
    press(page, "next_step")
    press(page, "train_start")
    until(lambda: training.listed(space.engine), 120)
    run = training.listed(space.engine)[0]
    assert run.job_id is not None
    ended = jobs.wait(space, run.job_id, timeout=420)
    assert ended.state == "succeeded", ended.note

    press(page, "train_open")  # convert, merge, load; the chat opens by itself
    page.wait_for_url("**/chat?model=*", timeout=300_000)
    assert {m.kind for m in models.artefacts(space)} >= {"adapter", "merged"}
    merged = next(m.name for m in models.artefacts(space) if m.kind == "merged")
    expect(page.locator(".st-key-chat_send button")).to_be_enabled(timeout=180_000)
    settle(page)
    expect(page.get_by_text(ANSWERS)).to_be_visible()
    press(page, "chat_send")
    expect(page.locator(".st-key-keep_0 button")).to_be_enabled(timeout=120_000)
    assert clicks(page) <= 7 - 3  # three lead to the first dataset

    visit(page, studio, f"train?run={run.id}")  # nobody asked for it: it was measured when the training ended
    expect(page.locator(".st-key-train_effect")).to_be_visible(timeout=240_000)
    expect(page.get_by_text("通过率").first).to_be_visible()

    visit(page, studio, "compare")
    choose(page, "compare_models", "合并模型")  # by its name for people
    press(page, "compare_start")
    expect(page.locator(FAULT)).to_have_count(0)
    expect(page.locator("[class*='st-key-vote_']").first).to_be_visible(timeout=120_000)

    talk_after_a_walk(page, studio, merged)


def talk_after_a_walk(page: Page, studio: Studio, model: str) -> None:
    """From the walk-through to the chat with its model: two clicks. The walk is ended at once, and what it
    would have left is that ``model``; tests/verbs lets one walk to its end."""
    space = studio.workspace
    visit(page, studio, "")
    clicks(page)
    press(page, "start_demo")
    until(lambda: jobs.listed(space, kind="demo", active=True), 120)
    walk = jobs.listed(space, kind="demo")[0]
    jobs.stop(space, walk.id)
    jobs.wait(space, walk.id, timeout=60)
    step = StepResult(title="训练", made="43 步")
    write_report(space, DemoReport(complete=True, recipe="wishes", model=model, steps=(step,)))
    visit(page, studio, "")  # the page may have noticed the end before there was a report
    page.locator(".st-key-chat_with_demo button").click()
    page.wait_for_url("**/chat?model=*", timeout=120_000)
    expect(page.get_by_text(ANSWERS)).to_be_visible(timeout=180_000)
    assert clicks(page) == 2
