"""Banks of few-shot examples in the forms that people have them in."""

import json

import pytest

from tests.other_tasks import APOLOGIES, apologies
from tianji_core.errors import RecipeError
from tianji_core.recipe import Plan, brief, tasks
from tianji_core.recipe.editing import edit_style
from tianji_core.recipe.example_banks import add_bank, read_bank
from tianji_core.recipe.tables import Status

RECIPE = apologies()
NEW = "褚女士，退款今天下午到账，让您等了十天，抱歉。"
OTHER = "卫先生，师傅爽约是我们没排好班，今晚七点一定到。"


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("a.json", json.dumps({"简短": [NEW, OTHER], "正式": [NEW]}), [("简短", NEW), ("简短", OTHER), ("正式", NEW)]),
        ("a.json", json.dumps({"简短": NEW}), [("简短", NEW)]),
        ("a.json", json.dumps([NEW, OTHER]), [("诚恳", NEW), ("诚恳", OTHER)]),
        ("a.json", json.dumps([{"style": "简短", "output": NEW}, {"text": OTHER}]), [("简短", NEW), ("诚恳", OTHER)]),
        ("a.txt", f"{NEW}\n\n  {OTHER} \n", [("诚恳", NEW), ("诚恳", OTHER)]),
        ("a.csv", f"口气,示例\n简短,{NEW}\n,{OTHER}\n", [("简短", NEW), ("诚恳", OTHER)]),
        ("a.csv", f"\ufeff{NEW}\n{OTHER}\n", [("诚恳", NEW), ("诚恳", OTHER)]),
        ("a.tsv", f"text\tstyle\n{NEW}\t正式\n", [("正式", NEW)]),
    ],
)  # fmt: skip
def test_each_form_is_read(file: str, text: str, found: list[tuple[str, str]]) -> None:
    rows = read_bank(RECIPE, file, text, "诚恳")
    assert [(row.style, row.text) for row in rows] == found
    assert {row.status for row in rows} == {Status.NEW}
    after = add_bank(RECIPE, rows)
    for style, text in found:
        kept = after.style(style)
        assert kept is not None and text in kept.examples


def test_what_cannot_be_added_is_said_of_each() -> None:
    known = next(text for (_name, _scene, style), text in APOLOGIES.items() if style == "简短")
    bank = {
        "简短": [known, NEW, NEW, 7, "一\n二", "好"],
        "搞笑": ["哈"],
        "正式": [{"x": 1}, "长" * 5000, " "],
    }
    rows = read_bank(RECIPE, "b.json", json.dumps(bank), "诚恳")
    assert [row.status.value for row in rows] == [
        "duplicate", "new", "duplicate", "wrong", "wrong", "new", "wrong", "wrong", "wrong"
    ]  # fmt: skip
    assert "1 字，应当是 10-45 字" in rows[5].message and "搞笑" in rows[6].message
    assert len(add_bank(RECIPE, rows).style("简短").examples) == 5


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.json", "[" * 5000, "a.json"),
        ("a.json", '"一句"', "JSON 列表"),
        ("a.json", "{", "不是合法的 JSON"),
        ("a.txt", " \n\n", "没有示例"),
        ("a.pdf", NEW, "要的是 .json"),
        ("a.txt", "长" * 2_000_001, "太长"),
        ("a.csv", '示例\n"' + "长" * 200_000, "CSV"),
    ],
)
def test_files_that_are_no_bank_are_refused(file: str, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_bank(RECIPE, file, text, "诚恳")


def test_a_large_bank_is_shown_evenly() -> None:
    many = [f"第{n}号客户，您反映的事已经办好，结果今天寄到您手上，请查收。" for n in range(300)]
    recipe = edit_style(add_bank(RECIPE, read_bank(RECIPE, "a.txt", "\n".join(many), "正式")), "正式")
    counts: dict[str, int] = {}
    for task in tasks(recipe, Plan(styles=("正式",), limit=303)):
        for example in brief(recipe, task, 0, 5).examples:
            counts[example] = counts.get(example, 0) + 1
    assert len(counts) == 303 and max(counts.values()) - min(counts.values()) <= 1
