"""What is typed into a table or an editor and not saved is there again after another page, a refresh and in a
second tab."""

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, first_name_typed, press, settle, until, visit
from tianji_core.drafts import FormDraft, load_draft
from tianji_core.store import recipes, samples

UNSAVED = "有没保存的修改"


def test_an_edited_table(page: Page, studio: Studio) -> None:
    space = studio.workspace
    saved = recipes.current(space.engine, "wishes").recipe.names[0].text
    visit(page, studio, "lists")
    until(lambda: first_name_typed(page, "钱老师"), 90)
    expect(page.get_by_text(UNSAVED)).to_be_visible()
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
    until(lambda: first_name_typed(page, "孙老师"), 90)
    page.reload()
    settle(page)
    press(page, "save_names")
    until(lambda: recipes.current(space.engine, "wishes").revision == 1, 30)
    assert recipes.current(space.engine, "wishes").recipe.names[0].text == "孙老师" != saved
    expect(page.get_by_text(UNSAVED)).to_have_count(0)


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
    page.reload()
    settle(page)
    page.locator(".st-key-editor textarea").fill("姐姐，祝你生日快乐，愿你岁岁年年都平安。")
    press(page, "save_edit")
    until(lambda: samples.get(space.engine, number or 0).output.endswith("都平安。"), 30)
    assert load_draft(space, "review") == FormDraft()
