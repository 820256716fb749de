"""Keeping the person's own rules with the recipe: adding one, trying it first, and removing it."""

from dataclasses import dataclass

from tianji_core.cleaning import OWN_RULES, about, context_of
from tianji_core.errors import InputError, SlowPatternError
from tianji_core.i18n import _
from tianji_core.recipe import OwnRule, rule_text
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes, samples
from tianji_core.store.recipes import StoredRecipe
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class OwnRuleTrial:
    """What a rule would find: in ``found`` of ``matching`` samples; ``example`` is the first text, '' for
    none."""

    matching: int
    found: int
    example: str


def try_own_rule(workspace: Workspace, recipe_key: str, rule: OwnRule) -> OwnRuleTrial:
    """Returns in how many samples of a recipe a rule would find something; stores nothing.

    Raises:
        SlowPatternError: its regular expression takes too long on a text.
    """
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    context = context_of(changed(recipe, own_rules=(rule,)))
    matching = found = 0
    example = ""
    for batch in samples.each(workspace.engine, SampleFilter(recipe_key)):
        matching += len(batch)
        for sample in batch:
            answers = (*(answer for _asked, answer in sample.history), sample.output)
            for answer in answers:
                subject = about(sample, answer)
                if any(each.look(answer, subject, context) is not None for each in OWN_RULES):
                    found += 1
                    example = example or answer
                    break
        for said in context.own.slow.values():
            raise SlowPatternError(said)
    return OwnRuleTrial(matching, found, example)


def add_own_rule(workspace: Workspace, recipe_key: str, rule: OwnRule) -> StoredRecipe:
    """Keeps a rule with a recipe, as a new revision; all samples are checked anew after that.

    Raises:
        InputError: the recipe has it already. SlowPatternError: as for :func:`try_own_rule`.
        RecipeError: there are too many rules.
    """
    stored = recipes.current(workspace.engine, recipe_key)
    if rule in stored.recipe.own_rules:
        raise InputError(_("已经有这条规则了：{rule}", rule=rule_text(rule, stored.recipe.relation_titles())))
    titles = stored.recipe.relation_titles()
    if unknown := next((each for each in rule.relations if each not in titles), None):
        known = _("、").join(f"{key}（{title}）" for key, title in titles.items())
        raise InputError(_("没有关系“{text}”，有的是：{known}", text=unknown, known=known))
    try_own_rule(workspace, recipe_key, rule)
    new = changed(stored.recipe, own_rules=(*stored.recipe.own_rules, rule))
    note = _("加自己的规则：{rule}", rule=rule_text(rule, stored.recipe.relation_titles()))
    return recipes.save(workspace.engine, new, stored.revision, note)


def remove_own_rule(workspace: Workspace, recipe_key: str, rule: OwnRule) -> StoredRecipe:
    """Removes a rule of a recipe, as a new revision.

    Raises:
        InputError: the recipe has no such rule.
    """
    stored = recipes.current(workspace.engine, recipe_key)
    kept = tuple(each for each in stored.recipe.own_rules if each != rule)
    if len(kept) == len(stored.recipe.own_rules):
        raise InputError(_("没有这条规则了：{rule}", rule=rule_text(rule, stored.recipe.relation_titles())))
    note = _("去掉自己的规则：{rule}", rule=rule_text(rule, stored.recipe.relation_titles()))
    return recipes.save(workspace.engine, changed(stored.recipe, own_rules=kept), stored.revision, note)
