"""Comparing in a browser: twelve cells, blind votes by keys, scores, what is taken away; and a sweep over
checkpoints."""

import json
import re
import secrets
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.checkpoints import add_training
from tests.e2e.driving import Studio, choose, downloaded, press, settle, until, visit
from tests.serving.conftest import Folders, folders  # noqa: F401
from tianji_core import jobs, models, serving
from tianji_core.comparison import board_keys, load_board
from tianji_core.comparison.preferences import preferences
from tianji_core.evaluation.sweep import load_sweep
from tianji_core.store import samples, votes
from tianji_core.workspace import Workspace

NAMES = ("甲模", "乙模")


def serve_both(space: Workspace, folders: Folders) -> None:  # noqa: F811
    """Loads two models, unless an earlier try has."""
    if not any(set(NAMES) <= set(server.models) for server in serving.servers(space)):
        known = {model.name for model in models.artefacts(space)}
        for name, folder in zip(NAMES, (folders.base, folders.merged), strict=True):
            if name not in known:
                models.register_folder(space, folder, name)
        serving.wait_ready(space, serving.start_for(space, NAMES).id, 120)


def test_twelve_cells_are_compared_judged_blind_and_taken_away(
    page: Page,
    shared: Studio,
    folders: Folders,  # noqa: F811
) -> None:
    """The models write nonsense, but each its own; who is better is the person's word alone."""
    space = shared.workspace
    serve_both(space, folders)
    earlier = board_keys(space)
    visit(page, shared, "compare?view=new")
    choose(page, "compare_names", "大舅")
    page.get_by_text("更多：自己写问题").click()
    page.locator(".st-key-compare_free textarea").fill("祝您健康")
    page.locator(".st-key-compare_free textarea").press("Control+Enter")
    settle(page)
    expect(page.locator(".st-key-compare_start button")).to_contain_text("= 12 条")
    press(page, "compare_start")
    until(lambda: set(board_keys(space)) - set(earlier), 120)
    (key,) = set(board_keys(space)) - set(earlier)
    until(lambda: all(cell.answered for cell in load_board(space, key).cells), 180)
    visit(page, shared, f"compare?board={key}")
    expect(page.get_by_text("这条更好")).to_have_count(12)
    page.reload()
    settle(page)
    expect(page.get_by_text("这条更好")).to_have_count(12)

    before = votes.listed(space.engine, "wishes")  # other journeys in this studio vote too
    theirs = {(pair.chosen, pair.rejected) for pair in preferences(before)}
    visit(page, shared, f"compare?board={key}&view=blind")
    for done in range(6):
        expect(page.get_by_text(f"已评 {done}/6 题")).to_be_visible()
        expect(page.locator(".st-key-blind_answers")).not_to_contain_text("模")
        settle(page)  # a key counts from when its button is there
        page.keyboard.press(("1", "2", "1", "0", "x", "2")[done])
    expect(page.get_by_text("这次对比都评完了")).to_be_visible()
    said = [vote.outcome for vote in votes.listed(space.engine, "wishes")][len(before) :]
    assert said == ["better", "better", "better", "tie", "none", "better"]
    settle(page)
    page.keyboard.press("u")
    expect(page.get_by_text("已评 5/6 题")).to_be_visible()
    settle(page)
    page.keyboard.press("1")
    expect(page.get_by_text("这次对比都评完了")).to_be_visible()
    settle(page)
    press(page, "blind_reveal")
    expect(page.get_by_text(re.compile(r"有 \d+% 的把握说"))).to_be_visible()
    expect(page.locator(".st-key-pairs_text button")).to_contain_text(f"{len(theirs) + 4} 个偏好对")
    lines = [json.loads(line) for line in downloaded(page, "pairs_text").splitlines()]
    lines = [line for line in lines if (line["chosen"], line["rejected"]) not in theirs]
    by_row = {cell.text.strip(): cell.row for cell in load_board(space, key).cells}
    assert len(lines) == 4 and set(lines[0]) == {"system", "prompt", "chosen", "rejected"}
    for line in lines:
        chosen, rejected = line["chosen"].strip(), line["rejected"].strip()
        assert chosen != rejected and by_row[chosen] == by_row[rejected]
    report = downloaded(page, "compare_report")
    assert "祝您健康" in report and not re.search(r"(src|href)=|https?://", report)

    press(page, "take_chosen")
    kept = samples.page(space.engine, samples.SampleFilter("wishes", source=samples.CHAT), limit=500)
    taken = {line["chosen"].strip() for line in lines}
    assert taken <= {sample.output for sample in kept}
    (sample,) = [sample for sample in kept if sample.output == min(taken)]
    visit(page, shared, f"review?q={quote(sample.output[:6])}")
    expect(page.get_by_text(re.compile(r"来源：对话\s+模型：[甲乙]模")).first).to_be_visible()


def test_a_sweep_shows_where_to_stop_and_makes_that_checkpoint_a_model(
    page: Page, shared: Studio, tmp_path: Path
) -> None:
    """The step that changes nothing and the step that spoils the model are told apart."""
    space = shared.workspace
    run = add_training(space, tmp_path / "base", {10: 0.0, 20: 0.4}, f"v-{secrets.token_hex(4)}")
    visit(page, shared, f"compare?view=sweep&run={run.id}")
    field = page.locator(f".st-key-sweep_limit_{run.id} input")
    field.fill("4")
    field.press("Enter")
    settle(page)
    press(page, "sweep_start")
    until(lambda: (found := load_sweep(space, run.id)) is not None and len(found.points) == 3, 120)
    expect(page.locator(".st-key-sweep_chart .main-svg").first).to_be_visible(timeout=120_000)
    expect(page.get_by_text("建议用第 10 步")).to_be_visible()
    settle(page)
    earlier = {job.id for job in jobs.listed(space, kind="convert")}
    press(page, "sweep_use")
    until(lambda: {job.id for job in jobs.listed(space, kind="convert")} - earlier, 120)
    job = jobs.listed(space, kind="convert")[0]
    assert jobs.wait(space, job.id, timeout=90).state == "succeeded", jobs.log_tail(space, job.id)
    (made,) = (each for each in models.artefacts(space) if each.training_run_id == run.id)
    assert made.checkpoint == 10
    page.reload()
    settle(page)
    expect(page.locator(".st-key-sweep_talk button")).to_be_visible()
