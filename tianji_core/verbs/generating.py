"""Verbs that make samples from a plan: plan, generate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core import generation
from tianji_core.errors import InputError, PlanError, StudioError, UnfinishedError
from tianji_core.generation.top_up import coverage, top_up_plan
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.recipe import (
    EXAMPLES,
    MOST_EXAMPLES,
    Plan,
    Recipe,
    axes_left_out,
    by_fact,
    by_option,
    by_style,
    explain,
    fact_words,
    kept_cells,
    option_named,
    tasks,
)
from tianji_core.store import recipes, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import TeacherChoice, WeightedTeacher
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    option_pairs,
    show,
    words,
)
from tianji_core.verbs.interruption import command_line
from tianji_core.verbs.teacher_options import BudgetOptions, PaceOptions, SamplingOptions, TeacherOptions
from tianji_core.workspace import Workspace

CheapHoursOption = Annotated[
    bool,
    typer.Option("--cheap-hours", help="Ask in the provider's off-peak hours only, and wait in between."),
]
ReuseOption = Annotated[
    bool,
    typer.Option("--reuse", help="Where the same request was answered before, take that answer."),
]


@dataclass(frozen=True)
class PlanOptions:
    """What to generate: styles, texts per cell, and which cells."""

    styles: Annotated[str, typer.Option(help="Styles separated by commas; default: every enabled one.")] = ""
    rounds: Annotated[int, typer.Option(min=1, help="Texts per cell and style.")] = 1
    threshold: Annotated[
        int | None,
        typer.Option(min=0, max=2, help="Least suitability; default: the recipe's.", show_default=False),
    ] = None
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many tasks, spread evenly.", show_default=False)
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of order, clauses, examples and wordings.")] = 0
    option: Annotated[
        list[str] | None,
        typer.Option(help="Only these options of an axis: length=short,long.", show_default=False),
    ] = None
    weighted: Annotated[
        bool,
        typer.Option("--weighted", help="Draw the options of the --limit tasks by their weights."),
    ] = False

    at_least: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Only what each cell lacks of so many pending or accepted samples, styles in turn.",
            show_default=False,
        ),
    ] = None

    def plan(self, space: Workspace, recipe: Recipe) -> Plan:
        """Returns the plan for a recipe, whose threshold is used where none is given.

        Raises:
            PlanError: options that do not go together, or no cell lacks anything.
        """
        if self.at_least is not None:
            return self._lacking(space, recipe, self.at_least)
        try:
            return Plan(
                styles=words(self.styles),
                rounds=self.rounds,
                threshold=recipe.threshold if self.threshold is None else self.threshold,
                limit=self.limit,
                seed=self.seed,
                options=tuple(option_named(recipe, *pair) for pair in option_pairs(self.option)),
                weighted=self.weighted,
            )
        except ValidationError as error:
            raise PlanError(explain(error, whole="")) from error

    def _lacking(self, space: Workspace, recipe: Recipe, target: int) -> Plan:
        if self.rounds != 1 or self.threshold is not None or self.limit is not None or self.weighted:
            raise PlanError(
                _("--at-least 自己算要写几条，不和 --rounds、--threshold、--limit、--weighted 一起用")
            )
        styles = words(self.styles)
        chosen = tuple(option_named(recipe, *pair) for pair in option_pairs(self.option))
        counted = SampleFilter(recipe.key, styles=styles, options=chosen)
        covered = coverage(recipe, samples.cell_counts(space.engine, counted), styles)
        seed = self.seed or samples.total(space.engine, recipe.key)
        return top_up_plan(recipe, covered, styles, target, seed, chosen)


@dataclass(frozen=True)
class MixOptions:
    """The further teachers among which the tasks are shared."""

    also: Annotated[
        list[str] | None,
        typer.Option(help="Another teacher that shares the work: provider/model=weight.", show_default=False),
    ] = None
    weight: Annotated[float, typer.Option(min=0.001, help="Weight of the first teacher.")] = 1.0

    def teachers(self, first: TeacherChoice, pace: PaceOptions) -> list[WeightedTeacher]:
        """Returns all teachers with their weights, the first one first.

        Raises:
            InputError: an entry of ``--also`` cannot be read.
        """
        further = [_weighted_teacher(entry, pace) for entry in self.also or ()]
        return [WeightedTeacher(choice=first, weight=self.weight), *further]


@dataclass(frozen=True)
class RunAgainOptions:
    """A run that exists already: continue it, or send its failed tasks again."""

    resume: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Go on with this run instead of making one.", show_default=False
        ),
    ] = None
    retry: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Send the failed tasks of this run again.", show_default=False),
    ] = None


def plan(
    options: PlanOptions = PlanOptions(),
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a generation would ask for, without asking."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    asked = options.plan(space, stored)
    planned = tasks(stored, asked)
    counts = dict(by_style(planned))
    cells = len(kept_cells(stored, asked.threshold))
    all_cells = sum(n.enabled for n in stored.names) * sum(s.enabled for s in stored.scenes)
    lines = [
        _(
            "{total} 个任务；{cells} 个格子会造数，{skipped} 个低于阈值 {least}",
            total=len(planned),
            cells=cells,
            skipped=all_cells - cells,
            least=asked.threshold,
        )
    ]
    lines += [f"  {style}  {count}" for style, count in counts.items()]
    chosen = by_option(stored, planned)
    lines += [f"  {title}  {count}" for title, count in _option_lines(stored, chosen)]
    if left_out := axes_left_out(stored, asked):
        lines.append(_("条件“{axes}”在这个计划里处处都不适用，没有用上", axes=_("、").join(left_out)))
    used = by_fact(stored, planned)
    lines += [fact_words(used)] if used else []
    facts = {"tasks": len(planned), "cells": cells, "skipped": all_cells - cells, "styles": counts}
    show({**facts, "options": chosen, "facts": used}, as_json, "\n".join(lines))


def _option_lines(recipe: Recipe, counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, int]]:
    for axis in recipe.axes:
        for option in axis.options if axis.id in counts else ():
            yield f"{axis.title} {option.title}", counts[axis.id][option.id]


def generate(
    asked: PlanOptions = PlanOptions(),
    teacher: TeacherOptions = TeacherOptions("offline"),
    mix: MixOptions = MixOptions(),
    sampling: SamplingOptions = SamplingOptions(),
    pace: PaceOptions = PaceOptions(),
    budget: BudgetOptions = BudgetOptions(),
    ban_openings: Annotated[
        bool, typer.Option(help="Tell the teacher which openings it has used too often.")
    ] = True,
    ban_phrases: Annotated[
        bool, typer.Option(help="Tell the teacher which phrases it has used too often.")
    ] = False,
    examples: Annotated[
        int, typer.Option(min=0, max=MOST_EXAMPLES, help="Few-shot examples in each request.")
    ] = EXAMPLES,
    batch: Annotated[
        bool,
        typer.Option("--batch", help="Send files through the provider's batches: cheaper, within a day."),
    ] = False,
    cheap_hours: CheapHoursOption = False,
    reuse: ReuseOption = False,
    mistakes: Annotated[
        float, typer.Option(min=0, max=1, help="Share of deliberate mistakes (offline composer).")
    ] = 0.0,
    again: RunAgainOptions = RunAgainOptions(),
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a teacher write samples; every answer is stored as it arrives. The exit code is 1 where a planned
    one is missing at the end."""
    space = opened(workspace)
    if again.resume is not None and again.retry is not None:
        raise InputError(_("--resume 和 --retry 只能用一个"))
    if again.retry is not None:
        run_id, job = again.retry, generation.retry_failed(space, again.retry)
    elif again.resume is not None:
        run_id, job = again.resume, generation.start_generation(space, again.resume)
    else:
        key = chosen_recipe(space, recipe)
        planned = asked.plan(space, recipes.current(space.engine, key).recipe)
        run = generation.create_run(
            space,
            key,
            planned,
            mix.teachers(teacher.choice(pace, mistakes), pace),
            sampling.plan(),
            pace.concurrency,
            options=budget.run_options(ban_openings, examples, batch, ban_phrases, reuse, cheap_hours),
        )
        run_id, job = run.id, generation.start_generation(space, run.id)
    if not detach:
        follow(space, job, quiet=as_json)
    show_run(space, run_id, job, as_json)
    if not detach:
        check_complete(space, run_id)


def show_run(space: Workspace, run_id: int, job: Job, as_json: bool) -> None:
    """Prints how far a run is.

    Raises:
        StudioError: every task failed; names the most frequent reason.
    """
    state = generation.run_state(space.engine, run_id, latest=0)
    counts = state.counts
    if counts.failed and not counts.done:
        raise StudioError(
            _(
                "批次 {run} 的 {n} 个任务全部失败：{reason}；修好后再发一次：python -m tianji_core generate --retry {run}",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
    facts = {
        "run": run_id,
        "job": job.id,
        "done": counts.done,
        "failed": counts.failed,
        "pending": counts.pending,
        "raw": str(generation.raw_path(space, run_id)),
    }
    text = _("批次 {run}：完成 {done}，失败 {failed}，未做 {pending}；原始文件 {raw}", **facts)
    show(facts, as_json, text)


def check_complete(space: Workspace, run_id: int) -> None:
    """Checks that every task of a run that has ended got an answer.

    Raises:
        UnfinishedError: some did not; names the most frequent reason, or how to go on.
    """
    state = generation.run_state(space.engine, run_id, latest=0)
    if state.counts.pending:
        command = command_line(f"generate --resume {run_id}")
        raise UnfinishedError(
            _(
                "批次 {run} 停下了，还有 {n} 个任务没写；接着写：{command}",
                run=run_id,
                n=state.counts.pending,
                command=command,
            )
        )
    if state.counts.failed:
        raise UnfinishedError(
            _(
                "批次 {run} 还缺 {n} 条：{reason}；修好后只补缺的：python -m tianji_core generate --retry {run}",
                run=run_id,
                n=state.counts.failed,
                reason=state.errors[0].example,
            )
        )


def _weighted_teacher(text: str, pace: PaceOptions) -> WeightedTeacher:
    """Returns a teacher from 'provider/model=weight'; the model and the weight may be omitted. Of ``pace``
    only the timeout is used.

    Raises:
        InputError: the weight is no number, or the teacher cannot be used.
    """
    name, _equals, number = text.partition("=")
    provider, _slash, model = name.partition("/")
    options = TeacherOptions(provider.strip(), model.strip())
    choice = options.choice(PaceOptions(timeout=pace.timeout))
    try:
        return WeightedTeacher(choice=choice, weight=float(number or 1))
    except ValueError as error:
        raise InputError(
            _("--also 应当是 provider/model=权重，例如 deepseek/deepseek-flash=2，现在是 {text}", text=text)
        ) from error
