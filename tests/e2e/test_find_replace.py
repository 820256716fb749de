"""Find and replace in many samples, in a real browser: seen first, made as one step, taken back; and
deciding on them by keys, faster than the server answers."""

import json

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, press, settle, until, visit
from tianji_core.store import samples
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, NewSample, SampleFilter

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
    _decide_by_keys(page, studio)


def _decide_by_keys(page: Page, studio: Studio) -> None:
    """The next text is there at once; every decision is stored in order, also one that the tab still
    holds because the server did not live to confirm it."""
    for number in range(3, 6):
        new = NewSample("wishes", "系统", f"祝姐姐生日{number}", f"{TEXT}{number}", "姐姐", "生日", "正常")
        samples.add(studio.workspace.engine, new)
    engine, reading = studio.workspace.engine, page.locator(".st-key-reading")

    def states() -> list[str]:
        return [sample.state for sample in samples.page(engine, ALL)]

    visit(page, studio, "review")
    expect(page.locator(".ahead")).to_be_attached()
    for key in "axa":  # no pause: the second and the third are pressed before the server has answered
        page.keyboard.press(key)
    expect(reading).to_contain_text(f"{TEXT}3")
    until(lambda: states() == [ACCEPTED, REJECTED, ACCEPTED, PENDING, PENDING, PENDING], 60)
    settle(page)
    left = {"number": 9, "id": 4, "version": 1, "action": "reject", "next": 5}
    kept = json.dumps({"number": 9, "queue": [left]})
    page.evaluate("kept => sessionStorage.setItem('studio_review_decisions', kept)", kept)
    page.reload()
    until(lambda: states()[3] == REJECTED, 60)
    settle(page)
    expect(reading).to_contain_text(f"{TEXT}4")
    assert states()[4:] == [PENDING, PENDING], "nothing is stored twice"
