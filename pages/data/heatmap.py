"""适配度: which scenes suit which names; cells under the threshold are never generated."""

import streamlit as st

from pages.components.frame import current_recipe, page_header, remember_notice, report_errors
from pages.components.suitability_map import suitability_figure
from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Suitability, kept_cells
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes

workspace = page_header(
    _("适配度"),
    _("点一个格子，在 适合 → 存疑 → 不适合 之间切换；换成框选可以一次改一片。低于阈值的格子不会造数。"),
)
stored = current_recipe()
recipe, revision = stored.recipe, stored.revision


def save(matrix: Suitability, what: str) -> None:
    """Keep the changed matrix as a new revision."""
    recipes.save(workspace.engine, changed(recipe, suitability=matrix.to_groups()), revision, what)
    remember_notice(what)
    st.rerun()


bar = st.columns([4, 5, 2], vertical_alignment="bottom")
threshold = bar[0].segmented_control(
    _("阈值：至少达到才造数"),
    [1, 2, 0],
    default=recipe.threshold,
    key=f"threshold_{revision}",
    required=True,
    format_func=lambda value: {0: _("0 全部都造"), 1: _("1 存疑也造"), 2: _("2 只造适合的")}[value],
)
mouse = bar[1].segmented_control(
    _("鼠标"),
    ["cycle", "2", "1", "0"],
    default="cycle",
    key="mouse",
    required=True,
    format_func=lambda mode: (
        _("点选切换") if mode == "cycle" else _("框选为{value}", value=_(VALUE_TITLES[int(mode)]))
    ),
)
box_value = None if mouse in (None, "cycle") else int(mouse)
if bar[2].button(
    _("撤销上次修改"), key="undo_suitability", icon="↩️", disabled=revision == 0, width="stretch"
):
    with report_errors():
        recipes.restore(workspace.engine, recipe.key, revision - 1, revision)
        remember_notice(_("已撤销"))
        st.rerun()
if threshold is not None and threshold != recipe.threshold:
    with report_errors():
        recipes.save(
            workspace.engine,
            changed(recipe, threshold=threshold),
            revision,
            _("阈值改为 {value}", value=threshold),
        )
        st.rerun()

enabled = sum(n.enabled for n in recipe.names) * sum(s.enabled for s in recipe.scenes)
kept = len(kept_cells(recipe, recipe.threshold))
styles = sum(s.enabled for s in recipe.styles)
figures = st.columns(4)
figures[0].metric(_("格子"), enabled)
figures[1].metric(_("会造数的格子"), kept)
figures[2].metric(_("跳过的格子"), enabled - kept)
figures[3].metric(
    _("每一轮的任务数"), kept * styles, help=_("会造数的格子 × {styles} 个启用的风格", styles=styles)
)

if not enabled:
    st.info(_("没有启用的称谓或场景，先去列表页打开几个。"))
    st.page_link("pages/data/lists.py", label=_("去列表页"), icon="📋")
    st.stop()

event = st.plotly_chart(
    suitability_figure(recipe, box=box_value is not None),
    key=f"suitability_{revision}_{mouse}",
    on_select="rerun",
    selection_mode=("points", "box"),
    width="stretch",
    config={"displaylogo": False, "modeBarButtonsToRemove": ["zoom2d", "pan2d", "lasso2d", "autoScale2d"]},
)
picked = [tuple(point["customdata"]) for point in event.selection.points if point.get("customdata")]
if picked:
    with report_errors():
        matrix = recipe.matrix()
        if box_value is None:
            name, scene = picked[0]
            value = matrix.cycle(name, scene)
            save(
                matrix,
                _("{name} × {scene} 改为{value}", name=name, scene=scene, value=_(VALUE_TITLES[value])),
            )
        else:
            for name, scene in picked:
                matrix.set(name, scene, box_value)
            save(matrix, _("{count} 个格子改为{value}", count=len(picked), value=_(VALUE_TITLES[box_value])))

with (
    st.expander(_("不用鼠标：按称谓和场景修改，写上理由"), expanded=False),
    st.form("cell_form", border=False),
):
    fields = st.columns([2, 2, 2, 3, 1], vertical_alignment="bottom")
    names = fields[0].multiselect(
        _("称谓"), [n.text for n in recipe.names], key="cell_names", placeholder=_("可多选")
    )
    scenes = fields[1].multiselect(
        _("场景"), [s.text for s in recipe.scenes], key="cell_scenes", placeholder=_("可多选")
    )
    value = fields[2].selectbox(
        _("适配度"), [2, 1, 0], format_func=lambda v: _(VALUE_TITLES[v]), key="cell_value"
    )
    reason = fields[3].text_input(_("理由"), key="cell_reason")
    if fields[4].form_submit_button(_("修改"), key="cell_apply", width="stretch"):
        if not names or not scenes:
            st.error(_("请至少选一个称谓和一个场景"), icon="⚠️")
        else:
            with report_errors():
                matrix = recipe.matrix()
                for name in names:
                    for scene in scenes:
                        matrix.set(name, scene, value, reason.strip())
                save(
                    matrix,
                    _(
                        "{count} 个格子改为{value}",
                        count=len(names) * len(scenes),
                        value=_(VALUE_TITLES[value]),
                    ),
                )
st.page_link("pages/data/generate.py", label=_("下一步：造数"), icon="✨")
