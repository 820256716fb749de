"""probe from the command line: the workspace's questions, and what a training made a model forget."""

from collections.abc import Callable
from pathlib import Path

from tests.checkpoints import add_training
from tests.tiny_base import write_tiny_base
from tests.verbs.conftest import Said
from tianji_core.evaluation.probe import ProbeAnswer, ProbePoint, load_probe
from tianji_core.evaluation.sweep import Sweep, SweepPlan
from tianji_core.evaluation.sweep.results import save_sweep
from tianji_core.workspace import Workspace

ONE = "questions:\n  - {ask: 你好, any_of: [你好呀], tokens: 4}\n"


def test_the_questions_are_listed_replaced_and_put_back(
    workspace: Workspace, verb: Callable[..., Said], tmp_path: Path
) -> None:
    assert "常识  中国的首都是哪座城市？" in verb("probe").out
    file = tmp_path / "own.yaml"
    file.write_text("questions:\n  - {ask: 你好}\n", encoding="utf-8")
    assert "“你好”没有答案" in verb("probe", "--questions", file).refusal
    assert len(load_probe(workspace).questions) == 40
    file.write_text(ONE, encoding="utf-8")
    assert [one["ask"] for one in verb("probe", "--questions", file, "--json").json()["questions"]] == [
        "你好"
    ]
    assert "你好" in verb("probe").out
    verb("probe", "--reset")
    assert len(load_probe(workspace).questions) == 40
    assert "只能用一个" in verb("probe", "--reset", "--questions", file).refusal
    assert "只能用一个" in verb("probe", "--training", 1, "--model", "x").refusal
    assert "要和 --judge 一起用" in verb("probe", "--judge-model", "x").refusal


def test_what_a_training_forgot_is_told_with_its_answers(
    workspace: Workspace, verb: Callable[..., Said], tmp_path: Path
) -> None:
    run = add_training(workspace, tmp_path / "base", {10: 0.1})
    digest = load_probe(workspace).digest

    def answers(iteration: int, right: int) -> ProbePoint:
        told = tuple(ProbeAnswer(ask=f"问{n}", answer=f"答{n}", right=n < right) for n in range(8))
        return ProbePoint(iteration=iteration, digest=digest, answers=told)

    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=1)
    save_sweep(workspace, Sweep(plan=plan).with_probe(answers(0, 7)).with_probe(answers(10, 6)))
    said = verb("probe", "--training", run.id)
    assert "第 10 步：遗忘探针：原来会的 7 题，还会 6 题" in said.out and "× 问6 → 答6" in said.out
    (facts,) = verb("probe", "--training", run.id, "--json").json()["memory"]
    assert (facts["known"], facts["kept"], facts["lost"]) == (7, 6, [["问6", "答6", "答6"]])


def test_a_model_folder_is_asked(workspace: Workspace, verb: Callable[..., Said], tmp_path: Path) -> None:
    (workspace.home / "probe.yaml").write_text(ONE, encoding="utf-8")
    facts = verb("probe", "--model", write_tiny_base(tmp_path / "base"), "--json").json()
    assert (facts["right"], facts["asked"]) == (0, 1) and facts["answers"][0]["ask"] == "你好"
