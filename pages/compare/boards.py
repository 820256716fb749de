"""The board of a comparison: answers side by side with the results of their checks, differences and votes."""

from collections.abc import Collection

import streamlit as st

from pages.shared.text import badge as text_badge
from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.comparison import Board, Cell, Checked, Comparer, Mark, check_board, check_cell
from tianji_core.evaluation.checks import Checker
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.recipes import StoredRecipe
from tianji_core.workspace import Workspace

WIDEST = 4
"""Most answers side by side; more are too narrow to read."""
ROWS = 8
"""Questions drawn at once."""


@st.cache_resource(show_spinner=False)
def comparer(_workspace: Workspace, home: str) -> Comparer:
    """The comparer of this server process, which fills the boards; ``home`` separates workspaces in the
    cache."""
    return Comparer(_workspace)


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


def difference(before: str, after: str) -> str:
    """``after`` as Markdown, with additions to ``before`` highlighted and removals struck out."""
    forms = {"same": "{}", "added": ":green-background[{}]", "removed": ":red[~~{}~~]"}
    pieces = cleaning.compare(before.strip(), after.strip())
    return "".join(forms[piece.kind].format(plain(piece.text)) for piece in pieces if piece.text)


def per_line(number: int) -> int:
    """The number of answers in a line, chosen so that no line is nearly empty."""
    return (
        next((width for width in (WIDEST, 3) if number % width == 0), WIDEST) if number > WIDEST else number
    )


def row_range(board: Board) -> range:
    """The numbers of the questions on the chosen page of the board."""
    pages = -(-len(board.asks) // ROWS)
    page = st.pagination(pages, key=f"board_page_{board.key}") if pages > 1 else 1
    return range((page - 1) * ROWS, min(page * ROWS, len(board.asks)))


def show_board(
    checkers: Checkers, board: Board, won: Collection[tuple[int, int, int]], reference: int | None
) -> Cell | None:
    """Draws the questions with their answers; returns the cell whose vote button was pressed. The
    differences of the other columns from the column ``reference`` are shown."""
    pressed = None
    for row in row_range(board):
        ask = board.asks[row]
        with st.container(key=f"board_row_{row}"):
            shown = ask.title if len(ask.title) <= 300 else f"{ask.title[:300]}…"
            st.markdown(f"#### {plain(shown)}")
            cells = board.row(row)
            width = per_line(len(cells))
            for start in range(0, len(cells), width):
                line = st.columns(width)
                for place, cell in zip(line, cells[start : start + width], strict=False):
                    with place.container(border=True, height="stretch"):
                        if _show_cell(checkers, board, cell, won, reference):
                            pressed = cell
    return pressed


def _show_cell(
    checkers: Checkers,
    board: Board,
    cell: Cell,
    won: Collection[tuple[int, int, int]],
    reference: int | None,
) -> bool:
    """Draws one answer; returns whether its vote button was pressed."""
    best = (cell.row, cell.column, cell.candidate) in won
    asked = cell.request if len(cell.request) <= 80 else f"{cell.request[:80]}…"
    st.caption(f"{'🏅 ' if best else ''}**{plain(board.title(cell))}** · {plain(asked)}")
    if cell.state == "failed":
        st.error(plain(cell.error), icon="⚠️")
        if cell.text:
            st.markdown(plain(cell.text))
    elif cell.state == "waiting":
        st.markdown(":gray[" + _("排队中…") + "]")
    else:
        first = None if reference is None else board.cell(cell.row, reference)
        if first is not None and first.answered and cell.answered and cell.column != reference:
            st.markdown(difference(first.text, cell.text))
        else:
            st.markdown(plain(cell.text) + (" ▍" if cell.state == "streaming" else ""))
    if cell.state == "stopped":
        st.caption(_("被停下了"))
    if cell.state == "done" and not cell.answered:
        st.caption(_("回答是空的"))
    if not cell.answered:
        return False
    checked = check_cell(checkers(board.columns[cell.column].model), board, cell)
    st.markdown(" ".join(map(badge, checked.marks())))
    return st.button(
        _("取消") if best else _("这条更好"),
        key=f"vote_{cell.row}_{cell.column}" + (f"_{cell.candidate}" if cell.candidate else ""),
        icon="🏅" if best else "👍",
        type="primary" if best else "secondary",
    )
