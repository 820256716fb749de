"""The plan and the results of a sweep, stored as one file per training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.evaluation.outcome import Question, QuestionOutcome
from tianji_core.evaluation.probe import Memory, ProbePoint, memory_of
from tianji_core.evaluation.report import wilson
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


class SweepPlan(BaseModel):
    """What every checkpoint of one training is measured with.

    ``limit`` held-out questions in ``styles`` (none: all enabled), drawn by ``seed`` and answered greedily,
    and the first ``texts`` validation texts. Checkpoints that these do not tell apart are asked ``in_doubt``
    questions, the first ones among them; 0: no more. ``revision`` is the recipe's. The questions ``also`` are
    asked, too, but count in no rate."""

    model_config = ConfigDict(frozen=True)

    run_id: int
    recipe: str
    revision: int
    styles: tuple[str, ...] = ()
    limit: int = Field(default=60, ge=1, le=2000)
    texts: int = Field(default=200, ge=0, le=5000)
    in_doubt: int = Field(default=0, ge=0, le=2000)
    seed: int = 0
    also: tuple[Question, ...] = ()


class StyleRate(BaseModel):
    """The share (0-1) of ``count`` answers in one style that passed every check; ``low`` and ``high`` bound
    it with 95 % confidence."""

    model_config = ConfigDict(frozen=True)

    style: str
    count: int
    passed: float
    low: float
    high: float


class SweepPoint(BaseModel):
    """The figures of one checkpoint; iteration 0 is the base before training.

    Rates are 0-1; ``low`` and ``high`` bound ``passed`` with 95 % confidence. ``copied`` is the share of
    answers that are a training text but for the name; it is None without a training file. ``perplexity`` is
    per token and None without validation texts; ``perplexity_high`` is its upper bound with 95 % confidence,
    over other texts of the kind. ``doubted`` says that the questions of a doubtful checkpoint were asked.
    ``seconds`` is how long the measurement took."""

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
    perplexity_high: float | None = None
    doubted: bool = False
    examples: tuple[tuple[str, str, bool], ...] = ()
    """(question, answer, passed) of the first few questions."""
    styles: tuple[StyleRate, ...] = ()
    """The rates of each style; none in a file of an older version."""
    outcomes: tuple[QuestionOutcome, ...] = ()
    """The outcome of each question, those asked ``also`` at the end; none in a file of an older version."""


class Sweep(BaseModel):
    """A sweep with the points that are measured so far, and the answers to the forgetting probe."""

    plan: SweepPlan
    points: list[SweepPoint] = []
    probes: list[ProbePoint] = []

    def missing(self, iterations: Sequence[int]) -> list[int]:
        """Returns those of the iterations that have no point."""
        measured = {point.iteration for point in self.points}
        return [number for number in iterations if number not in measured]

    def unsettled(self) -> list[int]:
        """Returns the checkpoints to ask more questions: those that do equally well, where there are
        several."""
        equal = equally_good(self.points)
        if not self.plan.in_doubt or len(equal) < 2 or not any(point.passed for point in equal):
            return []
        return [point.iteration for point in equal if not point.doubted]

    def with_point(self, point: SweepPoint) -> "Sweep":
        """Returns the sweep with one more point, in order of iterations."""
        others = [other for other in self.points if other.iteration != point.iteration]
        points = sorted([*others, point], key=lambda other: other.iteration)
        return self.model_copy(update={"points": points})

    def with_probe(self, probe: ProbePoint) -> "Sweep":
        """Returns the sweep with the answers of one more checkpoint, in order of iterations."""
        others = [other for other in self.probes if other.iteration != probe.iteration]
        probes = sorted([*others, probe], key=lambda other: other.iteration)
        return self.model_copy(update={"probes": probes})

    def unprobed(self, iterations: Sequence[int], digest: str) -> list[int]:
        """Returns those of the iterations that did not answer the probe with this digest."""
        asked = {probe.iteration for probe in self.probes if probe.digest == digest}
        return [number for number in iterations if number not in asked]

    def memory(self, iteration: int) -> Memory | None:
        """Returns what a checkpoint keeps of what the base knew; None where one of the two was not asked the
        same set."""
        found = {probe.iteration: probe for probe in self.probes}
        base, now = found.get(0), found.get(iteration)
        if base is None or now is None or iteration == 0 or base.digest != now.digest:
            return None
        return memory_of(base, now)


def equally_good(points: Sequence[SweepPoint]) -> list[SweepPoint]:
    """Returns the checkpoints whose pass rate is not below the lower bound of the best one; the base is no
    candidate."""
    trained = [point for point in points if point.iteration > 0]
    floor = max(trained, key=lambda point: point.passed).low if trained else 0.0
    return [point for point in trained if point.passed >= floor]


def best_point(points: Sequence[SweepPoint]) -> SweepPoint | None:
    """Returns the checkpoint to stop at, None where none is measured.

    Of those with equally good pass rates, those stay whose perplexity is within the noise of the smallest
    one, and of these those whose share of copied answers is within the noise of the smallest one. The
    earliest that is left is the one."""
    left = equally_good(points)
    known = [point for point in left if point.perplexity is not None]
    if known:
        calm = min(known, key=lambda point: point.perplexity or 0.0)
        ceiling = max(calm.perplexity_high or 0.0, calm.perplexity or 0.0)
        left = [point for point in known if (point.perplexity or 0.0) <= ceiling]
    if left:
        own = min(left, key=lambda point: point.copied or 0.0)
        _low, most = wilson(round((own.copied or 0.0) * own.count), own.count)
        left = [point for point in left if (point.copied or 0.0) <= most]
    return min(left, key=lambda point: point.iteration, default=None)


@dataclass(frozen=True)
class BothAdvice:
    """The checkpoint that is good at the task and forgets little. ``both`` says that it is within the noise
    of the best at either; otherwise it is the one that keeps most among those that do the task equally
    well."""

    point: SweepPoint
    memory: Memory
    both: bool


def good_at_both(sweep: Sweep) -> BothAdvice | None:
    """Returns the checkpoint to take where forgetting counts too; None where the probe does not tell: the
    base knew too little, or no checkpoint was asked."""
    remembered = {point.iteration: sweep.memory(point.iteration) for point in sweep.points}
    told = {step: memory for step, memory in remembered.items() if memory is not None and memory.tells}
    able = [point for point in equally_good(sweep.points) if point.iteration in told]
    if not able:
        return None
    most = max(told.values(), key=lambda memory: memory.kept / memory.known)
    floor, _high = wilson(most.kept, most.known)
    keeping = [point for point in able if told[point.iteration].kept >= floor * told[point.iteration].known]
    chosen = best_point(keeping)
    both = chosen is not None
    chosen = chosen or max(able, key=lambda point: told[point.iteration].kept)
    return BothAdvice(chosen, told[chosen.iteration], both)


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
    """Returns the stored sweep where it measured the same, else an empty one. Questions that the stored one
    asked beside the drawn ones stay asked where the plan names none of its own."""
    try:
        kept = load_sweep(workspace, plan.run_id)
    except InputError:  # a damaged file is replaced
        kept = None
    if kept is None:
        return Sweep(plan=plan)
    if not plan.also:
        plan = plan.model_copy(update={"also": kept.plan.also})
    if kept.plan.model_copy(update={"in_doubt": plan.in_doubt}) != plan:
        return Sweep(plan=plan, probes=kept.probes)  # the probe does not depend on the plan
    return kept.model_copy(update={"plan": plan})
