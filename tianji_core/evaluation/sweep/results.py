"""What a sweep asks and what it found, kept as one file per training."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


class SweepPlan(BaseModel):
    """What is put to every checkpoint of one training: ``limit`` held-out questions in ``styles`` (none: all enabled),
    drawn by ``seed`` and answered greedily, and the first ``texts`` validation texts. ``revision`` is the recipe's."""

    model_config = ConfigDict(frozen=True)

    run_id: int
    recipe: str
    revision: int
    styles: tuple[str, ...] = ()
    limit: int = Field(default=60, ge=1, le=2000)
    texts: int = Field(default=200, ge=0, le=5000)
    seed: int = 0


class SweepPoint(BaseModel):
    """One checkpoint; iteration 0 is the base before training. Rates are 0-1; ``low`` and ``high`` bound ``passed`` with
    95 % confidence; ``perplexity`` per token of the validation texts and ``copied``, the share of answers that are a
    training text but for the name, are None where there is nothing to measure them with. ``seconds`` it took."""

    model_config = ConfigDict(frozen=True)

    iteration: int
    count: int
    passed: float
    low: float
    high: float
    copied: float | None
    perplexity: float | None
    tokens: int
    seconds: float
    examples: tuple[tuple[str, str, bool], ...] = ()
    """(question, answer, passed) of the first few, to look at."""


class Sweep(BaseModel):
    """A sweep as far as it is."""

    plan: SweepPlan
    points: list[SweepPoint] = []

    def missing(self, iterations: Sequence[int]) -> list[int]:
        """Which of these have no point."""
        known = {point.iteration for point in self.points}
        return [number for number in iterations if number not in known]

    def with_point(self, point: SweepPoint) -> "Sweep":
        """With one more point, in order of iterations."""
        kept = [each for each in self.points if each.iteration != point.iteration]
        return Sweep(plan=self.plan, points=sorted([*kept, point], key=lambda each: each.iteration))


def best_point(points: Sequence[SweepPoint]) -> SweepPoint | None:
    """Where to stop. Pass rates whose difference may be chance (not below the lower bound of the best one) count as the
    same; among those the smallest perplexity wins, then the smallest copied share, then the earliest. The base is no
    candidate."""
    trained = [point for point in points if point.iteration > 0]
    if not trained:
        return None
    floor = max(trained, key=lambda point: point.passed).low
    alike = [point for point in trained if point.passed >= floor]
    return min(
        alike,
        key=lambda point: (
            float("inf") if point.perplexity is None else point.perplexity,
            point.copied or 0.0,
            point.iteration,
        ),
    )


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.home / "sweeps" / f"training-{run_id}.json"


def load_sweep(workspace: Workspace, run_id: int) -> Sweep | None:
    """The newest sweep of a training, finished or not; None where there was none.

    Raises:
        InputError: its file is broken.
    """
    path = _path(workspace, run_id)
    try:
        return Sweep.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(_("扫描结果 {file} 坏了，请删掉它再扫一次", file=path)) from error


def save_sweep(workspace: Workspace, sweep: Sweep) -> None:
    """Keep a sweep as it is now."""
    write_text(_path(workspace, sweep.plan.run_id), sweep.model_dump_json(indent=1) + "\n")


def swept(workspace: Workspace) -> list[int]:
    """The numbers of the trainings that have a sweep."""
    folder = workspace.home / "sweeps"
    return sorted(int(path.stem.removeprefix("training-")) for path in folder.glob("training-*.json"))


def continued(workspace: Workspace, plan: SweepPlan) -> Sweep:
    """The kept sweep where it asked the same things, else an empty one."""
    try:
        kept = load_sweep(workspace, plan.run_id)
    except InputError:  # it is about to be replaced
        kept = None
    return kept if kept is not None and kept.plan == plan else Sweep(plan=plan)
