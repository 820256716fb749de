"""The panels of the card view: which one is open, the help on keys, and deciding with a reason."""

import streamlit as st

from pages.review.actions import ReviewCard, decide
from pages.review.editor import editor
from pages.review.keys import key_form, key_list
from pages.review.panel_focus import close_button, focus
from pages.review.rewrite import rewrite_panel
from pages.review.session import ReviewSession, open_panel
from pages.review.split_and_copy import copy_panel, split_panel
from pages.shared.kept import forget_typed, kept_text
from tianji_core.i18n import _
from tianji_core.store.samples import ACCEPTED, REJECTED


def help_panel(session: ReviewSession) -> None:
    """Draws the list of keys or the form that changes them, if one of the two is open."""
    if open_panel() == "help":
        key_list(session.keys)
    elif open_panel() == "keys":
        key_form(session)


def sample_panel(card: ReviewCard) -> None:
    """Draws the open panel, if it is about the sample."""
    draw = {
        "edit": editor,
        "split": split_panel,
        "copy": copy_panel,
        "note": _reason_panel,
        "rewrite": rewrite_panel,
    }.get(open_panel())
    if draw is not None:
        draw(card)


def _reason_panel(card: ReviewCard) -> None:
    widget = f"reason_{card.sample.id}"
    keys = card.session.keys
    with st.container(key="reason"):
        st.text_input(_("理由"), max_chars=200, placeholder=_("例如：寿宴上不说“再见”"), **kept_text(widget))
    columns = st.columns([1.4, 1.4, 1, 1.2])
    for column, action, label, state in (
        (columns[0], "save_edit", _("弃用并记下理由"), REJECTED),
        (columns[1], "save_accept", _("采用并记下理由"), ACCEPTED),
    ):
        column.button(
            label,
            key=f"reason_{state}",
            shortcut=keys[action],
            width="stretch",
            on_click=_decide_with_reason,
            args=(card, state, widget),
        )
    close_button(columns[2], card)
    focus("reason", keys)


def _decide_with_reason(card: ReviewCard, state: str, widget: str) -> None:
    reason = (st.session_state.get(widget) or "").strip()
    forget_typed(widget)
    decide(card, state, reason)
