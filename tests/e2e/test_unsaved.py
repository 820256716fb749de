"""What is typed into a table or an editor and not saved is there again after another page, a refresh and in a
second tab."""

import re
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, first_name_typed, press, settle, unfold, until, visit
from tianji_core.drafts import FormDraft, load_draft
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples, steps
from tianji_core.store.samples import ACCEPTED, SampleFilter

UNSAVED = "有没保存的修改"


def test_an_edited_table(page: Page, studio: Studio) -> None:
    space = studio.workspace
    saved = recipes.current(space.engine, "wishes").recipe.names[0].text
    visit(page, studio, "lists")
    until(lambda: first_name_typed(page, "钱老师"), 180)
    page.set_viewport_size({"width": 1280, "height": 720})  # the table is longer than the window
    expect(page.get_by_text(UNSAVED)).to_be_in_viewport()
    expect(page.locator(".st-key-save_names button")).to_be_in_viewport()
    page.set_viewport_size({"width": 1440, "height": 1000})
    visit(page, studio, "chat")
    visit(page, studio, "lists")
    expect(page.get_by_text(UNSAVED)).to_be_visible()
    expect(page.locator(".st-key-save_names button")).to_be_enabled()
    page.reload()
    settle(page)
    expect(page.get_by_text(UNSAVED)).to_be_visible()

    second = page.context.new_page()
    visit(second, studio, "lists")
    expect(second.get_by_text(UNSAVED)).to_be_visible()
    page.bring_to_front()  # a page behind another draws no frames, so its table opens no cell
    press(page, "forget_names")
    expect(page.get_by_text(UNSAVED)).to_have_count(0)
    assert load_draft(space, "lists-wishes") == FormDraft()
    until(lambda: first_name_typed(page, "孙老师"), 180)
    page.reload()
    settle(page)
    press(page, "save_names")
    until(lambda: recipes.current(space.engine, "wishes").revision == 1, 60)
    assert recipes.current(space.engine, "wishes").recipe.names[0].text == "孙老师" != saved
    expect(page.get_by_text(UNSAVED)).to_have_count(0)

    visit(page, studio, "lists?list=提示词")
    template = page.locator(".st-key-teacher_1 textarea")
    template.press("Control+End")
    template.press_sequentially("给{na")
    expect(page.locator("#studio-offered")).to_have_text("{name} 写给谁")  # what fits is offered while typing
    template.press("Enter")
    expect(template).to_have_value(re.compile("给{name}$"))

    visit(page, studio, "lists?list=称谓")
    page.get_by_text("拖动换顺序").click()
    entries = page.locator(".dragging li")
    entries.nth(1).drag_to(entries.nth(0))
    until(lambda: recipes.current(space.engine, "wishes").recipe.names[1].text == "孙老师", 30)
    settle(page)
    expect(entries.nth(1)).to_contain_text("孙老师")
    entries.nth(1).press("Alt+ArrowLeft")
    until(lambda: recipes.current(space.engine, "wishes").recipe.names[0].text == "孙老师", 30)


def test_an_edited_sample(page: Page, studio: Studio) -> None:
    space = studio.workspace
    new = samples.NewSample(
        recipe="wishes",
        system="",
        input="祝姐姐生日快乐",
        output="姐姐，祝你生日快乐，天天开心。",
        name="姐姐",
        scene="生日",
        style="正常",
    )
    number = samples.add(space.engine, new)
    visit(page, studio, f"review?id={number}")
    press(page, "edit")
    editor = page.locator(".st-key-editor textarea")
    editor.fill("姐姐，祝你生日快乐，愿你岁岁年年")
    editor.blur()
    settle(page)
    expect(page.get_by_text(UNSAVED)).to_be_visible()
    for again in (page, page.context.new_page()):
        visit(again, studio, "chat")
        visit(again, studio, f"review?id={number}")
        press(again, "edit")
        expect(again.locator(".st-key-editor textarea")).to_have_value("姐姐，祝你生日快乐，愿你岁岁年年")
    page.bring_to_front()
    page.locator(".st-key-editor textarea").fill("姐姐，祝你生日快乐，愿你")
    kept = f"text_{number}"  # by the pause alone: a refresh does not leave the field
    until(lambda: str(load_draft(space, "review").values.get(kept)).endswith("愿你"), 60)
    page.reload()
    settle(page)
    page.locator(".st-key-editor textarea").fill("姐姐，祝你生日快乐，愿你岁岁年年都平安。")
    press(page, "save_edit")
    until(lambda: samples.get(space.engine, number or 0).output.endswith("都平安。"), 60)
    until(lambda: load_draft(space, "review") == FormDraft(), 60)


WALK = (
    "lists?list=称谓",
    "lists?list=场景",
    "lists?list=风格",
    "lists?list=提示词",
    "lists?list=提示词&prompts_of=requests",
    "heatmap",
    "generate",
    "generate?provider=custom",
    "review?view=批量",
    "dataset",
    "dataset?part=导入",
    "models",
    "chat",
    "compare?view=new",
    "settings",
)
FIELDS = """page => [...document.querySelectorAll('[data-testid=stMain] :is(input, textarea)')]
    .filter(field => field.checkVisibility() && !field.disabled && !field.readOnly
        && ['text', 'number', 'textarea'].includes(field.type)
        && !field.closest('[data-testid=stSelectbox], [data-testid=stMultiSelect], [data-testid=stChatInput]')
        && !field.closest('[class~=st-key-q], [class*=st-key-pick_]'))
    .map(field => {
        const own = field.closest('.stTextInput, .stTextArea, .stNumberInput').closest('[class*=st-key-]')
        return [[...own.classList].find(name => name.startsWith('st-key-')), field.value]
    })"""
"""Key and value of every field in sight that a person can type into. Filters that the address holds are left
out: a link without them is meant to show everything."""


SLIDERS = """page => [...document.querySelectorAll('[data-testid=stMain] .stSlider')]
    .filter(slider => slider.checkVisibility() && slider.querySelector('input:not(:disabled)'))
    .map(slider => {
        const own = slider.closest('[class*=st-key-]')
        const thumbs = [...slider.querySelectorAll('input[type=range]')]
        return [[...own.classList].find(name => name.startsWith('st-key-')), thumbs.map(t => t.value).join()]
    })"""
"""Key and value of every slider in sight; of one with two thumbs both values."""
TABLES = {"lists?list=称谓": 340, "lists?list=场景": 340}
"""How far from the left edge of a table a cell of the first row is that a person types into, in pixels."""
IN_A_CELL = "改在表里"
CELL_TYPED = f"[role=gridcell]:has-text('{IN_A_CELL}')"
"""The cell, among those that a screen reader is told of: the table itself is drawn on a canvas."""


def values_of(page: Page) -> dict[str, str]:
    """The fields and sliders in sight with their values."""
    return {**dict(page.evaluate(FIELDS)), **dict(page.evaluate(SLIDERS))}


def opened_out(page: Page, studio: Studio, address: str) -> dict[str, str]:
    """Opens a page with everything that is folded, and returns its fields and sliders."""
    visit(page, studio, address)
    unfold(page, "[data-testid=stMain] details:not([open]) > summary")
    return values_of(page)


def moved(page: Page, key: str) -> None:
    """Moves every thumb of a slider by a step."""
    for thumb in page.locator(f"[data-testid=stMain] .{key} input[type=range]").all():
        at_end = thumb.input_value() == thumb.get_attribute("max")
        thumb.press("ArrowLeft" if at_end else "ArrowRight")
        settle(page)


def typed_into_table(page: Page, across: int) -> bool:
    """Types over a cell of the first row of the page's table; whether the table has taken it."""
    shown = page.get_by_test_id("stDataFrame").first
    shown.scroll_into_view_if_needed()
    table = shown.bounding_box()
    assert table is not None
    page.mouse.dblclick(table["x"] + across, table["y"] + 52)
    page.wait_for_timeout(300)
    page.keyboard.press("Control+A")
    page.keyboard.type(IN_A_CELL)
    page.keyboard.press("Enter")
    settle(page)
    return page.locator(CELL_TYPED).count() == 1


@pytest.mark.timeout(900)
def test_what_is_typed_anywhere_on_any_page_is_there_again(page: Page, studio: Studio) -> None:
    new = samples.NewSample(
        "wishes", "", "祝姐姐生日快乐", "姐姐，祝你生日快乐，天天开心。", "姐姐", "生日", "正常"
    )
    number = samples.add(studio.workspace.engine, new)
    steps.set_state(studio.workspace.engine, SampleFilter("wishes", ids=(number or 0,)), ACCEPTED, "我")
    page.set_viewport_size({"width": 1440, "height": 2000})
    typed: dict[str, dict[str, str]] = {}
    slid = 0
    for address, across in TABLES.items():
        opened_out(page, studio, address)
        until(partial(typed_into_table, page, across), 180)
        visit(page, studio, "jobs")
        opened_out(page, studio, address)
        expect(page.locator(CELL_TYPED)).to_have_count(1)
    for address in WALK:
        for key, value in opened_out(page, studio, address).items():
            if page.locator(f"[data-testid=stMain] .{key} .stSlider").count():
                moved(page, key)
                slid += 1
                continue
            field = page.locator(f"[data-testid=stMain] .{key} :is(input, textarea)").first
            if not field.count():  # what was typed before it left no place for it
                continue
            numeric = field.get_attribute("type") == "number"
            field.fill(str(round(float(value or 1)) + 1) if numeric else f"{value}改")
            field.blur()
            settle(page)
        typed[address] = values_of(page)
        again = opened_out(page, studio, address)
        assert {key: again.get(key) for key in typed[address]} == typed[address], address
    assert sum(map(len, typed.values())) > 50 and slid > 6


def test_what_others_save_is_seen_while_one_types(page: Page, studio: Studio) -> None:
    """Nothing is reloaded or pressed: the text that is typed is not even sent yet."""
    engine = studio.workspace.engine
    visit(page, studio, "lists?list=提示词")
    before = recipes.current(engine, "wishes")
    area = page.locator(f".st-key-system_{before.revision} textarea")
    area.press("Control+End")
    area.press_sequentially("还没发出去")
    scenes = (*before.recipe.scenes, before.recipe.scenes[0].model_copy(update={"text": "开业大吉"}))
    recipes.save(engine, changed(before.recipe, scenes=scenes), before.revision, "场景")
    expect(page.get_by_text("场景：新增 开业大吉")).to_be_visible(timeout=30_000)
    expect(area).to_have_value(re.compile("还没发出去$"))
    expect(area).to_be_focused()
    press(page, "reopen_lists")
    newest = page.locator(f".st-key-system_{before.revision + 1} textarea")
    expect(newest).to_have_value(re.compile("还没发出去$"))
    press(page, "save_prompts")
    until(lambda: recipes.current(engine, "wishes").revision == before.revision + 2, 60)
    both = recipes.current(engine, "wishes").recipe
    assert both.prompts.system.endswith("还没发出去") and both.scenes[-1].text == "开业大吉"
