"""What one has chosen on the ballots of a comparison, with the names that the blind vote hides."""

from collections.abc import Mapping, Sequence

import streamlit as st

from tianji_core.comparison import Ballot, Board, ballots
from tianji_core.i18n import _
from tianji_core.store.votes import BETTER, TIE, Vote


def own_votes(board: Board, mine: Sequence[Vote], titles: Mapping[str, str]) -> None:
    """Draws a line for each ballot of the board with a vote of one's own; nothing where there is none.
    ``titles`` maps models to what people call them."""
    known = {vote.answers: vote for vote in mine}
    rows = [row for ballot in ballots(board) if (row := _row(board, ballot, known, titles)) is not None]
    if not rows:
        return
    st.markdown(_("**您选的是**"))
    st.dataframe(
        rows, hide_index=True, width="stretch", height=min(37 * (len(rows) + 1), 260), key="own_votes"
    )


def _row(
    board: Board, ballot: Ballot, known: Mapping[tuple[str, str], Vote], titles: Mapping[str, str]
) -> dict[str, str] | None:
    """The question of a ballot, who wrote the chosen answer, and its text; None without a vote."""
    texts = sorted(cell.text for cell in ballot.cells)
    said = [
        known[one, other]
        for at, one in enumerate(texts)
        for other in texts[at + 1 :]
        if (one, other) in known
    ]
    if not said:
        return None
    vote = said[0]
    writer, text = _("都不好"), ""
    if vote.outcome == TIE:
        writer = _("平手，一样好")
    elif vote.outcome == BETTER:
        writer = " · ".join(filter(None, (titles.get(vote.winner, vote.winner), vote.style)))
        text = vote.chosen.strip()
    return {_("问题"): board.asks[ballot.row].title, _("选中的"): writer, _("回答"): text}
