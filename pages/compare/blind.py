"""盲评: voting on answers in a shuffled order without the names of their models, with one key per verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared.cell_words import style_word
from pages.shared.text import plain
from pages.shared.visitors import reviewer_name
from tianji_core.comparison import Ballot, Board, ballots, choose, undecided
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted
from tianji_core.store import votes
from tianji_core.store.votes import NONE, TIE, Vote
from tianji_core.workspace import Workspace

PER_LINE = 3
"""Most answers side by side; long ones need the width."""


@dataclass(frozen=True)
class _Ballots:
    """The ballots of a board and the verdicts of one person."""

    all: list[Ballot]
    mine: list[Vote]

    @property
    def known(self) -> set[frozenset[str]]:
        return {frozenset(vote.answers) for vote in self.mine}

    @property
    def open(self) -> list[Ballot]:
        known = self.known
        return [ballot for ballot in self.all if not ballot.decided(known)]

    def last(self) -> list[Vote]:
        """The verdicts on the ballot that was decided last."""
        if not self.mine:
            return []
        answers = set(self.mine[-1].answers)
        for ballot in self.all:
            texts = {cell.text for cell in ballot.cells}
            if answers <= texts:
                return [vote for vote in self.mine if set(vote.answers) <= texts]
        return [self.mine[-1]]


def blind_part(workspace: Workspace, board: Board) -> None:
    """Draws one ballot after the other; each verdict is stored at once."""
    who = reviewer_name(workspace)
    texts = {cell.text for cell in board.cells if cell.answered}
    state = _Ballots(ballots(board), votes.between(workspace.engine, board.recipe, texts, who=who))
    if not state.all:
        st.info(
            _(
                "还没有可以盲评的：同一个问题至少要有两条不一样的答案。多选一个模型或{kind}再比一次。",
                kind=style_word(),
            ),
            icon="🙈",
        )
        return
    waiting, done = state.open, len(state.all) - len(state.open)
    line = st.container(horizontal=True, vertical_alignment="center", wrap=False)
    line.progress(done / len(state.all), text=_("已评 {done}/{total} 题", done=done, total=len(state.all)))
    if line.button(_("撤回上一票"), key="blind_undo", shortcut="u", disabled=not state.mine):
        with permitted(Role.REVIEWER):
            votes.withdraw(workspace.engine, state.last(), who)
        st.rerun()
    if not waiting:
        st.success(_("这次对比都评完了。"), icon="🎉")
        if st.button(_("揭晓谁是谁"), key="blind_reveal", type="primary", icon="🏆"):
            st.session_state["_compare_view"] = "scores"
            st.rerun()
        return
    said = _ballot(board, waiting[0], who)
    if said:
        with permitted(Role.REVIEWER):
            votes.decide(workspace.engine, said, who)
        st.rerun()


def _ballot(board: Board, ballot: Ballot, who: str) -> Sequence[Vote]:
    """Draws a ballot; returns the verdicts of the pressed button."""
    ask = board.asks[ballot.row]
    asked = ballot.cells[0].request if ballot.style else ask.title
    st.markdown(f"#### {plain(asked[:300])}")
    with st.container(key="blind_keys", gap=None):
        st.caption(_("哪条是谁写的，评完才揭晓。"))
        st.caption(_("按数字键选最好的一条；0 平手（一样好），X 都不好，U 撤回。"))
    said: Sequence[Vote] = ()
    order = ballot.shuffled(board, who)
    with st.container(key="blind_answers"):
        width = 2 if len(order) == PER_LINE + 1 else min(PER_LINE, len(order))  # no line with a single answer
        for start in range(0, len(order), width):
            line = st.columns(width)
            for offset, cell in enumerate(order[start : start + width]):
                number = start + offset + 1
                with line[offset].container(border=True, height="stretch"):
                    st.markdown(f"**{number}**　{plain(cell.text.strip())}")
                    label = _("第 {n} 条最好", n=number)
                    if st.button(label, key=f"blind_{number}", shortcut=str(number), width="stretch"):
                        said = choose(board, ballot, cell)
    both = st.columns(2)
    if both[0].button(_("平手，一样好"), key="blind_tie", icon="🤝", shortcut="0", width="stretch"):
        said = undecided(board, ballot, TIE)
    if both[1].button(_("都不好"), key="blind_none", icon="👎", shortcut="x", width="stretch"):
        said = undecided(board, ballot, NONE)
    return said
