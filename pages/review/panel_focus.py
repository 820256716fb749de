"""What the panels below a sample share: the cursor in their field, and the button that closes them."""

import json
from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.review.actions import ReviewCard
from pages.review.session import show_panel
from tianji_core.i18n import _

_FOCUS = """<script>
(function look(left) {{
  const field = document.querySelector('.st-key-{place} textarea, .st-key-{place} input');
  if (!field) {{ if (left) setTimeout(() => look(left - 1), 50); return; }}
  if (!['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)) field.focus();
  field.addEventListener('keydown', event => {{
    const modifiers = ['ctrl', 'alt', 'shift'].filter(name => event[name + 'Key']);
    if ({saving}.includes([...modifiers, event.key.toLowerCase()].join('+'))) field.blur();
  }});
}})(40);
</script>"""
"""Looks for the field during two seconds, because it may be drawn after the script. Keeps the focus where the
person has moved it. A key that saves leaves the field first, because only then is the typed text sent."""


_LEAVE = """<script>
if (!window.studioLeavesFields) {
  window.studioLeavesFields = true;
  document.addEventListener('keydown', event => {
    const field = event.target;
    if (!['Enter', 'Escape'].includes(event.key) || event.isComposing || field.tagName !== 'INPUT') return;
    if (!location.pathname.endsWith('/review') || field.getAttribute('role') === 'combobox') return;
    if (!['text', 'number', 'search'].includes(field.type)) return;
    setTimeout(() => { if (document.activeElement === field) field.blur(); }, 0);
  });
}
</script>"""
"""A field of one line is left once its value is entered, so that the keys of the review work again."""


def leave_fields_by_enter() -> None:
    """Lets Enter and Escape leave a field of one line on the page of the review."""
    st.html(_LEAVE, unsafe_allow_javascript=True)


def focus(container: str, keys: Mapping[str, str]) -> None:
    """Puts the cursor into the field of a container. No text of a sample goes into the script."""
    saving = json.dumps([keys["save_edit"], keys["save_accept"]])
    st.html(_FOCUS.format(place=container, saving=saving), unsafe_allow_javascript=True)


def close_button(column: DeltaGenerator, card: ReviewCard) -> None:
    """Draws the button that closes the panel without saving."""
    column.button(
        _("收起"),
        key="cancel_panel",
        shortcut=card.session.keys["cancel"],
        width="stretch",
        on_click=show_panel,
        args=("",),
    )
