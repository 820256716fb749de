"""The checks of a model's answers on a page: the checkers by model, and an answer's marks."""

import streamlit as st

from pages.shared.text import badge as text_badge
from pages.shared.text import plain
from tianji_core.comparison import Board, Checked, Mark, check_board
from tianji_core.evaluation.checks import Checker
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.recipes import StoredRecipe
from tianji_core.workspace import Workspace


@st.cache_resource(show_spinner=False, max_entries=16)
def _checker(_workspace: Workspace, _recipe: Recipe, home: str, revision: int, model: str) -> Checker:
    return checker_of(_workspace, _recipe, model)


class Checkers:
    """The checks of a recipe's revision by model; they depend on the texts the model was trained on."""

    def __init__(self, workspace: Workspace, stored: StoredRecipe) -> None:
        self._workspace, self._stored = workspace, stored

    def __call__(self, model: str) -> Checker:
        """The checker of a model's answers."""
        stored = self._stored
        home = f"{self._workspace.home}/{stored.recipe.key}"
        return _checker(self._workspace, stored.recipe, home, stored.revision, model)

    def board(self, board: Board) -> list[Checked]:
        """Every answer of a board, checked."""
        return check_board(board, self)


def badge(mark: Mark) -> str:
    """A mark as Markdown."""
    colour = {True: "green", False: "red", None: "gray"}[mark.good]
    return text_badge(mark.sign, colour)


def show_marks(checked: Checked) -> None:
    """Draws the marks that failed; those that passed are behind one sign, and an answer that nothing could be
    checked of says so."""
    marks = checked.marks()
    signs = [badge(mark) for mark in marks if mark.good is False]
    if passed := sum(mark.good is True for mark in marks):
        signs.append(text_badge(_("✓ {n} 项", n=passed), "gray" if signs else "green"))
    elif not signs:
        signs.append(text_badge(_("没有可查的"), "gray"))
    st.markdown(" ".join(signs), help=plain("  ".join(mark.sign for mark in marks)))
