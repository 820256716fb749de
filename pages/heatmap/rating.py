"""The ratings that a teacher gives the cells, and adopting those that differ from the recipe."""

from collections import Counter
from collections.abc import Callable

import streamlit as st

from pages.shared.frame import report_errors, spoken
from pages.shared.job_progress import follow_job
from pages.shared.teacher_pick import pick_teacher
from pages.shared.text import plain
from tianji_core import advice
from tianji_core.advice import Difference
from tianji_core.advice.ratings import SCENES_AT_ONCE
from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Recipe
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str], None]


def rating_view(workspace: Workspace, recipe: Recipe, save: Save) -> None:
    """Draws the button that asks a teacher, and the differences to adopt or discard."""
    st.caption(
        _("让造数模型逐行给每个格子打分，并说出理由。它的看法只是建议：先列出和现在不一样的格子，由你决定。")
    )
    why = _("离线造句只会按语句表拼出成品，不会打分；换一个接口模型再来。")
    choice = pick_teacher(workspace, "rate", why)
    result = advice.load_rating(workspace, recipe.key)
    missing = advice.missing_cells(recipe, result.opinions)
    cells = missing or advice.missing_cells(recipe, [])
    by_name = Counter(name for name, _scene in cells)
    requests = sum(-(-number // SCENES_AT_ONCE) for number in by_name.values())
    if missing and result.opinions:
        label = _("补打缺的 {n} 个格子（约 {requests} 次请求）", n=len(cells), requests=requests)
    else:
        label = _("给 {n} 个格子打分（约 {requests} 次请求）", n=len(cells), requests=requests)
    pressed = st.button(
        label,
        key="rate_cells",
        icon="🗳️",
        disabled=choice is None,
    )
    if pressed and choice is not None:
        with report_errors():
            advice.start_rating(workspace, recipe.key, choice)
    job = advice.rating_job(workspace, recipe.key)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_rating")
        return
    if job is not None and job.note:
        st.error(plain(job.note), icon="⚠️")
    opinions = result.opinions
    if result.faults:
        with st.expander(_("有 {n} 处没有用上", n=len(result.faults)), icon="⚠️"):
            st.text("\n".join(result.faults[:50]))
    if not opinions:
        return
    differences = advice.differences(recipe, opinions)
    if not differences:
        st.success(_("模型打过 {n} 个格子的分，和现在的适配度完全一致", n=len(opinions)), icon="✅")
        return
    st.subheader(_("{n} 个格子看法不同（共打分 {total} 个）", n=len(differences), total=len(opinions)))
    chosen = _ticked(differences)
    row = st.container(horizontal=True)
    if row.button(
        _("采纳勾选的 {n} 个", n=len(chosen)),
        key="take_ratings",
        type="primary",
        icon="✅",
        disabled=not chosen,
    ):
        save(advice.with_opinions(recipe, chosen), _("采纳模型打分 {n} 个", n=len(chosen)))
    if row.button(_("全部采纳"), key="take_all_ratings", icon="☑️"):
        save(advice.with_opinions(recipe, differences), _("采纳模型打分 {n} 个", n=len(differences)))
    if row.button(_("都不采纳，丢掉这次打分"), key="drop_ratings", icon="🗑️"):
        advice.forget_rating(workspace, recipe.key)
        st.rerun()


def _ticked(differences: list[Difference]) -> list[Difference]:
    words = spoken()
    event = st.dataframe(
        {
            words.name: [d.name for d in differences],
            words.scene: [d.scene for d in differences],
            _("现在"): [_(VALUE_TITLES[d.before]) for d in differences],
            _("模型认为"): [_(VALUE_TITLES[d.value]) for d in differences],
            _("理由"): [d.reason for d in differences],
        },
        key=f"ratings_{hash(tuple(differences))}",
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 * (len(differences) + 1), 480),
        column_config={_("理由"): st.column_config.TextColumn(width="large")},
    )
    ticked = event["selection"]["rows"] if event else []
    return [differences[row] for row in ticked if row < len(differences)]
