"""Whether a top-up has helped: the questions that failed before it, answered after a later training."""

from dataclasses import dataclass

from tianji_core.errors import StudioError
from tianji_core.evaluation.outcome import Question, QuestionOutcome
from tianji_core.evaluation.sweep.results import Sweep, load_sweep, swept
from tianji_core.evaluation.topped_up import TopUp, top_ups
from tianji_core.i18n import _
from tianji_core.store import runs
from tianji_core.store import training as trainings
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training import version_of
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class TopUpResult:
    """What training ``training_run_id`` answers after a top-up: of the ``failed`` questions that it was asked
    again ``repaired`` are right now, of the ``right`` ones ``kept`` still are."""

    top_up: TopUp
    training_run_id: int
    failed: int
    repaired: int
    right: int
    kept: int

    @property
    def sentence(self) -> str:
        """The result for people."""
        said = _(
            "补样本（批次 {run}）以后：当时没答好的 {n} 题，这次答好 {good} 题",
            run=self.top_up.run_id,
            n=self.failed,
            good=self.repaired,
        )
        if self.right:
            said += _("；当时答好的 {n} 题，这次还有 {kept} 题", n=self.right, kept=self.kept)
        return said


def last_outcomes(sweep: Sweep) -> tuple[QuestionOutcome, ...]:
    """Returns the outcomes of the last measured checkpoint, () where none has them."""
    trained = [point.outcomes for point in sweep.points if point.iteration > 0 and point.outcomes]
    return trained[-1] if trained else ()


def top_up_results(workspace: Workspace, run: TrainingRun) -> list[TopUpResult]:
    """Returns what a measured training says about the top-ups whose samples it could learn from: those that
    began before its dataset version was made. The newest first; none where it was not measured."""
    version, sweep = version_of(workspace, run), load_sweep(workspace, run.id)
    now = last_outcomes(sweep) if sweep is not None else ()
    if version is None or not now:
        return []
    found = []
    for made in top_ups(workspace, version.recipe):
        if _could_learn(workspace, made, run, version):
            result = _compared(made, run.id, now)
            found += [result] if result.failed else []
    return found


def _could_learn(workspace: Workspace, made: TopUp, run: TrainingRun, version: DatasetVersion) -> bool:
    try:
        begun = runs.get(workspace.engine, made.run_id).created_at
    except StudioError:
        return False
    return begun < version.created_at and made.training_run_id != run.id


def newest_learner(workspace: Workspace, made: TopUp) -> TrainingRun | None:
    """Returns the newest training that could learn from the samples of a top-up, None where there is none."""
    for run in trainings.listed(workspace.engine, made.recipe):
        version = version_of(workspace, run)
        if version is not None and _could_learn(workspace, made, run, version):
            return run
    return None


def newest_result(workspace: Workspace, made: TopUp) -> TopUpResult | None:
    """Returns what the newest measured training says about one top-up, None where none does yet."""
    for run_id in sorted(swept(workspace), reverse=True):
        try:
            run = trainings.get(workspace.engine, run_id)
            results = top_up_results(workspace, run)
        except StudioError:
            continue
        for result in results:
            if result.top_up.run_id == made.run_id:
                return result
    return None


def _compared(made: TopUp, run_id: int, now: tuple[QuestionOutcome, ...]) -> TopUpResult:
    before, after = _by_question(made.outcomes), _by_question(now)
    again = [question for question in before if question in after]
    failed = [question for question in again if not before[question]]
    right = [question for question in again if before[question]]
    return TopUpResult(
        top_up=made,
        training_run_id=run_id,
        failed=len(failed),
        repaired=sum(after[question] for question in failed),
        right=len(right),
        kept=sum(after[question] for question in right),
    )


def _by_question(outcomes: tuple[QuestionOutcome, ...]) -> dict[Question, bool]:
    """Whether every answer to a question passed."""
    found: dict[Question, bool] = {}
    for one in outcomes:
        found[one.question] = found.get(one.question, True) and one.passed
    return found
