"""The map on a small screen: one name at a time, its scenes as buttons large enough for a thumb."""

import streamlit as st

from pages.heatmap.suitability_map import GLYPHS, cycled, legend
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Recipe
from tianji_core.recipe.gaps import gap_cells

SQUARES = {0: "🟧", 1: "🟨", 2: "🟦"}
"""The colours of the values on the map."""


def pick_row(names: list[str]) -> str | None:
    """Draws the choice of one name, which the address holds; returns it, None for the whole map."""
    return st.selectbox(
        _("看哪一行"),
        names,
        index=None,
        placeholder=_("只看一行"),
        key="map_row",
        bind="query-params",
        label_visibility="collapsed",
        width=170,
    )


def edit_by_row(
    recipe: Recipe, names: list[str], scenes: list[str], name: str, style: str | None
) -> tuple[Recipe, str] | None:
    """Draws the scenes of one name and the way to its neighbours; returns the changed recipe and the note of
    the change after a click, else None."""
    at = names.index(name)
    with st.container(key="row_legend"):
        legend(style)
        st.caption(_("点一格换一档，马上保存，可以撤销。"))
    with st.container(horizontal=True, vertical_alignment="center", key="row_steps"):
        for key, icon, said, to in (
            ("row_before", ":material/arrow_upward:", _("上一行"), at - 1),
            ("row_after", ":material/arrow_downward:", _("下一行"), at + 1),
        ):
            inside = 0 <= to < len(names)
            neighbour = names[to] if inside else ""
            st.button(said, key=key, icon=icon, disabled=not inside, on_click=_show_row, args=(neighbour,))
        st.markdown(f"**{plain(name)}** · {at + 1} / {len(names)}", width="content")
    matrix = recipe.matrix()
    gaps = gap_cells(recipe, style) if style else {}
    changed = None
    with st.container(horizontal=True, key="row_cells", gap="small"):
        for place, scene in enumerate(scenes):
            rating = matrix.rating(name, scene)
            excluded = (name, scene) in gaps
            mark = "⊘" if excluded else f"{SQUARES[rating.value]} {GLYPHS[rating.value]}".strip()
            title = _("{style}不写", style=style) if excluded else _(VALUE_TITLES[rating.value])
            reason = gaps[name, scene] if excluded else rating.reason
            said = (
                _("{title}：{reason}", title=plain(title), reason=plain(reason)) if reason else plain(title)
            )
            if st.button(f"{mark} {plain(scene)}", key=f"row_cell_{place}", help=said):
                changed = cycled(recipe, (name, scene), style)
    return changed


def _show_row(name: str) -> None:
    st.session_state["map_row"] = name
