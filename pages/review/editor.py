"""The panel that edits the text of a sample, with its length and differences."""

from collections.abc import Sequence

import streamlit as st

from pages.review.actions import ReviewCard
from pages.review.panel_focus import close_button, focus
from pages.review.sample_display import length_text
from pages.review.session import UNSAVED, go_to, show_panel
from pages.shared.difference import diff_html, turn_title
from pages.shared.kept import forget, kept, show_unsaved
from pages.shared.review_parts import attempt
from pages.shared.usable import any_text
from tianji_core.i18n import _
from tianji_core.store import steps
from tianji_core.store.samples import ACCEPTED

_MAX_CHARS = 4000
"""The length limit in characters of samples whose style has none."""


def editor(card: ReviewCard) -> None:
    """Draws the text field, the differences from the stored and the first text, and the buttons that save."""
    sample, session = card.sample, card.session
    widget = f"text_{sample.id}_{sample.version}"
    _low, high = session.context.limits_of(sample) or (0, _MAX_CHARS)
    with st.container(key="editor"):
        st.text_area(
            _("内容"),
            value=sample.output,
            height=160,
            max_chars=max(high, sample.length),
            label_visibility="collapsed",
            **kept(UNSAVED, widget, any_text, sample.output, f"text_{sample.id}"),
        )
    typed = st.session_state.get(widget) or ""
    turns = _earlier_answers(card)
    st.markdown(length_text(len(typed), sample, session.context))
    for title, before in ((_("和现在相比"), sample.output), (_("和最初相比"), sample.original)):
        if typed != before and (before != sample.original or before == sample.output):
            st.caption(title)
            st.html(diff_html(before, typed))
    reason = kept(UNSAVED, f"why_{sample.id}", any_text, "", f"why_{sample.id}")
    note = st.text_input(_("为什么改（可不填）"), max_chars=200, **reason)
    columns = st.columns([1.4, 1.2, 1, 1.4])
    columns[0].button(
        _("保存并采用"),
        key="save_accept",
        shortcut=session.keys["save_accept"],
        type="primary",
        width="stretch",
        on_click=_save,
        args=(card, widget, turns, ACCEPTED, note),
    )
    columns[1].button(
        _("保存"),
        key="save_edit",
        shortcut=session.keys["save_edit"],
        width="stretch",
        on_click=_save,
        args=(card, widget, turns, None, note),
    )
    close_button(columns[2], card)
    if typed != sample.output or _typed_turns(card, turns) != sample.history:
        show_unsaved("edit", lambda: _forget(card, widget, turns))
    focus("editor", session.keys)


def _earlier_answers(card: ReviewCard) -> list[str]:
    """Draws a text field for each earlier answer of a conversation; returns the keys of the fields."""
    sample = card.sample
    keys = [f"turn_{sample.id}_{sample.version}_{n}" for n in range(1, len(sample.history) + 1)]
    if not keys:
        return keys
    with st.expander(_("前面 {n} 轮的回答", n=len(keys)), expanded=True):
        for number, (widget, (_asked, answer)) in enumerate(zip(keys, sample.history, strict=True), 1):
            st.text_area(
                turn_title(number),
                value=answer,
                height="content",
                **kept(UNSAVED, widget, any_text, answer, f"turn_{sample.id}_{number}"),
            )
    return keys


def _typed_turns(card: ReviewCard, turns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Returns the earlier turns of the sample with the answers that the fields hold."""
    typed = []
    for widget, (asked, answer) in zip(turns, card.sample.history, strict=True):
        text = st.session_state.get(widget)
        typed.append((asked, answer if text is None or text.strip() == answer.strip() else text.strip()))
    return tuple(typed)


def _save(card: ReviewCard, widget: str, turns: Sequence[str], state: str | None, note: str) -> None:
    """Callback: stores the text, and with ``state`` the decision; shows the text again after an error."""
    sample, session = card.sample, card.session
    text = (st.session_state.get(widget) or "").strip()
    history = _typed_turns(card, turns)
    saved = attempt(
        lambda: steps.edit(
            session.workspace.engine,
            sample.recipe,
            sample.id,
            sample.version,
            text,
            session.who,
            state,
            note.strip(),
            history,
        ),
        nothing=_("没有改动"),
    )
    if saved:
        _forget(card, widget, turns)
        show_panel("")
        go_to(card.next_id if state else sample.id)
    else:
        st.session_state["_review_typed"] = text


def _forget(card: ReviewCard, widget: str, turns: Sequence[str]) -> None:
    """Callback: discards what was typed about the sample."""
    number = card.sample.id
    fields = {f"text_{number}": widget, f"why_{number}": f"why_{number}"}
    fields |= {f"turn_{number}_{n}": key for n, key in enumerate(turns, 1)}
    forget(UNSAVED, fields)
