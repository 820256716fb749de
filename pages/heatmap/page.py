"""适配度: which scenes suit which names; cells under the threshold are never generated.

Three more views: the samples of each cell, the ratings of a teacher, and samples that no longer fit.
"""

import streamlit as st

from pages.heatmap.coverage import coverage_view
from pages.heatmap.map_order import shown_entries
from pages.heatmap.misfits import misfits_view
from pages.heatmap.one_row import edit_by_row, pick_row
from pages.heatmap.rating import rating_view
from pages.heatmap.suitability_map import edit_by_form, edit_by_mouse, legend, mouse_mode
from pages.shared.bound import bound
from pages.shared.cell_words import style_word, style_words
from pages.shared.frame import current_recipe, remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.recipe_history import undo_redo
from pages.shared.visitors import role
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe, enabled_styles, kept_cells
from tianji_core.recipe.editing import changed
from tianji_core.roles import Role
from tianji_core.store import recipes

workspace = page_header(
    "heatmap",
    _("适配度"),
    _(
        "哪些放在一起合情合理。低于阈值的格子不会造数；个别{kinds}不合适的格子也可以单独排除。",
        kinds=style_words(),
    ),
)
stored = current_recipe()
recipe, revision = stored.recipe, stored.revision


def save(new: Recipe, what: str) -> None:
    """Saves the changed recipe as a new revision."""
    recipes.save(workspace.engine, new, revision, what)
    remember_notice(what)
    st.rerun()


def figures() -> str:
    """Returns the numbers of cells and tasks at this threshold as one line."""
    enabled = sum(n.enabled for n in recipe.names) * sum(s.enabled for s in recipe.scenes)
    kept = len(kept_cells(recipe, recipe.threshold))
    tasks = sum(len(kept_cells(recipe, recipe.threshold, s)) for s in enabled_styles(recipe))
    return _(
        "{all} 个格子 · **{kept}** 个会造数 · {skipped} 个跳过 · 每一轮 **{tasks}** 条",
        all=enabled,
        kept=kept,
        skipped=enabled - kept,
        tasks=f"{tasks:,}",
    )


def threshold_bar() -> None:
    """Draws the choice of the threshold, each with the number of cells that it keeps."""
    kept = {value: len(kept_cells(recipe, value)) for value in (0, 1, 2)}
    threshold = st.segmented_control(
        _("阈值：至少达到才造数（格子数）"),
        [0, 1, 2],
        default=recipe.threshold,
        key=f"threshold_{revision}",
        required=True,
        format_func=lambda value: {
            0: _("0 全部都造 · {n}", n=kept[0]),
            1: _("1 存疑也造 · {n}", n=kept[1]),
            2: _("2 只造适合的 · {n}", n=kept[2]),
        }[value],
        label_visibility="collapsed",
        width="content",
    )
    if threshold is not None and threshold != recipe.threshold:
        with report_errors():
            save(changed(recipe, threshold=threshold), _("阈值改为 {value}", value=threshold))


def map_view() -> None:
    """Draws the numbers, the map of a layer, and beside it the tools that edit it. A narrow screen shows the
    row of one name in place of the map, unless the large map is asked for; the style sheet tells which."""
    with st.container(horizontal=True, vertical_alignment="center", key="map_line"):
        st.caption(
            figures(),
            help=_("会造数的格子 × 启用的{kinds}，再减去例外", kinds=style_words()),
            width="content",
        )
        st.space("stretch")
        with st.container(horizontal=True, gap="small", key="map_undo", width="content"):
            undo_redo(workspace, stored)
        large = st.toggle(_("大图"), key="map_large", bind="query-params")
        row_choice = st.container(width="content")
    map_area, tools = st.columns([5, 1.1], gap="small")
    with tools, st.container(key="map_tools"):
        style = st.selectbox(
            _("改哪种{kind}", kind=style_word()),
            [s.text for s in recipe.styles],
            index=None,
            placeholder=_("所有{kinds}", kinds=style_words()),
            key="layer",
            bind="query-params",
            help=_("选一种{kind}，就能单独标出它不写的格子。", kind=style_word()),
        )
        mouse = mouse_mode(style)
        legend(style)
    names, scenes = shown_entries(recipe)
    if not names or not scenes:
        with map_area:
            st.info(_("没有启用的条目符合筛选；放宽筛选，或去列表页打开几个。"), icon="🔍")
            st.page_link("pages/lists/page.py", label=_("去列表页"), icon="📋")
        return
    with row_choice:
        row = pick_row(names)
    with map_area:
        edit = None
        if row in names or not large:
            with st.container(key="map_row_shown" if row in names else "map_row_narrow"):
                edit = edit_by_row(recipe, names, scenes, row if row in names else names[0], style)
        if row not in names:
            edit = edit_by_mouse(recipe, names, scenes, style, mouse, revision, large) or edit
    edit = edit_by_form(recipe, names, scenes, style) or edit
    if edit is not None:
        with report_errors():
            save(*edit)


VIEWS = {
    "map": _("适配度"),
    "coverage": _("样本覆盖"),
    "rating": _("让模型打分"),
    "misfits": _("不再合适的样本"),
}
if role() < Role.OWNER:
    del VIEWS["rating"], VIEWS["misfits"]
with st.container(horizontal=True, key="map_bar", vertical_alignment="center"):
    view = st.segmented_control(
        _c("view", "看什么"),
        list(VIEWS),
        default="map",
        required=True,
        **bound("map_view", VIEWS, lambda name: VIEWS[name]),
        label_visibility="collapsed",
        width="content",
    )
    if view == "map":
        st.space("stretch")
        with st.container(key="map_threshold", width="content"):
            threshold_bar()
with report_errors():
    if view == "coverage":
        coverage_view(workspace, recipe)
    elif view == "rating":
        rating_view(workspace, recipe, save)
    elif view == "misfits":
        misfits_view(workspace, recipe)
    else:
        map_view()
