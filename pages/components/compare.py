"""The board of a comparison: answers side by side with marks and votes."""

from dataclasses import dataclass

import streamlit as st

from pages.components.text import plain
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Checker
from tianji_core.evaluation.marks import emoji_count
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.serving.board import Board, Cell
from tianji_core.serving.comparing import Comparer
from tianji_core.store.votes import Pair, Tally, Vote
from tianji_core.workspace import Workspace

PER_LINE = 4
"""Answers side by side; more than this are too narrow to read."""


@st.cache_resource(show_spinner=False)
def comparer(_workspace: Workspace, home: str) -> Comparer:
    """The one that fills boards in this server process; ``home`` tells workspaces apart."""
    return Comparer(_workspace)


@st.cache_resource(show_spinner=False, max_entries=4)
def checker(_recipe: Recipe, key: str, revision: int) -> Checker:
    """The checks of a recipe's revision."""
    return Checker(_recipe)


@dataclass(frozen=True)
class Mark:
    """One small remark on an answer."""

    good: bool | None
    text: str

    @property
    def badge(self) -> str:
        """As Markdown."""
        colour = {True: "green", False: "red", None: "gray"}[self.good]
        sign = {True: "✓ ", False: "✗ ", None: ""}[self.good]
        return f":{colour}-badge[{sign}{self.text}]"


def marks(check: Checker, board: Board, cell: Cell) -> list[Mark]:
    """Length and emoji of an answer; where the receiver and the occasion are known, whether they are met."""
    recipe, ask = check.recipe, board.asks[cell.row]
    style = recipe.style(board.columns[cell.column].style)
    size, emoji = len(cell.text.strip()), emoji_count(cell.text)
    if style is None:
        return [Mark(None, _("{n} 字", n=size))]
    fits = style.min_chars <= size <= style.max_chars
    span = f"{style.min_chars}–{style.max_chars}"
    length = Mark(fits, _("{n} 字", n=size) if fits else _("{n} 字，应为 {span}", n=size, span=span))
    found = [length, Mark(None, _("{n} 个表情", n=emoji))]
    name, scene = recipe.name(ask.name), recipe.scene(ask.scene)
    if name is None or scene is None:
        return found
    verdict = check.check(Case(name, scene, style, board.system, cell.request), cell.text)
    return [
        *found,
        Mark(verdict.person, _("对象")),
        Mark(verdict.pronoun, _("您或你")),
        Mark(verdict.occasion, _("场合")),
        Mark(verdict.style, _("风格")),
    ]


def verdicts(board: Board, winner: Cell) -> list[Vote]:
    """The winner against the row's other answers: those in its own style where there are any, else all. Answers of
    the same words cannot be told apart and are left out."""
    column = board.columns[winner.column]
    others = [
        cell
        for cell in board.cells
        if cell.row == winner.row and cell.column != winner.column and cell.state == "done" and cell.text
    ]
    same_style = [cell for cell in others if board.columns[cell.column].style == column.style]
    return [
        Vote(
            recipe=board.recipe,
            system=board.system,
            prompt=winner.request,
            winner=column.model,
            style=column.style,
            chosen=winner.text,
            loser=board.columns[cell.column].model,
            loser_style=board.columns[cell.column].style,
            rejected=cell.text,
        )
        for cell in same_style or others
        if cell.text != winner.text
    ]


def show_board(check: Checker, board: Board, decided: set[Pair]) -> Cell | None:
    """Draw every row; returns the cell whose vote button was pressed."""
    pressed = None
    for row, ask in enumerate(board.asks):
        with st.container(key=f"board_row_{row}"):
            st.markdown(f"#### {plain(ask.title)}")
            for start in range(0, len(board.columns), PER_LINE):
                line = st.columns(min(PER_LINE, len(board.columns)))
                for place, at in zip(
                    line, range(start, min(start + PER_LINE, len(board.columns))), strict=False
                ):
                    cell = board.cell(row, at)
                    with place.container(border=True, height="stretch"):
                        if show_cell(check, board, cell, decided):
                            pressed = cell
    return pressed


def show_cell(check: Checker, board: Board, cell: Cell, decided: set[Pair]) -> bool:
    """One answer; returns whether its vote button was pressed."""
    votes = verdicts(board, cell) if cell.state == "done" and cell.text else []
    won = bool(votes) and all(vote.pair in decided for vote in votes)
    st.caption(f"{'🏅 ' if won else ''}**{plain(board.columns[cell.column].title)}** · {plain(cell.request)}")
    if cell.state == "failed":
        st.error(plain(cell.error), icon="⚠️")
    elif cell.state == "waiting":
        st.markdown(":gray[" + _("排队中…") + "]")
    else:
        st.markdown(plain(cell.text) + (" ▍" if cell.state == "streaming" else ""))
    if cell.state == "stopped":
        st.caption(_("被停下了"))
    if cell.state != "done":
        return False
    st.markdown(" ".join(mark.badge for mark in marks(check, board, cell)))
    label = _("取消") if won else _("这条更好")
    return st.button(
        label,
        key=f"vote_{cell.row}_{cell.column}",
        icon="🏅" if won else "👍",
        disabled=not votes,
        type="primary" if won else "secondary",
    )


def show_tally(found: list[Tally]) -> None:
    """Who won how often."""
    st.dataframe(
        [
            {
                _("模型"): each.model,
                _("风格"): each.style,
                _("胜"): each.wins,
                _("负"): each.losses,
                _("胜率"): each.share * 100,
            }
            for each in found
        ],
        column_config={
            _("胜率"): st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100)
        },
        hide_index=True,
        width="stretch",
        key="tally",
    )
