"""The questions of the forgetting probe: reading and changing the workspace's set."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_text
from tianji_core.evaluation.probe import probe_text, reset_probe, save_probe
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

_KEY = "probe_text"


def probe_editor(workspace: Workspace) -> None:
    """Draws the set as text, folded, with the buttons that keep what was typed and that go back to the
    shipped set. A text with a fault is one sentence, and stays."""
    with st.expander(_("遗忘探针的题目"), icon="🧠"), report_errors():
        st.caption(
            _(
                "平常的问题：训练前的基座和每个检查点都回答一遍，看训练让它忘了什么。改了题目，扫描时会重新问一遍。"
            )
        )
        stored = probe_text(workspace)
        text = st.text_area(_("题目（YAML）"), stored, height=320, **kept_text(_KEY, stored))
        left, right, _rest = st.columns([1, 1, 3])
        if left.button(_("保存题目"), key="probe_save", icon="💾", disabled=text == stored):
            with report_errors():
                probe = save_probe(workspace, text)
                forget_typed(_KEY)
                remember_notice(_("已保存 {n} 道题", n=len(probe.questions)))
                st.rerun()
        if right.button(_("用回自带的题目"), key="probe_reset", icon="↩️"):
            with report_errors():
                reset_probe(workspace)
                forget_typed(_KEY)
                remember_notice(_("已用回自带的题目"))
                st.rerun()
