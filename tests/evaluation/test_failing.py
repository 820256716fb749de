"""Further samples for what a model fails at, and whether they helped."""

import itertools
from dataclasses import replace

import pytest

from tests.tiny_base import add_version
from tianji_core import jobs
from tianji_core.dataset import freeze
from tianji_core.errors import PlanError
from tianji_core.evaluation import (
    MeasuredAnswers,
    QuestionOutcome,
    failing_of,
    failing_plan,
    held_out_cases,
    planned_top_up,
    start_top_up,
    top_ups,
)
from tianji_core.evaluation.sweep import (
    SweepPlan,
    SweepPoint,
    learnt_styles,
    newest_learner,
    newest_result,
    top_up_results,
    with_topped_up,
)
from tianji_core.evaluation.sweep.results import Sweep, save_sweep
from tianji_core.models.nano import held_out
from tianji_core.recipe import built_in_recipe, tasks
from tianji_core.store import samples
from tianji_core.store import training as trainings
from tianji_core.store.samples import ACCEPTED, NewSample, SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

WISHES = built_in_recipe("wishes")


def asked(number: int, wrong: set[int], styles: tuple[str, ...] = ("正常",)) -> tuple[QuestionOutcome, ...]:
    return tuple(
        QuestionOutcome(
            name=case.name.text, scene=case.scene.text, style=case.style.text, passed=at not in wrong
        )
        for at, case in enumerate(held_out_cases(WISHES, styles, number))
    )


def test_failed_names_and_occasions_get_samples_in_other_cells_than_the_measured_ones() -> None:
    outcomes = asked(20, {0, 1, 2})
    plan = failing_plan(WISHES, outcomes, each=6, seed=4)
    failed = [one for one in outcomes if not one.passed]
    for name, scene in plan.cells:
        assert not held_out(name, scene)
        assert name in {one.name for one in failed} or scene in {one.scene for one in failed}
    for one in failed:
        assert any(one.name == name for name, _scene in plan.cells)
        assert any(one.scene == scene for _name, scene in plan.cells)
    assert plan.styles == ("正常",) and plan.seed == 4
    assert len(tasks(WISHES, plan)) == 3 * 6


def test_a_cell_that_is_no_held_out_one_gets_samples_itself() -> None:
    one = QuestionOutcome(name="妹妹", scene="生日", style="正常", passed=False)
    assert not held_out("妹妹", "生日")
    assert ("妹妹", "生日") in failing_plan(WISHES, [one], each=3).cells


def test_many_samples_for_few_failures_are_several_wordings_of_each_cell() -> None:
    plan = failing_plan(WISHES, asked(20, {0}), each=200)
    assert plan.rounds > 1 and len(tasks(WISHES, plan)) >= 200


def test_only_the_styles_that_failed_are_written() -> None:
    outcomes = asked(20, set(), ("正常", "小红书"))
    wrong = next(one for one in outcomes if one.style == "小红书").model_copy(update={"passed": False})
    assert failing_plan(WISHES, [*outcomes, wrong]).styles == ("小红书",)
    assert failing_of([*outcomes, wrong]).styles == (("小红书", 1),)


def test_nothing_to_top_up_is_one_sentence() -> None:
    with pytest.raises(PlanError, match="没有答错"):
        failing_plan(WISHES, asked(5, set()))
    gone = QuestionOutcome(name="妹妹", scene="生日", style="没有的风格", passed=False)
    with pytest.raises(PlanError, match="补不了"):
        failing_plan(WISHES, [gone])


def measure(workspace: Workspace, run_id: int, outcomes: tuple[QuestionOutcome, ...]) -> None:
    share = sum(one.passed for one in outcomes) / len(outcomes)
    shared = {"count": len(outcomes), "copied": None, "perplexity": None, "tokens": 0, "seconds": 1.0}
    point = SweepPoint(iteration=10, passed=share, low=share, high=share, outcomes=outcomes, **shared)
    plan = SweepPlan(run_id=run_id, recipe="wishes", revision=0)
    save_sweep(workspace, Sweep(plan=plan, points=[point]))


def test_every_later_measurement_asks_what_was_topped_up_again(workspace: Workspace) -> None:
    plan = SweepPlan(run_id=1, recipe="wishes", revision=0, limit=5)
    assert with_topped_up(workspace, WISHES, plan) == plan
    case = held_out_cases(WISHES, (), plan.limit, plan.seed)[0]
    own, far = (case.name.text, case.scene.text, case.style.text), ("赵老师", "发财", "正常")
    outcomes = tuple(
        QuestionOutcome(name=name, scene=scene, style=style, passed=False)
        for name, scene, style in (own, far)
    )
    measured = MeasuredAnswers(source="评测", outcomes=outcomes)
    topped = planned_top_up(workspace, "wishes", outcomes, each=2)
    _made, job = start_top_up(workspace, "wishes", measured, topped, TeacherChoice())
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert with_topped_up(workspace, WISHES, plan).also == (far,)


def test_a_training_is_asked_for_the_styles_that_it_learnt(workspace: Workspace) -> None:
    engine = workspace.engine
    silent = trainings.add(engine, "没有记下风格", "nano-cpu-qlora", add_version(workspace).id, {})
    assert learnt_styles(workspace, WISHES, silent) == ()
    for name, scene in itertools.product(WISHES.names[:4], WISHES.scenes[:3]):
        told = f"{name.text}，祝您{scene.text}快乐，身体健康，万事如意！"
        new = NewSample("wishes", "送祝福", f"祝{name.text}{scene.text}", told, name.text, scene.text, "正常")
        samples.add(engine, replace(new, state=ACCEPTED))
    plain = trainings.add(engine, "只学正常", "nano-cpu-qlora", freeze(workspace, "wishes", "正常的").id, {})
    assert learnt_styles(workspace, WISHES, plain) == ("正常",)


def test_after_the_next_training_the_same_questions_tell_whether_it_helped(workspace: Workspace) -> None:
    before = trainings.add(workspace.engine, "第一次", "nano-cpu-qlora", add_version(workspace).id, {})
    measured = MeasuredAnswers(source="第一次", outcomes=asked(10, {0, 1, 2}), training_run_id=before.id)
    plan = planned_top_up(workspace, "wishes", measured.outcomes, each=4)
    made, job = start_top_up(workspace, "wishes", measured, plan, TeacherChoice())
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert samples.total(workspace.engine, "wishes") == len(tasks(WISHES, plan)) >= 12
    shown = samples.page(workspace.engine, SampleFilter("wishes", run_id=made.run_id), limit=50)
    assert {(sample.name, sample.scene) for sample in shown} <= set(plan.cells)
    assert top_ups(workspace, "wishes") == [made] and newest_result(workspace, made) is None

    measure(workspace, before.id, asked(10, set()))
    assert top_up_results(workspace, before) == []  # its data is older than the samples
    version = add_version(workspace, "v2")
    assert newest_learner(workspace, made) is None
    after = trainings.add(workspace.engine, "第二次", "nano-cpu-qlora", version.id, {})
    assert newest_learner(workspace, made) == after
    measure(workspace, after.id, asked(10, {0, 5}))
    (result,) = top_up_results(workspace, after)
    assert (result.failed, result.repaired, result.right, result.kept) == (3, 2, 7, 6)
    assert newest_result(workspace, made) == result
    assert "没答好的 3 题，这次答好 2 题" in result.sentence
