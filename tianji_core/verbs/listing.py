"""Verbs that list what has a key or a number for other verbs: recipes, runs."""

from pathlib import Path
from typing import Annotated

import typer

from tianji_core import generation
from tianji_core.i18n import _
from tianji_core.outputs import write_output
from tianji_core.recipe import dump_recipe, parse_recipe
from tianji_core.store import recipes
from tianji_core.store import runs as generation_runs
from tianji_core.verbs.common import (
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    text_of,
)
from tianji_core.verbs.tables import show_table


def list_recipes(
    add: Annotated[
        Path | None,
        typer.Option("--add", help="Add the recipe of this YAML file as a new one; --use KEY also uses it."),
    ] = None,
    use: Annotated[str | None, typer.Option("--use", help="Make this recipe the one in use.")] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the recipe of --recipe into this YAML file."),
    ] = None,
    overwrite: OverwriteOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the recipes with their keys, for --recipe; add one from a YAML file, choose the one in use, or
    write one as YAML."""
    space = opened(workspace)
    if add is not None:
        recipes.add_beside(space.engine, parse_recipe(text_of(add), add.name), _("导入配方"))
    if use is not None:
        recipes.current(space.engine, use)
        space.save_settings(space.settings().model_copy(update={"recipe": use}))
    if write is not None:
        stored = recipes.current(space.engine, chosen_recipe(space, recipe))
        write_output(space, write, dump_recipe(stored.recipe), overwrite)
    used = space.settings().recipe
    facts = []
    for key in recipes.keys(space.engine):
        stored = recipes.current(space.engine, key)
        task = stored.recipe
        facts.append(
            {
                "recipe": key,
                "title": task.title,
                "revision": stored.revision,
                "names": len(task.names) if task.receivers else 0,
                "scenes": len(task.scenes),
                "styles": len(task.styles),
                "in_use": key == used,
            }
        )
    heads = (_("配方"), _("名字"), _("修订"), _("写给谁"), _("写什么"), _("写法"), _("在用"))
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
