"""补上没学会的: the generation runs that were made for failed questions, and what they are to repair.

Each is one file of the workspace, beside the run that it started."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.evaluation.failing import EACH, failing_plan
from tianji_core.evaluation.outcome import Question, QuestionOutcome
from tianji_core.files import write_text
from tianji_core.generation import (
    Estimate,
    RunOptions,
    Teachers,
    check_writable,
    create_run,
    estimate,
    start_generation,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.recipe import EXAMPLES, Plan, tasks
from tianji_core.sentences import STORED, Sentence
from tianji_core.store import recipes, samples
from tianji_core.teachers import USUAL, Sampling, SamplingPlan
from tianji_core.workspace import Workspace


class TopUp(BaseModel):
    """One top-up: generation run ``run_id`` makes samples for what failed among ``outcomes``. ``source`` says
    where they were measured; ``training_run_id`` is the training whose effect it was, if any."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: int
    recipe: str
    source: Sentence
    training_run_id: int | None = None
    outcomes: tuple[QuestionOutcome, ...]

    @property
    def failed(self) -> list[Question]:
        """The questions that were answered wrongly, each once."""
        return list(dict.fromkeys(one.question for one in self.outcomes if not one.passed))


class MeasuredAnswers(BaseModel):
    """Outcomes and where they come from."""

    model_config = ConfigDict(frozen=True)

    source: Sentence
    outcomes: tuple[QuestionOutcome, ...]
    training_run_id: int | None = None


def planned_top_up(
    workspace: Workspace, recipe: str, outcomes: Sequence[QuestionOutcome], each: int = EACH
) -> Plan:
    """Returns the plan that :func:`start_top_up` would run: its seed is new with every sample stored.

    Raises:
        PlanError: as :func:`~tianji_core.evaluation.failing.failing_plan`.
    """
    seed = samples.total(workspace.engine, recipe)
    return failing_plan(recipes.current(workspace.engine, recipe).recipe, outcomes, each, seed)


def estimated_top_up(
    workspace: Workspace,
    recipe: str,
    plan: Plan,
    teacher: Teachers,
    concurrency: int = 8,
    examples: int = EXAMPLES,
) -> Estimate:
    """Returns tasks, tokens, cost and time of a plan, before anything is sent.

    Raises:
        ComposerError: the offline composer is alone and can write none of it.
    """
    stored = recipes.current(workspace.engine, recipe).recipe
    check_writable(workspace, stored, tasks(stored, plan), teacher)
    return estimate(workspace, stored, plan, teacher, concurrency, examples)


def start_top_up(
    workspace: Workspace,
    recipe: str,
    measured: MeasuredAnswers,
    plan: Plan,
    teacher: Teachers,
    sampling: Sampling | SamplingPlan = USUAL,
    concurrency: int = 8,
    options: RunOptions | None = None,
) -> tuple[TopUp, Job]:
    """Stores the run of a plan with what it is to repair, and starts it; returns both.

    Raises:
        StudioError: as :func:`~tianji_core.generation.create_run` and
            :func:`~tianji_core.generation.start_generation`.
    """
    title = _("补上没学会的：{source}", source=measured.source)
    run = create_run(workspace, recipe, plan, teacher, sampling, concurrency, title, options)
    made = TopUp(
        run_id=run.id,
        recipe=recipe,
        source=measured.source,
        training_run_id=measured.training_run_id,
        outcomes=measured.outcomes,
    )
    write_text(_path(workspace, run.id), made.model_dump_json(indent=1, context=STORED) + "\n")
    return made, start_generation(workspace, run.id)


def top_ups(workspace: Workspace, recipe: str) -> list[TopUp]:
    """Returns the top-ups of a recipe, newest first; a damaged file is left out."""
    found = []
    for path in (workspace.home / "top-ups").glob("run-*.json"):
        try:
            found.append(TopUp.model_validate_json(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError):
            continue
    return sorted((one for one in found if one.recipe == recipe), key=lambda one: -one.run_id)


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.home / "top-ups" / f"run-{run_id}.json"
