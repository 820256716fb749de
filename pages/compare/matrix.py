"""并排: the answers of a comparison as a matrix, a row for each question and style, a column for each model."""

from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from pages.shared.answer_marks import Checkers, show_marks
from pages.shared.difference import difference
from pages.shared.frame import spoken
from pages.shared.text import badge as text_badge
from pages.shared.text import plain
from tianji_core import models
from tianji_core.comparison import Board, Cell, Checked, check_cell
from tianji_core.comparison.matrix import MatrixColumn, answers, matrix_columns, passed, styles_of
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

LINES = 16
"""About how many lines of the matrix are drawn at once."""


def show_matrix(
    checkers: Checkers,
    board: Board,
    won: Collection[tuple[int, int, int]],
    titles: Mapping[str, str],
    reference: int | None,
) -> Cell | None:
    """Draws the matrix; returns the cell whose vote button was pressed. ``titles`` names the models for
    people; the differences of the other models from the ``reference``-th one are shown."""
    columns, styles = matrix_columns(board), styles_of(board)
    rows = _page(board, len(styles))
    st.html(f"<style>.st-key-matrix {{ --columns: {len(columns)} }}</style>")
    pressed = None
    with st.container(key="matrix"):
        with st.container(key="matrix_head"):
            _head(columns, titles, checkers.board(board) if board.ended else None, board)
        for row in rows:
            ask = board.asks[row]
            shown = ask.title if len(ask.title) <= 300 else f"{ask.title[:300]}…"
            st.markdown(f"#### {plain(shown)}")
            for style in styles:
                pressed = _line(checkers, board, row, style, columns, won, reference) or pressed
    return pressed


def _page(board: Board, styles: int) -> range:
    """The numbers of the questions on the chosen page of the board."""
    each = max(1, LINES // styles)
    pages = -(-len(board.asks) // each)
    page = st.pagination(pages, key=f"board_page_{board.key}") if pages > 1 else 1
    return range((page - 1) * each, min(page * each, len(board.asks)))


def _head(
    columns: Sequence[MatrixColumn], titles: Mapping[str, str], checked: list[Checked] | None, board: Board
) -> None:
    """Draws the name of each model with its pass rate, or how far it has come."""
    places = st.columns(len(columns) + 1)
    places[0].caption(spoken().style)
    for place, column in zip(places[1:], columns, strict=True):
        title = column_title(column, titles)
        if checked is None:
            cells = [cell for cell in board.cells if cell.column in column.columns.values()]
            done = sum(cell.ended for cell in cells)
            rate = text_badge(_("已答 {done}/{total}", done=done, total=len(cells)), "gray")
        else:
            figure = passed(column, checked)
            share = figure.share
            if share is None:
                rate = ""
            else:
                colour = "green" if share >= 0.8 else "orange" if share >= 0.5 else "red"
                text = _(
                    "通过 {share:.0%}（{n}/{total}）", share=share, n=figure.passed, total=figure.checked
                )
                rate = text_badge(text, colour)
        place.markdown(f"**{plain(title)}**  \n{rate}")


def column_title(column: MatrixColumn, titles: Mapping[str, str]) -> str:
    """The model of a column as people call it, with its own sampling."""
    return titles.get(column.first.model, column.first.model) + column.first.own_sampling


def _line(
    checkers: Checkers,
    board: Board,
    row: int,
    style: str,
    columns: Sequence[MatrixColumn],
    won: Collection[tuple[int, int, int]],
    reference: int | None,
) -> Cell | None:
    """Draws the answers to one question in one style; returns the cell whose vote button was pressed.
    ``won`` are the places of the best answers."""
    pressed = None
    places = st.columns(len(columns) + 1)
    places[0].markdown(f"**{plain(style)}**")
    base = answers(board, row, columns[reference], style) if reference is not None else []
    for at, (place, column) in enumerate(zip(places[1:], columns, strict=True)):
        cells = answers(board, row, column, style)
        if at == 0 and cells:
            places[0].caption(plain(cells[0].request[:60]))
        with place:
            for cell in cells:
                before = base[0] if base and at != reference else None
                if _answer(checkers, board, cell, cell.place in won, before):
                    pressed = cell
    return pressed


def _answer(checkers: Checkers, board: Board, cell: Cell, best: bool, before: Cell | None) -> bool:
    """Draws one answer, with a mark where it is the ``best``; returns whether its vote button was pressed."""
    number = [f"#{cell.candidate + 1}"] if board.candidates > 1 else []
    if marks := [*([_("🏅 **选中的**")] if best else []), *number]:
        st.caption(" · ".join(marks))
    if cell.state == "failed":
        st.error(plain(cell.error), icon="⚠️")
        if cell.text:
            st.markdown(plain(cell.text))
    elif cell.state == "waiting":
        st.markdown(":gray[" + _("排队中…") + "]")
    elif before is not None and before.answered and cell.answered:
        st.markdown(difference(before.text, cell.text))
    else:
        st.markdown(plain(cell.text) + (" ▍" if cell.state == "streaming" else ""))
    if cell.state == "stopped":
        st.caption(_("被停下了"))
    if cell.state == "done" and not cell.answered:
        st.caption(_("回答是空的"))
    if not cell.answered:
        return False
    checked = check_cell(checkers(board.columns[cell.column].model), board, cell)
    show_marks(checked)
    return st.button(
        _("取消") if best else _("这条更好"),
        key=f"vote_{cell.row}_{cell.column}" + (f"_{cell.candidate}" if cell.candidate else ""),
        icon="↩️" if best else "👍",
        type="tertiary",
    )


def show_learnt(workspace: Workspace, board: Board, titles: Mapping[str, str]) -> None:
    """Draws what the models of a board learned from, a line each; nothing where none was trained here."""
    learnt = models.learnt_by_models(workspace, (column.model for column in board.columns))
    if learnt:
        with st.expander(_("这些模型学的是什么数据"), icon="📚"):
            for name, told in learnt.items():
                st.markdown(f"**{plain(titles.get(name, name))}**  \n{plain(told)}")
