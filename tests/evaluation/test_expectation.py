"""What is expected of a number of samples, before a training, and compared with what came of it."""

import pytest

from tests.checkpoints import PRESET
from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.evaluation.expectation import (
    compared,
    curve_points,
    expectation,
    keep_expectation,
    sizes_to_measure,
)
from tianji_core.evaluation.learning_curve import CurvePoint, LearningCurve
from tianji_core.evaluation.sweep import SweepPlan, SweepPoint
from tianji_core.evaluation.sweep.results import Sweep, save_sweep
from tianji_core.store import training as trainings
from tianji_core.store.training import TrainingRun
from tianji_core.workspace import Workspace


def on_the_curve(samples: int, count: int = 400) -> CurvePoint:
    """Failing answers that follow 6 · samples ^ -0.6."""
    return CurvePoint(samples, round(count * (1 - 6 * samples**-0.6)), count)


def test_the_curve_finds_the_law_that_made_its_points() -> None:
    curve = LearningCurve([on_the_curve(size) for size in (100, 200, 400, 800)])
    for size in (100, 300, 800, 1600):
        told = curve.expected(size)
        assert told is not None
        assert told.share == pytest.approx(1 - 6 * size**-0.6, abs=0.05)
        assert told.low < 1 - 6 * size**-0.6 < told.high


def test_more_questions_make_it_surer() -> None:
    def width(count: int, size: int) -> float:
        told = LearningCurve([on_the_curve(100, count), on_the_curve(400, count)]).expected(size)
        assert told is not None
        return told.high - told.low

    assert width(400, 400) < width(30, 400)


def test_nothing_is_said_far_from_what_was_measured() -> None:
    points = [on_the_curve(100), on_the_curve(400)]
    curve = LearningCurve(points)
    assert curve.expected(10) is None and curve.expected(4000) is None
    assert expectation(points, 4000) is None
    assert expectation(points[:1] * 3, 100) is None  # one number of samples makes no curve


def test_what_more_samples_bring_is_said_where_it_is_much() -> None:
    told = expectation([on_the_curve(100), on_the_curve(400)], 200)
    assert told is not None and told.more is not None
    assert told.more.share > told.at_hand.share + 0.05
    assert "用 200 条样本大约通过" in told.sentence and "再加" in told.sentence
    flat = [CurvePoint(size, 380, 400) for size in (100, 200, 400, 800)]
    told = expectation(flat, 400)
    assert told is not None and told.more is None


def test_the_sizes_of_short_trainings_are_parts_of_what_is_there() -> None:
    assert sizes_to_measure(1600) == [200, 400, 800]
    assert sizes_to_measure(100) == [50]


def add_measured(workspace: Workspace, version_id: int, samples: int, share: float) -> TrainingRun:
    settings = training.default_settings(PRESET).model_copy(update={"samples": samples})
    run = trainings.add(workspace.engine, "训练", PRESET, version_id, settings.model_dump(mode="json"))
    shared = {"count": 100, "copied": None, "perplexity": None, "tokens": 0, "seconds": 1.0}
    point = SweepPoint(iteration=10, passed=share, low=share, high=share, **shared)
    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=0)
    save_sweep(workspace, Sweep(plan=plan, points=[point]))
    return run


def test_earlier_trainings_of_the_same_kind_foretell_the_next(workspace: Workspace) -> None:
    version = add_version(workspace, count=800)
    for samples, share in ((100, 0.6), (200, 0.75), (400, 0.84)):
        add_measured(workspace, version.id, samples, share)
    settings = training.default_settings(PRESET)
    points = curve_points(workspace, PRESET, settings, version)
    assert sorted(point.samples for point in points) == [100, 200, 400]
    longer = settings.model_copy(update={"epochs": settings.epochs + 1})
    assert curve_points(workspace, PRESET, longer, version) == []
    assert curve_points(workspace, "nano-cpu-lora", settings, version) == []

    told = expectation(points, 800)
    assert told is not None and 0.84 < told.at_hand.share < 0.95
    run = add_measured(workspace, version.id, 0, 0.9)
    assert compared(workspace, run) == ""
    keep_expectation(workspace, run, told)
    assert "实测 90%：在估计的范围里" in compared(workspace, run)
    bad = add_measured(workspace, version.id, 0, 0.3)
    keep_expectation(workspace, bad, told)
    assert "比估计的差" in compared(workspace, bad)
