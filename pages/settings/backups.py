"""The backups of the database: the newest one, and making another."""

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.workspace import Workspace


def database_backups(workspace: Workspace) -> None:
    """Draws when the database was backed up last, with a button that does it now."""
    if not workspace.database_url.startswith("sqlite"):
        st.caption(_("数据库在服务器上，请用 pg_dump 备份它。"))
        return
    newest = next(iter(workspace.backups()), None)
    if newest is None:
        st.caption(_("数据库还没有备份；工坊每天自己备份一次。"))
    else:
        made = local_time(newest.made_at, MINUTE)
        st.caption(
            _(
                "最近的备份：{time}，{size}，在工作区的 backups 里；用 restore 命令恢复。",
                time=made,
                size=size_text(newest.size),
            )
        )
    if st.button(_("现在备份"), key="back_up"):
        made_now = workspace.back_up()
        remember_notice(_("备份好了：{file}（{size}）", file=made_now.path, size=size_text(made_now.size)))
        st.rerun()
