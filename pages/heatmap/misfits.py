"""Samples whose cell and style would not be generated any more, because the recipe has changed since."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.review_parts import attempt, show_outcome, undo_buttons
from pages.shared.visitors import reviewer_name
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.misfits import Misfit, misfits, reject_misfits
from tianji_core.workspace import Workspace


def misfits_view(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the misfits by cell and style, and the button that rejects the ticked ones as one step."""
    show_outcome()
    groups = misfits(workspace.engine, recipe)
    left, right = st.columns([3, 2], vertical_alignment="center")
    with right:
        undo_buttons(workspace, recipe.key)
    if not groups:
        left.success(_("没有样本落在不合适的格子里。改过适配度或例外之后，再来这里看。"), icon="✅")
        return
    total = sum(misfit.count for misfit in groups)
    left.markdown(
        _(
            "**{n}** 条样本按现在的适配度不该造，涉及 {cells} 个组合。勾选要弃用的；不勾就是全部。",
            n=total,
            cells=len(groups),
        )
    )
    words = recipe.words.shown()
    event = st.dataframe(
        {
            words.name: [m.name for m in groups],
            words.scene: [m.scene for m in groups],
            words.style: [m.style for m in groups],
            _("样本数"): [m.count for m in groups],
            _("其中已采用"): [m.accepted for m in groups],
            _("为什么"): [
                m.reason or (_("{kind}不合适", kind=words.style) if m.style_only else _("适配度低于阈值"))
                for m in groups
            ],
        },
        key=f"misfits_{total}",
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        height=min(38 * (len(groups) + 1), 420),
    )
    ticked = event["selection"]["rows"] if event else []
    chosen = [groups[row] for row in ticked if row < len(groups)] or groups
    number = sum(misfit.count for misfit in chosen)
    st.button(
        _("弃用这 {n} 条", n=number),
        key="reject_misfits",
        type="primary",
        icon="🚫",
        on_click=_reject,
        args=(workspace, recipe, chosen),
    )
    st.caption(_("弃用是一步，随时可以整步撤销；样本还在，只是不进数据集。"))


def _reject(workspace: Workspace, recipe: Recipe, chosen: Sequence[Misfit]) -> None:
    """Callback: rejects the samples of these misfits."""
    keys, who = [misfit.key for misfit in chosen], reviewer_name(workspace)
    attempt(lambda: reject_misfits(workspace.engine, recipe, keys, who))
