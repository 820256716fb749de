"""Verbs that make samples from a plan: plan, generate."""

from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core import generation
from tianji_core.errors import InputError, PlanError, StudioError
from tianji_core.i18n import _
from tianji_core.recipe import Plan, by_style, explain, kept_cells, tasks
from tianji_core.store import recipes
from tianji_core.teachers import WeightedTeacher
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
    words,
)
from tianji_core.verbs.teacher_options import (
    AddressOption,
    BudgetOption,
    BudgetTokensOption,
    ConcurrencyOption,
    MaxTokensOption,
    MinutesOption,
    ModelOption,
    ProviderOption,
    RequestsOption,
    TemperatureOption,
    TimeoutOption,
    TokensOption,
    run_options,
    sampling_plan,
    teacher_choice,
)

StylesOption = Annotated[str, typer.Option(help="Styles separated by commas; default: every enabled one.")]
RoundsOption = Annotated[int, typer.Option(min=1, help="Texts per cell and style.")]
ThresholdOption = Annotated[
    int | None,
    typer.Option(min=0, max=2, help="Least suitability; default: the recipe's.", show_default=False),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="At most this many tasks, spread evenly.", show_default=False)
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of order, clauses, examples and wordings.")]


def made_plan(styles: str, rounds: int, threshold: int, limit: int | None, seed: int) -> Plan:
    """A plan from options.

    Raises:
        PlanError: options that do not go together.
    """
    try:
        return Plan(styles=words(styles), rounds=rounds, threshold=threshold, limit=limit, seed=seed)
    except ValidationError as error:
        raise PlanError(explain(error, whole="")) from error


def plan(
    styles: StylesOption = "",
    rounds: RoundsOption = 1,
    threshold: ThresholdOption = None,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a generation would ask for, without asking."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    least = stored.threshold if threshold is None else threshold
    wanted = made_plan(styles, rounds, least, limit, seed)
    planned = tasks(stored, wanted)
    counts = dict(by_style(planned))
    cells = len(kept_cells(stored, least))
    all_cells = sum(n.enabled for n in stored.names) * sum(s.enabled for s in stored.scenes)
    lines = [
        _(
            "{total} 个任务；{cells} 个格子会造数，{skipped} 个低于阈值 {least}",
            total=len(planned),
            cells=cells,
            skipped=all_cells - cells,
            least=least,
        )
    ]
    lines += [f"  {style}  {count}" for style, count in counts.items()]
    show(
        {"tasks": len(planned), "cells": cells, "skipped": all_cells - cells, "styles": counts},
        as_json,
        "\n".join(lines),
    )


def generate(
    styles: StylesOption = "",
    rounds: RoundsOption = 1,
    threshold: ThresholdOption = None,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    provider: ProviderOption = "offline",
    model: ModelOption = "",
    base_url: AddressOption = "",
    also: Annotated[
        list[str] | None,
        typer.Option(help="Another teacher that shares the work: provider/model=weight.", show_default=False),
    ] = None,
    weight: Annotated[float, typer.Option(min=0.001, help="Weight of the first teacher.")] = 1.0,
    temperature: TemperatureOption = None,
    temperature_to: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="Draw each task's temperature between the two.", show_default=False),
    ] = None,
    top_p: Annotated[float | None, typer.Option(min=0, max=1, show_default=False)] = None,
    max_tokens: MaxTokensOption = None,
    concurrency: ConcurrencyOption = 8,
    timeout: TimeoutOption = 60.0,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensOption = None,
    budget: BudgetOption = None,
    budget_tokens: BudgetTokensOption = None,
    minutes: MinutesOption = None,
    ban_openings: Annotated[
        bool, typer.Option(help="Tell the teacher which openings it has used too often.")
    ] = True,
    mistakes: Annotated[
        float, typer.Option(min=0, max=1, help="Share of deliberate mistakes (offline composer).")
    ] = 0.0,
    resume: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Go on with this run instead of making one.", show_default=False
        ),
    ] = None,
    retry: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Send the failed tasks of this run again.", show_default=False),
    ] = None,
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a teacher write samples; every answer is stored as it arrives."""
    space = opened(workspace)
    if resume is not None and retry is not None:
        raise InputError(_("--resume 和 --retry 只能用一个"))
    if retry is not None:
        run_id, job = retry, generation.retry_failed(space, retry)
    elif resume is not None:
        run_id, job = resume, generation.start_generation(space, resume)
    else:
        key = chosen_recipe(space, recipe)
        least = recipes.current(space.engine, key).recipe.threshold if threshold is None else threshold
        choice = teacher_choice(
            provider=provider,
            model=model,
            base_url=base_url,
            timeout=timeout,
            mistakes=mistakes,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        mix = [WeightedTeacher(choice=choice, weight=weight), *(_other(each, timeout) for each in also or ())]
        run = generation.create_run(
            space,
            key,
            made_plan(styles, rounds, least, limit, seed),
            mix,
            sampling_plan(temperature, temperature_to, top_p, max_tokens),
            concurrency,
            options=run_options(budget, budget_tokens, minutes, ban_openings),
        )
        run_id, job = run.id, generation.start_generation(space, run.id)
    if not detach:
        follow(space, job, quiet=as_json)
    state = generation.run_state(space.engine, run_id, latest=0)
    counts = state.counts
    if counts.failed and not counts.done:
        raise StudioError(
            _(
                "批次 {run} 的 {n} 个任务全部失败：{reason}；修好后用 generate --retry {run} 再发一次",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
    raw = generation.raw_path(space, run_id)
    facts = {
        "run": run_id,
        "job": job.id,
        "done": counts.done,
        "failed": counts.failed,
        "pending": counts.pending,
        "raw": str(raw),
    }
    text = _("批次 {run}：完成 {done}，失败 {failed}，未做 {pending}；原始文件 {raw}", **facts)
    show(facts, as_json, text)


def _other(text: str, timeout: float) -> WeightedTeacher:
    """A further teacher from 'provider/model=weight'; the model and the weight may be left out."""
    name, _equals, number = text.partition("=")
    provider, _slash, model = name.partition("/")
    choice = teacher_choice(provider=provider.strip(), model=model.strip(), timeout=timeout)
    try:
        return WeightedTeacher(choice=choice, weight=float(number or 1))
    except ValueError as error:
        raise InputError(
            _("--also 应当是 provider/model=权重，例如 deepseek/deepseek-flash=2，现在是 {text}", text=text)
        ) from error
