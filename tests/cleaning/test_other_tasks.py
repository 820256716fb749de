"""The cleaning on texts of other tasks than wishes: apologies with receivers and copy for goods without,
written by hand and labelled before any rule was looked at."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.other_tasks import apologies, copy_for_goods
from tianji_core.cleaning import check, clean_text, context_of
from tianji_core.cleaning.doubt import doubt
from tianji_core.cleaning.rule import Context, Subject
from tianji_core.recipe import Recipe, built_in_recipe
from tianji_core.recipe.editing import changed, edit_style

CORPUS = Path(__file__).parents[1] / "data" / "other_tasks"
RECIPES = {"apologies": apologies(), "goods": copy_for_goods()}
APOLOGY = ("赵先生", "快递晚到三天", "诚恳")


class Figures(NamedTuple):
    precision: float
    recall: float
    damaged: int
    repaired: int
    repairable: int
    sure_and_wrong: int


def subject(row: dict) -> Subject:
    return Subject(row["text"], row["name"], row["scene"], row["style"])


def figures(rows: list[dict], context: Context) -> Figures:
    found = {row["id"]: bool(check(subject(row), context)) for row in rows}
    fixed = {row["id"]: clean_text(subject(row), context) for row in rows}
    hits = sum(found[row["id"]] for row in rows if not row["clean"])
    dirty = [row for row in rows if not row["clean"]]
    return Figures(
        precision=hits / sum(found.values()),
        recall=hits / len(dirty),
        damaged=sum(fixed[row["id"]] != row["text"] for row in rows if row["clean"]),
        repaired=sum(fixed[row["id"]] == row["repaired"] for row in dirty if row["repaired"]),
        repairable=sum(row["repaired"] is not None for row in dirty),
        sure_and_wrong=sum(not found[row["id"]] and doubt(subject(row), context).is_sure for row in dirty),
    )


@pytest.mark.parametrize(("key", "recall", "wrong"), [("apologies", 0.93, 0), ("goods", 0.8, 2)])
def test_texts_of_other_tasks_are_told_from_what_is_none(key: str, recall: float, wrong: int) -> None:
    lines = (CORPUS / f"{key}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 60 and sum(row["clean"] for row in rows) == 30
    measured = figures(rows, context_of(RECIPES[key]))
    assert measured.precision == 1.0
    assert measured.recall >= recall
    assert measured.damaged == 0
    assert measured.repaired == measured.repairable
    assert measured.sure_and_wrong <= wrong


def rules(text: str, cell: tuple[str, str, str], recipe: Recipe) -> set[str]:
    return {found.rule for found in check(Subject(text, *cell), context_of(recipe))}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("赵先生，空调漏水泡了您家地板，责任在我们，师傅明早九点上门重装。", True),
        ("赵先生，快递晚到，又赶上您家空调漏水，我们知道您着急，运费已退。", False),
        ("赵先生，中秋快乐！愿您月圆人圆，阖家安康，万事顺意，福寿绵长。", True),
        ("赵先生，快递晚了三天才到，中秋快乐也没能赶上，运费已经退给您。", False),
    ],
)
def test_another_entry_counts_where_the_own_one_is_not_spoken_of(text: str, found: bool) -> None:
    assert ("other_matter" in rules(text, APOLOGY, RECIPES["apologies"])) == found


def test_a_title_of_the_own_names_calls_a_stranger_of_no_list() -> None:
    text = "{}，您的快递比说好的晚到了三天，是我们没有盯住车次，运费已经退给您。"
    assert "wrong_person" in rules(text.format("上官先生"), APOLOGY, RECIPES["apologies"])
    assert not rules(text.format("赵先生"), APOLOGY, RECIPES["apologies"])
    mentioned = "赵先生，" + text.format("邻居欧阳先生，您的邻居").partition("，")[2]
    assert "wrong_person" not in rules(mentioned, APOLOGY, RECIPES["apologies"])


def test_an_end_without_a_mark_is_none_where_all_examples_have_one() -> None:
    text = "赵先生，您的快递比说好的晚到了三天，运费已经退给您，往后您的单子我会"
    recipe = RECIPES["apologies"]
    assert "cut_off" in rules(text, APOLOGY, recipe)
    style = recipe.style("诚恳")
    assert style is not None
    loose = edit_style(recipe, "诚恳", examples=[each.rstrip("。") for each in style.examples])
    plain = "赵先生，您的快递晚到了三天，运费已经退给您"
    assert "cut_off" in rules(plain, APOLOGY, recipe)
    assert "cut_off" not in rules(plain, APOLOGY, loose)


def test_a_closing_is_taken_off_by_its_place_alone() -> None:
    text = "赵先生，您的快递晚到了三天，是我们没有盯住车次，运费已经退给您。"
    said = "希望这条致歉符合您的要求，如果需要调整语气，请随时告诉我。"
    recipe = RECIPES["apologies"]
    apart = Subject(f"{text}\n\n{said}", *APOLOGY)
    assert clean_text(apart, context_of(recipe)) == text
    beside = Subject(text + said, *APOLOGY)
    assert clean_text(beside, context_of(recipe)) == beside.output
    letters = edit_style(recipe, "诚恳", several_lines=True)
    assert clean_text(apart, context_of(letters)) == apart.output


def test_what_speaks_of_nothing_on_the_lists_is_left_to_a_person() -> None:
    context = context_of(RECIPES["apologies"])
    generic = Subject("赵先生，给您添麻烦了，我们马上改正，请您多多包涵。", *APOLOGY)
    assert not check(generic, context)
    assert "快递晚到三天" in doubt(generic, context).why
    nobody = Subject("快递又晚到了三天，电话打了八遍都没人接，真是急死人。", *APOLOGY)
    assert "赵先生" in doubt(nobody, context).why
    own = Subject("赵先生，快递晚到了三天，运费已经退给您。", *APOLOGY)
    assert doubt(own, context).is_sure
    wishes = changed(RECIPES["apologies"], blessings=True)
    assert "快递晚到三天" not in doubt(generic, context_of(wishes)).why


@pytest.mark.parametrize(
    "text", ["316不锈钢内胆，双层真空，六小时保温不低于68℃。", "搬家那天，保温杯越用越顺手，颜色耐看。"]
)
def test_a_lead_on_a_line_of_its_own_goes_whatever_follows(text: str) -> None:
    said = Subject(f"好的，这是为您撰写的文案：\n\n{text}", "文案", "保温杯", "专业")
    assert clean_text(said, context_of(RECIPES["goods"])) == text


def test_a_blessing_is_not_asked_what_only_other_tasks_are() -> None:
    text = "奶奶新春大吉！压岁钱今年我给您包，密码是您生日，不许再偷偷塞回来哦🧧✨"
    wishes = context_of(built_in_recipe("wishes"))
    assert check(Subject(text, "奶奶", "春节", "小红书"), wishes) == []
    wrong = Subject("表妹，生日快乐，开开心心又大一岁，想说话就打电话。", "表妹", "谈判顺利", "白话")
    assert [each.rule for each in check(wrong, wishes)] == ["wrong_occasion"]


def test_what_a_recipe_is_about_is_no_unsuitable_word() -> None:
    said = "杨女士，优惠券用不了是我们的错，系统那天升级，提醒没发出去。面值已经补到您账上。"
    context = context_of(RECIPES["apologies"])
    assert not check(Subject(said, "杨女士", "优惠券用不了", "诚恳"), context)
    found = check(
        Subject(said.replace("优惠券用不了", "快递晚到三天") + "优惠券点击链接领取。", *APOLOGY), context
    )
    assert "unsafe" in {finding.rule for finding in found}
