"""Verbs for reviewing samples: clean, accept, reject, undo, review-stats."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import cleaning, review
from tianji_core.cleaning.shards import check_shard, rules_for
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.recipe import fact_words
from tianji_core.store import findings, recipes, samples, second_verdicts, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, SampleFilter
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
)
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.sample_options import CleanOption, DoubtfulOption, IdsOption, MatchingOptions, numbers
from tianji_core.workspace import Workspace


def clean(
    fix: Annotated[
        bool, typer.Option("--fix", help="Apply every safe fix, as one step that can be undone.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Check everything anew, for changed lists or limits.")
    ] = False,
    shard: Annotated[
        list[Path] | None,
        typer.Option(help="Check these shards of 'shards' instead; needs no workspace.", show_default=False),
    ] = None,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Check samples by rule, and fix what can be fixed safely."""
    if shard:
        _check_shards(shard, fix, as_json)
        return
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    with progress_line(_("检查"), quiet=as_json) as progress:
        check = cleaning.check_again if again else cleaning.check_new
        checked = check(space, key, progress=progress)
    fixed = 0
    if fix:
        step = cleaning.fix(space, SampleFilter(key), who=space.settings().reviewer)
        fixed = step.count if step is not None else 0
    overview = cleaning.overview(space, SampleFilter(key))
    lines = [_("检查了 {checked} 条，修好 {fixed} 条；剩下的问题：", checked=checked, fixed=fixed)]
    for rule, (number, safe) in overview.by_rule.items():
        title = _(cleaning.BY_ID[rule].title) if rule in cleaning.BY_ID else rule
        lines.append(f"  {title}  {number}" + (_("（能放心修 {n}）", n=safe) if safe else ""))
    lines.append(
        _(
            "{total} 条有问题：{whole} 条能全部自动修，{partly} 条能修一部分，{person} 条要人来看",
            total=overview.total,
            **overview.repairs._asdict(),
        )
    )
    counts = {rule: count.samples for rule, count in overview.by_rule.items()}
    facts = {"checked": checked, "fixed": fixed, "findings": counts, "samples": overview.repairs._asdict()}
    show(facts, as_json, "\n".join(lines))


def _check_shards(files: list[Path], fix: bool, as_json: bool) -> None:
    facts = []
    for file in files:
        file = file.expanduser().absolute()
        target, rows, found = check_shard(file, rules_for(file.parent.parent), fix)
        facts.append({"shard": file, "checked": target, "rows": rows, "with_findings": found})
    lines = [_("{checked}：{rows} 条，{with_findings} 条有问题", **fact) for fact in facts]
    show(facts, as_json, "\n".join(lines))


def accept(
    clean_only: CleanOption = False,
    doubtful: DoubtfulOption = False,
    matching: MatchingOptions = MatchingOptions(),
    ids: IdsOption = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Accept the pending samples that match, as one step that can be undone."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    chosen = matching.sample_filter(space, key, (PENDING,), clean_only, numbers(ids), doubtful)
    _decide(space, ACCEPTED, chosen, as_json)


def reject(
    matching: MatchingOptions = MatchingOptions(),
    ids: IdsOption = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Reject the pending samples that match, as one step that can be undone."""
    if matching == MatchingOptions() and not ids:
        raise InputError(
            _(
                "请说明弃用哪些：--ids，或 --styles、--names、--scenes、--run、--source、--teachers、--reviewer、--score、--option"
            )
        )
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    _decide(space, REJECTED, matching.sample_filter(space, key, (PENDING,), ids=numbers(ids)), as_json)


def _decide(space: Workspace, state: str, matching: SampleFilter, as_json: bool) -> None:
    """Gives the matching samples a state, as one step, and prints how many they are, and how many were left
    out because they are doubtful.

    Raises:
        InputError: nothing matches because a word or a number is unknown.
    """
    cleaning.check_new(space, matching.recipe)
    step = steps.set_state(space.engine, matching, state, space.settings().reviewer)
    count = step.count if step is not None else 0
    left = samples.count(space.engine, replace(matching, sure=False)) if matching.sure else 0
    if not count and not left:
        _refuse_unknown(space, matching)
    said = _("{n} 条样本改为{state}", n=count, state=_("采用") if state == ACCEPTED else _("弃用"))
    if left:
        said += "\n" + _("{n} 条拿不准，留给人看（连它们一起采用：--doubtful）", n=left)
    facts = {"state": state, "count": count} | ({"doubtful": left} if matching.sure else {})
    show(facts, as_json, said)


def _refuse_unknown(space: Workspace, matching: SampleFilter) -> None:
    """Checks why nothing matched.

    Raises:
        InputError: a word is not in the recipe, or a number belongs to no pending sample; names it.
    """
    recipe = recipes.current(space.engine, matching.recipe).recipe
    for option, asked, entries in (
        ("--styles", matching.styles, recipe.styles),
        ("--names", matching.names, recipe.names),
        ("--scenes", matching.scenes, recipe.scenes),
    ):
        texts = {entry.text for entry in entries}
        if unknown := [word for word in asked if word not in texts]:
            raise InputError(
                _(
                    "{option} 写了“{words}”，配方“{recipe}”里没有，待审的样本里也没有",
                    option=option,
                    words=_("、").join(unknown),
                    recipe=recipe.title,
                )
            )
    if matching.ids:
        shown = _("、").join(map(str, matching.ids))
        raise InputError(_("编号为 {ids} 的样本不存在，或者已经审过了", ids=shown))


def undo(recipe: RecipeOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Take back the newest review step."""
    space = opened(workspace)
    step = steps.undo(space.engine, chosen_recipe(space, recipe))
    text = _("已撤销：{title}", title=step.title) if step is not None else _("没有可以撤销的步骤")
    show(step, as_json, text)


def _called(group: str, value: str) -> str:
    """Returns what people call a state or a rule; any other value is a word of the recipe."""
    if group == "states":
        return _(samples.STATE_TITLES[value])
    return _(cleaning.BY_ID[value].title) if group == "findings" and value in cleaning.BY_ID else value


def review_stats(
    recipe: RecipeOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Say how far the review is, what each reviewer did, and how far second verdicts agree with the first."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    cleaning.check_new(space, key)
    matching = SampleFilter(key)
    facts = {
        "states": samples.state_counts(space.engine, matching),
        "styles": samples.style_counts(space.engine, matching),
        "findings": {
            rule: count.samples for rule, count in findings.rule_counts(space.engine, matching).items()
        },
    }
    options = samples.option_counts(space.engine, matching)
    told = samples.fact_counts(space.engine, matching)
    stored = recipes.current(space.engine, key).recipe
    people = steps.reviewers(space.engine, key)
    twice = review.reviewer_agreement(second_verdicts.verdicts(space.engine, key))
    titles = {"states": _("状态"), "styles": stored.words.shown().style, "findings": _("问题")}
    lines = [
        _(
            "{title}：{reason}",
            title=titles[group],
            reason=_("，").join(f"{_called(group, k)} {v}" for k, v in counts.items()),
        )
        for group, counts in facts.items()
    ]
    for axis in stored.axes:
        if axis.id in options:
            shown = _("，").join(f"{o.title} {options[axis.id].get(o.id, 0)}" for o in axis.options)
            lines.append(_("{title}：{reason}", title=axis.title, reason=shown))
    if told:
        lines.append(fact_words(told))
    for person in people:
        pace = f"{person.per_hour:.0f}" if person.per_hour else "—"
        lines.append(
            _(
                "{who}：审了 {n}，采用 {accepted}，每小时 {pace}",
                who=person.who,
                n=person.decided,
                accepted=person.accepted,
                pace=pace,
            )
        )
    if twice[0].judged:
        kappa = "—" if twice[0].kappa is None else f"{twice[0].kappa:.2f}"
        lines.append(
            _(
                "复审 {n} 条，一致 {agreed} 条，Cohen's κ {kappa}",
                n=twice[0].judged,
                agreed=twice[0].agreed,
                kappa=kappa,
            )
        )
    show({**facts, "options": options, "reviewers": people, "agreement": twice}, as_json, "\n".join(lines))
