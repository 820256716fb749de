"""The training part, where the studio was installed without it: a button that adds it."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.visitors import role
from tianji_core.i18n import _
from tianji_core.installing.launch import install_job, start_install, training_size
from tianji_core.installing.state import has_training
from tianji_core.roles import Role
from tianji_core.workspace import Workspace


def training_part(workspace: Workspace) -> None:
    """Draws what needs the training part and a button that installs it, or how far the installation is;
    nothing where the part is here."""
    if has_training():
        return
    running = install_job(workspace)
    with st.container(border=True, key="training_part"):
        st.markdown(
            _(
                "训练、合并、和自己的模型对话要用**训练部分**，这里还没有装；别的都能用，对比可以选外面的模型服务。"
            )
        )
        if running is not None:
            follow_job(workspace, running.id, "stop_training_part")
            return
        if role() is not Role.OWNER:
            return
        label = _("安装训练部分（{n} GB）", n=f"{training_size() / 1e9:.1f}")
        if st.button(label, key="install_training_part", icon="⬇️", type="primary"):
            with report_errors():
                job = start_install(workspace)
                remember_notice(_("已开始：{title}", title=job.title))
                st.rerun()
