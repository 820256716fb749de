"""The workers of questions to a teacher. What has arrived is kept even when they are stopped."""

import asyncio

from tianji_core import dispatch
from tianji_core.advice.job import RatingArguments, SuggestionArguments
from tianji_core.advice.ratings import missing_cells, rate_cells
from tianji_core.advice.suggestions import suggest
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.store import recipes
from tianji_core.workspace import Workspace


@worker_of(SuggestionArguments)
def suggest_entries(workspace: Workspace, arguments: SuggestionArguments, reporter: Reporter) -> int:
    """Asks for more entries of a list; returns the exit code."""
    recipe = recipes.current(workspace.engine, arguments.recipe).recipe
    reporter.update(0, message=_("正在等造数模型回答…"))
    proposed = asyncio.run(suggest(workspace, recipe, arguments.question, arguments.teacher))
    usable = sum(not suggestion.problem for suggestion in proposed)
    print(
        _(
            "要了 {wanted} 个，提了 {n} 个建议，其中 {usable} 个可以加入",
            wanted=arguments.question.count,
            n=len(proposed),
            usable=usable,
        ),
        flush=True,
    )
    return 0


@worker_of(RatingArguments)
def rate(workspace: Workspace, arguments: RatingArguments, reporter: Reporter) -> int:
    """Has every enabled cell of a recipe rated that the last rating lacks; returns the exit code.

    Raises:
        UnfinishedError: some cells got no opinion.
    """
    recipe = recipes.current(workspace.engine, arguments.recipe).recipe
    reporter.begin(0, _("批"))
    result = asyncio.run(rate_cells(workspace, recipe, arguments.teacher, progress=reporter.update))
    print(
        _("打了 {n} 个格子的分，{faults} 处没有用上", n=len(result.opinions), faults=len(result.faults)),
        flush=True,
    )
    if missing := missing_cells(recipe, result.opinions):
        reason = result.reason or _("回答里没有这些格子")
        raise dispatch.unfinished(len(result.opinions), len(missing), reason)
    return 0
