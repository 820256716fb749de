"""The recipe room: what a valid recipe is, how errors read, what a plan yields and what is asked."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from tianji_core.errors import PlanError, RecipeError
from tianji_core.recipe import (
    DOUBTFUL,
    SUITABLE,
    UNSUITABLE,
    Plan,
    Pronoun,
    Rating,
    Recipe,
    Suitability,
    SuitabilityGroup,
    Task,
    brief,
    built_in_recipes,
    by_style,
    dump_recipe,
    explain,
    kept_cells,
    load_recipe,
    parse_recipe,
    task_random,
    tasks,
    training_input,
)
from tianji_core.recipe.prompts import teacher_prompt

SMALL = """\
key: thanks
title: 送感谢
names:
  - {text: 房东, relation: friend, pronoun: 您}
  - {text: 室友, relation: peer, pronoun: 你}
  - {text: 快递员, relation: friend, pronoun: 您, enabled: false}
scenes:
  - {text: 搬家, kind: life_event, greeting: 搬家顺利}
  - {text: 国庆节, kind: festival}
styles:
  - {text: 正常, instruction: 自然些, min_chars: 10, max_chars: 40}
  - text: 俏皮
    instruction: 活泼些
    examples: [多谢你帮我扛沙发, 螺丝刀借得真及时]
    min_chars: 8
    max_chars: 30
    suffix: ",俏皮风格"
  - {text: 停用, instruction: 不用它, enabled: false}
clauses: ["", 提到天气]
prompts:
  system: 你替人道谢
  teacher: |
    {min_chars} 到 {max_chars} 字，{style}：{instruction}
    {example}
    给{name}（{relation}，{pronoun}），因为{scene}。
    {clause}
    只要正文。
  example: 例如：{example}
input_templates: ["谢{name}{scene}{suffix}", "替我谢谢{name}，{greeting}{suffix}"]
suitability:
  - {names: [房东], scenes: [国庆节], value: 0, reason: 不熟}
  - {names: [室友], scenes: [搬家], value: 1, reason: 可能一起搬}
"""


@pytest.fixture
def recipe() -> Recipe:
    return parse_recipe(SMALL, "small.yaml")


def message(text: str) -> str:
    """What a person reads when ``text`` is loaded as small.yaml."""
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "small.yaml")
    return str(caught.value)


# Loading


def test_a_recipe_is_read_from_a_file_even_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "thanks.yaml"
    path.write_text(SMALL, encoding="utf-8-sig")
    assert load_recipe(path).title == "送感谢"


def test_dumping_and_parsing_gives_the_same_recipe_back(recipe: Recipe) -> None:
    assert parse_recipe(dump_recipe(recipe), "copy.yaml") == recipe


@pytest.mark.parametrize("path", built_in_recipes().values(), ids=built_in_recipes().keys())
def test_every_built_in_recipe_loads_under_its_own_key_and_survives_a_round_trip(path: Path) -> None:
    built_in = load_recipe(path)
    assert built_in.key == path.stem
    assert parse_recipe(dump_recipe(built_in), "copy.yaml") == built_in


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.yaml"):
        load_recipe(tmp_path / "gone.yaml")


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes(SMALL.encode("gbk"))
    with pytest.raises(RecipeError, match=r"gbk\.yaml"):
        load_recipe(path)


def test_broken_yaml_is_reported_with_its_line() -> None:
    lines = SMALL.splitlines()
    broken = lines.index("styles:")
    lines.insert(broken, "  : ] 坏了")
    shown = message("\n".join(lines))
    assert "small.yaml" in shown
    assert f"第 {broken + 1} 行" in shown


@pytest.mark.parametrize("text", ["", "- 一\n- 二\n", "只是一句话"])
def test_yaml_that_is_no_mapping_is_refused(text: str) -> None:
    assert "键: 值" in message(text)


@pytest.mark.parametrize(
    ("old", "new", "key", "shown"),
    [
        ("relation: peer", "relation: 表亲", "names.1.relation", "表亲"),
        ("pronoun: 你", "pronoun: 妳", "names.1.pronoun", "妳"),
        ("kind: festival", "kind: party", "scenes.1.kind", "party"),
        ("max_chars: 40", "max_chars: 很多", "styles.0.max_chars", "很多"),
        ("max_chars: 40", "max_chars: 99999", "styles.0.max_chars", "99999"),
        ("min_chars: 10", "min_chars: 50", "styles.0", "50"),
        ("value: 0", "value: 7", "suitability.0.value", "7"),
        ("key: thanks", "key: 感谢", "key", "感谢"),
        ("title: 送感谢", "title: 送感谢\ntiltle: 送", "tiltle", "不认识的键"),
        ("title: 送感谢\n", "", "title", "没有填"),
        ("scenes: [国庆节], value", "scenes: [元旦], value", "整个配方", "元旦"),
        ("names: [室友]", "names: [老张]", "整个配方", "老张"),
    ],
)
def test_an_invalid_value_is_reported_with_file_key_and_value(
    old: str, new: str, key: str, shown: str
) -> None:
    assert old in SMALL
    text = message(SMALL.replace(old, new, 1))
    assert text.startswith("small.yaml：")
    assert key in text
    assert shown in text


def test_several_problems_are_counted() -> None:
    text = message(SMALL.replace("pronoun: 你", "pronoun: 妳").replace("max_chars: 40", "max_chars: 很多"))
    assert "另有 1 处" in text


# Vocabulary


@pytest.mark.parametrize(
    ("old", "twin", "kind"),
    [
        ("  - {text: 室友,", "  - {text: '房东 ', relation: peer, pronoun: 你}\n", "称谓"),
        ("  - {text: 国庆节,", "  - {text: '搬家　', kind: career}\n", "场景"),
        ("  - {text: 停用,", "  - {text: ' 俏皮', instruction: 再来一次}\n", "风格"),
    ],
)
def test_an_entry_that_differs_only_in_white_space_is_a_duplicate(old: str, twin: str, kind: str) -> None:
    assert f"{kind}里" in message(SMALL.replace(old, twin + old, 1))


def test_full_width_and_half_width_forms_are_the_same_entry() -> None:
    wide = SMALL.replace("text: 搬家,", "text: KTV聚会,").replace("text: 国庆节,", "text: ＫＴＶ聚会,")
    assert "出现了两次" in message(wide.split("suitability:")[0])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("因为{scene}。", "因为{occasion}。", "{occasion}"),
        ("因为{scene}。", "因为这件事。", "缺少字段 {scene}"),
        ("因为{scene}。", "因为{scene。", "花括号"),
        ("因为{scene}。", "因为{scene:>300000000}。", "只能写字段名：{scene:>300000000}"),
        ("因为{scene}。", "因为{scene!a}。", "只能写字段名：{scene!a}"),
        ("谢{name}{scene}{suffix}", "谢{scene}{suffix}", "缺少字段 {name}"),
        ("谢{name}{scene}{suffix}", "谢{name}{scene}", "缺少字段 {suffix}"),
        ("谢{name}{scene}{suffix}", "谢{name}{suffix}", "没说写什么"),
        ("例如：{example}", "例如", "缺少字段 {example}"),
    ],
)
def test_a_template_with_a_wrong_field_is_refused(old: str, new: str, problem: str) -> None:
    assert old in SMALL
    assert problem in message(SMALL.replace(old, new, 1))


def test_a_recipe_without_clauses_has_the_empty_one() -> None:
    assert parse_recipe(SMALL.replace('clauses: ["", 提到天气]', "clauses: []"), "small.yaml").clauses == (
        "",
    )


def test_entries_are_found_by_their_text(recipe: Recipe) -> None:
    name, scene, style = recipe.name("室友"), recipe.scene("国庆节"), recipe.style("俏皮")
    assert name is not None and name.pronoun is Pronoun.INFORMAL
    assert scene is not None and scene.wish == "国庆节"
    assert style is not None and style.suffix == ",俏皮风格"
    assert recipe.name("没有") is recipe.scene("没有") is recipe.style("没有") is None


def test_removing_a_name_drops_its_suitability_and_nothing_else(recipe: Recipe) -> None:
    smaller = recipe.changed(names=tuple(n for n in recipe.names if n.text != "房东"))
    assert smaller.matrix().cells == {("室友", "搬家"): Rating(DOUBTFUL, "可能一起搬")}
    assert recipe.matrix().value("房东", "国庆节") == UNSUITABLE


def test_a_change_that_breaks_the_recipe_is_refused_in_words(recipe: Recipe) -> None:
    with pytest.raises(ValidationError) as caught:
        recipe.changed(scenes=())
    assert explain(caught.value).startswith("scenes 至少要有 1 项")


# Suitability


def test_cells_that_are_not_listed_are_suitable(recipe: Recipe) -> None:
    assert recipe.matrix().rating("房东", "搬家") == Rating(SUITABLE, "")


def test_clicking_a_cell_goes_round_from_suitable_to_doubtful_to_unsuitable_and_back() -> None:
    matrix = Suitability()
    assert [matrix.cycle("房东", "搬家") for _ in range(3)] == [DOUBTFUL, UNSUITABLE, SUITABLE]
    assert matrix.cells == {}


def test_a_value_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="3"):
        Suitability().set("房东", "搬家", 3)


def test_later_groups_win_and_can_make_a_cell_suitable_again() -> None:
    groups = (
        SuitabilityGroup(names=("甲", "乙"), scenes=("早", "晚"), value=UNSUITABLE, reason="太忙"),
        SuitabilityGroup(names=("乙",), scenes=("晚",), value=SUITABLE),
    )
    matrix = Suitability.from_groups(groups)
    assert set(matrix.cells) == {("甲", "早"), ("甲", "晚"), ("乙", "早")}


def test_a_matrix_becomes_groups_that_spread_to_the_same_matrix() -> None:
    matrix = Suitability()
    for name in ("甲", "乙"):
        matrix.set(name, "早", UNSUITABLE, "太忙")
        matrix.set(name, "晚", UNSUITABLE, "太忙")
    matrix.set("丙", "早", DOUBTFUL, "看情况")
    matrix.set("丙", "晚", SUITABLE, "特意说明")
    groups = matrix.to_groups()
    assert len(groups) == 3
    assert groups[0].names == ("甲", "乙")
    assert Suitability.from_groups(groups).cells == matrix.cells


def test_groups_of_the_built_in_recipe_survive_regrouping() -> None:
    matrix = load_recipe(built_in_recipes()["wishes"]).matrix()
    assert Suitability.from_groups(matrix.to_groups()).cells == matrix.cells


# Plans


def test_a_plan_has_every_kept_cell_in_every_style_and_round_exactly_once(recipe: Recipe) -> None:
    planned = tasks(recipe, Plan(rounds=3, threshold=1))
    assert Counter(task[1:5] for task in planned) == {
        (name, scene, style, number): 1
        for name, scene in [("房东", "搬家"), ("室友", "搬家"), ("室友", "国庆节")]
        for style in ("正常", "俏皮")
        for number in range(3)
    }
    assert [task.position for task in planned] == list(range(18))


@pytest.mark.parametrize(("threshold", "count"), [(0, 4), (1, 3), (2, 2)])
def test_the_threshold_decides_which_cells_are_kept(recipe: Recipe, threshold: int, count: int) -> None:
    assert len(kept_cells(recipe, threshold)) == count


def test_the_same_seed_gives_the_same_order_and_another_seed_another_one(recipe: Recipe) -> None:
    first, again, other = (tasks(recipe, Plan(rounds=4, seed=seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert {task.content for task in first} == {task.content for task in other}


def test_a_limited_plan_is_the_beginning_of_the_whole_one(recipe: Recipe) -> None:
    assert tasks(recipe, Plan(rounds=4, seed=7, limit=5)) == tasks(recipe, Plan(rounds=4, seed=7))[:5]


def test_a_plan_can_be_restricted_to_cells_and_styles(recipe: Recipe) -> None:
    planned = tasks(recipe, Plan(styles=("俏皮",), cells=(("室友", "国庆节"),)))
    assert planned == [Task(0, "室友", "国庆节", "俏皮", 0, turn=0)]


def test_a_disabled_style_runs_only_when_it_is_asked_for(recipe: Recipe) -> None:
    assert "停用" not in {task.style for task in tasks(recipe, Plan())}
    assert {task.style for task in tasks(recipe, Plan(styles=("停用",)))} == {"停用"}


def test_tasks_are_counted_by_style(recipe: Recipe) -> None:
    assert dict(by_style(tasks(recipe, Plan(rounds=2)))) == {"正常": 6, "俏皮": 6}


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (Plan(styles=("严肃",)), "没有风格“严肃”，有的是：正常、俏皮、停用"),
        (Plan(cells=(("房东", "元旦"),)), "没有格子“房东 × 元旦”"),
        (Plan(cells=(("房东", "国庆节"),), threshold=1), "阈值（现在是 1）"),
        (Plan(cells=(("快递员", "搬家"),)), "没有任何任务"),
    ],
)
def test_a_plan_that_leads_nowhere_says_why(recipe: Recipe, plan: Plan, problem: str) -> None:
    with pytest.raises(PlanError) as caught:
        tasks(recipe, plan)
    assert problem in str(caught.value)


def test_a_plan_with_one_style_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="选了两次"):
        Plan(styles=("正常", "正常"))


# Prompts


def test_a_brief_depends_on_the_task_and_not_on_its_position(recipe: Recipe) -> None:
    early = brief(recipe, Task(0, "室友", "搬家", "俏皮", 2), seed=1)
    late = brief(recipe, Task(99, "室友", "搬家", "俏皮", 2), seed=1)
    assert (early.prompt, early.input, early.seed) == (late.prompt, late.input, late.seed)


def test_every_task_of_a_style_has_a_number_of_its_own(recipe: Recipe) -> None:
    def numbers(seed: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for task in tasks(recipe, Plan(rounds=3, threshold=0)):
            found.setdefault(task.style, []).append(brief(recipe, task, seed).variant)
        return found

    for style, own in numbers(1).items():
        assert len(set(own)) == len(own)
        assert set(own).isdisjoint(numbers(2)[style])
    early, late = (brief(recipe, Task(n, "室友", "搬家", "俏皮", 2), seed=1) for n in (0, 99))
    assert early.variant == late.variant


def test_rounds_of_one_cell_draw_their_own_example_clause_and_wording(recipe: Recipe) -> None:
    briefs = [brief(recipe, Task(0, "室友", "搬家", "俏皮", number), seed=1) for number in range(40)]
    assert len({b.seed for b in briefs}) == 40
    assert len({b.prompt for b in briefs}) == 4
    assert {b.input for b in briefs} == {"谢室友搬家,俏皮风格", "替我谢谢室友，搬家顺利,俏皮风格"}


def test_two_seeds_draw_differently() -> None:
    task = Task(0, "室友", "搬家", "俏皮", 0)
    assert task_random(1, task).random() != task_random(2, task).random()


def test_the_teacher_prompt_is_filled_in_completely(recipe: Recipe) -> None:
    name, scene, style = recipe.names[1], recipe.scenes[0], recipe.styles[1]
    assert teacher_prompt(recipe, name, scene, style, "螺丝刀借得真及时", "提到天气").splitlines() == [
        "8 到 30 字，俏皮：活泼些",
        "例如：螺丝刀借得真及时",
        "给室友（平辈，你），因为搬家。",
        "提到天气",
        "只要正文。",
    ]


def test_an_absent_example_or_clause_leaves_no_empty_line(recipe: Recipe) -> None:
    name, scene, style = recipe.names[0], recipe.scenes[0], recipe.styles[0]
    assert teacher_prompt(recipe, name, scene, style, "", "").splitlines() == [
        "10 到 40 字，正常：自然些",
        "给房东（朋友与其他，您），因为搬家。",
        "只要正文。",
    ]


def test_the_training_input_never_carries_the_teacher_prompt(recipe: Recipe) -> None:
    name, scene, (plain, playful, _off) = recipe.names[1], recipe.scenes[0], recipe.styles
    assert training_input("谢{name}{scene}{suffix}", name, scene, plain) == "谢室友搬家"
    assert training_input("谢{name}{greeting}{suffix}", name, scene, playful) == "谢室友搬家顺利,俏皮风格"


def test_a_task_whose_entry_is_gone_is_reported_with_its_words(recipe: Recipe) -> None:
    with pytest.raises(PlanError, match="室友 × 元旦 × 正常"):
        brief(recipe, Task(0, "室友", "元旦", "正常", 0), seed=1)


# Style gaps


GAPS = """\
style_gaps:
  - {styles: [俏皮], scenes: [搬家], reason: 累得笑不出来}
  - {styles: [正常], names: [室友], scenes: [国庆节], reason: 太见外}
"""


def test_a_style_is_not_planned_where_it_does_not_suit_and_other_styles_are() -> None:
    recipe = parse_recipe(SMALL + GAPS, "small.yaml")
    planned = {task[1:4] for task in tasks(recipe, Plan())}
    assert planned == {
        ("房东", "搬家", "正常"),
        ("室友", "搬家", "正常"),
        ("室友", "国庆节", "俏皮"),
    }
    assert kept_cells(recipe, 1, "俏皮") == [("室友", "国庆节")]
    assert len(kept_cells(recipe, 1)) == 3
    gap = recipe.gap("俏皮", "房东", "搬家")
    assert gap is not None and gap.reason == "累得笑不出来"


def test_a_gap_of_an_unknown_style_is_refused() -> None:
    assert "风格例外里的“严肃”" in message(SMALL + GAPS.replace("[俏皮]", "[严肃]"))


def test_a_whole_row_moves_on_together_and_a_mixed_one_becomes_unsuitable_first() -> None:
    matrix = Suitability()
    row = [("房东", "搬家"), ("房东", "国庆节")]
    assert [matrix.cycle_all(row) for _ in range(3)] == [DOUBTFUL, UNSUITABLE, SUITABLE]
    matrix.set("房东", "搬家", DOUBTFUL)
    assert matrix.cycle_all(row) == UNSUITABLE
    assert [matrix.value(*cell) for cell in row] == [UNSUITABLE] * 2
