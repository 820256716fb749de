"""The verb of the preference pairs: freezing, listing, checking and exporting them."""

from pathlib import Path
from typing import Annotated

import typer

from tianji_core.comparison import preference_pairs
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.training.engine import PAIRS_FORM
from tianji_core.verbs.common import (
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
    words,
)


def pairs(
    action: Annotated[str, typer.Argument(help="list, freeze, verify or export.")] = "list",
    name: Annotated[str, typer.Argument(help="The version.", show_default=False)] = "",
    sources: Annotated[
        str, typer.Option(help="With freeze: some of vote, edit, review, judge, check; none: all.")
    ] = "",
    note: Annotated[str, typer.Option(help="With freeze.")] = "",
    form: Annotated[
        str, typer.Option(help=f"With export: {', '.join(preference_pairs.PAIR_FORMS)}.")
    ] = PAIRS_FORM,
    output: Annotated[Path | None, typer.Option(help="With export: the folder.", show_default=False)] = None,
    overwrite: OverwriteOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Freeze preference pairs out of votes, edits, reviews, scores and checks; export them for a trainer."""
    space = opened(workspace)
    if action == "list":
        known = preference_pairs.pair_versions(space)
        lines = [_line(one) for one in known] or [_("还没有偏好对版本")]
        show({"versions": [one.manifest for one in known]}, as_json, "\n".join(lines))
    elif action == "freeze":
        chosen = words(sources) or preference_pairs.SOURCES
        made = preference_pairs.freeze_pairs(space, chosen_recipe(space, recipe), name, chosen, note)
        show(made.manifest, as_json, _line(made))
    elif action == "verify":
        preference_pairs.verify_pairs(preference_pairs.pair_version(space, name))
        show({"verified": name}, as_json, _("{name} 和冻结时一样", name=name))
    elif action == "export":
        version = preference_pairs.pair_version(space, name)
        folder = output or space.exports / f"{name}-{form}"
        preference_pairs.write_pairs(space, preference_pairs.read_pairs(version), form, folder, overwrite)
        show({"folder": folder}, as_json, _("写进了 {file}", file=folder))
    else:
        known_actions = _("、").join(("list", "freeze", "verify", "export"))
        raise InputError(_("pairs 可以做的是：{known}，写的是 {action}", known=known_actions, action=action))


def _line(version: preference_pairs.PairVersion) -> str:
    train, held = version.manifest["train"], version.manifest["held"]
    titles = preference_pairs.SOURCE_TITLES
    told = _("，").join(f"{_(titles[source])} {number}" for source, number in train["by_source"].items())
    return _(
        "{name}：训练 {train} 对，留出 {held} 对（{told}）",
        name=version.name,
        train=train["count"],
        held=held["count"],
        told=told,
    )
