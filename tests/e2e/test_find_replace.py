"""Find and replace in many samples, in a real browser: seen first, made as one step, taken back."""

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, press, settle, visit
from tianji_core.store import samples
from tianji_core.store.samples import NewSample, SampleFilter

ALL = SampleFilter("wishes")
TEXT = "姐姐，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def outputs(studio: Studio) -> list[str]:
    return [sample.output for sample in samples.page(studio.workspace.engine, ALL)]


def test_a_word_is_replaced_everywhere_and_the_step_is_undone(page: Page, studio: Studio) -> None:
    for number in range(3):
        new = NewSample("wishes", "系统", f"祝姐姐生日{number}", f"{TEXT}{number}", "姐姐", "生日", "正常")
        samples.add(studio.workspace.engine, new)
    before = outputs(studio)
    visit(page, studio, "review?view=批量")
    page.get_by_text("查找替换、自己的规则").click()
    for key, text in (("replace_find", "姐姐"), ("replace_by", "姐")):
        field = page.locator(f".st-key-{key} input")
        field.fill(text)
        field.blur()
        settle(page)
    press(page, "bulk_preview")
    expect(page.get_by_text("要改 3 条里的 3 处")).to_be_visible()
    assert outputs(studio) == before, "a preview changes nothing"
    press(page, "make_bulk_edit")
    assert outputs(studio) == [text.replace("姐姐", "姐") for text in before]
    expect(page.locator(".st-key-replace_find input")).to_have_value("姐姐")
    press(page, "undo")
    assert outputs(studio) == before
