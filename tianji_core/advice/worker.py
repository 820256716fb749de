"""The workers of questions to a teacher. What has arrived is kept even when they are stopped."""

import asyncio

from tianji_core.advice.job import RatingArguments, SuggestionArguments
from tianji_core.advice.ratings import rate_cells
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
    print(_("提了 {n} 个建议", n=len(proposed)), flush=True)
    return 0


@worker_of(RatingArguments)
def rate(workspace: Workspace, arguments: RatingArguments, reporter: Reporter) -> int:
    """Has every enabled cell of a recipe rated; returns the exit code."""
    recipe = recipes.current(workspace.engine, arguments.recipe).recipe
    reporter.begin(0, _("批"))
    result = asyncio.run(rate_cells(workspace, recipe, arguments.teacher, progress=reporter.update))
    print(
        _("打了 {n} 个格子的分，{faults} 处没有用上", n=len(result.opinions), faults=len(result.faults)),
        flush=True,
    )
    return 0
