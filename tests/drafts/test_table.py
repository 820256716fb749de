"""The unsaved edits of a table: they lead to the same rows again, also beside another tab's and after a
save."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.drafts import Cell, TableEdits, edited_rows, merged_edits, row_names, with_typed

SAVED: dict[str, dict[str, Cell]] = {
    "赵老师": {"text": "赵老师", "enabled": True},
    "大舅": {"text": "大舅", "enabled": True},
    "大伯": {"text": "大伯", "enabled": False},
}


def typed_into(edits: TableEdits, ids: list[str], **typed: Any) -> TableEdits:
    return with_typed(edits, edited_rows(SAVED, edits), SAVED, typed, ids)


def texts(edits: TableEdits) -> list[Cell]:
    return [row.cells.get("text") for row in edited_rows(SAVED, edits)]


def test_a_table_opens_with_what_was_typed_and_is_typed_into_further() -> None:
    first = typed_into(
        TableEdits(),
        ["a", "b"],
        edited_rows={1: {"text": "舅舅"}},
        added_rows=[{"text": "李总"}, {}],
        deleted_rows=[2],
    )
    assert texts(first) == ["赵老师", "舅舅", "李总", None]
    again = typed_into(
        first, ["c"], edited_rows={2: {"enabled": False}, 3: {"text": "王总"}}, added_rows=[{"text": "姐姐"}]
    )
    assert texts(again) == ["赵老师", "舅舅", "李总", "王总", "姐姐"]
    assert texts(typed_into(again, [], deleted_rows=[2])) == ["赵老师", "舅舅", "王总", "姐姐"]
    assert again.added["a"] == {"text": "李总", "enabled": False}


def test_a_cell_that_is_set_back_is_no_edit() -> None:
    first = typed_into(TableEdits(), [], edited_rows={0: {"text": "钱老师"}})
    assert typed_into(first, [], edited_rows={0: {"text": "赵老师"}}) == TableEdits()


def test_two_tabs_lose_nothing_of_each_other() -> None:
    one = typed_into(TableEdits(), ["a"], edited_rows={0: {"text": "钱老师"}}, added_rows=[{"text": "李总"}])
    other = typed_into(
        TableEdits(),
        ["b"],
        edited_rows={0: {"enabled": False}},
        added_rows=[{"text": "王总"}],
        deleted_rows=[1],
    )
    stored = merged_edits(TableEdits(), one, TableEdits())
    stored = merged_edits(TableEdits(), other, stored)
    assert texts(stored) == ["钱老师", "大伯", "李总", "王总"]
    assert stored.changed["赵老师"] == {"text": "钱老师", "enabled": False}
    assert merged_edits(one, TableEdits(), stored) == other, (
        "a save takes away what this tab had typed, no more"
    )


def test_edits_follow_their_rows_when_another_tab_saved_a_new_order() -> None:
    edits = typed_into(TableEdits(), [], edited_rows={2: {"enabled": True}, 1: {"text": "舅舅"}})
    saved = {name: SAVED[name] for name in ("大伯", "赵老师")}
    rows = edited_rows(saved, edits)
    assert [row.cells for row in rows] == [{"text": "大伯", "enabled": True}, SAVED["赵老师"]]
    assert edits.changed["大舅"] == {"text": "舅舅"}, "the row may come back by an undo"


def test_equal_texts_are_rows_of_their_own() -> None:
    names = row_names(["好", "", "好", "", "好"])
    assert len(set(names)) == 5
    assert names[:2] == ["好", ""]


CELLS = st.dictionaries(
    st.sampled_from(["text", "enabled"]), st.sampled_from(["甲", "乙", True, False, None])
)


@st.composite
def typing(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "edited_rows": draw(st.dictionaries(st.integers(0, 2), CELLS)),
        "added_rows": draw(st.lists(CELLS, max_size=2)),
        "deleted_rows": draw(st.lists(st.integers(0, 2), unique=True)),
    }


@given(typing(), typing())
def test_whatever_is_typed_is_stored_and_taken_back_without_touching_another_tab(
    mine: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = (
        typed_into(TableEdits(), ["a", "b"], **mine),
        typed_into(TableEdits(), ["c", "d"], **other),
    )
    stored = merged_edits(TableEdits(), first, TableEdits())
    assert edited_rows(SAVED, stored) == edited_rows(SAVED, first)
    both = merged_edits(TableEdits(), second, stored)
    assert set(both.added) == set(first.added) | set(second.added)
    assert set(both.deleted) == set(first.deleted) | set(second.deleted)
    left = merged_edits(first, TableEdits(), both)
    assert left.added == second.added
    assert TableEdits.model_validate(both.model_dump()) == both
