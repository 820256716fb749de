"""The part of the settings about the workspace: where it is, the free space, the backups of its database."""

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.store.answers import MOST_BYTES, StoredAnswers
from tianji_core.workspace import Workspace


def workspace_title(workspace: Workspace) -> str:
    """Returns the name of the part with the free space."""
    return _("工作区 · 剩余磁盘 {size}", size=size_text(workspace.free_space()[workspace.home]))


def workspace_part(workspace: Workspace) -> None:
    """Draws the folder, what other disks have left, the backups, and how to use another workspace."""
    st.code(str(workspace.home), language=None, wrap_lines=True)
    for folder, left in workspace.free_space().items():
        if folder != workspace.home:
            elsewhere = _("{folder} 在另一块盘上，剩 {size}", folder=plain(str(folder)), size=size_text(left))
            st.caption(elsewhere)
    st.caption(
        _("数据库：") + ("PostgreSQL" if workspace.database_url.startswith("postgresql") else "SQLite")
    )
    _database_backups(workspace)
    _known_answers(workspace)
    st.caption(
        _(
            "换一个工作区：用 make run WORKSPACE=文件夹 启动，或设置环境变量 TIANJI_HOME。团队共用：把 TIANJI_DATABASE_URL 设为 PostgreSQL 地址。"
        )
    )


def _known_answers(workspace: Workspace) -> None:
    """Draws the size of the answers that a run can take again, with a button that removes them."""
    known = StoredAnswers(workspace.answers)
    if not known.bytes:
        return
    st.caption(
        _(
            "记住的回答：{size}（最多 {most}，满了先删最早的），只在造数时打开“问过的直接用上次的回答”才用。",
            size=size_text(known.bytes),
            most=size_text(MOST_BYTES),
        )
    )
    if st.button(_("清空记住的回答"), key="forget_answers"):
        known.forget()
        remember_notice(_("清空了记住的回答；样本都还在"))
        st.rerun()


def _database_backups(workspace: Workspace) -> None:
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
                "最近的备份：{time}，{size}，在工作区的 `backups` 里；用 `restore` 命令恢复。",
                time=made,
                size=size_text(newest.size),
            )
        )
    if st.button(_("现在备份"), key="back_up"):
        made_now = workspace.back_up()
        remember_notice(_("备份好了：{file}（{size}）", file=made_now.path, size=size_text(made_now.size)))
        st.rerun()
