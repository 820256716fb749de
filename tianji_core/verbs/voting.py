"""The verbs of the votes on answers: scores, pairs, samples, a second judge, a further training."""

from pathlib import Path
from typing import Annotated

import typer

from tianji_core import jobs
from tianji_core.comparison import (
    TEXT_FORM,
    Standings,
    by_model,
    by_model_and_style,
    by_style,
    export_preferences,
    relearning,
    same_verdicts,
    take_chosen,
    voting,
)
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import recipes, votes
from tianji_core.store.votes import TEACHER
from tianji_core.verbs.common import (
    DetachOption,
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
    words,
)
from tianji_core.verbs.comparing import BoardOption, kept_board
from tianji_core.verbs.model_options import StylesOption
from tianji_core.verbs.teacher_options import ConcurrencyOption, TeacherOptions
from tianji_core.workspace import Workspace


def relearn(
    model: Annotated[
        str,
        typer.Argument(help="A merged model that was trained here; default: the newest.", show_default=False),
    ] = "",
    by_votes: Annotated[
        bool,
        typer.Option("--by-votes/--by-checks", help="Let the taste of the votes choose among what passes."),
    ] = True,
    prompts: Annotated[int, typer.Option(min=1, max=5000, help="Training questions to answer.")] = 400,
    answers: Annotated[int, typer.Option(min=1, max=16, help="Answers to each.")] = 4,
    replay: Annotated[float, typer.Option(min=0, max=10, help="Earlier samples for each new one.")] = 1.0,
    questions: Annotated[
        int, typer.Option(min=1, max=2000, help="Held-out questions for before and after.")
    ] = 200,
    styles: StylesOption = "",
    seed: Annotated[int, typer.Option()] = 0,
    detach: DetachOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train a model once more on its own best answers, and compare it with the one before."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    known = relearning.learnable_models(space)
    if not model and not known:
        raise InputError(_("还没有在这里训练并合并出来的模型；先训练，再 merge"))
    plan = relearning.RelearningPlan(
        model=model or known[0].name,
        recipe=key,
        styles=words(styles),
        prompts=prompts,
        answers=answers,
        replay=replay,
        by_votes=by_votes,
        questions=questions,
        seed=seed,
    )
    job = relearning.start_relearning(space, plan)
    if detach:
        show({"job": job.id}, as_json, _("任务 {job} 已开始", job=job.id))
        return
    follow(space, job, quiet=as_json)
    result = relearning.newest_result(space, key)
    if result is not None:
        show(result.model_dump(mode="json"), as_json, "\n".join(relearning.result_lines(result)))


def list_votes(
    action: Annotated[str, typer.Argument(help="scores, export, samples or judge.")] = "scores",
    output: Annotated[
        Path | None, typer.Option(help="With export: the JSONL file.", show_default=False)
    ] = None,
    form: Annotated[str, typer.Option(help="With export: text or messages.")] = TEXT_FORM,
    overwrite: OverwriteOption = False,
    certainty: Annotated[float, typer.Option(min=0.5, max=0.999, help="With scores.")] = 0.95,
    board: BoardOption = "",
    teacher: TeacherOptions = TeacherOptions("deepseek"),
    concurrency: ConcurrencyOption = 8,
    detach: DetachOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Scores out of votes; preference pairs as a file; chosen answers as samples; a model as a second
    judge."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    if action == "scores":
        _scores(space, key, certainty, as_json)
    elif action == "export":
        if output is None:
            raise InputError(_("没有给出 {option}", option="--output"))
        number = export_preferences(space, key, output, form, overwrite)
        line = _("{n} 个偏好对写进了 {file}", n=number, file=output)
        show({"pairs": number, "file": output}, as_json, line)
    elif action == "samples":
        taken = take_chosen(space, recipes.current(space.engine, key).recipe)
        line = _("收了 {added} 条，{known} 条原来就有；去审核页看", added=taken.added, known=taken.known)
        show(taken._asdict(), as_json, line)
    elif action == "judge":
        job = voting.start_voting(space, kept_board(space, board), teacher.choice(), concurrency)
        if not detach:
            follow(space, job, quiet=as_json)
        line = jobs.log_tail(space, job.id).strip() or job.title
        show({"job": job.id, "message": line}, as_json, line)
    else:
        actions = _("、").join(("scores", "export", "samples", "judge"))
        raise InputError(_("votes 可以做的是：{known}，写的是 {action}", known=actions, action=action))


def _scores(space: Workspace, key: str, certainty: float, as_json: bool) -> None:
    people = votes.listed(space.engine, key)
    if not people:
        raise InputError(_("还没有票：先在对比页的“盲评”里投几票"))
    both = same_verdicts(people, votes.listed(space.engine, key, TEACHER))
    tables = {
        "models": by_model(people, certainty),
        "styles": by_style(people, certainty),
        "models_and_styles": by_model_and_style(people, certainty),
    }
    lines: list[str] = []
    for table in tables.values():
        if len(table.rows) > 1:
            lines += [*_lines(table, certainty), ""]
    if both.judged:
        lines.append(
            _(
                "模型评委和人都评过 {n} 对，一致 {share}，Cohen κ = {kappa}",
                n=both.judged,
                share=f"{both.share:.0%}",
                kappa="—" if both.kappa is None else f"{both.kappa:.2f}",
            )
        )
    agreed = {"count": both.judged, "share": both.share, "kappa": both.kappa}
    show({**tables, "agreement": agreed}, as_json, "\n".join(lines).rstrip())


def _lines(standings: Standings, certainty: float) -> list[str]:
    lines = [
        f"{one.score:5.0f}  {one.low:.0f}–{one.high:.0f}  {one.wins}/{one.ties}/{one.losses}  {one.player}"
        for one in standings.rows
    ]
    if standings.groups > 1:
        lines.append(
            _(
                "这些票分成互不相比的 {n} 组，组与组之间的分数不能比；让它们同场比一次就好了",
                n=standings.groups,
            )
        )
    elif standings.certainty is not None:
        if standings.needed is None:
            needed = _("分不出高下")
        else:
            needed = _("约再投 {n} 票到 {share}", n=standings.needed, share=f"{certainty:.0%}")
        reached = f"{standings.certainty:.0%}"
        lines.append(_("第一名更好的把握 {share}；{needed}", share=reached, needed=needed))
    return lines
