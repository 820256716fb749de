"""Recipes of other tasks than blessings: begun from words and lists, with relations of their own, and without
receivers."""

import re

import pytest

from tests.other_tasks import (
    APOLOGIES,
    CALLED,
    COPY,
    CUSTOMERS,
    SAID_AT_THE_END,
    TALKED_ABOUT,
    apologies,
    complaints,
    copy_for_goods,
)
from tianji_core.cleaning import check, clean_text, context_of
from tianji_core.cleaning.rule import Subject
from tianji_core.cleaning.rules import RULES
from tianji_core.errors import InputError, PlanError, RecipeError
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Checker
from tianji_core.generation import offline_gaps
from tianji_core.recipe import (
    Plan,
    Recipe,
    Words,
    brief,
    built_in_recipe,
    dump_recipe,
    parse_recipe,
    tasks,
)
from tianji_core.recipe.beginning import begun_recipe
from tianji_core.recipe.editing import ListRow, changed, edit_kinds, edit_scenes
from tianji_core.recipe.tables import Listing, Status, read_rows, to_csv
from tianji_core.verbs.comparing import QuestionOptions

TEXTS = [
    *(("apologies", *cell, text) for cell, text in APOLOGIES.items()),
    *(("complaints", *cell, text) for cell, text in CALLED.items()),
    *(("goods", "文案", *cell, text) for cell, text in COPY.items()),
]
RECIPES = {"apologies": apologies(), "complaints": complaints(), "goods": copy_for_goods()}
CONTEXTS = {key: context_of(recipe) for key, recipe in RECIPES.items()}
CHECKERS = {key: Checker(recipe) for key, recipe in RECIPES.items()}


def test_a_recipe_begun_from_lists_plans_and_asks_in_its_own_words() -> None:
    recipe = RECIPES["apologies"]
    planned = tasks(recipe, Plan(styles=("简短",)))
    assert len(planned) == 60 * 40
    task = next(task for task in planned if (task.name, task.scene) == ("店主薛姐", "快递柜超时收费"))
    asked = brief(recipe, task, 1)
    assert "客户称呼：店主薛姐" in asked.prompt and "投诉事由：快递柜超时收费" in asked.prompt
    assert "致歉" in asked.prompt and "致歉" in asked.input and "祝" not in asked.prompt + asked.input
    assert "{" not in asked.prompt + asked.input
    assert parse_recipe(dump_recipe(recipe), "again") == recipe


def test_a_recipe_without_receivers_names_nobody() -> None:
    recipe = RECIPES["goods"]
    planned = tasks(recipe, Plan(styles=("种草", "幽默")))
    assert len(planned) == 20
    for task in planned:
        asked = brief(recipe, task, 3)
        assert "对象" not in asked.prompt and "您" not in asked.prompt
        assert asked.input.count("文案") == 1, "the name that stands for nobody is not asked for"
    with pytest.raises(RecipeError, match="只能有一个"):
        changed(recipe, names=[{"text": t, "relation": "receiver", "pronoun": "你"} for t in ("甲", "乙")])


@pytest.mark.parametrize(("key", "name", "scene", "style", "text"), TEXTS)
def test_good_texts_of_other_tasks_have_no_findings_and_pass(
    key: str, name: str, scene: str, style: str, text: str
) -> None:
    recipe = RECIPES[key]
    subject = Subject(text, name, scene, style)
    assert not check(subject, CONTEXTS[key])
    assert clean_text(subject, CONTEXTS[key]) == text
    case = Case(recipe.name(name), recipe.scene(scene), recipe.style(style), "", "", ())
    verdict = CHECKERS[key].check(case, text)
    assert verdict.passed, verdict.faults


def test_an_answer_to_another_case_or_customer_fails() -> None:
    recipe = RECIPES["apologies"]
    name, scene, style = recipe.name("赵先生"), recipe.scene("快递晚到三天"), recipe.style("诚恳")
    assert name and scene and style
    case = Case(name, scene, style, "", "", ())
    text = "赵先生，空调漏水泡了地板，责任在我们，师傅明早九点上门，修理费由我们承担。"
    assert Checker(recipe).check(case, text).faults == ("occasion",)
    other = APOLOGIES["赵先生", "快递晚到三天", "诚恳"].replace("赵先生", "钱女士")
    assert "person" in Checker(recipe).check(case, other).faults


@pytest.mark.parametrize("said", TALKED_ABOUT)
def test_talk_about_a_text_of_another_task_is_found(said: str) -> None:
    cell = ("会员林姐", "空调外机太吵", "诚恳")
    found = check(Subject(CALLED[cell] + said, *cell), CONTEXTS["complaints"])
    assert {"closing"} <= {each.rule for each in found}


@pytest.mark.parametrize("said", SAID_AT_THE_END)
def test_what_an_apology_ends_with_is_no_talk(said: str) -> None:
    cell = ("会员林姐", "空调外机太吵", "诚恳")
    assert not check(Subject(CALLED[cell] + said, *cell), CONTEXTS["complaints"])


@pytest.mark.parametrize(
    "lead", ["好的，以下是为您撰写的致歉内容：\n", "致歉：", "【致歉信】", "这是一条诚恳的致歉："]
)
def test_leads_of_another_task_are_found(lead: str) -> None:
    cell = ("老主顾刘叔", "轮胎补了又漏", "诚恳")
    assert "lead_in" in {f.rule for f in check(Subject(lead + CALLED[cell], *cell), CONTEXTS["complaints"])}


def test_short_names_are_those_of_one_receiver_alone() -> None:
    recipe = RECIPES["complaints"]
    checker = CHECKERS["complaints"]
    for cell, text in CALLED.items():
        for other in CALLED:
            case = Case(recipe.name(other[0]), recipe.scene(cell[1]), recipe.style(cell[2]), "", "", ())
            assert checker.check(case, text).person == (other == cell), (other, text)


def test_what_holds_of_blessings_alone_is_checked_in_them_alone() -> None:
    recipe = RECIPES["goods"]
    subject = Subject("露营灯三档调光，最高800流明，IPX5防水，Type-C充电。", "文案", "露营灯", "专业")
    assert "not_blessing" not in {found.rule for found in check(subject, context_of(recipe))}
    assert "not_blessing" in {f.rule for f in check(subject, context_of(changed(recipe, blessings=True)))}
    said = "钱女士，接电话的同事语气冲，确实不该。她会亲自给您打电话道歉。希望您能满意。"
    apology = Subject(said, "钱女士", "客服态度生硬", "诚恳")
    assert clean_text(apology, context_of(RECIPES["apologies"])) == said, "an apology may end like this"


def test_relations_are_renamed_added_and_kept_while_they_are_used() -> None:
    recipe = RECIPES["apologies"]
    assert recipe.relation_titles() == {"receiver": "老客户", "企业客户": "企业客户"}
    pasted = read_rows(recipe, Listing.NAMES, "贺经理,企业客户,您\n邓先生,长辈,您")
    assert [row.status for row in pasted] == [Status.NEW, Status.WRONG]
    assert "老客户" in pasted[1].message
    assert to_csv(recipe, Listing.NAMES).startswith('"客户称呼",')
    again = read_rows(recipe, Listing.NAMES, to_csv(recipe, Listing.NAMES) + "龚先生,企业客户,您,是")
    assert [row.status for row in again] == [Status.DUPLICATE] * 60 + [Status.NEW]
    assert to_csv(recipe, Listing.NAMES).splitlines()[1] == f'"{CUSTOMERS[0]}","老客户","您","是"'
    with pytest.raises(RecipeError, match="60"):
        edit_kinds(recipe, "relations", [ListRow(1, {"text": "企业客户"})])
    fewer = edit_kinds(recipe, "relations", [ListRow(0, {"text": "老客户"})])
    assert list(fewer.relation_titles()) == ["receiver"]
    with pytest.raises(RecipeError, match="重复"):
        edit_kinds(recipe, "relations", [ListRow(0, {"text": "客"}), ListRow(1, {"text": "客"})])


def test_refusals_speak_as_the_recipe_does() -> None:
    recipe = RECIPES["apologies"]
    resting = changed(recipe, scenes=[{**scene.model_dump(), "enabled": False} for scene in recipe.scenes])
    with pytest.raises(PlanError, match="客户称呼、投诉事由和口气请至少各启用一个"):
        tasks(resting, Plan())
    with pytest.raises(RecipeError, match="投诉事由"):
        edit_scenes(recipe, [ListRow(None, {"text": "漏发", "kind": "别的"})])
    with pytest.raises(RecipeError, match="客户称呼里“钱女士”出现了两次"):
        changed(recipe, names=[*recipe.names, recipe.names[1]])
    offline = offline_gaps(recipe, tasks(recipe, Plan()))
    assert offline is not None and offline.everything and "口气 诚恳" in offline.message
    assert "风格" not in offline.message


def test_rules_that_hold_of_any_task_explain_themselves_without_blessings() -> None:
    said = [
        (rule.id, text)
        for rule in RULES
        if rule.holds_in(RECIPES["apologies"])
        for text in (rule.title, rule.why)
        if re.search("祝福|送给|场合|称谓|场景", text)
    ]
    assert said == []


def test_shipped_recipes_keep_relations_and_words() -> None:
    wishes = built_in_recipe("wishes")
    assert wishes.words == Words() and wishes.receivers and wishes.blessings
    assert wishes.relation_title("elder") == "长辈"
    same = edit_kinds(wishes, "relations", [
        ListRow(n, {"text": title}) for n, title in enumerate(wishes.relation_titles().values())
    ])  # fmt: skip
    assert same == wishes


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (([], [], ["短"]), "商品列表是空的"),
        ((["甲"], ["乙"], [" "]), "语气列表是空的"),
        ((["甲" * 41], ["乙"], ["短"]), "最多 40 个字"),
    ],
)
def test_lists_that_make_no_recipe_are_named(lists: tuple[list[str], ...], said: str) -> None:
    words = Words(text="文案", name="客户", scene="商品", style="语气")
    with pytest.raises(RecipeError, match=said):
        begun_recipe("one", "一", words, *lists)


def test_double_and_blank_lines_are_left_out() -> None:
    recipe: Recipe = begun_recipe("one", "一", Words(), ["甲", "", " 甲 ", "乙"], ["事"], ["短", "短"])
    assert [name.text for name in recipe.names] == ["甲", "乙"] and len(recipe.styles) == 1


@pytest.mark.parametrize(
    "word", ["![n](//1.2.3.4/n)", "**客户**", "<b>客户</b>", "见 www.a.cn", "a@b.cn", "http://a"]
)
def test_words_that_pages_would_draw_as_markup_are_refused(word: str) -> None:
    with pytest.raises(RecipeError, match="叫法里不能有"):
        changed(RECIPES["apologies"], words={"name": word})
    with pytest.raises(RecipeError, match="叫法里不能有"):
        changed(RECIPES["apologies"], relations=[{"id": "receiver", "title": word}])


def test_a_question_about_goods_needs_no_receiver() -> None:
    goods = RECIPES["goods"]
    asked = QuestionOptions(scene="露营灯,砂锅").questions(goods)
    assert [(ask.name, ask.scene) for ask in asked] == [
        (goods.names[0].text, each) for each in ("露营灯", "砂锅")
    ]
    with pytest.raises(InputError, match="要一起给"):
        QuestionOptions(scene="空调漏水").questions(RECIPES["apologies"])
