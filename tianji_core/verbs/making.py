"""Verbs that make samples: plan, generate."""

from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core import generation
from tianji_core.errors import InputError, PlanError, StudioError
from tianji_core.i18n import _
from tianji_core.recipe import Plan, by_style, explain, kept_cells, tasks
from tianji_core.store import recipes
from tianji_core.teachers import Sampling, TeacherChoice
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


def words(text: str) -> tuple[str, ...]:
    """'小红书,正常' → its parts; Chinese commas count too."""
    parts = text.replace("，", ",").replace("、", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())


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
    provider: Annotated[str, typer.Option(help="Provider key of configs/providers.yaml.")] = "offline",
    model: Annotated[str, typer.Option(help="Model; default: the provider's first.")] = "",
    base_url: Annotated[str, typer.Option(help="Address; default: the provider's.")] = "",
    temperature: Annotated[float | None, typer.Option(min=0, max=2, show_default=False)] = None,
    top_p: Annotated[float | None, typer.Option(min=0, max=1, show_default=False)] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, show_default=False)] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 8,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one request.")] = 60.0,
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
        choice = _choice(
            provider=provider, model=model, base_url=base_url, timeout=timeout, mistakes=mistakes
        )
        sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
        run = generation.create_run(
            space, key, made_plan(styles, rounds, least, limit, seed), choice, sampling, concurrency
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


def _choice(**fields: object) -> TeacherChoice:
    try:
        return TeacherChoice.model_validate(fields)
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error
