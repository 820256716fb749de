"""Conditions beside receiver, occasion and style: their options in plans, prompts, inputs and lists."""

from collections import Counter
from typing import Any

import pytest

from tianji_core.errors import PlanError, RecipeError
from tianji_core.recipe import (
    Plan,
    Recipe,
    Task,
    axes_left_out,
    brief,
    built_in_recipe,
    by_option,
    count_tasks,
    dump_recipe,
    options_text,
    parse_recipe,
    tasks,
)
from tianji_core.recipe.axis_editing import add_axis, add_option, remove_axis, remove_option
from tianji_core.recipe.editing import ListRow, changed, edit_styles

WISHES = built_in_recipe("wishes")


def switched_on(recipe: Recipe = WISHES) -> Recipe:
    return recipe.changed(axes=[axis.model_copy(update={"enabled": True}) for axis in recipe.axes])


BOTH = switched_on()


def with_axis(**values: Any) -> Recipe:
    axis = {"id": "length", "title": "长度", "enabled": True, "options": [{"id": "short", "title": "短"}]}
    return changed(WISHES, axes=[{**axis, **values}])


def test_shipped_axes_are_off_and_change_nothing_until_they_are_switched_on() -> None:
    assert [axis.title for axis in WISHES.axes] == ["长度", "语气"]
    assert all(task.options == () for task in tasks(WISHES, Plan(limit=50)))
    assert count_tasks(BOTH, Plan()) > 4 * count_tasks(WISHES, Plan())


def test_the_full_cross_is_counted_without_listing_it_and_has_every_fitting_combination_once() -> None:
    planned = tasks(BOTH, Plan(styles=("正常", "严肃")))
    assert len(planned) == count_tasks(BOTH, Plan(styles=("正常", "严肃"))) == len({t[1:] for t in planned})
    serious = {dict(task.options).get("tone") for task in planned if task.style == "严肃"}
    assert serious == {"respectful", None}, "the other tones do not fit 严肃, and 恭敬 no junior"
    assert not any(
        dict(task.options).get("tone") == "playful" for task in planned if task.name in ("李总", "导师")
    )


def test_five_thousand_tasks_are_drawn_within_five_percent_of_every_weight() -> None:
    plan = Plan(weighted=True, limit=5000, seed=7)
    planned = tasks(BOTH, plan)
    assert len(planned) == 5000 == len({task[1:] for task in planned})
    for axis in BOTH.axes:
        counts = by_option(BOTH, planned)[axis.id]
        weights = {option.id: option.weight for option in axis.options}
        for option, number in counts.items():
            share = sum(counts.values()) * weights[option] / sum(weights.values())
            assert abs(number - share) <= 0.05 * share
    assert planned == tasks(BOTH, plan) != tasks(BOTH, plan.model_copy(update={"seed": 8}))
    cells = Counter(task.cell for task in planned)
    assert len(cells) == len({task.cell for task in tasks(WISHES, Plan())}), "every cell is still there"


def test_a_plan_takes_only_the_options_it_names() -> None:
    planned = tasks(BOTH, Plan(options=(("length", "short"), ("length", "long")), limit=200))
    assert {dict(task.options)["length"] for task in planned} == {"short", "long"}
    with pytest.raises(PlanError, match="短（short）、中（medium）"):
        count_tasks(BOTH, Plan(options=(("length", "huge"),)))
    with pytest.raises(PlanError, match="没有启用"):
        count_tasks(WISHES, Plan(options=(("length", "short"),)))


def test_an_option_changes_limits_instruction_examples_and_the_input() -> None:
    asked = brief(BOTH, Task(0, "大舅", "生日", "正常", 0, (("length", "short"), ("tone", "warm"))), seed=3)
    assert (asked.style.min_chars, asked.style.max_chars) == (15, 34)
    assert (
        "只说最要紧的一层意思" in asked.prompt
        and "体己话" in asked.prompt
        and "不超过 34 个字" in asked.prompt
    )
    short, warm = (next(o for a in BOTH.axes for o in a.options if o.id == key) for key in ("short", "warm"))
    assert any(word in asked.input for word in short.words)
    assert any(word in asked.input for word in warm.words)
    assert "姐姐，生日快乐！愿你新的一岁天天有笑脸。" in asked.prompt


def test_what_is_drawn_for_a_task_without_options_stays_as_it_was() -> None:
    task = Task(0, "大舅", "生日", "正常", 0)
    assert brief(BOTH, task, 5) == brief(WISHES.changed(axes=()), task, 5)


def test_examples_of_a_style_that_are_too_long_for_an_option_are_left_out() -> None:
    recipe = with_axis(options=[{"id": "short", "title": "短", "max_chars": 34}])
    style = brief(recipe, Task(0, "大舅", "生日", "正常", 0, (("length", "short"),)), 0).style
    assert style.examples and all(len(example) <= 34 for example in style.examples)
    assert len(style.examples) < len(recipe.styles[0].examples)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"options": []}, "没有选项，请至少加一个$"),
        ({"options": [{"id": "a", "title": "短"}, {"id": "a", "title": "长"}]}, "出现了两次"),
        ({"options": [{"id": "a", "title": "短", "not_styles": ["没有"]}]}, "“没有”不在列表里"),
        ({"options": [{"id": "a", "title": "短", "min_chars": 50, "max_chars": 20}]}, "50 大于最多字数 20"),
    ],
)
def test_a_wrong_axis_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        with_axis(**values)


def test_too_many_combinations_are_refused() -> None:
    options = [{"id": f"o{n}", "title": f"{n}"} for n in range(20)]
    axes = [{"id": f"a{n}", "title": f"条件{n}", "options": options, "enabled": True} for n in range(3)]
    with pytest.raises(RecipeError, match="8000 种组合，最多 1000 种"):
        changed(WISHES, axes=axes)
    changed(WISHES, axes=[{**axis, "enabled": False} for axis in axes])


def test_options_that_exclude_each_other_everywhere_are_said() -> None:
    axes = [
        {"id": "a", "title": "甲", "enabled": True, "options": [{"id": "x", "title": "短", "max_chars": 20}]},
        {"id": "b", "title": "乙", "enabled": True, "options": [{"id": "y", "title": "长", "min_chars": 90}]},
    ]
    recipe = changed(WISHES, axes=axes)
    assert count_tasks(recipe, Plan()) == 0
    for plan in (Plan(), Plan(weighted=True, limit=10)):
        with pytest.raises(PlanError, match="处处互相排斥"):
            tasks(recipe, plan)


def test_an_axis_that_fits_nowhere_is_named_and_left_out() -> None:
    assert axes_left_out(BOTH, Plan(styles=("诗词赋",))) == ["语气"]
    assert not any("tone" in dict(task.options) for task in tasks(BOTH, Plan(styles=("诗词赋",), limit=20)))
    assert axes_left_out(BOTH, Plan()) == []


def test_drawing_by_weight_needs_a_number() -> None:
    with pytest.raises(ValueError, match="一共抽多少条"):
        Plan(weighted=True)


def test_axes_survive_yaml_and_follow_renamed_and_removed_styles() -> None:
    assert parse_recipe(dump_recipe(BOTH), "x") == BOTH
    rows = [ListRow(n, {"text": style.text}) for n, style in enumerate(BOTH.styles)]
    rows[1] = ListRow(1, {"text": "庄重"})
    after = edit_styles(BOTH, [row for row in rows if row.values["text"] != "诗词赋"])
    warm = after.axes[1].option("warm")
    assert warm is not None and warm.not_styles == ("庄重",)
    short = after.axes[0].option("short")
    assert short is not None and short.limits("庄重") == (25, 44) and short.in_style("诗词赋") is None


def test_options_are_named_by_their_titles() -> None:
    assert options_text(BOTH, (("tone", "warm"), ("length", "short"), ("gone", "x"))) == "短 · 亲近"


def test_what_is_added_never_takes_the_id_of_what_was_removed() -> None:
    """Samples keep the ids of their options, which must not turn into others."""
    made = add_axis(WISHES, "轻重", ["短", "中"])
    axis = made.axes[-1]
    again = add_option(remove_option(made, axis.id, axis.options[1].id), axis.id, "特长")
    assert axis.options[1].id not in {option.id for option in again.axes[-1].options}
    other = add_axis(remove_axis(made, axis.id), "口吻", ["恭敬"])
    assert axis.id not in {each.id for each in other.axes}
