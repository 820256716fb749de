"""The plan and the results of a sweep, stored as one file per training."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


class SweepPlan(BaseModel):
    """What every checkpoint of one training is measured with.

    ``limit`` held-out questions in ``styles`` (none: all enabled), drawn by ``seed`` and answered greedily,
    and the first ``texts`` validation texts. ``revision`` is the recipe's."""

    model_config = ConfigDict(frozen=True)

    run_id: int
    recipe: str
    revision: int
    styles: tuple[str, ...] = ()
    limit: int = Field(default=60, ge=1, le=2000)
    texts: int = Field(default=200, ge=0, le=5000)
    seed: int = 0


class SweepPoint(BaseModel):
    """The figures of one checkpoint; iteration 0 is the base before training.

    Rates are 0-1; ``low`` and ``high`` bound ``passed`` with 95 % confidence. ``copied`` is the share of
    answers that are a training text but for the name; it is None without a training file. ``perplexity`` is
    per token and None without validation texts. ``seconds`` is how long the measurement took."""

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
    """(question, answer, passed) of the first few questions."""


class Sweep(BaseModel):
    """A sweep with the points that are measured so far."""

    plan: SweepPlan
    points: list[SweepPoint] = []

    def missing(self, iterations: Sequence[int]) -> list[int]:
        """Returns those of the iterations that have no point."""
        measured = {point.iteration for point in self.points}
        return [number for number in iterations if number not in measured]

    def with_point(self, point: SweepPoint) -> "Sweep":
        """Returns the sweep with one more point, in order of iterations."""
        others = [other for other in self.points if other.iteration != point.iteration]
        return Sweep(plan=self.plan, points=sorted([*others, point], key=lambda other: other.iteration))


def best_point(points: Sequence[SweepPoint]) -> SweepPoint | None:
    """Returns the checkpoint to stop at, None where none is measured; the base is no candidate.

    Pass rates that are not below the lower bound of the best one count as equal. Among those the smallest
    perplexity wins, then the smallest copied share, then the earliest checkpoint."""
    trained = [point for point in points if point.iteration > 0]
    if not trained:
        return None
    floor = max(trained, key=lambda point: point.passed).low
    equal = [point for point in trained if point.passed >= floor]
    return min(
        equal,
        key=lambda point: (
            float("inf") if point.perplexity is None else point.perplexity,
            point.copied or 0.0,
            point.iteration,
        ),
    )


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.home / "sweeps" / f"training-{run_id}.json"


def load_sweep(workspace: Workspace, run_id: int) -> Sweep | None:
    """Returns the stored sweep of a training, complete or not; None where there is none.

    Raises:
        InputError: its file is damaged.
    """
    path = _path(workspace, run_id)
    try:
        return Sweep.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(_("扫描结果 {file} 坏了，请删掉它再扫一次", file=path)) from error


def save_sweep(workspace: Workspace, sweep: Sweep) -> None:
    """Writes a sweep to the workspace."""
    write_text(_path(workspace, sweep.plan.run_id), sweep.model_dump_json(indent=1) + "\n")


def swept(workspace: Workspace) -> list[int]:
    """Returns the numbers of the trainings that have a sweep."""
    folder = workspace.home / "sweeps"
    return sorted(int(path.stem.removeprefix("training-")) for path in folder.glob("training-*.json"))


def continued(workspace: Workspace, plan: SweepPlan) -> Sweep:
    """Returns the stored sweep where its plan is the same, else an empty one."""
    try:
        kept = load_sweep(workspace, plan.run_id)
    except InputError:  # a damaged file is replaced
        kept = None
    return kept if kept is not None and kept.plan == plan else Sweep(plan=plan)
