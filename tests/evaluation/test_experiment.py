"""Several trainings as one experiment: what differs, early ends, the best one, and what survives a kill."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.checkpoints import PRESET, add_training
from tests.processes import until
from tests.tiny_base import add_version, write_tiny_base
from tests.work_folders import write_checkpoint, write_sitting
from tianji_core import jobs, training
from tianji_core.errors import InputError, JobError, StudioError, TrainingError
from tianji_core.evaluation.experiment import (
    ExperimentPlan,
    PlannedTraining,
    best_training,
    cancel_experiment,
    equal_trainings,
    experiments,
    explained,
    grid,
    load_experiment,
    read_shares,
    read_values,
    resume_experiment,
    start_experiment,
)
from tianji_core.evaluation.experiment.hopeless import hopeless, loss_at
from tianji_core.evaluation.experiment.results import Experiment, save_experiment
from tianji_core.evaluation.sweep import SweepPlan, SweepPoint
from tianji_core.evaluation.sweep.results import Sweep, save_sweep
from tianji_core.store.training import get
from tianji_core.training import TrainingSettings, Validation
from tianji_core.training.lock import working
from tianji_core.training.mix_parts import read_part
from tianji_core.training.part import drawn
from tianji_core.workspace import Workspace


def tiny_settings(folder: Path) -> TrainingSettings:
    changes = {"base": str(folder), "epochs": 1, "max_length": 272, "eval_tokens": 1}
    return training.default_settings(PRESET).model_copy(update=changes)


def measured(passed: float, seconds: float, **values: float) -> PlannedTraining:
    spread = {"low": passed - 0.05, "high": passed + 0.05, "count": 60}
    return PlannedTraining(values=values, state="done", passed=passed, seconds=seconds, **spread)


def test_a_grid_is_every_combination_of_its_values() -> None:
    axes = {"learning_rate": read_values("1e-3， 2e-3,1e-3"), "epochs": read_values("1、2")}
    for wrong in ("nan", "inf", "1e999", "很多"):
        with pytest.raises(InputError, match="不是数字"):
            read_values(wrong)
    assert grid(axes) == (
        {"learning_rate": 1e-3, "epochs": 1},
        {"learning_rate": 1e-3, "epochs": 2},
        {"learning_rate": 2e-3, "epochs": 1},
        {"learning_rate": 2e-3, "epochs": 2},
    )


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({}, "至少要有一项"),
        ({"base": [1]}, "不能变“base”"),
        ({"epochs": []}, "至少要写一个值"),
        ({"seed": list(range(65))}, "最多 64 个"),
    ],
)
def test_what_is_no_grid_is_one_sentence(axes: dict[str, list[float]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        grid(axes)


def test_the_share_of_a_version_is_an_axis_and_nought_leaves_it_out(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path).model_copy(
        update={"mix": (read_part("知识=all"), read_part("闲聊：0.3"))}
    )
    axes = {"mix:闲聊": read_shares("闲聊", "0、10%，all, 0.1"), "epochs": [1, 2]}
    assert axes["mix:闲聊"] == [0, 0.1, 1]
    plan = ExperimentPlan(preset=PRESET, version_id=1, settings=settings, variants=grid(axes))
    assert plan.axes == ("epochs", "mix:闲聊") and not plan.compares_losses
    without, some, everything = (
        plan.settings_of({"mix:闲聊": share, "epochs": 1}).mix for share in axes["mix:闲聊"]
    )
    assert [part.text for part in without] == ["知识:all"]
    assert [part.text for part in some] == ["知识:all", "闲聊:0.1"]
    assert [part.text for part in everything] == ["知识:all", "闲聊:all"]
    assert plan.value_of({}, "mix:闲聊") == 0.3 and plan.value_of({}, "mix:知识") == 1
    assert plan.value_of({}, "mix:别的") == 0 and plan.value_of({"mix:知识": 0.2}, "mix:知识") == 0.2
    said = [PlannedTraining(values={"mix:闲聊": share}).text for share in axes["mix:闲聊"]]
    assert said == ["混入 闲聊 不混入", "混入 闲聊 10%", "混入 闲聊 全部"]
    assert (
        Experiment.model_validate_json(Experiment(number=1, plan=plan, trainings=()).model_dump_json()).plan
        == plan
    )


@pytest.mark.parametrize("wrong", ["1.2", "-0.1", "很多", "0.2%%", "nan"])
def test_what_is_no_share_is_one_sentence(wrong: str) -> None:
    with pytest.raises(InputError, match="混入"):
        read_shares("闲聊", f"0, {wrong}")


def test_a_mix_that_cannot_be_made_stops_the_experiment_before_it_begins(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = tiny_settings(write_tiny_base(tmp_path / "base"))
    shared = {"preset": PRESET, "version_id": add_version(workspace).id, "settings": settings}
    for version, said in (("没有", "没有"), ("v1", "就是训练自己的数据集")):
        with pytest.raises(StudioError, match=said):
            start_experiment(workspace, ExperimentPlan(**shared, variants=grid({f"mix:{version}": [0, 0.2]})))
    add_version(workspace, "闲聊", 30)
    fixed = settings.model_copy(update={"mix": (read_part("闲聊:0.6"),)})
    add_version(workspace, "知识", 30)
    plan = ExperimentPlan(**{**shared, "settings": fixed}, variants=grid({"mix:知识": [0.2, 0.5]}))
    with pytest.raises(TrainingError, match="加起来是 110%"):
        start_experiment(workspace, plan)
    assert experiments(workspace) == []


def test_fewer_samples_are_among_more_samples(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)

    def part(number: int) -> list[int]:
        return drawn(range(100), settings.model_copy(update={"samples": number}))

    assert part(0) == part(100) == part(500) == list(range(100))
    assert len(part(40)) == 40 and set(part(20)) < set(part(40)) and part(40) == sorted(part(40))


def curve(*losses: float | None) -> list[Validation]:
    return [Validation(10 * at, loss) for at, loss in enumerate(losses)]


def test_only_a_loss_that_stays_clearly_worse_at_the_same_step_is_hopeless() -> None:
    good = curve(4.0, 3.0, 2.0, 1.5)
    assert loss_at(good, 15) == 2.5 and loss_at(good, 40) is None
    assert hopeless(curve(4.0, 3.9, 3.8), [good]) == (20, 3.8, 2.0)
    assert hopeless(curve(4.0, 3.9, 2.1), [good]) is None
    assert hopeless(curve(4.0, 3.9), [good]) is None  # one validation alone may be a bad moment
    assert hopeless(curve(4.0, 3.9, 3.8), []) is None
    assert hopeless(curve(4.0, None, None), [good]) is not None
    later = [Validation(step, 9.0) for step in (40, 50)]
    assert hopeless(later, [good]) is None  # nobody has come so far


def test_losses_are_not_compared_where_the_steps_are_not_the_same(tmp_path: Path) -> None:
    shared = {"preset": PRESET, "version_id": 1, "settings": tiny_settings(tmp_path)}
    assert ExperimentPlan(**shared, variants=grid({"lora_r": [4, 8]})).compares_losses
    assert not ExperimentPlan(**shared, variants=grid({"samples": [40, 80]})).compares_losses


def test_the_best_is_explained_with_those_that_do_as_well_in_less_time(tmp_path: Path) -> None:
    first, quick, bad = (
        measured(0.91, 300, lora_r=64),
        measured(0.88, 100, lora_r=8),
        measured(0.4, 50, lora_r=2),
    )
    variants = ({"lora_r": 64}, {"lora_r": 8}, {"lora_r": 2})
    plan = ExperimentPlan(preset=PRESET, version_id=1, settings=tiny_settings(tmp_path), variants=variants)
    made = Experiment(number=1, plan=plan, trainings=(first, quick, bad))
    assert best_training(made.trainings) == first and equal_trainings(made.trainings) == [quick]
    assert "LoRA 秩 64：留出的 60 题通过 91%（95% 区间 86%–96%）" in explained(made)
    assert "最快的是 LoRA 秩 8" in explained(made)
    nothing = made.model_copy(update={"trainings": (PlannedTraining(values={"lora_r": 2}),)})
    assert explained(nothing) == "还没有测出来的训练"


def test_a_variant_that_cannot_start_stops_the_experiment_before_it_begins(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = tiny_settings(write_tiny_base(tmp_path / "base"))
    shared = {"preset": PRESET, "version_id": add_version(workspace).id, "settings": settings}
    with pytest.raises(TrainingError, match="学习率"):
        start_experiment(workspace, ExperimentPlan(**shared, variants=grid({"learning_rate": [1e-3, 500]})))
    assert experiments(workspace) == []
    with pytest.raises(InputError, match="编号为 3"):
        load_experiment(workspace, 3)


def test_an_experiment_goes_on_with_what_is_finished_and_ends_with_its_budget(
    workspace: Workspace, tmp_path: Path
) -> None:
    run = add_training(workspace, tmp_path / "base", {})
    write_sitting(workspace.home / run.work_dir, "20260101_000000", [(5, 2.0), (10, 1.0)])
    write_checkpoint(workspace.home / run.work_dir / "iter_10.pth")
    shared = {"count": 60, "copied": None, "perplexity": None, "tokens": 0, "seconds": 1.0}
    points = [
        SweepPoint(iteration=step, passed=passed, low=passed - 0.1, high=passed + 0.1, **shared)
        for step, passed in ((0, 0.1), (10, 0.8))
    ]
    save_sweep(workspace, Sweep(plan=SweepPlan(run_id=run.id, recipe="wishes", revision=0), points=points))
    settings = tiny_settings(tmp_path / "base")
    plan = ExperimentPlan(
        preset=PRESET,
        version_id=run.dataset_version_id,
        settings=settings,
        variants=({"lora_r": 4}, {"lora_r": 8}),
        hours=0.001,
    )
    begun = PlannedTraining(values={"lora_r": 4}, state="running", training_run_id=run.id)
    later = PlannedTraining(values={"lora_r": 8})
    save_experiment(workspace, Experiment(number=1, plan=plan, trainings=(begun, later)))
    job = jobs.wait(workspace, resume_experiment(workspace, 1).id, timeout=120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    first, second = load_experiment(workspace, 1).trainings
    assert (first.state, first.passed, first.seconds) == ("done", 0.8, 5.0)
    assert (second.state, second.training_run_id) == ("skipped", None) and "预算" in second.note
    with pytest.raises(InputError, match="做完了"):
        resume_experiment(workspace, 1)
    with pytest.raises(JobError, match="没有在进行"):
        cancel_experiment(workspace, 1)


@pytest.mark.training
def test_a_cancelled_experiment_stops_its_training_and_can_go_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = tiny_settings(write_tiny_base(tmp_path / "base"))
    plan = ExperimentPlan(
        preset=PRESET,
        version_id=add_version(workspace).id,
        settings=settings,
        variants=({"lora_r": 4}, {"lora_r": 8}),
    )
    with working(workspace):  # the training waits for its place
        made, job = start_experiment(workspace, plan)
        until(lambda: load_experiment(workspace, made.number).trainings[0].training_run_id is not None, 120)
        cancel_experiment(workspace, made.number)
        assert jobs.get(workspace, job.id).state == "stopped"
        first, second = load_experiment(workspace, made.number).trainings
        run = get(workspace.engine, first.training_run_id)
        until(lambda: not training.training_state(workspace, run).active, 120)
    assert "接着做" in first.note and second.state == "waiting"
    assert load_experiment(workspace, made.number).open


@pytest.mark.training
def test_a_killed_experiment_goes_on_with_the_training_that_it_had_begun(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = tiny_settings(write_tiny_base(tmp_path / "base"))
    plan = ExperimentPlan(
        preset=PRESET,
        version_id=add_version(workspace).id,
        settings=settings,
        variants=({"samples": 30},),
        limit=2,
    )
    made, job = start_experiment(workspace, plan)
    until(lambda: load_experiment(workspace, made.number).trainings[0].training_run_id is not None, 120)
    running = jobs.get(workspace, job.id)
    for pid in (running.supervisor_pid, running.pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(running.pid) and not jobs.get(workspace, job.id).active, 60)
    again = jobs.wait(workspace, resume_experiment(workspace, made.number).id, timeout=240)
    assert again.state == "succeeded", jobs.log_tail(workspace, again.id)
    (done,) = load_experiment(workspace, made.number).trainings
    assert done.state == "done" and done.count == 2 and done.seconds > 0
    run = get(workspace.engine, done.training_run_id)
    learnt = json.loads((workspace.home / run.work_dir / "part_train.json").read_text(encoding="utf-8"))
    assert len(learnt) == 30
