"""The nine steps as cards, each with what is there already and what to do next."""

import streamlit as st

from pages.shared.steps import CorridorStep, next_step
from tianji_core.i18n import _


def show_corridor(steps: list[CorridorStep]) -> None:
    """Draws three rows of three cards; the first step with nothing in it is marked as the next one."""
    following = next_step(steps)
    for start in range(0, len(steps), 3):
        for column, step in zip(st.columns(3), steps[start : start + 3], strict=True):
            with (
                column,
                st.container(border=True, height="stretch", gap="xxsmall", key=f"corridor_{step.page}"),
            ):
                number = steps.index(step) + 1
                st.page_link(step.path, label=f"**{number} {step.title}**", icon=step.icon)
                st.markdown(f"{'✅ ' if step.done else ''}{step.figure}")
                if step is following:
                    st.badge(_("下一步：{hint}", hint=step.hint), color="red")
                else:
                    st.caption(step.hint)
