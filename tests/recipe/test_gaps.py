"""Style gaps as cells: adding, taking back, and keeping them short."""

from tianji_core.recipe import Recipe, StyleGap, built_in_recipe
from tianji_core.recipe.gaps import gap_cells, toggled_gaps, with_gaps, without_gaps

TOASTS: Recipe = built_in_recipe("toasts")


def test_cells_of_a_style_are_spread_with_their_reasons() -> None:
    cells = gap_cells(TOASTS, "幽默")
    assert cells["客户王总", "商务宴请"].startswith("谈生意")
    assert {name for name, scene in cells if scene == "寿宴"} == {n.text for n in TOASTS.names}


def test_toggling_one_cell_twice_changes_nothing_else() -> None:
    gaps, now_gap = toggled_gaps(TOASTS, "文雅", [("领导", "婚宴")])
    changed = TOASTS.changed(style_gaps=gaps)
    assert now_gap and changed.gap("文雅", "领导", "婚宴") is not None
    gaps, now_gap = toggled_gaps(changed, "文雅", [("领导", "婚宴")])
    again = TOASTS.changed(style_gaps=gaps)
    assert not now_gap
    for style in TOASTS.styles:
        assert gap_cells(again, style.text) == gap_cells(TOASTS, style.text)


def test_taking_one_cell_out_of_a_whole_column_leaves_the_rest_of_it() -> None:
    changed = TOASTS.changed(style_gaps=without_gaps(TOASTS, "幽默", [("大哥", "寿宴")]))
    assert changed.gap("幽默", "大哥", "寿宴") is None
    assert set(gap_cells(TOASTS, "幽默")) - set(gap_cells(changed, "幽默")) == {("大哥", "寿宴")}


def test_a_whole_column_is_kept_open_for_names_to_come() -> None:
    column = [(n.text, "婚宴") for n in TOASTS.names]
    gaps = with_gaps(TOASTS, "豪爽", column, "太吵")
    assert StyleGap(styles=("豪爽",), scenes=("婚宴",), reason="太吵") in gaps


def test_the_same_gap_of_two_styles_is_one_group() -> None:
    once = TOASTS.changed(style_gaps=with_gaps(TOASTS, "豪爽", [("领导", "婚宴")], "太吵"))
    twice = with_gaps(once, "幽默", [("领导", "婚宴")], "太吵")
    assert [g.styles for g in twice if g.reason == "太吵"] == [("豪爽", "幽默")]
