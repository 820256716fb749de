"""The map of the suitability of every cell, and its editing by mouse or by form."""

from html import escape

import plotly.graph_objects as go
import streamlit as st

from pages.heatmap.cell_figure import CONFIG, Cell, cell_figure, chosen_cells, enlarge
from pages.shared.cell_words import style_word
from pages.shared.frame import report_errors
from pages.shared.kept import TYPED, kept, kept_text
from pages.shared.text import plain
from pages.shared.usable import some_of
from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Recipe
from tianji_core.recipe.editing import changed
from tianji_core.recipe.gaps import gap_cells, toggled_gaps, with_gaps, without_gaps

COLOURS = ["#D55E00", "#F0C808", "#56B4E9", "#8A8F98"]
"""Colours of the values 0, 1 and 2, from the Okabe-Ito palette, which any colour vision can tell apart; then
grey for the cells that one style excludes."""
GLYPHS = {0: "✕", 1: "?", 2: "", 3: "⊘"}
_GAP = 3


def suitability_figure(
    recipe: Recipe, names: list[str], scenes: list[str], box: bool, style: str | None = None
) -> go.Figure:
    """Returns the map; with ``style``, the cells that this style excludes are marked too."""
    matrix = recipe.matrix()
    gaps = gap_cells(recipe, style) if style else {}
    values = [[_GAP if (n, s) in gaps else matrix.value(n, s) for s in scenes] for n in names]
    shown = range(4 if style else 3)
    steps = [(edge / len(shown), COLOURS[v]) for v in shown for edge in (v, v + 1)]
    heat = go.Heatmap(
        z=values,
        text=[[GLYPHS[v] for v in row] for row in values],
        texttemplate="%{text}",
        textfont={"size": 11, "color": "#222"},
        colorscale=steps,
        zmin=-0.5,
        zmax=len(shown) - 0.5,
        showscale=False,
    )

    def hover(name: str, scene: str) -> str:
        rating = matrix.rating(name, scene)
        lines = [_with_reason(_(VALUE_TITLES[rating.value]), rating.reason)]
        if (name, scene) in gaps:
            lines.append(_with_reason(_("{style}不写", style=style), gaps[name, scene]))
        return "<br>".join(lines)

    return cell_figure(names, scenes, heat, hover, box)


def _with_reason(title: str, reason: str) -> str:
    return _("{title}：{reason}", title=escape(title), reason=escape(reason)) if reason else escape(title)


def legend(style: str | None) -> None:
    """Draws what the colours of the map stand for, in the layer of a ``style`` what it excludes, too."""
    titles = {
        2: _(VALUE_TITLES[2]),
        1: _(VALUE_TITLES[1]),
        0: _(VALUE_TITLES[0]),
        _GAP: _("这种{kind}不写", kind=style_word()),
    }
    marks = "".join(
        f'<span><i style="background:{COLOURS[value]}">{GLYPHS[value]}</i>{escape(title)}</span>'
        for value, title in titles.items()
        if style is not None or value != _GAP
    )
    st.html(f'<div class="map-legend">{marks}</div>')


def mouse_mode(style: str | None) -> str:
    """Draws the modes of the mouse and returns one: 'cycle' for clicks, or the value that a box gives."""
    modes = ["cycle", "2", "1", "0"] if style is None else ["cycle", "off", "on"]
    mode = st.radio(
        _("鼠标"),
        modes,
        key=f"mouse_{'all' if style is None else 'style'}",
        format_func=_mode_title,
        help=_("点选：点一个格子，或点行首、列首的小三角改一整行、一整列。框选：拖出一个框，一次改一片。"),
    )
    return mode or "cycle"


def edit_by_mouse(
    recipe: Recipe,
    names: list[str],
    scenes: list[str],
    style: str | None,
    mouse: str,
    revision: int,
    large: bool = False,
) -> tuple[Recipe, str] | None:
    """Draws the map, with cells for a thumb where it is to be ``large``; returns the changed recipe and the
    note of the change after a click, else None."""
    figure = suitability_figure(recipe, names, scenes, mouse != "cycle", style)
    if large:
        enlarge(figure, names)
    with st.container(key="map_large_area" if large else "map_area"):
        event = st.plotly_chart(
            figure,
            key=f"suitability_{revision}_{mouse}_{style or ''}_{large}",
            on_select="rerun",
            selection_mode=("points", "box"),
            width="stretch",
            config=CONFIG,
        )
    cells, whole = chosen_cells(event, names, scenes)
    if not cells:
        return None
    if style is not None:
        return _style_edit(recipe, style, cells if mouse != "cycle" or whole else cells[:1], mouse)
    matrix = recipe.matrix()
    if mouse != "cycle":
        value = int(mouse)
        for cell in cells:
            matrix.set(*cell, value)
    elif whole:
        value = matrix.cycle_all(cells)
    else:
        return cycled(recipe, cells[0], None)
    return changed(recipe, suitability=matrix.to_groups()), _changed_note(cells, _(VALUE_TITLES[value]))


def cycled(recipe: Recipe, cell: Cell, style: str | None) -> tuple[Recipe, str]:
    """Returns the recipe in which one cell has the next value, or in which the style excludes it or includes
    it again; and the note of the change."""
    if style is not None:
        return _style_edit(recipe, style, [cell], "cycle")
    matrix = recipe.matrix()
    value = matrix.cycle(*cell)
    return changed(recipe, suitability=matrix.to_groups()), _changed_note([cell], _(VALUE_TITLES[value]))


def _mode_title(mode: str) -> str:
    if mode == "cycle":
        return _("点选切换")
    if mode in ("off", "on"):
        return _("框选为{value}", value=_("不写") if mode == "off" else _("照写"))
    return _("框选为{value}", value=_(VALUE_TITLES[int(mode)]))


def _style_edit(recipe: Recipe, style: str, cells: list[Cell], mouse: str) -> tuple[Recipe, str]:
    """Returns the recipe in which the style excludes or includes the cells, and the note of the change."""
    if mouse == "cycle":
        gaps, excluded = toggled_gaps(recipe, style, cells)
    elif mouse == "off":
        gaps, excluded = with_gaps(recipe, style, cells), True
    else:
        gaps, excluded = without_gaps(recipe, style, cells), False
    note = _changed_note(cells, _("{style}不写", style=style) if excluded else _("{style}照写", style=style))
    return changed(recipe, style_gaps=gaps), note


def _changed_note(cells: list[Cell], value: str) -> str:
    if len(cells) == 1:
        return _("{name} × {scene} 改为{value}", name=cells[0][0], scene=cells[0][1], value=value)
    return _("{count} 个格子改为{value}", count=len(cells), value=value)


def edit_by_form(
    recipe: Recipe, names: list[str], scenes: list[str], style: str | None
) -> tuple[Recipe, str] | None:
    """Draws the form for the same changes with a reason; returns as :func:`edit_by_mouse`.

    No chosen name, or no chosen scene, means all that are shown.
    """
    words = recipe.words.shown()
    with st.expander(_("一次改很多格：按行列选，写上理由"), icon="⌨️"):
        fields = st.columns([2, 2, 2, 3, 1], vertical_alignment="bottom")
        chosen_names = fields[0].multiselect(
            words.name, names, **kept(TYPED, "cell_names", some_of(names), []), placeholder=_("全部（整列）")
        )
        chosen_scenes = fields[1].multiselect(
            words.scene,
            scenes,
            **kept(TYPED, "cell_scenes", some_of(scenes), []),
            placeholder=_("全部（整行）"),
        )
        value: int | str
        if style is None:
            value = fields[2].selectbox(
                _("适配度"), [2, 1, 0], format_func=lambda v: _(VALUE_TITLES[v]), key="cell_value"
            )
        else:
            value = fields[2].selectbox(
                plain(style),
                ["off", "on"],
                format_func=lambda v: _("不写") if v == "off" else _("照写"),
                key="cell_gap",
            )
        reason = fields[3].text_input(_("理由"), **kept_text("cell_reason")).strip()
        if not fields[4].button(_("修改"), key="cell_apply", width="stretch"):
            return None
    if not chosen_names and not chosen_scenes:
        st.error(_("请至少选一行或一列"), icon="⚠️")
        return None
    cells = [(n, s) for n in chosen_names or names for s in chosen_scenes or scenes]
    with report_errors():
        if style is not None:
            off = value == "off"
            gaps = with_gaps(recipe, style, cells, reason) if off else without_gaps(recipe, style, cells)
            note = _("{style}不写", style=style) if off else _("{style}照写", style=style)
            return changed(recipe, style_gaps=gaps), _changed_note(cells, note)
        matrix = recipe.matrix()
        for cell in cells:
            matrix.set(*cell, int(value), reason)
        return changed(recipe, suitability=matrix.to_groups()), _changed_note(
            cells, _(VALUE_TITLES[int(value)])
        )
    return None
