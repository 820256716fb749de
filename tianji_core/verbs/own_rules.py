"""The verb that lists, adds and removes the person's own rules of a recipe."""

from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core import review
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.recipe import OwnRule, OwnRuleKind, explain, rule_text
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    words,
)
from tianji_core.verbs.sample_options import NamesOption, ScenesOption, StylesOption
from tianji_core.verbs.tables import show_table


def own_rules(
    forbid: Annotated[str, typer.Option(help="Add a rule: no text may have this.")] = "",
    require: Annotated[str, typer.Option(help="Add a rule: every text must have this.")] = "",
    replace: Annotated[str, typer.Option(help="Add a rule: replace this, by what --by says.")] = "",
    by: Annotated[str, typer.Option(help="What takes its place; '' removes it.")] = "",
    regex: Annotated[bool, typer.Option("--regex", help="The rule is a regular expression.")] = False,
    styles: StylesOption = "",
    names: NamesOption = "",
    scenes: ScenesOption = "",
    relations: Annotated[
        str, typer.Option(help="Only for names of these relations: elder, peer, junior, teacher, superior …")
    ] = "",
    remove: Annotated[int, typer.Option(help="Remove the rule with this number of the list.")] = 0,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the recipe's own rules, add one or remove one; 'clean' applies them."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    kept = recipes.current(space.engine, key).recipe.own_rules
    asked = [
        (kind, text)
        for kind, text in (
            (OwnRuleKind.FORBIDDEN, forbid),
            (OwnRuleKind.REQUIRED, require),
            (OwnRuleKind.REPLACE, replace),
        )
        if text
    ]
    if len(asked) + bool(remove) > 1:
        raise InputError(_("--forbid、--require、--replace、--remove 一次只能写一个"))
    if remove:
        if not 1 <= remove <= len(kept):
            raise InputError(_("自己的规则有 {n} 条，没有第 {number} 条", n=len(kept), number=remove))
        review.remove_own_rule(space, key, kept[remove - 1])
    for kind, text in asked:
        values = {"kind": kind, "text": text, "replacement": by, "regular": regex}
        scope = {"styles": styles, "names": names, "scenes": scenes, "relations": relations}
        review.add_own_rule(space, key, _rule(values, {name: words(given) for name, given in scope.items()}))
    current = recipes.current(space.engine, key).recipe
    kept = current.own_rules
    rows = [(number, rule_text(rule, current.relation_titles())) for number, rule in enumerate(kept, 1)]
    show_table(list(kept), as_json, (_("编号"), _("规则")), rows, _("还没有自己的规则"))


def _rule(values: dict[str, object], scope: dict[str, tuple[str, ...]]) -> OwnRule:
    try:
        return OwnRule.model_validate(values | scope)
    except ValidationError as error:
        raise InputError(explain(error, "")) from error
