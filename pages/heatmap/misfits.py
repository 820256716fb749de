"""Samples that were generated before the suitability was changed and would not be generated now."""

import streamlit as st

from pages.shared.review_parts import attempt, show_outcome, undo_buttons
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.misfits import misfits, reject_misfits
from tianji_core.workspace import Workspace


def misfits_view(workspace: Workspace, recipe: Recipe) -> None:
    """List them by cell and style; tick and reject as one step."""
    show_outcome()
    found = misfits(workspace.engine, recipe)
    top = st.columns([3, 2], vertical_alignment="center")
    with top[1]:
        undo_buttons(workspace, recipe.key)
    if not found:
        top[0].success(_("没有样本落在不合适的格子里。改过适配度或风格例外之后，再来这里看。"), icon="✅")
        return
    total = sum(misfit.count for misfit in found)
    top[0].markdown(
        _(
            "**{n}** 条样本按现在的适配度不该造，涉及 {cells} 个组合。勾选要弃用的；不勾就是全部。",
            n=total,
            cells=len(found),
        )
    )
    event = st.dataframe(
        {
            _("称谓"): [m.name for m in found],
            _("场景"): [m.scene for m in found],
            _("风格"): [m.style for m in found],
            _("样本数"): [m.count for m in found],
            _("其中已采用"): [m.accepted for m in found],
            _("为什么"): [
                m.reason or (_("风格不合适") if m.style_only else _("适配度低于阈值")) for m in found
            ],
        },
        key=f"misfits_{total}",
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 * (len(found) + 1), 420),
    )
    rows = event["selection"]["rows"] if event else []
    chosen = [found[row] for row in rows if row < len(found)] or found
    number = sum(misfit.count for misfit in chosen)
    st.button(
        _("弃用这 {n} 条", n=number),
        key="reject_misfits",
        type="primary",
        icon="🚫",
        on_click=lambda: attempt(
            lambda: reject_misfits(
                workspace.engine, recipe, [m.key for m in chosen], workspace.settings().reviewer
            )
        ),
    )
    st.caption(_("弃用是一步，随时可以整步撤销；样本还在，只是不进数据集。"))
