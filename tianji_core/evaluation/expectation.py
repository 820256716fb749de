"""What to expect of a training before it starts, by the trainings of the same kind that were measured, and
how that compared with what was measured afterwards."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import StudioError
from tianji_core.evaluation.learning_curve import CurvePoint, Expected, LearningCurve
from tianji_core.evaluation.sweep.results import SweepPoint, load_sweep
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.store import training as trainings
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training import TrainingSettings, record_of, version_of
from tianji_core.training.part import samples_of
from tianji_core.workspace import Workspace

LOOK_BACK = 60
"""Trainings among which those of the same kind are searched."""
GAIN = 0.7
"""More samples are worth a word where they leave at most this share of the failing answers."""
SIZES = (8, 4, 2)
"""Short trainings learn from this fraction of the samples, to measure the curve."""
LEAST = 40
"""Samples of the smallest of these trainings."""


@dataclass(frozen=True)
class Expectation:
    """What to expect from the samples at hand, by ``trainings`` measured ones; ``more`` is what more samples
    would bring, None where that is not clearly better."""

    at_hand: Expected
    more: Expected | None
    trainings: int

    @property
    def sentence(self) -> str:
        """The expectation for people."""
        said = _(
            "按 {n} 次测过的训练估计：用 {samples} 条样本大约通过 {share}（95% 区间 {low}–{high}）",
            n=self.trainings,
            samples=f"{self.at_hand.samples:,}",
            share=f"{self.at_hand.share:.0%}",
            low=f"{self.at_hand.low:.0%}",
            high=f"{self.at_hand.high:.0%}",
        )
        if self.more is None:
            return said
        return said + _(
            "；再加 {more} 条同样的样本，大约到 {share}",
            more=f"{self.more.samples - self.at_hand.samples:,}",
            share=f"{self.more.share:.0%}",
        )


class KeptExpectation(BaseModel):
    """An expectation as it was when its training started."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    samples: int
    share: float
    low: float
    high: float


def curve_points(
    workspace: Workspace, preset: str, settings: TrainingSettings, version: DatasetVersion
) -> list[CurvePoint]:
    """Returns the measured trainings of the same kind: same recipe, preset, base, passes and styles."""
    found: list[CurvePoint] = []
    if settings.pairs:
        return found
    for run in trainings.listed(workspace.engine, version.recipe, limit=LOOK_BACK):
        if run.preset != preset:
            continue
        try:
            own, learnt = record_of(run).settings, version_of(workspace, run)
            if learnt is None or not _same_kind(own, settings, learnt, version):
                continue
            point = last_point(workspace, run)
        except StudioError:
            continue
        if point is None:
            continue
        found.append(CurvePoint(samples_of(own, learnt), round(point.passed * point.count), point.count))
    return found


def last_point(workspace: Workspace, run: TrainingRun) -> SweepPoint | None:
    """Returns the figures of the last measured checkpoint of a training, None where there is none.

    Raises:
        InputError: the stored measurement is damaged.
    """
    sweep = load_sweep(workspace, run.id)
    trained = [point for point in sweep.points if point.iteration > 0] if sweep is not None else []
    return trained[-1] if trained else None


def _same_kind(
    own: TrainingSettings, settings: TrainingSettings, learnt: DatasetVersion, version: DatasetVersion
) -> bool:
    return (
        own.base_folder.name == settings.base_folder.name
        and own.epochs == settings.epochs
        and own.mix == settings.mix
        and set(learnt.manifest.get("by_style", {})) == set(version.manifest.get("by_style", {}))
    )


def expectation(points: list[CurvePoint], samples: int) -> Expectation | None:
    """Returns what to expect of so many samples; None where fewer than two numbers of samples were measured,
    or all of them are far from this one."""
    if len({point.samples for point in points}) < 2:
        return None
    curve = LearningCurve(points)
    at_hand = curve.expected(samples)
    if at_hand is None:
        return None
    for factor in (2, 3, 4):
        more = curve.expected(samples * factor)
        if more is not None and 1 - more.share <= GAIN * (1 - at_hand.share):
            return Expectation(at_hand, more, len(points))
    return Expectation(at_hand, None, len(points))


def expected_of(
    workspace: Workspace, preset: str, settings: TrainingSettings, version: DatasetVersion
) -> Expectation | None:
    """Returns what to expect of a training by those of the same kind, None where too few were measured."""
    points = curve_points(workspace, preset, settings, version)
    return expectation(points, samples_of(settings, version))


def sizes_to_measure(samples: int) -> list[int]:
    """Returns the numbers of samples of the short trainings that would measure the curve; [] for too few."""
    return [samples // part for part in SIZES if samples // part >= LEAST]


def keep_expectation(workspace: Workspace, run: TrainingRun, told: Expectation | None) -> None:
    """Stores what was expected of a training that has just been started."""
    if told is not None:
        one = told.at_hand
        kept = KeptExpectation(samples=one.samples, share=one.share, low=one.low, high=one.high)
        write_text(_path(workspace, run.id), kept.model_dump_json(indent=1) + "\n")


def compared(workspace: Workspace, run: TrainingRun) -> str:
    """Returns the sentence that compares what was expected of a training with what was measured; '' where
    one of the two is missing. Only intervals that do not overlap count as better or worse."""
    try:
        kept = KeptExpectation.model_validate_json(_path(workspace, run.id).read_text(encoding="utf-8"))
        point = last_point(workspace, run)
    except (OSError, ValidationError, StudioError):
        return ""
    if point is None:
        return ""
    if point.high < kept.low:
        verdict = _("比估计的差")
    elif point.low > kept.high:
        verdict = _("比估计的好")
    else:
        verdict = _("在估计的范围里")
    return _(
        "训练前估计 {share}（{low}–{high}），实测 {measured}：{verdict}",
        share=f"{kept.share:.0%}",
        low=f"{kept.low:.0%}",
        high=f"{kept.high:.0%}",
        measured=f"{point.passed:.0%}",
        verdict=verdict,
    )


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.home / "expectations" / f"training-{run_id}.json"
