"""Talking to a model in the browser: stop an answer, ask for two, keep one, and find it in review."""

import contextlib

from playwright.sync_api import Page, TimeoutError, expect

from tests.e2e.driving import Studio, press, settle, until, visit
from tests.serving.conftest import folders, server  # noqa: F401
from tianji_core.serving.services import is_confirmed
from tianji_core.serving.transcript import ChatTurn, load_transcript
from tianji_core.store import samples

LINE = ".st-key-chat_free textarea"


def turns(studio: Studio) -> list[ChatTurn]:
    return load_transcript(studio.workspace).turns


def typed(page: Page, key: str, value: str) -> None:
    """Types a number into a field and waits until the page has it."""
    field = page.locator(f".st-key-{key} input")
    field.fill(value)
    field.press("Enter")
    settle(page)


def stopped(page: Page, studio: Studio) -> bool:
    """Asks and presses stop; whether the answer was not faster."""
    before = len(turns(studio))
    page.locator(".st-key-chat_send button").click()
    with contextlib.suppress(TimeoutError):
        page.locator(".st-key-chat_stop button").click(timeout=5000)
    until(lambda: len(turns(studio)) > before, 120)
    settle(page)
    return turns(studio)[-1].stopped


def test_chat_stop_keep_and_find_it_in_review(page: Page, shared: Studio, server) -> None:  # noqa: F811
    asked = f"chat?service={server.url}&service_model=red&name=大舅&scene=春节&style=正常"
    visit(page, shared, asked)
    if not is_confirmed(shared.workspace, server.url):  # an earlier try may have said so
        press(page, "service_confirm")
    expect(page.locator(".st-key-service_confirm")).to_have_count(0)
    settle(page)
    page.get_by_text("更多：多轮").click()
    typed(page, "chat_candidates", "1")
    typed(page, "chat_max_tokens", "200")
    until(lambda: stopped(page, shared), 120)
    expect(page.get_by_text("被停下了").first).to_be_visible()
    server.wait_idle()
    second = len(turns(shared))
    page.locator(LINE).fill("祝大舅春节，说得风趣些")
    visit(page, shared, "lists")
    visit(page, shared, asked)
    expect(page.locator(LINE)).to_have_value("祝大舅春节，说得风趣些")
    page.locator(LINE).press("Enter")
    until(lambda: len(turns(shared)) > second, 120)
    assert turns(shared)[second].request == "祝大舅春节，说得风趣些"
    page.reload()  # the answer goes on
    until(lambda: not turns(shared)[second].stopped, 120)
    settle(page)
    assert turns(shared)[second].answer and turns(shared)[second].tokens
    expect(page.locator(LINE)).to_have_value("")
    page.get_by_text("更多：多轮").click()
    typed(page, "chat_candidates", "2")
    typed(page, "chat_max_tokens", "16")
    third = second + 1
    press(page, "chat_send")
    until(lambda: len(turns(shared)) > third and turns(shared)[third].seconds, 120)
    settle(page)
    other = turns(shared)[third].others[0]
    press(page, f"prefer_{third}_0")
    press(page, f"keep_{third}")
    chosen = samples.SampleFilter("wishes", source=samples.CHAT)
    (kept,) = (
        sample
        for sample in samples.page(shared.workspace.engine, chosen, limit=500)
        if sample.output == other
    )
    assert (kept.input, kept.name, kept.scene) == ("祝大舅春节", "大舅", "春节")
    visit(page, shared, f"review?id={kept.id}")
    expect(page.get_by_text("祝大舅春节").first).to_be_visible()
