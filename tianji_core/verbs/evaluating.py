"""Verbs that measure models on held-out cells: evaluate, sweep."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import evaluation, models
from tianji_core.errors import InputError
from tianji_core.evaluation.sweep import (
    SweepPlan,
    SweepPoint,
    best_point,
    good_at_both,
    learnt_styles,
    load_sweep,
    start_sweep,
    with_topped_up,
)
from tianji_core.i18n import _
from tianji_core.model_folders.trust import code_allowed
from tianji_core.store import recipes
from tianji_core.store import training as trainings
from tianji_core.verbs.common import (
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
from tianji_core.verbs.model_options import EndpointOptions, StylesOption, TemperatureOption, chosen_models
from tianji_core.verbs.progress import progress_line
from tianji_core.workspace import Workspace


def evaluate(
    model: Annotated[str, typer.Option(help="A name from 'models', or a folder.")] = "",
    endpoint: EndpointOptions = EndpointOptions(),
    styles: StylesOption = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many prompts.", show_default=False)
    ] = None,
    temperature: TemperatureOption = 0.0,
    seed: Annotated[int, typer.Option()] = 0,
    training_file: Annotated[
        Path | None, typer.Option(help="Training file, to count copied answers.", show_default=False)
    ] = None,
    follow_ups: Annotated[
        bool, typer.Option("--follow-ups", help="Ask for something after each answer, too.")
    ] = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Judge a model on held-out cells: right person, occasion, style, pronoun, length."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    cases = evaluation.held_out_cases(stored, words(styles), limit, seed)
    pairs = evaluation.training_pairs(stored, training_file) if training_file is not None else []
    checker = evaluation.Checker(stored, pairs)
    started = time.monotonic()
    with progress_line(_("作答"), quiet=as_json) as draw:
        if endpoint.url:
            server = endpoint.url, model
            key = endpoint.key(space)
            report = evaluation.evaluate_server(
                *server, cases, checker, temperature, seed, key, on_answers=draw
            )
        else:
            folder, adapter = folders(space, model)
            allowed = code_allowed(space, folder)
            report = evaluation.evaluate_folder(
                folder, adapter, cases, checker, temperature, seed, code_allowed=allowed, on_answers=draw
            )
    asked = []
    if follow_ups:
        with progress_line(_("追问"), quiet=as_json) as draw:
            ask = (
                evaluation.server_follow_ups(*server, temperature, seed, key, on_answers=draw)
                if endpoint.url
                else evaluation.folder_follow_ups(folder, adapter, temperature, seed, allowed, draw)
            )
            asked = evaluation.followed_up(stored, report.judged, ask, seed)
    rates = evaluation.follow_up_rates(asked)
    seconds = time.monotonic() - started
    facts = {
        "overall": report.overall,
        "styles": report.styles,
        "options": report.options,
        "follow_ups": rates,
        "seconds": round(seconds, 1),
        "answers": [_facts_of(one) for one in report.judged],
    }
    show(facts, as_json, "\n".join(filter(None, (report.table(), evaluation.follow_up_table(rates)))))


def _facts_of(one: evaluation.Judged) -> dict[str, object]:
    """An answer and what is right and wrong with it, for a program."""
    return {
        "request": one.case.request,
        "name": one.case.name.text,
        "scene": one.case.scene.text,
        "style": one.case.style.text,
        "options": dict(one.case.options),
        "answer": one.answer,
        "passed": one.verdict.passed,
        "faults": one.verdict.faults,
    }


def folders(space: Workspace, model: str) -> tuple[Path, Path | None]:
    """Returns (model folder, adapter folder or None) of a listed model or a path.

    Raises:
        ModelError: there is no such model. InputError: the adapter has no base.
    """
    if model and ("/" in model or Path(model).is_dir()):
        return Path(model), None
    artefact = models.artefact(space, model or chosen_models(space, "")[0])
    if artefact.kind != "adapter":
        return artefact.path, None
    if artefact.base is None:
        raise InputError(_("适配器“{name}”没有记下基座", name=artefact.name))
    return artefact.base, artefact.path


def sweep(
    run: Annotated[int, typer.Argument(help="Number of a training.")],
    styles: Annotated[
        str, typer.Option(help="Styles separated by commas; default: those that the training learnt.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=2000, help="Held-out questions.")] = 60,
    texts: Annotated[int, typer.Option(min=0, max=5000, help="Validation texts for perplexity.")] = 200,
    in_doubt: Annotated[
        int,
        typer.Option(
            min=0, max=2000, help="Questions where several checkpoints do equally well; 0: no more."
        ),
    ] = 240,
    seed: Annotated[int, typer.Option()] = 0,
    detach: DetachOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Measure every checkpoint of a training on the same questions, and say where to stop."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe))
    plan = SweepPlan(
        run_id=run,
        recipe=stored.recipe.key,
        revision=stored.revision,
        styles=words(styles) or learnt_styles(space, stored.recipe, trainings.get(space.engine, run)),
        limit=limit,
        texts=texts,
        in_doubt=in_doubt,
        seed=seed,
    )
    job = start_sweep(space, with_topped_up(space, stored.recipe, plan))
    if detach:
        show({"job": job.id}, as_json, _("任务 {job} 已开始", job=job.id))
        return
    follow(space, job, quiet=as_json)
    measured = load_sweep(space, run)
    points = measured.points if measured is not None else []
    best = best_point(points)
    lines = [_point_line(point) for point in points]
    if best is not None:
        lines.append(
            _(
                "建议用第 {n} 步：python -m tianji_core convert --training {run} --checkpoint {n}",
                n=best.iteration,
                run=run,
            )
        )
    both = good_at_both(measured) if measured is not None else None
    if both is not None:
        lines.append(_("第 {n} 步：{told}", n=both.point.iteration, told=both.memory.sentence))
    facts = {
        "points": points,
        "best": best.iteration if best is not None else None,
        "good_at_both": both.point.iteration if both is not None and both.both else None,
    }
    show(facts, as_json, "\n".join(lines))


def _point_line(point: SweepPoint) -> str:
    return _(
        "第 {n} 步：通过 {share}（{low}–{high}），照抄 {copied}，困惑度 {perplexity}",
        n=point.iteration,
        share=f"{point.passed:.1%}",
        low=f"{point.low:.1%}",
        high=f"{point.high:.1%}",
        copied="—" if point.copied is None else f"{point.copied:.1%}",
        perplexity="—" if point.perplexity is None else f"{point.perplexity:.3f}",
    )
