"""A person's own messages that may be examples of a style: what is none stays out, the likeliest is first."""

import pytest

from tests.other_tasks import apologies, copy_for_goods
from tests.own_messages import BIRTHDAY, CHAT, DRAGON_BOAT, LETTER, MOVED, NEW_YEAR, NOTES, TEACHERS_DAY
from tianji_core.cleaning import likely_examples
from tianji_core.cleaning.likely_examples import FoundExamples, examples_in
from tianji_core.errors import RecipeError
from tianji_core.generation.knowledge import Document, read_document
from tianji_core.recipe import Recipe, built_in_recipe
from tianji_core.recipe.editing import edit_style
from tianji_core.recipe.example_banks import add_bank

WISHES = built_in_recipe("wishes")
STYLE = "正常"


def read(*files: tuple[str, str]) -> list[Document]:
    return [read_document(name, text.encode()) for name, text in files]


def texts(found: FoundExamples, sure: bool = True) -> list[str]:
    return [each.row.text for each in found.likely if each.sure is sure]


def of(text: str, recipe: Recipe = WISHES, style: str = STYLE) -> FoundExamples:
    return examples_in(recipe, style, [Document("a.txt", "", text)])


def test_greetings_are_found_in_what_people_have_and_nothing_else_is_sure() -> None:
    found = examples_in(WISHES, STYLE, read(("王.csv", CHAT), ("信.eml", LETTER), ("记.txt", NOTES)))
    assert {text.rstrip("。！") for text in texts(found)} == {
        text.rstrip("。") for text in (TEACHERS_DAY, NEW_YEAR, BIRTHDAY, DRAGON_BOAT, MOVED)
    }
    assert all("合同" not in each.row.text and "清单" not in each.row.text for each in found.likely)
    assert found.known == 2 and found.unlike >= 4 and found.more == 0
    assert [each.sure for each in found.likely] == sorted((each.sure for each in found.likely), reverse=True)
    assert {each.by for each in found.likely} == {"我", "甲", ""}


def test_what_the_style_has_or_nearly_has_is_left_out() -> None:
    recipe = edit_style(WISHES, STYLE, examples=(MOVED, NEW_YEAR.replace("万事都", "万事")))
    found = examples_in(recipe, STYLE, read(("王.csv", CHAT), ("记.txt", NOTES)))
    assert set(texts(found)) == {TEACHERS_DAY, BIRTHDAY} and found.known == 4


def test_what_was_added_is_not_offered_again() -> None:
    documents = read(("王.csv", CHAT), ("记.txt", NOTES))
    found = examples_in(WISHES, STYLE, documents)
    after = add_bank(WISHES, [each.row for each in found.sure])
    style, before = after.style(STYLE), WISHES.style(STYLE)
    assert style is not None and before is not None
    assert style.examples == (*before.examples, *texts(found))
    assert texts(examples_in(after, STYLE, documents)) == []


def test_limits_of_the_style_and_hidden_words_leave_a_text_to_a_person() -> None:
    found = of(
        "妹妹，祝你生日快乐，天天开心！\n表姐，恭喜乔迁新居，愿新家给你们带来好运，礼物看这里〔链接〕，住得舒心。\n"
        + "祝您平安，" * 40
    )
    assert texts(found) == [] and len(texts(found, sure=False)) == 2
    assert [each.row.message for each in found.likely] == ["", "15 字，应当是 20-60 字"]
    assert found.unlike == 1


def test_a_text_that_names_the_sign_of_a_person_is_left_to_a_person() -> None:
    chat = "时间,昵称,内容\n2024-01-01 08:00,阿珍,姑妈新年好！祝您身体硬朗，替我向阿强问好，愿您天天开心。\n"
    chat += "2024-01-01 08:01,阿强,同乐\n2024-01-01 08:02,姑妈,同乐\n"
    found = examples_in(WISHES, STYLE, read(("群.csv", chat)))
    assert texts(found) == [] and texts(found, sure=False)[0].startswith("新年好！祝您身体硬朗，替我向乙问好")


def test_other_tasks_go_by_the_limits_and_whom_a_text_speaks_to() -> None:
    said = "褚女士，退款今天下午到账，让您等了十天，我们很抱歉。"
    aside = "仓库本周盘点，出库的时间要往后推两天，请同事们互相转告。"
    found = of(f"{aside}\n{said}\n收到", apologies(), "简短")
    assert [(each.row.text, each.sure) for each in found.likely] == [(said, True), (aside, False)]
    goods = copy_for_goods()
    assert of("收到", goods, goods.styles[0].text).likely == ()


def test_no_more_are_judged_and_offered_than_fit_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likely_examples, "MOST_JUDGED", 3)
    monkeypatch.setattr(likely_examples, "MOST_OFFERED", 1)
    found = of(f"{MOVED}\n{TEACHERS_DAY}\n{DRAGON_BOAT}\n{NEW_YEAR}")
    assert len(found.likely) == 1 and found.more == 3


def test_a_style_that_is_not_there_is_named() -> None:
    with pytest.raises(RecipeError, match=r"没有.*豪迈.*有的是.*正常"):
        of(MOVED, style="豪迈")


def test_nothing_comes_of_marks_and_blanks() -> None:
    assert of("\ufeff" * 30 + "\n" + "　" * 30 + "\n" + "🎉" * 30).likely == ()
