"""Talking to a model in the browser: stop an answer, ask for two, keep one, and find it in review."""

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, press, settle, until, visit
from tests.serving.conftest import folders, server  # noqa: F401
from tianji_core.serving.transcript import ChatTurn, load_transcript
from tianji_core.store import samples

LINE = ".st-key-chat_free textarea"


def turns(studio: Studio) -> list[ChatTurn]:
    return load_transcript(studio.workspace).turns


def test_chat_stop_keep_and_find_it_in_review(page: Page, shared: Studio, server) -> None:  # noqa: F811
    asked = f"chat?service={server.url}&service_model=red&name=大舅&scene=春节&style=正常"
    visit(page, shared, asked)
    press(page, "service_confirm")
    expect(page.locator(".st-key-service_confirm")).to_have_count(0)
    settle(page)
    page.get_by_text("更多：多轮").click()
    limit = page.locator(".st-key-chat_max_tokens input")
    limit.fill("200")
    limit.press("Enter")
    settle(page)
    page.locator(".st-key-chat_send button").click()
    page.locator(".st-key-chat_stop button").click()
    until(lambda: len(turns(shared)) == 1, 30)
    settle(page)
    assert turns(shared)[0].stopped
    expect(page.get_by_text("被停下了")).to_be_visible()
    server.wait_idle()
    page.locator(LINE).fill("祝大舅春节，说得风趣些")
    visit(page, shared, "lists")
    visit(page, shared, asked)
    expect(page.locator(LINE)).to_have_value("祝大舅春节，说得风趣些")
    page.locator(LINE).press("Enter")
    until(lambda: len(turns(shared)) == 2, 30)
    assert turns(shared)[1].request == "祝大舅春节，说得风趣些"
    page.reload()  # the answer goes on
    until(lambda: not turns(shared)[1].stopped, 60)
    settle(page)
    assert turns(shared)[1].answer and turns(shared)[1].tokens
    expect(page.locator(LINE)).to_have_value("")
    page.get_by_text("更多：多轮").click()
    candidates = page.locator(".st-key-chat_candidates input")
    candidates.fill("2")
    candidates.press("Enter")
    limit.fill("16")
    limit.press("Enter")
    settle(page)
    press(page, "chat_send")
    until(lambda: len(turns(shared)) == 3 and turns(shared)[2].seconds, 30)
    settle(page)
    other = turns(shared)[2].others[0]
    press(page, "prefer_2_0")
    press(page, "keep_2")
    (kept,) = samples.page(shared.workspace.engine, samples.SampleFilter("wishes", source=samples.CHAT))
    assert (kept.output, kept.input, kept.name, kept.scene) == (other, "祝大舅春节", "大舅", "春节")
    visit(page, shared, "review")
    expect(page.get_by_text("祝大舅春节").first).to_be_visible()
