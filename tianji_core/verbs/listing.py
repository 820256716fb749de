"""Verbs that list what has a key or a number for other verbs: recipes, runs."""

from typing import Annotated

import typer

from tianji_core import generation
from tianji_core.i18n import _
from tianji_core.store import recipes
from tianji_core.store import runs as generation_runs
from tianji_core.verbs.common import JsonOption, RecipeOption, WorkspaceOption, chosen_recipe, opened
from tianji_core.verbs.tables import show_table


def list_recipes(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List the recipes with their keys, for --recipe."""
    space = opened(workspace)
    used = space.settings().recipe
    facts = []
    for key in recipes.keys(space.engine):
        stored = recipes.current(space.engine, key)
        recipe = stored.recipe
        facts.append(
            {
                "recipe": key,
                "title": recipe.title,
                "revision": stored.revision,
                "names": len(recipe.names),
                "scenes": len(recipe.scenes),
                "styles": len(recipe.styles),
                "in_use": key == used,
            }
        )
    heads = (_("配方"), _("名字"), _("修订"), _("称谓"), _("场景"), _("风格"), _("在用"))
    rows = [[*list(fact.values())[:-1], "✓" if fact["in_use"] else ""] for fact in facts]
    show_table(facts, as_json, heads, rows)


def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the generation runs of a recipe with their numbers, newest first."""
    space = opened(workspace)
    listed = generation_runs.listed(space.engine, chosen_recipe(space, recipe), limit=limit)
    facts = []
    for run in listed:
        counts = generation.run_state(space.engine, run.id, latest=0).counts
        facts.append(
            {
                "run": run.id,
                "title": run.title,
                "total": run.total,
                "done": counts.done,
                "failed": counts.failed,
                "pending": counts.pending,
                "who": run.who,
            }
        )
    heads = (_("编号"), _("名字"), _("任务"), _("完成"), _("失败"), _("未发"), _("谁"))
    show_table(facts, as_json, heads, [list(fact.values()) for fact in facts], _("还没有生成批次"))
