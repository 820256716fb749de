"""Making a run, and how far one is."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tianji_core.dispatch.options import RunOptions
from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation.offline import offline_gaps
from tianji_core.i18n import _
from tianji_core.recipe import Plan, Task, by_style, tasks
from tianji_core.store import recipes, run_figures, run_lines
from tianji_core.store import runs as rows
from tianji_core.store.database import Engine
from tianji_core.store.provenance import ErrorCount
from tianji_core.store.run_figures import TeacherTotals
from tianji_core.store.run_lines import Line
from tianji_core.store.runs import NewRun, Run, TaskCounts, Totals
from tianji_core.teachers import (
    ModelEntry,
    Sampling,
    SamplingPlan,
    TeacherChoice,
    WeightedTeacher,
    checked_choice,
    price_of,
    provider,
    resolved_model,
)
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


Teachers = TeacherChoice | Sequence[WeightedTeacher]
"""One teacher, or several with weights."""


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
    """Store a run with all its tasks; nothing is sent yet. The recipe is kept at its present revision, so a later edit
    does not change the run. Of several teachers each task is given one by its weight, always the same for the same seed.
    ``title`` '' becomes the styles and the models.

    Raises:
        PlanError: the plan has no task, names something the recipe lacks, the concurrency is out of range, or there is a
            budget in money and a price is unknown.
        ComposerError: the offline composer has phrases for none of the tasks.
        RecipeError, SettingsError, TeacherAuthError: recipe or teacher are not usable.
    """
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise PlanError(_("并发数应当在 1 到 {most} 之间，现在是 {n}", most=MAX_CONCURRENCY, n=concurrency))
    options = options or RunOptions()
    mix = [_resolved(workspace, each) for each in weighted(teacher)]
    if options.budget_cost is not None:
        _check_prices(workspace, mix)
    stored = recipes.current(workspace.engine, recipe_key)
    planned = tasks(stored.recipe, plan)
    if all(provider(workspace, each.choice.provider).sdk == "composer" for each in mix):
        gaps = offline_gaps(stored.recipe, planned)
        if gaps is not None and gaps.everything:
            raise ComposerError(gaps.message)
    asked = dict(by_style(planned))
    styles = [style.text for style in stored.recipe.styles if style.text in asked]
    shown = _("、").join(styles[:3]) + (_("等 {n} 种", n=len(styles)) if len(styles) > 3 else "")
    models = " + ".join(dict.fromkeys(each.choice.model for each in mix))
    new = NewRun(
        recipe=recipe_key,
        recipe_revision=stored.revision,
        title=title.strip() or f"{shown} · {models}",
        plan=plan,
        teacher=_plain(mix),
        sampling=_sampling_plan(sampling).model_dump(mode="json", exclude_defaults=True),
        concurrency=concurrency,
        options=options.model_dump(mode="json"),
    )
    weights = [each.weight for each in mix]
    return rows.add(workspace.engine, new, planned, lambda task: assigned(weights, plan.seed, task))


def weighted(teacher: Teachers) -> list[WeightedTeacher]:
    """The teachers of a run with their weights.

    Raises:
        PlanError: there is none.
    """
    if isinstance(teacher, TeacherChoice):
        return [WeightedTeacher(choice=teacher)]
    if not teacher:
        raise PlanError(_("至少选一个造数模型"))
    return list(teacher)


def assigned(weights: Sequence[float], seed: int, task: Task) -> int:
    """Which teacher a task is for, drawn by weight; it depends on the seed and the task's content only."""
    if len(weights) == 1:
        return 0
    source = random.Random(f"teacher|{seed}|{task.name}|{task.scene}|{task.style}|{task.round}")
    return source.choices(range(len(weights)), weights)[0]


def _resolved(workspace: Workspace, each: WeightedTeacher) -> WeightedTeacher:
    chosen = checked_choice(workspace, each.choice)
    choice = each.choice.model_copy(update={"model": resolved_model(chosen, each.choice)})
    return each.model_copy(update={"choice": choice})


def _check_prices(workspace: Workspace, mix: Sequence[WeightedTeacher]) -> None:
    currencies = set()
    for each in mix:
        of = provider(workspace, each.choice.provider)
        price = price_of(of, each.choice)
        if price.input_price is None or price.output_price is None:
            raise PlanError(
                _("要按金额设预算，先填 {title} · {model} 的价格", title=_(of.title), model=price.name)
            )
        if price.input_price or price.output_price:
            currencies.add(of.currency)
    if len(currencies) > 1:
        raise PlanError(_("几个造数模型的币种不同，不能按金额设预算；请改用 tokens 预算"))


def _sampling_plan(sampling: Sampling | SamplingPlan) -> SamplingPlan:
    return sampling if isinstance(sampling, SamplingPlan) else SamplingPlan.fixed(sampling)


def _plain(mix: Sequence[WeightedTeacher]) -> dict[str, object]:
    """What is stored: one teacher as it is, several as a list with weights."""
    if len(mix) == 1:
        return mix[0].choice.model_dump(mode="json")
    return {"several": [each.model_dump(mode="json") for each in mix]}


def teachers_of(run: Run) -> list[WeightedTeacher]:
    """The teachers that a run talks to; the number in a task counts in this list."""
    if "several" in run.teacher:
        return [WeightedTeacher.model_validate(each) for each in run.teacher["several"]]
    return [WeightedTeacher(choice=TeacherChoice.model_validate(run.teacher))]


def sampling_of(run: Run) -> SamplingPlan:
    """The sampling parameters of a run."""
    return SamplingPlan.model_validate(run.sampling)


def options_of(run: Run) -> RunOptions:
    """Budget, deadline and the like of a run."""
    return RunOptions.model_validate(run.options)


def change_options(workspace: Workspace, run_id: int, options: RunOptions, concurrency: int) -> None:
    """Change budget, deadline and concurrency of a stored run, for its next start.

    Raises:
        PlanError: no such run, the concurrency is out of range, or a price is unknown.
    """
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise PlanError(_("并发数应当在 1 到 {most} 之间，现在是 {n}", most=MAX_CONCURRENCY, n=concurrency))
    run = rows.get(workspace.engine, run_id)
    if options.budget_cost is not None:
        _check_prices(workspace, teachers_of(run))
    rows.change(
        workspace.engine, run_id, options=options.model_dump(mode="json"), concurrency=concurrency, halted=""
    )


@dataclass(frozen=True)
class TeacherResult:
    """What one teacher of a run has brought; ``cost`` in ``currency``, None where the price is unknown."""

    title: str
    model: str
    weight: float
    totals: TeacherTotals
    currency: str
    cost: float | None


def by_teacher(workspace: Workspace, run: Run) -> list[TeacherResult]:
    """What each teacher of a run has brought.

    Raises:
        SettingsError: a provider of the run is no longer there.
    """
    mix = teachers_of(run)
    found = []
    for totals in run_figures.teacher_totals(workspace.engine, run.id):
        each = mix[totals.teacher]
        of = provider(workspace, each.choice.provider)
        price = price_of(of, each.choice)
        cost = cost_of(price, totals.prompt_tokens, totals.completion_tokens)
        found.append(TeacherResult(_(of.title), each.choice.model, each.weight, totals, of.currency, cost))
    return found


def cost_of(entry: ModelEntry, prompt_tokens: int, completion_tokens: int) -> float | None:
    """What that many tokens cost; None where a price is unknown."""
    if entry.input_price is None or entry.output_price is None:
        return None
    return (prompt_tokens * entry.input_price + completion_tokens * entry.output_price) / 1_000_000


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
        latest=run_lines.latest(engine, run_id, latest),
    )


def listed_runs(
    engine: Engine, recipe: str | None = None, limit: int = 20
) -> Iterator[tuple[Run, TaskCounts]]:
    """Runs with their counts, newest first."""
    found = rows.listed(engine, recipe, limit=limit)
    counts = rows.counts(engine, [run.id for run in found])
    for run in found:
        yield run, counts[run.id]
