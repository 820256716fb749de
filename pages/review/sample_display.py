"""How the review shows the texts, the length and the findings of a sample."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from pages.shared.cell_words import cell_words
from pages.shared.difference import turn_title
from pages.shared.text import plain
from tianji_core.cleaning import BY_ID, Context, Doubt
from tianji_core.i18n import _
from tianji_core.recipe import options_text
from tianji_core.store.findings import Finding
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, Sample

Colour = Literal["gray", "green", "red"]

STATE_COLOURS: dict[str, Colour] = {PENDING: "gray", ACCEPTED: "green", REJECTED: "red"}
STATE_ICONS = {PENDING: "🕓", ACCEPTED: "✅", REJECTED: "🚫"}


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


def finding_badges(findings: Sequence[Finding], doubt: Doubt | None = None) -> None:
    """Draws one badge per finding with its explanation on hover, and the details below; without findings,
    what a doubtful text is in doubt about."""
    if not findings and doubt is not None and not doubt.is_sure:
        st.badge(
            _("拿不准 {share}", share=f"{doubt.value:.0%}"),
            icon="🤔",
            color="yellow",
            help=_("没有规则说它有问题；几个弱的迹象合起来不够放心，所以留给人看。"),
        )
        said = f"“{doubt.sentence}”{doubt.why}" if doubt.sentence else doubt.why
        st.caption(plain(said))
        return
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
    return plain(f"#{sample.id} · {cell_words(sample)} · {sample.style}")
