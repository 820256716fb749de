"""Verbs that change many samples at once: replace, rebuild-inputs, set-system."""

from typing import Annotated

import typer

from tianji_core import review
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.review import ANSWERS, INPUTS, BulkRequest, DrawInputs, ReplaceText, SetSystem
from tianji_core.store.samples import SampleFilter
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
)
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.sample_options import IdsOption, MatchingOptions, numbers
from tianji_core.workspace import Workspace

PreviewOption = Annotated[bool, typer.Option("--preview", help="Show what would change, and change nothing.")]


def replace(
    find: Annotated[str, typer.Argument(help="What to look for.")],
    by: Annotated[str, typer.Argument(help="What to put in its place; '' removes it.")],
    regex: Annotated[
        bool, typer.Option("--regex", help=r"FIND is a regular expression; \1 in BY is its first group.")
    ] = False,
    where: Annotated[str, typer.Option("--in", help=f"{ANSWERS} (of every turn) or {INPUTS}.")] = ANSWERS,
    matching: MatchingOptions = MatchingOptions(),
    ids: IdsOption = "",
    preview: PreviewOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Find and replace in the samples that match, as one step that can be undone."""
    if where not in (ANSWERS, INPUTS):
        raise InputError(_("--in 只能是 {known}，写的是 {where}", known=f"{ANSWERS}、{INPUTS}", where=where))
    space = opened(workspace)
    chosen = _matching(space, recipe, matching, ids)
    request = ReplaceText(find=find, by=by, regular=regex, where=INPUTS if where == INPUTS else ANSWERS)
    _run(space, chosen, request, preview, as_json)


def rebuild_inputs(
    matching: MatchingOptions = MatchingOptions(),
    ids: IdsOption = "",
    seed: Annotated[int, typer.Option(help="The wording of each input is drawn by it.")] = 0,
    preview: PreviewOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Draw new inputs from the recipe's templates for the samples that match, as one step."""
    space = opened(workspace)
    _run(space, _matching(space, recipe, matching, ids), DrawInputs(seed=seed), preview, as_json)


def set_system(
    system: Annotated[
        str, typer.Argument(help="The system prompt; default: that of the recipe.", show_default=False)
    ] = "",
    matching: MatchingOptions = MatchingOptions(),
    ids: IdsOption = "",
    preview: PreviewOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Give the samples that match one system prompt, as one step."""
    space = opened(workspace)
    chosen = _matching(space, recipe, matching, ids)
    request = SetSystem(system=system or review.recipe_system(space, chosen.recipe))
    _run(space, chosen, request, preview, as_json)


def _matching(space: Workspace, recipe: str | None, matching: MatchingOptions, ids: str) -> SampleFilter:
    return matching.sample_filter(space, chosen_recipe(space, recipe), (), ids=numbers(ids))


def _run(space: Workspace, chosen: SampleFilter, request: BulkRequest, preview: bool, as_json: bool) -> None:
    """Makes the change unless it is a preview, and prints it; Ctrl-C leaves everything as it was."""
    with progress_line(_("正在看")) as progress:
        edit = review.prepare_edit(space, chosen, request, progress)
    lines = [
        _(
            "看了 {matching} 条，要改 {n} 条里的 {places} 处",
            matching=edit.matching,
            n=len(edit.revisions),
            places=edit.places,
        )
    ]
    if edit.left_out:
        lines.append(_("另有 {n} 条改不了：会变成空的、太长，或者格子不在配方里", n=edit.left_out))
    if preview:
        for example in edit.examples:
            for turn, before, after in example.texts:
                place = f"#{example.sample.id}" + (f".{turn}" if turn else "")
                lines += [f"{place} - {_one_line(before)}", f"{place} + {_one_line(after)}"]
    else:
        with progress_line(_("正在改")) as progress:
            step = review.make_edit(space, edit, progress=progress)
        lines.append(_("已改：{title}（用 undo 撤销）", title=step.title) if step else _("没有改动"))
    facts = {
        "matching": edit.matching,
        "changed": len(edit.revisions),
        "places": edit.places,
        "left_out": edit.left_out,
        "preview": preview,
    }
    show(facts, as_json, "\n".join(lines))


def _one_line(text: str) -> str:
    return text.replace("\n", "⏎")
