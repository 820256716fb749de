"""The compare page against a real server of tiny random models."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.checkpoints import add_training
from tests.comparison.boards import BAD, GOOD, filled
from tests.pages.opening import opened, press
from tests.preference_versions import add_merged, add_votes
from tests.processes import until
from tests.serving.conftest import Folders, Server, folders, server  # noqa: F401
from tests.tiny_base import write_tiny_base
from tianji_core import jobs, notices
from tianji_core.comparison import (
    Ask,
    Column,
    Comparer,
    ballots,
    board_keys,
    choose,
    load_board,
    plan_board,
    relearning,
    save_board,
)
from tianji_core.comparison.relearning.job import RelearningSubject
from tianji_core.evaluation.probe import ProbeAnswer, ProbePoint, load_probe
from tianji_core.evaluation.sweep import Sweep, SweepPlan, SweepPoint
from tianji_core.evaluation.sweep.results import save_sweep
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.serving import ChatSampling
from tianji_core.serving.services import remember_service
from tianji_core.store import recipes, votes
from tianji_core.workspace import Workspace


def page(**address: str) -> AppTest:
    return opened("compare", **address)


def test_an_empty_page_invites(workspace: Workspace) -> None:
    test = page()
    assert any("还没有对比过" in info.value for info in test.info)
    assert test.button(key="start_usual").proto.type == "primary", "a model comes before the start"
    assert not [button for button in test.button if button.key == "compare_start"]


def test_a_sweep_says_which_step_is_good_at_both_and_the_probe_is_edited(
    workspace: Workspace, tmp_path: Path
) -> None:
    run = add_training(workspace, tmp_path / "base", {10: 0.1, 20: 0.1})
    sweep = Sweep(plan=SweepPlan(run_id=run.id, recipe="wishes", revision=1))
    shared = {"count": 50, "copied": None, "perplexity": None, "tokens": 0, "seconds": 1.0}
    for step, passed, right in ((0, 0.1, 20), (10, 0.86, 19), (20, 0.9, 5)):
        answers = tuple(ProbeAnswer(ask=f"问{n}", answer="答", right=n < right) for n in range(20))
        point = SweepPoint(iteration=step, passed=passed, low=passed - 0.1, high=passed + 0.1, **shared)
        sweep = sweep.with_point(point).with_probe(ProbePoint(iteration=step, digest="d", answers=answers))
    save_sweep(workspace, sweep)
    test = page(view="sweep", run=str(run.id))
    said = [success.value for success in test.success]
    assert any("两样都好的是第 10 步：通过率 86%，原来会的 20 题还会 19 题" in text for text in said)
    assert test.dataframe[0].value["原来会的"].tolist() == ["—", "19/20", "5/20"]

    test.text_area(key="probe_text").set_value("questions:\n  - {ask: 你好}\n").run()
    press(test, "probe_save")
    assert any("“你好”没有答案" in error.value for error in test.error)
    assert test.text_area(key="probe_text").value.endswith("{ask: 你好}\n")
    test.text_area(key="probe_text").set_value("questions:\n  - {ask: 你好, any_of: [好]}\n").run()
    press(test, "probe_save")
    assert [one.ask for one in load_probe(workspace).questions] == ["你好"]
    press(test, "probe_reset")
    assert len(load_probe(workspace).questions) == 40 and "首都" in test.text_area(key="probe_text").value


def test_questions_are_there_again_after_a_refresh_without_those_that_left_the_lists(
    workspace: Workspace,
) -> None:
    test = page()
    test.multiselect(key="compare_names").set_value([])
    test.multiselect(key="compare_scenes").set_value(["生日", "中秋节"])
    test.text_area(key="compare_free").set_value("祝您健康").run()
    current = recipes.current(workspace.engine, "wishes")
    scenes = [
        scene.model_copy(update={"enabled": scene.text not in ("生日", current.recipe.scenes[0].text)})
        for scene in current.recipe.scenes
    ]
    changed = current.recipe.model_copy(update={"scenes": tuple(scenes)})
    recipes.save(workspace.engine, changed, current.revision, "")
    again = page()
    assert again.multiselect(key="compare_names").value == []
    assert again.multiselect(key="compare_scenes").value == ["中秋节"]
    assert again.text_area(key="compare_free").value == "祝您健康"


def test_questions_times_columns_are_asked_and_found_again(
    workspace: Workspace,
    server: Server,  # noqa: F811
) -> None:
    remember_service(workspace, server.url)
    test = page(service=server.url, service_model="red")
    test.number_input(key="compare_max_tokens").set_value(8).run()
    test.multiselect(key="compare_names").set_value(["大舅", "母亲"]).run()
    test.text_area(key="compare_free").set_value("祝您健康\n").run()
    assert "3 个问题 × 2 列 × 1 条 = 6 条" in test.button(key="compare_start").label
    press(test, "compare_start")
    (key,) = board_keys(workspace)
    until(lambda: all(cell.text for cell in load_board(workspace, key).cells))
    texts = [cell.text for cell in load_board(workspace, key).cells]
    assert len(texts) == 6 and all(texts)
    shown = page(board=key)
    assert [m.value for m in shown.markdown if m.value.startswith("####")][2] == "#### 祝您健康"
    assert shown.button(key="vote_2_1").label == "这条更好"


def test_a_vote_counts_against_the_same_style_and_can_be_taken_back(
    workspace: Workspace,
    server: Server,  # noqa: F811
) -> None:
    recipe = load_recipe(built_in_recipes()["wishes"])
    columns = [
        Column(url=server.url, model=model, style=style)
        for style in ("正常", "严肃")
        for model in ("base", "red")
    ]
    asks = [Ask(name="大舅", scene="生日")]
    board = plan_board(recipe, asks, columns, "送祝福", ChatSampling(temperature=0, max_tokens=8))
    comparer = Comparer(workspace)
    comparer.start(board)
    comparer.wait(board.key)
    test = page(board=board.key)
    press(test, "vote_0_1")
    tally = [(t.model, t.style, t.wins, t.losses) for t in votes.tally(workspace.engine, "wishes")]
    assert tally == [("red", "正常", 1, 0), ("base", "正常", 0, 1)]
    assert test.button(key="vote_0_1").label == "取消"
    press(test, "vote_0_0")
    assert test.button(key="vote_0_1").label == "这条更好"
    press(test, "vote_0_0")
    assert votes.tally(workspace.engine, "wishes") == []


def test_a_vote_between_the_styles_of_one_model_is_the_verdict_and_the_next_step_is_another_model(
    workspace: Workspace,
) -> None:
    """Where no answer passes the checks there is no picture of the shares."""
    recipe = recipes.current(workspace.engine, "wishes").recipe
    columns = [Column(url="http://127.0.0.1:9/v1", model="新", style=style) for style in ("正常", "小红书")]
    board = plan_board(
        recipe, [Ask(name="大舅", scene="生日")], columns, "送祝福", ChatSampling(temperature=0)
    )
    for cell, text in zip(board.cells, (BAD, "一切都好"), strict=True):
        cell.text, cell.state = text, "done"
    save_board(workspace, board)
    test = page(view="scores")
    assert [button.key for button in test.button if button.proto.type == "primary"] == ["to_blind"]
    (ballot,) = ballots(board)
    votes.decide(workspace.engine, choose(board, ballot, board.cells[0]), workspace.settings().reviewer)
    test = page(view="scores")
    (verdict,) = [text.value for text in test.markdown if text.value.startswith("###")]
    assert verdict.startswith("### “正常”看来比“小红书”好，1 次里赢 1 次")
    rows = [table.value for table in test.dataframe if "选中的" in table.value]
    assert rows[0].to_numpy().tolist() == [["大舅 × 生日", "新 · 正常", BAD]]
    assert not [chart for chart in test.get("plotly_chart") if "verdict_shares" in chart.proto.id]
    assert [button.key for button in test.button if button.proto.type == "primary"] == ["to_next"]
    press(test, "to_next")
    assert test.multiselect(key="compare_names")


def test_training_once_more_says_how_many_votes_are_missing_and_starts_by_the_button(
    workspace: Workspace, tmp_path: Path
) -> None:
    recipe = recipes.current(workspace.engine, "wishes").recipe
    save_board(workspace, filled(recipe, [[GOOD, BAD]]))
    test = page(view="scores")
    assert any("还没有可以接着练的模型" in info.value for info in test.info)
    add_merged(workspace, write_tiny_base(tmp_path / "base"))
    add_votes(workspace, 12)
    test = page(view="scores")
    assert test.selectbox(key="relearn_model").value == "学过的"
    assert test.button(key="relearn_by_votes").disabled and not test.button(key="relearn_by_checks").disabled
    assert any("大约还要 18 票" in caption.value for caption in test.caption)
    add_votes(workspace, 60)
    test = page(view="scores")
    assert any("票够了" in caption.value for caption in test.caption)
    test.checkbox(key="relearn_notify").check().run()
    press(test, "relearn_by_votes")
    job = relearning.relearning_job(workspace)
    assert job is not None and job.state != "failed"
    assert notices.load_afterwards(workspace, job.id).notify
    subject = jobs.subject_of(job, RelearningSubject)
    assert subject is not None and subject.plan == relearning.RelearningPlan(model="学过的", recipe="wishes")
    jobs.stop(workspace, job.id)
    jobs.wait(workspace, job.id, 120)
