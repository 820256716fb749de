"""How the review shows the texts, the length and the findings of a sample."""

import html
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from pages.shared.text import plain
from tianji_core import cleaning
from tianji_core.cleaning import BY_ID, Context
from tianji_core.i18n import _
from tianji_core.recipe import options_text
from tianji_core.store.findings import Finding
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, Sample

Colour = Literal["gray", "green", "red"]

STATE_COLOURS: dict[str, Colour] = {PENDING: "gray", ACCEPTED: "green", REJECTED: "red"}
STATE_ICONS = {PENDING: "🕓", ACCEPTED: "✅", REJECTED: "🚫"}


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


def length_text(length: int, sample: Sample, context: Context) -> str:
    """Returns :func:`length_words` as Markdown, green within the limits and red outside."""
    words = plain(length_words(length, sample, context))
    if (limits := context.limits_of(sample)) is None:
        return words
    low, high = limits
    return f":{'green' if low <= length <= high else 'red'}[{words}]"


def length_words(length: int, sample: Sample, context: Context) -> str:
    """Returns the length in characters, with the limits of the sample's style where it has some."""
    if (limits := context.limits_of(sample)) is None:
        return _("{n} 字", n=length)
    low, high = limits
    asked = " · ".join(filter(None, (sample.style, options_text(context.recipe, sample.options))))
    return _("{n} 字（{style}要 {low}-{high} 字）", n=length, style=asked, low=low, high=high)


def finding_badges(findings: Sequence[Finding]) -> None:
    """Draws one badge per finding with its explanation on hover, and the details below."""
    if not findings:
        st.badge(_("没有发现问题"), icon="✅", color="green")
        return
    with st.container(horizontal=True):
        for finding in findings:
            rule = BY_ID.get(finding.rule)
            title, why = (_(rule.title), _(rule.why)) if rule else (plain(finding.rule), "")
            st.badge(_with_turn(finding, title), color="orange", help=why or None)
    st.caption(plain(_("；").join(_with_turn(finding, finding.detail) for finding in findings)))


def _with_turn(finding: Finding, text: str) -> str:
    return f"{turn_title(finding.turn)} · {text}" if finding.turn else text


def cell_line(sample: Sample) -> str:
    """Returns '#12 · 妹妹 × 生日 · 正常', escaped for Markdown."""
    return plain(f"#{sample.id} · {sample.name} × {sample.scene} · {sample.style}")
