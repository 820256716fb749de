"""The questions of the forgetting probe: reading and changing the workspace's set."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_text
from tianji_core.evaluation.probe import probe_text, reset_probe, save_probe
from tianji_core.i18n import N_, _
from tianji_core.workspace import Workspace

_KEY = "probe_text"
FIELDS = N_(
    "每道题至少写一项检查，写了的都要成立，照抄题目的部分不算。`contains`：这些词都要有；"
    "`any_of`：有其中一个就行；`number`：有这个数；`regex`：找得到这个表达式；"
    "`judge`：选了裁判模型时由它判断。`blessings` 里的词一个也不能有，除非写了 `blessing: true`；"
    "别种任务的配方，它的对象和事由也不能有。"
    "`tokens`：回答最多多长。"
)
"""What a question can hold, for people."""


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
        text = st.text_area(_("题目（YAML）"), stored, height=320, help=_(FIELDS), **kept_text(_KEY, stored))
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
