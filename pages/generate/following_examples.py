"""The first conversations that follow-ups would ask for, so that one sees what they are before the start."""

import streamlit as st

from pages.shared.cell_words import cell_words
from pages.shared.text import plain
from tianji_core.generation.following import FollowingPlan, planned_follow_ups
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

_SHOWN = 3


def following_examples(workspace: Workspace, recipe: str, plan: FollowingPlan) -> None:
    """Draws accepted samples with what would be asked after each; the answers are the teacher's."""
    limit = min(plan.limit, _SHOWN)
    planned = planned_follow_ups(workspace, recipe, plan.model_copy(update={"limit": limit}))
    if not planned:
        return
    st.markdown(_("**会这样问**（采用的样本里的前几条；最后一句由造数模型来写）"))
    for column, each in zip(st.columns(_SHOWN), planned, strict=False):
        with column.container(border=True, gap="small"):
            st.caption(plain(cell_words(each.sample)))
            st.markdown(f"👤 {plain(each.sample.input)}")
            st.markdown(f"🤖 {plain(each.sample.output)}")
            st.markdown(f"👤 **{plain(each.follow_up.request)}**")
            st.markdown("🤖 …")
