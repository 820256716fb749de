"""The person's own rules are kept with the recipe and applied like the built-in ones."""

import pytest

from tianji_core import cleaning
from tianji_core.cleaning import Subject, check, clean_text, context_of
from tianji_core.errors import RecipeError
from tianji_core.recipe import (
    OwnRule,
    OwnRuleKind,
    Relation,
    built_in_recipe,
    dump_recipe,
    parse_recipe,
    rule_text,
)
from tianji_core.recipe.editing import ListRow, changed, edit_names
from tianji_core.store import findings, recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.workspace import Workspace

WISHES = built_in_recipe("wishes")
FORBIDDEN, REQUIRED, REPLACE = OwnRuleKind.FORBIDDEN, OwnRuleKind.REQUIRED, OwnRuleKind.REPLACE
SISTER = "姐姐，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def found(text: str, *rules: OwnRule, name: str = "姐姐", style: str = "正常") -> dict[str, str | None]:
    subject = Subject(text, name, "生日", style)
    return {f.rule: f.fixed for f in check(subject, context_of(changed(WISHES, own_rules=rules)))}


def test_a_replacement_is_a_finding_with_a_safe_fix() -> None:
    rule = OwnRule(kind=REPLACE, text="姐姐", replacement="姐")
    assert found(SISTER, rule) == {"own_replacement": SISTER.replace("姐姐", "姐")}
    assert found("姐，" + SISTER[3:], rule) == {}
    context = context_of(changed(WISHES, own_rules=[rule]))
    assert clean_text(Subject(SISTER, "姐姐", "生日", "正常"), context).startswith("姐，生日")


def test_a_rule_holds_for_its_scope_alone() -> None:
    rule = OwnRule(kind=REPLACE, text="尊敬的", replacement="", relations=[Relation.PEER])
    assert found(f"尊敬的{SISTER}", rule)["own_replacement"] == SISTER
    teacher = "尊敬的赵老师，生日快乐！愿您新的一岁平安喜乐，每天都有好心情。"
    assert "own_replacement" not in found(teacher, rule, name="赵老师")
    styled = OwnRule(kind=FORBIDDEN, text="平安", styles=["严肃"])
    assert "own_forbidden" in found(SISTER, styled, style="严肃")
    assert "own_forbidden" not in found(SISTER, styled)


def test_forbidden_and_required_words_are_for_a_person() -> None:
    rules = (
        OwnRule(kind=FORBIDDEN, text="平安|喜庆", regular=True),
        OwnRule(kind=REQUIRED, text="蛋糕"),
    )
    assert found(SISTER, *rules) == {"own_forbidden": None, "own_required": None}
    assert found("姐姐，生日快乐！愿你的蛋糕又大又甜，每天都有好心情。", *rules) == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (OwnRule(kind=REPLACE, text="平安", replacement="安康"), OwnRule(kind=REPLACE, text="安康", replacement="平安")),
        (OwnRule(kind=REPLACE, text="(平安)", replacement=r"\1\1", regular=True), None),
    ],
    ids=["each-other", "itself"],
)  # fmt: skip
def test_replacements_without_an_end_are_left_to_a_person(first: OwnRule, second: OwnRule | None) -> None:
    rules = tuple(rule for rule in (first, second) if rule is not None)
    assert found(SISTER, *rules) == {"own_replacement": None}
    context = context_of(changed(WISHES, own_rules=rules))
    assert clean_text(Subject(SISTER, "姐姐", "生日", "正常"), context) == SISTER


def test_a_replacement_against_a_built_in_rule_does_not_go_on_for_ever() -> None:
    context = context_of(
        changed(WISHES, own_rules=[OwnRule(kind=REPLACE, text="！愿", replacement="！。愿")])
    )
    subject = Subject(SISTER, "姐姐", "生日", "正常")
    once = clean_text(subject, context)
    assert clean_text(subject._replace(output=once), context) == once


def test_a_regular_expression_that_takes_for_ever_is_named_and_not_tried_again() -> None:
    rule = OwnRule(kind=FORBIDDEN, text="(?:愿|愿愿)+$", regular=True)
    context = context_of(changed(WISHES, own_rules=[rule]))
    endless = Subject("愿" * 60 + "。", "姐姐", "生日", "正常")
    for _text in range(3):
        (detail,) = [f.detail for f in check(endless, context) if f.rule == "own_forbidden"]
        assert "太慢" in detail
    assert "own_forbidden" in {f.rule for f in check(Subject(SISTER, "姐姐", "生日", "正常"), context)}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "(", "regular": True}, "看不懂"),
        ({"text": "(a)", "replacement": r"\2", "regular": True}, "看不懂"),
        ({"text": "姐", "replacement": "姐姐"}, "永远换不完"),
        ({"text": ""}, "own_rules"),
        ({"kind": "forbidden", "text": "姐", "replacement": "妹"}, "只有“替换”"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_in_one_sentence(fields: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        changed(WISHES, own_rules=[{"kind": "replace", **fields}])


def test_own_rules_travel_with_the_recipe_and_follow_a_renamed_entry() -> None:
    rule = OwnRule(kind=REPLACE, text="姐姐", replacement="姐", names=["姐姐"])
    recipe = changed(WISHES, own_rules=[rule])
    assert parse_recipe(dump_recipe(recipe), "x") == recipe
    rows = [ListRow(n, name.model_dump()) for n, name in enumerate(recipe.names)]
    place = next(n for n, name in enumerate(recipe.names) if name.text == "姐姐")
    rows[place] = ListRow(place, {**rows[place].values, "text": "大姐"})
    assert edit_names(recipe, rows).own_rules[0].names == ("大姐",)
    assert rule_text(rule) == "“姐姐”换成“姐” · 姐姐"
    old = recipe.model_dump(mode="json")
    del old["own_rules"]
    assert type(recipe).model_validate(old).own_rules == (), "a recipe of an older version opens"


def test_saving_a_rule_checks_stored_samples_anew_and_fixes_every_turn(workspace: Workspace) -> None:
    history = (("祝姐姐生日", SISTER),)
    new = NewSample("wishes", "系统", "换一条", f"好{SISTER}", "姐姐", "生日", "正常", history)
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [new], IMPORT)
    cleaning.check_new(workspace, "wishes")
    stored = recipes.current(workspace.engine, "wishes")
    rule = OwnRule(kind=REPLACE, text="姐姐", replacement="姐")
    recipes.save(workspace.engine, changed(stored.recipe, own_rules=[rule]), stored.revision, "")
    assert cleaning.check_new(workspace, "wishes") == 1
    assert [
        f.turn for f in findings.of(workspace.engine, [number])[number] if f.rule == "own_replacement"
    ] == [1, 0]
    cleaning.fix(workspace, SampleFilter("wishes"), rules=["own_replacement"])
    fixed = samples.get(workspace.engine, number)
    assert "姐姐" not in fixed.output + fixed.history[0][1] and fixed.history[0][0] == "祝姐姐生日"
    steps.undo(workspace.engine, "wishes")
    assert samples.get(workspace.engine, number).history == history
