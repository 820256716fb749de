"""What a model still knows of what its base knew, as one line and the answers that were lost."""

import streamlit as st

from pages.shared.text import plain
from tianji_core.evaluation.probe import Memory
from tianji_core.i18n import _


def show_memory(memory: Memory) -> None:
    """Draws how much is kept, and folded the questions that the base answered right and the model does not.
    A base that knew nothing is said to."""
    st.caption(f"🧠 {plain(memory.sentence)}")
    if not memory.lost:
        return
    with st.expander(_("忘掉的 {n} 题", n=len(memory.lost))):
        for ask, before, now in memory.lost:
            st.markdown(f"**{plain(ask)}**")
            st.markdown(f"- {_('训练前')}：{plain(before) or '—'}\n- {_('训练后')}：{plain(now) or '—'}")
