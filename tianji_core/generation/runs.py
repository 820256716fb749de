"""Making a run, and how far one is."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation.offline import offline_gaps
from tianji_core.i18n import _
from tianji_core.recipe import Plan, by_style, tasks
from tianji_core.store import recipes
from tianji_core.store import runs as rows
from tianji_core.store.database import Engine
from tianji_core.store.runs import ErrorCount, Line, NewRun, Run, TaskCounts, Totals
from tianji_core.teachers import Sampling, TeacherChoice, checked_choice, resolved_model
from tianji_core.workspace import Workspace

MAX_CONCURRENCY = 512


@dataclass(frozen=True)
class RunState:
    """How far a run is. ``errors`` are its failures by kind, ``latest`` its newest texts, newest first."""

    run: Run
    counts: TaskCounts
    errors: list[ErrorCount]
    totals: Totals
    latest: list[Line]

    @property
    def complete(self) -> bool:
        """Whether no task is left to send or to try again."""
        return self.counts.pending == 0 and self.counts.failed == 0


def create_run(
    workspace: Workspace,
    recipe_key: str,
    plan: Plan,
    teacher: TeacherChoice,
    sampling: Sampling,
    concurrency: int = 8,
    title: str = "",
) -> Run:
    """Store a run with all its tasks; nothing is sent yet. The recipe is kept at its present revision, so a later edit
    does not change the run. ``title`` '' becomes the styles and the model.

    Raises:
        PlanError: the plan has no task, names something the recipe lacks, or the concurrency is out of range.
        ComposerError: the offline composer has phrases for none of the tasks.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise PlanError(_("并发数应当在 1 到 {most} 之间，现在是 {n}", most=MAX_CONCURRENCY, n=concurrency))
    chosen = checked_choice(workspace, teacher)
    teacher = teacher.model_copy(update={"model": resolved_model(chosen, teacher)})
    stored = recipes.current(workspace.engine, recipe_key)
    planned = tasks(stored.recipe, plan)
    if chosen.sdk == "composer":
        gaps = offline_gaps(stored.recipe, planned)
        if gaps is not None and gaps.everything:
            raise ComposerError(gaps.message)
    asked = dict(by_style(planned))
    styles = [style.text for style in stored.recipe.styles if style.text in asked]
    shown = _("、").join(styles[:3]) + (_("等 {n} 种", n=len(styles)) if len(styles) > 3 else "")
    new = NewRun(
        recipe=recipe_key,
        recipe_revision=stored.revision,
        title=title.strip() or f"{shown} · {teacher.model}",
        plan=plan,
        teacher=teacher.model_dump(mode="json"),
        sampling=asdict(sampling),
        concurrency=concurrency,
    )
    return rows.add(workspace.engine, new, planned)


def teacher_of(run: Run) -> TeacherChoice:
    """The teacher that a run talks to."""
    return TeacherChoice.model_validate(run.teacher)


def sampling_of(run: Run) -> Sampling:
    """The sampling parameters of a run."""
    return Sampling(**run.sampling)


def run_state(engine: Engine, run_id: int, latest: int = 5) -> RunState:
    """How far a run is, from what is stored.

    Raises:
        PlanError: there is no such run.
    """
    return RunState(
        run=rows.get(engine, run_id),
        counts=rows.counts(engine, [run_id])[run_id],
        errors=rows.errors(engine, run_id),
        totals=rows.totals(engine, run_id),
        latest=rows.latest(engine, run_id, latest),
    )


def listed_runs(
    engine: Engine, recipe: str | None = None, limit: int = 20
) -> Iterator[tuple[Run, TaskCounts]]:
    """Runs with their counts, newest first."""
    found = rows.listed(engine, recipe, limit=limit)
    counts = rows.counts(engine, [run.id for run in found])
    for run in found:
        yield run, counts[run.id]
