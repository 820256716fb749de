"""The difference of two texts on a page."""

import html
from collections.abc import Sequence

import streamlit as st

from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.i18n import _


def difference(before: str, after: str) -> str:
    """``after`` as Markdown, with additions to ``before`` highlighted and removals struck out."""
    forms = {"same": "{}", "added": ":green-background[{}]", "removed": ":red[~~{}~~]"}
    pieces = cleaning.compare(before.strip(), after.strip())
    return "".join(forms[piece.kind].format(plain(piece.text)) for piece in pieces if piece.text)


def diff_html(before: str, after: str) -> str:
    """Returns the difference as HTML: removed characters red and struck through, added ones green."""
    styles = {
        "removed": "background:light-dark(#fde2e1,#4a211e);color:light-dark(#a4262c,#f3a49c);"
        "text-decoration:line-through",
        "added": "background:light-dark(#dff6dd,#173a1c);color:light-dark(#0b6a0b,#93d69a)",
    }
    spans = []
    for kind, text in cleaning.compare(before, after):
        shown = html.escape(text.replace("\n", "⏎\n") if kind != "same" else text).replace("\n", "<br>")
        spans.append(f'<span style="{styles[kind]}">{shown}</span>' if kind in styles else shown)
    return f'<div style="line-height:1.8">{"".join(spans)}</div>'


def changes_html(changes: Sequence[tuple[int, str, str]]) -> None:
    """Draws the differences of the answers of a conversation: (turn, before, after), 0 for the last turn."""
    for turn, before, after in changes:
        if turn:
            st.caption(turn_title(turn))
        st.html(diff_html(before, after))


def turn_title(turn: int) -> str:
    """Returns the name of an earlier turn of a conversation, counted from 1."""
    return _("第 {n} 轮", n=turn)
