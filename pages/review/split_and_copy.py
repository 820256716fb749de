"""The panels that make further samples out of one: splitting it, and copying it for another name."""

import streamlit as st

from pages.review.actions import ReviewCard
from pages.review.panel_focus import close_button, focus
from pages.review.session import UNSAVED, go_to, put_in_address, show_panel
from pages.shared.difference import diff_html
from pages.shared.kept import forget, kept
from pages.shared.review_parts import say_done, say_error
from pages.shared.usable import any_text
from tianji_core import cleaning, review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted


def split_panel(card: ReviewCard) -> None:
    """Draws the field with one text per line; each line becomes a pending sample."""
    sample, keys = card.sample, card.session.keys
    widget = f"pieces_{sample.id}_{sample.version}"
    proposed = "\n".join(review.pieces_of(sample.output))
    st.caption(_("每行一条；原来的样本会弃用，每条都成为待审样本，可以一步撤销。"))
    with st.container(key="splitter"):
        st.text_area(
            _("拆成几条"),
            value=proposed,
            height=140,
            label_visibility="collapsed",
            **kept(UNSAVED, widget, any_text, proposed, f"pieces_{sample.id}"),
        )
    columns = st.columns([1.4, 1, 2.6])
    columns[0].button(
        _("拆开"),
        key="split_sample",
        type="primary",
        shortcut=keys["save_edit"],
        width="stretch",
        on_click=_split,
        args=(card, widget),
    )
    close_button(columns[1], card)
    focus("splitter", keys)


def _split(card: ReviewCard, widget: str) -> None:
    """Callback: stores the lines as samples; on an error the typed text is shown again."""
    text = st.session_state.get(widget) or ""
    try:
        with permitted(Role.REVIEWER):
            ids = review.split(card.session.workspace, card.sample, text.splitlines(), card.session.who)
    except StudioError as error:
        say_error(error)
        st.session_state["_review_typed"] = text
        return
    forget(UNSAVED, {f"pieces_{card.sample.id}": widget})
    listed = _("、").join(f"#{sample_id}" for sample_id in ids)
    say_done(_("拆成了 {n} 条：{ids}", n=len(ids), ids=listed))
    show_panel("")
    go_to(card.next_id)


def copy_panel(card: ReviewCard) -> None:
    """Draws the choice of a name and the text as it will read for that name."""
    sample, session = card.sample, card.session
    with st.container(key="copier"):
        name = st.selectbox(
            session.recipe.words.shown().name,
            [name for name in session.context.pronouns if name != sample.name],
            index=None,
            key=f"copy_name_{sample.id}",
            placeholder=_("选一个"),
        )
    if name is not None:
        st.html(diff_html(sample.output, cleaning.readdressed(sample, name, session.context).output))
    columns = st.columns([1.4, 1, 2.6])
    columns[0].button(
        _("复制"),
        key="copy_sample",
        type="primary",
        shortcut=session.keys["save_edit"],
        disabled=name is None,
        width="stretch",
        on_click=_copy,
        args=(card, name or ""),
    )
    close_button(columns[1], card)
    focus("copier", session.keys)


def _copy(card: ReviewCard, name: str) -> None:
    """Callback: stores the copy and shows it."""
    session = card.session
    try:
        with permitted(Role.REVIEWER):
            copy_id = cleaning.copy_to(session.workspace, card.sample, name, session.context, session.who)
    except StudioError as error:
        say_error(error)
        return
    say_done(_("已复制成样本 {id}", id=copy_id))
    show_panel("")
    put_in_address("id", str(copy_id))
