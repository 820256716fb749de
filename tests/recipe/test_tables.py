"""Lists as rows of text: pasting, CSV there and back, order, switching off."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import RecipeError
from tianji_core.recipe import Recipe, built_in_recipe
from tianji_core.recipe.editing import ListRow, edit_lines, in_order
from tianji_core.recipe.model import normalise
from tianji_core.recipe.tables import LARGEST, Listing, Status, add_rows, read_rows, replace_rows, to_csv

TOASTS: Recipe = built_in_recipe("toasts")


@pytest.mark.parametrize("listing", list(Listing))
@pytest.mark.parametrize("key", ["wishes", "toasts", "thanks"])
def test_csv_brings_back_the_same_list(key: str, listing: Listing) -> None:
    recipe = built_in_recipe(key)
    assert replace_rows(recipe, listing, read_rows(recipe, listing, to_csv(recipe, listing))) == recipe


def test_columns_may_come_from_a_spreadsheet_with_a_header_in_any_order() -> None:
    text = "启用\t称呼\t称谓\trelation\n否\t您\t校长\tteacher\n\n是\t你\t发小\t朋友与其他\n"
    rows = read_rows(TOASTS, Listing.NAMES, text)
    assert [row.number for row in rows] == [2, 4]
    added = add_rows(TOASTS, Listing.NAMES, rows).names[-2:]
    assert [(n.text, n.relation, n.pronoun.value, n.enabled) for n in added] == [
        ("校长", "teacher", "您", False),
        ("发小", "friend", "你", True),
    ]


def test_doubles_are_seen_through_width_and_white_space() -> None:
    recipe = TOASTS.changed(scenes=(*TOASTS.scenes, {"text": "KTV聚会", "kind": "social"}))
    rows = read_rows(recipe, Listing.SCENES, " ＫＴＶ聚会　\n公司年会\n露营\n露营 ", {"kind": "social"})
    assert [row.status for row in rows] == [Status.DUPLICATE, Status.DUPLICATE, Status.NEW, Status.DUPLICATE]
    assert rows[3].message == "和第 3 行重复"


def test_sentences_with_commas_stay_whole() -> None:
    rows = read_rows(TOASTS, Listing.CLAUSES, "先说辛苦，再说感谢\n用一个比喻, 别太长")
    assert [row.text for row in rows] == ["先说辛苦，再说感谢", "用一个比喻, 别太长"]
    assert add_rows(TOASTS, Listing.CLAUSES, rows).clauses[-2:] == tuple(row.text for row in rows)


def test_a_wrong_row_is_named_and_stops_a_replacement() -> None:
    rows = read_rows(TOASTS, Listing.TEMPLATES, "敬{name}{scene}{suffix}\n敬{name}一杯")
    assert rows[1].status is Status.WRONG and "{suffix}" in rows[1].message
    with pytest.raises(RecipeError, match="第 2 行"):
        replace_rows(TOASTS, Listing.TEMPLATES, rows)


def test_replacing_names_keeps_the_suitability_of_those_that_stay() -> None:
    rows = read_rows(TOASTS, Listing.NAMES, "岳母,长辈,您\n岳父,长辈,您\n姑父,长辈,您")
    replaced = replace_rows(TOASTS, Listing.NAMES, rows)
    assert [n.text for n in replaced.names] == ["岳母", "岳父", "姑父"]
    assert replaced.matrix().value("岳父", "公司年会") == 0
    assert replaced.matrix().value("姑父", "公司年会") == 2


def rows_of(*texts: str) -> list[ListRow]:
    return [ListRow(i, {"text": text, "order": i + 1}) for i, text in enumerate(texts)]


def moved(rows: list[ListRow], **places: float) -> list[str]:
    changed = [
        ListRow(r.origin, {**r.values, "order": places.get(r.values["text"], r.values["order"])})
        for r in rows
    ]
    return [row.values["text"] for row in in_order(changed)]


def test_a_row_moves_to_the_place_it_is_given_and_the_others_stay_in_sequence() -> None:
    rows = rows_of("a", "b", "c", "d")
    assert moved(rows) == ["a", "b", "c", "d"]
    assert moved(rows, d=1) == ["d", "a", "b", "c"]
    assert moved(rows, a=3) == ["b", "c", "a", "d"]
    assert moved(rows, a=99) == ["b", "c", "d", "a"]
    new = ListRow(None, {"text": "e", "order": float("nan")})
    assert moved([*rows, new]) == ["a", "b", "c", "d", "e"]
    assert moved([*rows, new], e=2) == ["a", "e", "b", "c", "d"]
    assert moved([rows[0], *rows[2:]]) == ["a", "c", "d"]


def test_clauses_and_templates_can_rest_without_being_lost() -> None:
    rows = [ListRow(i, {"text": text, "enabled": i != 1}) for i, text in enumerate(TOASTS.clauses)]
    edited = edit_lines(TOASTS, "clauses", rows)
    assert edited.resting_clauses == (TOASTS.clauses[1],) and len(edited.clauses) == len(TOASTS.clauses) - 1
    with pytest.raises(RecipeError, match="至少要启用一条"):
        edit_lines(TOASTS, "templates", [ListRow(0, {"text": TOASTS.input_templates[0], "enabled": False})])
    with pytest.raises(RecipeError, match=r"第 2 行.*重复"):
        edit_lines(TOASTS, "templates", [ListRow(0, {"text": TOASTS.input_templates[0]})] * 2)


RISKY = ["=1+1", "+86", "-5度", "@某人", "＝SUM(A1)", "'引号", "'=1", "甲;=1", '说"好"', "甲,乙", "[1]"]
PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
TEXT = (st.sampled_from(RISKY) | PLAIN).map(str.strip).filter(bool)
LINES = st.lists(TEXT, min_size=1, max_size=5, unique_by=normalise)
EXAMPLES = st.lists(TEXT | st.just("两\n行") | st.just('["一", "二"]'), max_size=3)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """A recipe whose lists hold whatever can be typed."""
    wishes = built_in_recipe("wishes")
    names = [{"text": text, "relation": "peer", "pronoun": "你"} for text in draw(LINES)]
    scenes = [{"text": text, "kind": "festival", "greeting": draw(TEXT)} for text in draw(LINES)]
    styles = [
        {
            "text": text,
            "instruction": draw(TEXT),
            "examples": draw(EXAMPLES),
            "suffix": number * "，" + "风格",
        }
        for number, text in enumerate(draw(LINES))
    ]
    styles[0]["suffix"] = ""
    lists = {"names": names, "scenes": scenes, "styles": styles}
    return wishes.changed(**lists, suitability=(), clauses=tuple(draw(LINES)), resting_clauses=())


@given(recipes(), st.sampled_from(list(Listing)))
def test_whatever_a_list_holds_is_no_formula_and_reads_back(recipe: Recipe, listing: Listing) -> None:
    text = to_csv(recipe, listing)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t")) for cell in cells)
    assert replace_rows(recipe, listing, read_rows(recipe, listing, text)) == recipe


def test_an_apostrophe_that_a_person_typed_without_a_header_stays() -> None:
    assert read_rows(TOASTS, Listing.CLAUSES, "'=好")[0].text == "'=好"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("称谓,关系\n" + "长" * 200_000, "不是能读的 CSV"), ("长" * (LARGEST + 1), "太多")],
)
def test_what_no_list_can_hold_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        read_rows(TOASTS, Listing.NAMES, text)
