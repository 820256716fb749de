"""What the models of a comparison answered wrongly, and the button that makes samples for it."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.failing_top_up import failing_button
from tianji_core import models
from tianji_core.comparison import Board, Checked, outcomes_by_model
from tianji_core.evaluation import MeasuredAnswers
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


def failing_part(workspace: Workspace, board: Board, checked: Sequence[Checked]) -> None:
    """Draws the choice of the model, where several failed something, and the button; nothing where no answer
    about a cell of the recipe failed."""
    found = {
        model: outcomes
        for model, outcomes in outcomes_by_model(board, checked).items()
        if not all(one.passed for one in outcomes)
    }
    if not found:
        return
    titles = models.titles(workspace)
    if len(found) > 1:
        chosen = st.selectbox(
            _("给哪个模型补数据"),
            list(found),
            index=len(found) - 1,  # a base stands before what was trained on it
            format_func=lambda model: titles.get(model, model),
            key="failing_model",
        )
    else:
        chosen = next(iter(found))
    answers = MeasuredAnswers(source=titles.get(chosen, chosen), outcomes=found[chosen])
    failing_button(workspace, board.recipe, answers, f"board_{board.key}")
