"""The deleted checkpoints and recipes in the trash of the models page."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain
from tianji_core import models, training
from tianji_core.i18n import _
from tianji_core.store import recipes
from tianji_core.workspace import Workspace


def deleted_checkpoints(workspace: Workspace) -> bool:
    """Draws a line for each, with buttons that restore it or remove it for good; returns whether there are
    any."""
    checkpoints = training.deleted_checkpoints(workspace)
    for checkpoint in checkpoints:
        key = f"{checkpoint.run.id}_{checkpoint.iteration}"
        columns = st.columns([5, 1, 1], vertical_alignment="center")
        columns[0].markdown(
            _("**{title}** · 第 {n} 步的检查点", title=plain(checkpoint.run.title), n=checkpoint.iteration)
            + f" · {models.size_text(checkpoint.size)}"
        )
        if columns[1].button(_("恢复"), key=f"restore_checkpoint_{key}", icon="↩️", width="stretch"):
            with report_errors():
                training.restore_checkpoint(workspace, checkpoint.run, checkpoint.iteration)
                remember_notice(_("检查点已恢复"))
                st.rerun()
        with columns[2].popover(_("彻底删除"), width="stretch"):
            st.write(_("文件会从磁盘上删掉，不能恢复。"))
            if st.button(_("确定删除"), key=f"purge_checkpoint_{key}", type="primary"):
                with report_errors():
                    training.purge_checkpoint(workspace, checkpoint.run, checkpoint.iteration)
                    st.rerun()
    return bool(checkpoints)


def removed_recipes(workspace: Workspace) -> bool:
    """Draws a line for each removed recipe, with a button that brings it back; returns whether there are
    any."""
    removed = sorted(recipes.removed(workspace.engine))
    for key in removed:
        title = recipes.current(workspace.engine, key).recipe.title
        columns = st.columns([5, 1, 1], vertical_alignment="center")
        columns[0].markdown(
            _("**{title}** · 配方，和它的样本、数据集、训练、模型一起", title=plain(f"{title} ({key})"))
        )
        if columns[1].button(_("恢复"), key=f"restore_recipe_{key}", icon="↩️", width="stretch"):
            with report_errors():
                models.bring_back_recipe(workspace, key)
                remember_notice(_("已恢复“{name}”", name=title))
                st.rerun()
    return bool(removed)
