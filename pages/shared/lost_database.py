"""The page in place of every page while the workspace's database is lost: what is wrong, and the ways out."""

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import current_workspace, report_errors
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core.errors import DatabaseLostError
from tianji_core.i18n import _
from tianji_core.roles import Role


def has_database() -> bool:
    """Opens the database. Where it is lost, draws the reason with buttons that restore the newest backup or
    start with an empty database, and returns False."""
    workspace = current_workspace()
    try:
        workspace.check_database()
        return True
    except DatabaseLostError as error:
        st.error(plain(str(error)), icon="⚠️")
    if role() < Role.OWNER:
        return False
    newest = next(iter(workspace.backups()), None)
    if newest is not None:
        label = _("恢复 {time} 的备份", time=local_time(newest.made_at, MINUTE))
        if st.button(label, type="primary", key="restore_database"):
            with report_errors():
                workspace.restore_database()
                st.rerun()
    sure = st.checkbox(_("我知道这样看不到以前的样本和批次"), key="sure_anew")
    if st.button(_("从空的数据库开始"), key="database_anew", disabled=not sure):
        with report_errors():
            workspace.start_database_anew()
            st.rerun()
    st.caption(_("两样都只是把现在的数据库移到 backups/replaced，不会删掉它。"))
    return False
