"""Creates generation runs and reports their state."""

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tianji_core.dispatch import RunOptions, Usage
from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation.offers import check_offers, used_at_prices
from tianji_core.generation.offline import offline_gaps
from tianji_core.i18n import _
from tianji_core.locks import refusing_lock
from tianji_core.recipe import Plan, Recipe, Task, by_style, tasks
from tianji_core.store import recipes, run_figures, run_lines
from tianji_core.store import runs as run_store
from tianji_core.store.database import Engine
from tianji_core.store.provenance import ErrorCount
from tianji_core.store.run_figures import TeacherTotals
from tianji_core.store.run_lines import RunLine
from tianji_core.store.runs import NewRun, Run, TaskCounts, Totals
from tianji_core.teachers import (
    Sampling,
    SamplingPlan,
    TeacherChoice,
    WeightedTeacher,
    checked_choice,
    provider,
    resolved_model,
)
from tianji_core.workspace import Workspace, highest_number

MAX_CONCURRENCY = 512


@dataclass(frozen=True)
class RunState:
    """The state of a run. ``errors`` counts its failures by kind; ``latest`` holds its newest texts, newest
    first."""

    run: Run
    counts: TaskCounts
    errors: list[ErrorCount]
    totals: Totals
    latest: list[RunLine]

    @property
    def complete(self) -> bool:
        """Whether no task is pending or failed."""
        return self.counts.pending == 0 and self.counts.failed == 0


Teachers = TeacherChoice | Sequence[WeightedTeacher]
"""One teacher, or several with weights."""


def check_writable(workspace: Workspace, recipe: Recipe, planned: Sequence[Task], teacher: Teachers) -> None:
    """Refuses tasks that nobody would write.

    Raises:
        ComposerError: the offline composer is alone and has phrases for none of them.
        SettingsError: the providers are not usable.
    """
    if all(provider(workspace, entry.choice.provider).offline for entry in weighted(teacher)):
        gaps = offline_gaps(recipe, planned)
        if gaps is not None and gaps.everything:
            raise ComposerError(gaps.message)


def create_run(
    workspace: Workspace,
    recipe_key: str,
    plan: Plan,
    teacher: Teachers,
    sampling: Sampling | SamplingPlan,
    concurrency: int = 8,
    title: str = "",
    options: RunOptions | None = None,
) -> Run:
    """Stores a run with all its tasks; nothing is sent yet. The run keeps the recipe at its present revision,
    so a later edit does not change it. Each task is assigned to one of the teachers by weight, always the
    same for the same seed. A ``title`` of '' becomes the styles and the models.

    Raises:
        PlanError: the plan has no task, names something the recipe lacks, the concurrency is out of range, or
        there is a
            budget in money and a price is unknown, or a teacher lacks what the options ask for.
        ComposerError: the offline composer has phrases for none of the tasks.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    check_concurrency(concurrency)
    options = options or RunOptions()
    mix = [_resolved(workspace, entry) for entry in weighted(teacher)]
    check_offers(workspace, mix, options)
    stored = recipes.current(workspace.engine, recipe_key)
    planned = tasks(stored.recipe, plan)
    check_writable(workspace, stored.recipe, planned, mix)
    asked = dict(by_style(planned))
    styles = [style.text for style in stored.recipe.styles if style.text in asked]
    shown = _("、").join(styles[:3]) + (_("等 {n} 种", n=len(styles)) if len(styles) > 3 else "")
    models = " + ".join(dict.fromkeys(entry.choice.model for entry in mix))
    offline = all(provider(workspace, entry.choice.provider).offline for entry in mix)
    sampled = SamplingPlan() if offline else _sampling_plan(sampling)  # it is sent to nobody
    new = NewRun(
        recipe=recipe_key,
        recipe_revision=stored.revision,
        title=title.strip() or f"{shown} · {models}",
        plan=plan,
        teacher=_plain(mix),
        sampling=sampled.model_dump(mode="json", exclude_defaults=True),
        concurrency=concurrency,
        options=options.model_dump(mode="json"),
    )
    weights = [entry.weight for entry in mix]
    return run_store.add(
        workspace.engine,
        new,
        planned,
        lambda task: assigned(weights, plan.seed, task),
        highest_number(workspace.runs, "run-"),
    )


def check_concurrency(concurrency: int) -> None:
    """Checks that a number of concurrent requests is allowed.

    Raises:
        PlanError: it is not 1 to :data:`MAX_CONCURRENCY`.
    """
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise PlanError(_("并发数应当在 1 到 {most} 之间，现在是 {n}", most=MAX_CONCURRENCY, n=concurrency))


def run_lock(workspace: Workspace, run_id: int, purpose: str = "work") -> AbstractContextManager[None]:
    """Locks a run for the length of a block, so that at most one process works on it.

    Raises:
        JobError: another process holds the lock.
    """
    refusal = _("生成批次 {id} 正在运行，等它结束或先停止它", id=run_id)
    return refusing_lock(workspace.run_folder(run_id) / f".{purpose}.lock", refusal)


def weighted(teacher: Teachers) -> list[WeightedTeacher]:
    """Returns the teachers of a run with their weights.

    Raises:
        PlanError: there is none.
    """
    if isinstance(teacher, TeacherChoice):
        return [WeightedTeacher(choice=teacher)]
    if not teacher:
        raise PlanError(_("至少选一个造数模型"))
    return list(teacher)


def assigned(weights: Sequence[float], seed: int, task: Task) -> int:
    """Returns the number of the teacher that a task is for, drawn by weight from the seed and the task's
    content only."""
    if len(weights) == 1:
        return 0
    source = random.Random(f"teacher|{seed}|{task.content}")
    return source.choices(range(len(weights)), weights)[0]


def _resolved(workspace: Workspace, teacher: WeightedTeacher) -> WeightedTeacher:
    chosen = checked_choice(workspace, teacher.choice)
    choice = teacher.choice.model_copy(update={"model": resolved_model(chosen, teacher.choice)})
    return teacher.model_copy(update={"choice": choice})


def _sampling_plan(sampling: Sampling | SamplingPlan) -> SamplingPlan:
    return sampling if isinstance(sampling, SamplingPlan) else SamplingPlan.fixed(sampling)


def _plain(mix: Sequence[WeightedTeacher]) -> dict[str, object]:
    """Returns what is stored: one teacher as it is, several as a list with weights."""
    if len(mix) == 1:
        return mix[0].choice.model_dump(mode="json")
    return {"several": [entry.model_dump(mode="json") for entry in mix]}


def teachers_of(run: Run) -> list[WeightedTeacher]:
    """Returns the teachers of a run; a task's teacher number is an index into this list."""
    if "several" in run.teacher:
        return [WeightedTeacher.model_validate(entry) for entry in run.teacher["several"]]
    return [WeightedTeacher(choice=TeacherChoice.model_validate(run.teacher))]


def sampling_of(run: Run) -> SamplingPlan:
    """Returns the sampling parameters of a run."""
    return SamplingPlan.model_validate(run.sampling)


def options_of(run: Run) -> RunOptions:
    """Returns budget, deadline and the like of a run."""
    return RunOptions.model_validate(run.options)


def change_options(workspace: Workspace, run_id: int, options: RunOptions, concurrency: int) -> None:
    """Changes budget, deadline and concurrency of a stored run, for its next start.

    Raises:
        PlanError: no such run, the concurrency is out of range, or a price is unknown.
    """
    check_concurrency(concurrency)
    run = run_store.get(workspace.engine, run_id)
    check_offers(workspace, teachers_of(run), options)
    run_store.change(
        workspace.engine, run_id, options=options.model_dump(mode="json"), concurrency=concurrency, halted=""
    )


@dataclass(frozen=True)
class TeacherResult:
    """What one teacher of a run has written; ``cost`` in ``currency``, None where the price is unknown."""

    title: str
    model: str
    weight: float
    totals: TeacherTotals
    currency: str
    cost: float | None


def by_teacher(workspace: Workspace, run: Run) -> list[TeacherResult]:
    """Returns what each teacher of a run has written.

    Raises:
        SettingsError: a provider of the run is no longer there.
    """
    mix = teachers_of(run)
    results = []
    for totals in run_figures.teacher_totals(workspace.engine, run.id):
        entry = mix[totals.teacher]
        source = provider(workspace, entry.choice.provider)
        used = Usage(totals.prompt_tokens, totals.completion_tokens)
        batch = options_of(run).batch
        parts = used_at_prices(workspace, run.id, totals.teacher, entry.choice, used, batch)
        costs = [usage.cost(price) for usage, price in parts]
        cost = None if None in costs else sum((part for part in costs if part is not None), 0.0)
        results.append(
            TeacherResult(_(source.title), entry.choice.model, entry.weight, totals, source.currency, cost)
        )
    return results


def run_state(engine: Engine, run_id: int, latest: int = 5) -> RunState:
    """Returns the state of a run, from what is stored.

    Raises:
        PlanError: there is no such run.
    """
    return RunState(
        run=run_store.get(engine, run_id),
        counts=run_store.counts(engine, [run_id])[run_id],
        errors=run_store.errors(engine, run_id),
        totals=run_store.totals(engine, run_id),
        latest=run_lines.latest(engine, run_id, latest),
    )


def listed_runs(
    engine: Engine, recipe: str | None = None, limit: int = 20
) -> Iterator[tuple[Run, TaskCounts]]:
    """Yields runs with their counts, newest first."""
    runs = run_store.listed(engine, recipe, limit=limit)
    counts = run_store.counts(engine, [run.id for run in runs])
    for run in runs:
        yield run, counts[run.id]
