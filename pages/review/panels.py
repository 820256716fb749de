"""What opens below a sample: editing it, splitting it, copying it for another person, saying why; and the keys."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.review.actions import Hand, decide
from pages.review.desk import Desk, go_to, open_panel, put_in_address, show_panel, toggle_panel
from pages.review.keys import key_form, key_list
from pages.review.marks import diff_html, length_text
from pages.review.rewrite import rewrite_panel
from pages.shared.review_parts import attempt, say_done, say_error
from tianji_core import cleaning, review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.store import steps
from tianji_core.store.samples import ACCEPTED, REJECTED

_FOCUS = """<script>
(function look(left) {{
  const field = document.querySelector('.st-key-{place} textarea, .st-key-{place} input');
  if (!field) {{ if (left) setTimeout(() => look(left - 1), 50); return; }}
  if (!['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)) field.focus();
  field.addEventListener('keydown', event => {{
    const held = [event.ctrlKey && 'ctrl', event.altKey && 'alt', event.shiftKey && 'shift', event.key.toLowerCase()];
    if ({saving}.includes(held.filter(Boolean).join('+'))) field.blur();
  }});
}})(40);
</script>"""
"""The field may be drawn after the script; it is looked for during two seconds. Who has gone on to another field stays
there. What was typed reaches the server when
the field is left, so a key that saves leaves it first."""


def help_button(desk: Desk) -> None:
    """Shows the keys, or hides them."""
    st.button(
        _("按键"),
        key="help",
        shortcut=desk.keys["help"],
        width="stretch",
        on_click=toggle_panel,
        args=("help",),
    )


def help_panel(desk: Desk) -> None:
    """The keys, where they are asked for: all of them, or a form to change them."""
    if open_panel() == "help":
        key_list(desk.keys)
    elif open_panel() == "keys":
        key_form(desk)


def panel(hand: Hand) -> None:
    """The panel that is open, if it is about the sample."""
    opened = {
        "edit": _editor,
        "split": _splitter,
        "copy": _copier,
        "note": _reason,
        "rewrite": rewrite_panel,
    }.get(open_panel())
    if opened is not None:
        opened(hand)


def _focus(place: str, keys: Mapping[str, str]) -> None:
    """Put the cursor into a field, so that no mouse is needed. Nothing of a sample goes into the script."""
    saving = json.dumps([keys["save_edit"], keys["save_accept"]])
    st.html(_FOCUS.format(place=place, saving=saving), unsafe_allow_javascript=True)


def _cancel(column: DeltaGenerator, hand: Hand) -> None:
    column.button(
        _("收起"),
        key="cancel_panel",
        shortcut=hand.desk.keys["cancel"],
        width="stretch",
        on_click=show_panel,
        args=("",),
    )


def _editor(hand: Hand) -> None:
    sample, keys = hand.sample, hand.desk.keys
    slot = f"text_{sample.id}_{sample.version}"
    _low, high = hand.desk.context.limits.get(sample.style, (0, 4000))
    with st.container(key="editor"):
        st.text_area(
            _("内容"),
            value=sample.output,
            key=slot,
            height=160,
            max_chars=max(high, sample.length),
            label_visibility="collapsed",
        )
    typed = st.session_state.get(slot) or ""
    st.markdown(length_text(len(typed), sample, hand.desk.context))
    for title, before in ((_("和现在相比"), sample.output), (_("和最初相比"), sample.original)):
        if typed != before and (before != sample.original or before == sample.output):
            st.caption(title)
            st.html(diff_html(before, typed))
    note = st.text_input(_("为什么改（可不填）"), key=f"why_{sample.id}", max_chars=200)
    row = st.columns([1.4, 1.2, 1, 1.4])
    for column, name, label, state in (
        (row[0], "save_accept", _("保存并采用"), ACCEPTED),
        (row[1], "save_edit", _("保存"), None),
    ):
        column.button(
            label,
            key=name,
            shortcut=keys[name],
            type="primary" if state else "secondary",
            width="stretch",
            on_click=_save,
            args=(hand, slot, state, note),
        )
    _cancel(row[2], hand)
    _focus("editor", hand.desk.keys)


def _save(hand: Hand, slot: str, state: str | None, note: str) -> None:
    sample, desk = hand.sample, hand.desk
    text = (st.session_state.get(slot) or "").strip()
    saved = attempt(
        lambda: steps.edit(
            desk.workspace.engine,
            sample.recipe,
            sample.id,
            sample.version,
            text,
            desk.who,
            state,
            note.strip(),
        ),
        nothing=_("没有改动"),
    )
    if saved:
        show_panel("")
        go_to(hand.following if state else sample.id)
    else:
        st.session_state["_review_typed"] = text


def _splitter(hand: Hand) -> None:
    sample = hand.sample
    slot = f"pieces_{sample.id}_{sample.version}"
    st.caption(_("每行一条；原来的样本会弃用，每条都成为待审样本，可以一步撤销。"))
    with st.container(key="splitter"):
        st.text_area(
            _("拆成几条"),
            value="\n".join(review.pieces_of(sample.output)),
            key=slot,
            height=140,
            label_visibility="collapsed",
        )
    row = st.columns([1.4, 1, 2.6])
    row[0].button(
        _("拆开"),
        key="split_sample",
        type="primary",
        shortcut=hand.desk.keys["save_edit"],
        width="stretch",
        on_click=_split,
        args=(hand, slot),
    )
    _cancel(row[1], hand)
    _focus("splitter", hand.desk.keys)


def _split(hand: Hand, slot: str) -> None:
    text = st.session_state.get(slot) or ""
    try:
        numbers = review.split(hand.desk.workspace, hand.sample, text.splitlines(), hand.desk.who)
    except StudioError as error:
        say_error(error)
        st.session_state["_review_typed"] = text
        return
    say_done(_("拆成了 {n} 条：{ids}", n=len(numbers), ids=_numbers(numbers)))
    show_panel("")
    go_to(hand.following)


def _numbers(ids: Sequence[int]) -> str:
    return _("、").join(f"#{number}" for number in ids)


def _copier(hand: Hand) -> None:
    sample = hand.sample
    with st.container(key="copier"):
        name = st.selectbox(
            _("称谓"),
            [name for name in hand.desk.context.pronouns if name != sample.name],
            index=None,
            key=f"copy_name_{sample.id}",
            placeholder=_("选一个称谓"),
        )
    if name is not None:
        st.html(diff_html(sample.output, cleaning.readdressed(sample, name, hand.desk.context).output))
    row = st.columns([1.4, 1, 2.6])
    row[0].button(
        _("复制"),
        key="copy_sample",
        type="primary",
        shortcut=hand.desk.keys["save_edit"],
        disabled=name is None,
        width="stretch",
        on_click=_copy,
        args=(hand, name or ""),
    )
    _cancel(row[1], hand)
    _focus("copier", hand.desk.keys)


def _copy(hand: Hand, name: str) -> None:
    desk = hand.desk
    try:
        number = cleaning.copy_to(desk.workspace, hand.sample, name, desk.context, desk.who)
    except StudioError as error:
        say_error(error)
        return
    say_done(_("已复制成样本 {id}", id=number))
    show_panel("")
    put_in_address("id", str(number))


def _reason(hand: Hand) -> None:
    slot = f"reason_{hand.sample.id}"
    with st.container(key="reason"):
        st.text_input(_("理由"), key=slot, max_chars=200, placeholder=_("例如：寿宴上不说“再见”"))
    row = st.columns([1.4, 1.4, 1, 1.2])
    for column, name, label, state in (
        (row[0], "save_edit", _("弃用并记下理由"), REJECTED),
        (row[1], "save_accept", _("采用并记下理由"), ACCEPTED),
    ):
        column.button(
            label,
            key=f"reason_{state}",
            shortcut=hand.desk.keys[name],
            width="stretch",
            on_click=_decide_with_reason,
            args=(hand, state, slot),
        )
    _cancel(row[2], hand)
    _focus("reason", hand.desk.keys)


def _decide_with_reason(hand: Hand, state: str, slot: str) -> None:
    decide(hand, state, (st.session_state.get(slot) or "").strip())
