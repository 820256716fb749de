"""One teacher that is asked in its own words, as imitation, follow-ups and documents need it; its limits."""

import streamlit as st

from pages.generate.run_options import budget_inputs
from pages.generate.teacher_form import TeacherSetup, teacher_form
from pages.shared.teacher_numbers import SIGNS
from tianji_core.generation import RunOptions
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


def asking_teacher(workspace: Workspace, refusal: str, suffix: str) -> tuple[TeacherSetup, RunOptions]:
    """Draws the form of one teacher that answers prompts, and its limits folded; ``refusal`` says what the
    offline composer cannot do, ``suffix`` ends the keys of the limits.

    Raises:
        SettingsError: as :func:`teacher_form`.
    """
    setup = teacher_form(workspace, several=False, refusal=refusal)
    if not setup.provider.can_chat:
        return setup, RunOptions()
    with st.expander(_("限额：花费、tokens、时间")):
        return setup, RunOptions(**budget_inputs(RunOptions(), SIGNS[setup.provider.currency], suffix))
