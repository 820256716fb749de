"""A recipe of a task that is no blessing, made and taken to its training by clicking alone."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, map_drawn, press, settle, until, visit
from tests.loopback import Handler, LoopbackApi, completion
from tests.other_tasks import CASES, CUSTOMERS
from tianji_core import jobs
from tianji_core.recipe import kept_cells
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.samples import SampleFilter

WORDS = {
    "title": "客服致歉",
    "key": "apologies",
    "text": "致歉",
    "name": "客户称呼",
    "scene": "投诉事由",
    "style": "口气",
}
LISTS = {"names": CUSTOMERS[:6], "scenes": CASES[:5], "styles": ["诚恳", "简短"]}
ASKED = re.compile(
    r"口气：(?P<style>.+?)。.*客户称呼：(?P<name>.+?)，.*投诉事由：(?P<scene>.+?)。", re.DOTALL
)
FIXES = ["钱已经退给您", "新的明天寄出", "师傅今晚上门", "店长会打电话给您", "原样再赔一份"]
CLOSINGS = ["往后这样的单子我自己跟到底", "给您添麻烦了", "再有这种事您直接找我", "实在对不住"]


def apologises(handler: Handler, body: dict) -> None:
    """Writes what the recipe's own request asks for."""
    asked = ASKED.search(body["messages"][-1]["content"])
    assert asked is not None, body
    number = handler.server.api.next_number()
    fix, closing = FIXES[number % len(FIXES)], CLOSINGS[number // len(FIXES) % len(CLOSINGS)]
    text = (
        f"{asked['name']}，{asked['scene']}是我们没有做好。{fix}，{closing}，这是第{number + 1}次查到的单子。"
    )
    handler.send_json(200, completion(text))


def typed(page: Page, key: str, text: str) -> None:
    """Write into the field with the Streamlit key ``key``, and leave it."""
    field = page.locator(f".st-key-{key}").locator("input, textarea").first
    field.fill(text)
    field.press("Tab")
    settle(page)


def test_apologies_from_three_lists_to_the_training(page: Page, studio: Studio, api: LoopbackApi) -> None:
    space = studio.workspace
    api.default = apologises
    visit(page, studio, "lists")
    page.get_by_role("button", name=re.compile("改名 · 新建 · 导入导出")).click()
    page.get_by_role("tab", name="新建配方").click()
    settle(page)
    for field, text in {**WORDS, **{name: "\n".join(entries) for name, entries in LISTS.items()}}.items():
        typed(page, f"begin_{field}", text)
    press(page, "begin_recipe")
    until(lambda: space.settings().recipe == "apologies", 60)
    expect(page.locator(".st-key-list")).to_contain_text("客户称呼")

    visit(page, studio, "heatmap")
    map_drawn(page, "suitability_1_cycle__False")
    recipe = recipes.current(space.engine, "apologies").recipe
    assert len(kept_cells(recipe, recipe.threshold)) == 30

    visit(page, studio, "generate")
    expect(page.get_by_text("离线造句写不了")).to_be_visible()
    expect(page.locator(".st-key-start_run button")).to_be_disabled()
    page.locator(".st-key-provider input").click()
    page.get_by_role("option", name="其他 OpenAI 兼容接口").click()
    settle(page)
    typed(page, "base_url_custom", api.url)
    model = page.locator(".st-key-model_custom input")
    model.fill("loopback-model")
    model.press("Enter")
    settle(page)
    press(page, "start_run")
    wanted = SampleFilter("apologies")
    until(lambda: samples.count(space.engine, wanted) == 60, 60)
    until(lambda: not jobs.listed(space, kind="generate", active=True), 60)

    visit(page, studio, "review?view=批量")
    press(page, "accept_clean")
    until(lambda: samples.state_counts(space.engine, wanted).get("accepted", 0) > 20, 60)

    visit(page, studio, "dataset")
    typed(page, "version_name", "头一版")
    press(page, "freeze")
    until(lambda: datasets.find(space.engine, "头一版") is not None, 60)

    visit(page, studio, "train")
    expect(page.locator(".st-key-train_start button")).to_be_enabled()
    expect(page.get_by_text(re.compile("头一版"))).not_to_have_count(0)
