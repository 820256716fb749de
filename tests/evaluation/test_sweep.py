"""A sweep over the checkpoints of a training, from one base in memory."""

import json
import math

import pytest

from tests.checkpoints import add_training
from tests.tiny_base import SYSTEM
from tianji_core import jobs
from tianji_core.errors import JobError, ModelError, PlanError
from tianji_core.evaluation.probe import save_probe
from tianji_core.evaluation.sweep import SweepPlan, SweepPoint, best_point, effect_of, load_sweep, start_sweep
from tianji_core.evaluation.sweep.results import StyleRate, Sweep, save_sweep
from tianji_core.store import datasets
from tianji_core.training.engine import checkpoint_weights
from tianji_core.workspace import Workspace


def point(
    iteration: int, passed: float, perplexity: float | None = None, copied: float = 0.0, **more: object
) -> SweepPoint:
    return SweepPoint(
        iteration=iteration,
        count=50,
        passed=passed,
        low=passed - 0.1,
        high=passed + 0.1,
        copied=copied,
        perplexity=perplexity,
        tokens=1,
        seconds=1.0,
        **more,
    )


def test_the_place_to_stop_is_the_earliest_of_those_that_do_equally_well() -> None:
    assert best_point([point(0, 0.99)]) is None
    assert best_point([point(100, 0.5), point(200, 0.9), point(300, 0.85)]).iteration == 200
    measured = [point(0, 0.0, 1.0), point(100, 0.85, 2.0), point(200, 0.9, 2.5), point(300, 0.4, 1.5)]
    assert best_point(measured).iteration == 100
    assert best_point([point(100, 0.9, None, 0.4), point(200, 0.88, None, 0.1)]).iteration == 200
    assert best_point([point(100, 0.9, 2.0, 0.04), point(200, 0.88, 2.0, 0.02)]).iteration == 100
    late = point(171, 0.58, 2.1, 0.08, perplexity_high=2.3)
    early = point(150, 0.58, 2.2, 0.0, perplexity_high=2.4)
    assert best_point([point(30, 0.67, 3.0), early, late]).iteration == 150
    assert best_point([point(30, 0.67, 2.25), early, late]).iteration == 30


def test_checkpoints_that_do_equally_well_are_asked_more_once() -> None:
    plan = SweepPlan(run_id=1, recipe="wishes", revision=1, in_doubt=200)
    close = [point(100, 0.58), point(200, 0.6), point(300, 0.2)]
    assert Sweep(plan=plan, points=close).unsettled() == [100, 200]
    assert Sweep(plan=plan.model_copy(update={"in_doubt": 0}), points=close).unsettled() == []
    apart = [point(100, 0.2), point(200, 0.6)]
    assert Sweep(plan=plan, points=apart).unsettled() == []
    asked = [point(100, 0.58, doubted=True), point(200, 0.6, doubted=True)]
    assert Sweep(plan=plan, points=[*asked, point(300, 0.2)]).unsettled() == []


def test_before_and_after_are_the_base_and_the_last_measured_checkpoint() -> None:
    plan = SweepPlan(run_id=1, recipe="wishes", revision=1)

    def measured(iteration: int, passed: float, answer: str) -> SweepPoint:
        rate = StyleRate(style="正常", count=50, passed=passed, low=0.0, high=1.0)
        shown = (("祝妹妹生日", answer, passed > 0.5),)
        return point(iteration, passed).model_copy(update={"styles": (rate,), "examples": shown})

    assert effect_of(Sweep(plan=plan, points=[measured(0, 0.1, "妹妹")])) is None
    points = [measured(0, 0.1, "妹妹"), measured(10, 0.4, "快乐"), measured(20, 0.9, "生日快乐")]
    effect = effect_of(Sweep(plan=plan, points=points))
    assert effect is not None and effect.iteration == 20
    assert [(rate.style, rate.before, rate.after) for rate in effect.rates] == [
        ("", 0.1, 0.9),
        ("正常", 0.1, 0.9),
    ]
    (pair,) = effect.answers
    assert (pair.request, pair.before, pair.after) == ("祝妹妹生日", "妹妹", "生日快乐")


def test_every_checkpoint_is_measured_once_and_a_stopped_sweep_goes_on(
    workspace: Workspace, tmp_path
) -> None:
    run = add_training(workspace, tmp_path / "base", {10: 0.0, 20: 0.5})
    save_probe(workspace, "questions:\n  - {ask: 祝妹妹, any_of: [妹], blessing: true, tokens: 8}\n")
    version = datasets.get(workspace.engine, run.dataset_version_id)
    folder = workspace.home / version.folder
    turn = {"system": SYSTEM, "input": "祝妹妹生日", "output": "祝妹妹生日快乐！"}
    (folder / "val.json").write_text(json.dumps([{"conversation": [turn]}] * 3), encoding="utf-8")
    _hold_back(workspace, version.id, {"file": "val.json", "count": 3})
    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=1, styles=("正常",), limit=2, texts=3)
    earlier = Sweep(plan=plan).with_point(point(0, 0.25, 99.0))
    save_sweep(workspace, earlier)

    job = jobs.wait(workspace, start_sweep(workspace, plan).id, 120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    before, same, other = load_sweep(workspace, run.id).points
    assert before == earlier.points[0]  # was not measured again
    assert (same.iteration, other.iteration) == (10, 20)
    assert [(rate.style, rate.count) for rate in other.styles] == [("正常", 2)]
    assert same.count == 2 and same.tokens == other.tokens == 3 * (len(turn["output"]) + 1)
    assert same.perplexity == pytest.approx(
        _perplexity(tmp_path / "base", turn), rel=1e-4
    )  # matrices of zeros
    assert other.perplexity != pytest.approx(same.perplexity, rel=1e-3)
    assert same.perplexity_high == pytest.approx(same.perplexity)  # three equal texts
    progress = jobs.read_progress(workspace, job.id)
    assert (progress.done, progress.total) == (10, 10)
    with pytest.raises(JobError, match="都扫描过了"):
        start_sweep(workspace, plan)
    probes = load_sweep(workspace, run.id).probes
    assert [probe.iteration for probe in probes] == [0, 10, 20]
    said = [probe.answers[0].answer for probe in probes]
    assert said[0] == said[1] != said[2]  # the matrices of the second checkpoint are zeros
    _let_pass(workspace, run.id)
    closer = plan.model_copy(update={"in_doubt": 4})
    job = jobs.wait(workspace, start_sweep(workspace, closer).id, 120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    untouched, *more = load_sweep(workspace, run.id).points
    assert untouched.count == 50 and [(p.count, p.doubted, p.tokens) for p in more] == [
        (4, True, same.tokens),
        (4, True, same.tokens),
    ]
    with pytest.raises(JobError, match="都扫描过了"):
        start_sweep(workspace, closer)
    with pytest.raises(PlanError, match="火星文"):
        start_sweep(workspace, plan.model_copy(update={"styles": ("火星文",)}))

    torn = tmp_path / "iter_30.pth"
    torn.write_bytes(b"torn")
    with pytest.raises(ModelError, match="读不了检查点"):
        checkpoint_weights(torn)
    for path in (workspace.home / run.work_dir).glob("*.pth"):
        path.unlink()
    with pytest.raises(ModelError, match="还没有检查点"):
        start_sweep(workspace, plan)


def _let_pass(workspace: Workspace, run_id: int) -> None:
    """An answer of a model with random weights never passes: here each checkpoint passed half of them."""
    sweep = load_sweep(workspace, run_id)
    halves = [p.model_copy(update={"passed": 0.5, "low": 0.1, "high": 0.9}) for p in sweep.points[1:]]
    save_sweep(workspace, sweep.model_copy(update={"points": [sweep.points[0], *halves]}))


def _hold_back(workspace: Workspace, version_id: int, held: dict) -> None:
    from sqlalchemy import update

    from tianji_core.store.database import writing
    from tianji_core.store.schema import dataset_versions

    with writing(workspace.engine) as connection:
        connection.execute(
            update(dataset_versions)
            .where(dataset_versions.c.id == version_id)
            .values(manifest={"validation": held})
        )


def _perplexity(base, turn: dict[str, str]) -> float:
    """What transformers' own loss says about one text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    asked = (
        f"<s><|im_start|>system\n{turn['system']}<|im_end|>\n<|im_start|>user\n{turn['input']}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    head = tokenizer.encode(asked, add_special_tokens=False)
    said = tokenizer.encode(f"{turn['output']}<|im_end|>", add_special_tokens=False)
    ids = torch.tensor([head + said])
    labels = torch.tensor([[-100] * len(head) + said])
    with torch.inference_mode():
        return math.exp(float(model(input_ids=ids, labels=labels).loss))
