"""Verbs that rate samples and keep the best of near duplicates: judge, keep-best."""

from typing import Annotated

import typer

from tianji_core import cleaning
from tianji_core.cleaning import judging
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store import comparing, judgements
from tianji_core.store.samples import PENDING, STATES
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
from tianji_core.verbs.sample_options import MatchingOptions
from tianji_core.verbs.teacher_options import PaceOptions, TeacherOptions

StateOption = Annotated[str, typer.Option(help=f"Only samples in these states: {', '.join(STATES)}.")]


def judge(
    teacher: TeacherOptions,
    states: StateOption = PENDING,
    matching: MatchingOptions = MatchingOptions(),
    pace: PaceOptions = PaceOptions(),
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what it would cost.")] = False,
    detach: DetachOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a teacher score the matching samples that have no score; run again it goes on with those that are
    left."""
    space = opened(workspace)
    choice = teacher.choice(pace)
    sample_filter = matching.sample_filter(space, chosen_recipe(space, recipe), _states(states))
    if estimate:
        expected = judging.estimate_judging(space, sample_filter, choice)
        cost = _("价格未知") if expected.cost is None else f"{expected.cost:.4f}"
        text = _(
            "要评 {n} 条，约 {tokens} tokens，费用 {cost}",
            n=expected.number,
            tokens=expected.usage.total,
            cost=cost,
        )
        show(expected, as_json, text)
        return
    job = judging.start_judging(space, sample_filter, choice, pace.concurrency)
    if not detach:
        job = follow(space, job, quiet=as_json)
    left = judgements.waiting_count(space.engine, sample_filter)
    text = _("后台任务 {id}：{title}", id=job.id, title=job.title)
    show(
        {"job": job.id, "waiting": left},
        as_json,
        text if detach else _("评完了，还剩 {n} 条没有评分", n=left),
    )


def keep_best(
    states: StateOption = "pending,accepted",
    matching: MatchingOptions = MatchingOptions(),
    dry: Annotated[bool, typer.Option("--dry", help="Only say how many groups there are.")] = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Of samples that say almost the same keep the best one and reject the others, as one step that can be
    undone."""
    space = opened(workspace)
    sample_filter = matching.sample_filter(space, chosen_recipe(space, recipe), _states(states))
    cleaning.check_new(space, sample_filter.recipe)
    groups, repeated = comparing.cluster_count(space.engine, sample_filter)
    step = None if dry else cleaning.keep_best(space, sample_filter, space.settings().reviewer)
    rejected = step.count if step is not None else 0
    text = _(
        "{groups} 组几乎一样，多出 {repeated} 条；弃用 {rejected} 条",
        groups=groups,
        repeated=repeated,
        rejected=rejected,
    )
    show({"groups": groups, "repeated": repeated, "rejected": rejected}, as_json, text)


def _states(text: str) -> tuple[str, ...]:
    """The states of --states.

    Raises:
        InputError: there is no such state.
    """
    states = words(text)
    if unknown := [state for state in states if state not in STATES]:
        raise InputError(
            _(
                "--states 写了“{words}”，可以的是：{known}",
                words=_("、").join(unknown),
                known=_("、").join(STATES),
            )
        )
    return states
