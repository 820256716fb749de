"""The numbers of the review are those after what was just pressed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, visit
from tianji_core import cleaning
from tianji_core.store import samples
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, SampleFilter

PRESSED = """() => {
    const said = () => document.querySelector('.st-key-review_progress p').textContent;
    const before = said();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "a", code: "KeyA", bubbles: true}));
    return [before, said()];
}"""
"""Presses the key that accepts; returns the progress before and right after, when no server can have
answered."""
TEXTS = (
    "爸爸，生日快乐！愿您身体硬朗，心情舒畅，福气满满。",
    "姐姐生日快乐，愿你新的一岁平安顺遂，事事如愿。",
    "大舅，祝您生日快乐，福气常在，笑口常开。",
)


@pytest.fixture
def reviewed(studio: Studio) -> Studio:
    """A studio with three samples without findings."""
    space = studio.workspace
    new = [NewSample("wishes", "系统", f"祝{text[:2]}生日", text, text[:2], "生日", "正常") for text in TEXTS]
    with writing(space.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    cleaning.check_new(space, "wishes")
    return studio


def number(text: str, before: str) -> int:
    """The number after a word of a text."""
    found = re.search(rf"{before}\s*(\d+)", text)
    assert found is not None, text
    return int(found[1])


def test_the_numbers_agree_with_the_key_that_was_just_pressed(page: Page, reviewed: Studio) -> None:
    visit(page, reviewed, "review")
    funnel = page.locator(".st-key-funnel_accept button")
    expect(page.locator(".st-key-review_progress p")).to_contain_text("待审 3")
    clean = number(funnel.inner_text(), "采用")
    before, after = page.evaluate(PRESSED)
    assert (number(before, "待审"), number(after, "待审")) == (3, 2), "before the server has answered"
    assert number(after, "采用") == number(before, "采用") + 1
    second = samples.page(reviewed.workspace.engine, SampleFilter("wishes"), limit=2)[1].id
    expect(page.locator(".st-key-reading_now")).to_contain_text(f"#{second}")
    assert number(funnel.inner_text(), "采用") == clean - 1, "what can be accepted at once follows too"
    assert samples.count(reviewed.workspace.engine, SampleFilter("wishes", states=(ACCEPTED,))) == 1
