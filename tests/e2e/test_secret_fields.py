"""A secret that was saved does not stay in the browser."""

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, press, unfold, visit


def test_a_saved_key_leaves_its_field(page: Page, studio: Studio) -> None:
    visit(page, studio, "settings")
    unfold(page, ".st-key-keyless summary")
    press(page, "key_panel_0")
    field = page.locator(".st-key-key_0 input")
    field.fill("sk-not-to-be-seen-1234")
    press(page, "key_save_0")
    expect(page.get_by_text("sk-not-to-be-seen-1234")).to_have_count(0)
    expect(field).to_have_value("")
    assert "sk-not-to-be-seen-1234" in (studio.home / ".env").read_text(encoding="utf-8")


def test_a_key_that_was_typed_is_saved_with_the_keyboard_alone(page: Page, studio: Studio) -> None:
    visit(page, studio, "settings")
    unfold(page, ".st-key-keyless summary")
    press(page, "key_panel_0")
    page.locator(".st-key-key_0 input").click()
    page.keyboard.type("sk-typed-by-keys-5678")
    page.keyboard.press("Tab")
    expect(page.locator(".st-key-key_0 button").first).to_be_focused()  # the eye
    page.keyboard.press("Tab")
    expect(page.locator(".st-key-key_save_0 button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-key_0 input")).to_have_value("")
    assert "sk-typed-by-keys-5678" in (studio.home / ".env").read_text(encoding="utf-8")
