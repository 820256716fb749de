"""The card view: one sample with everything needed to decide on it.

It is a fragment, so that a key press does not redraw the rest of the page.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from pages.review.actions import ReviewCard, decision_bar, more_actions
from pages.review.ahead import show_ahead
from pages.review.filter_address import clear_filters
from pages.review.funnel import funnel
from pages.review.panels import help_panel, sample_panel
from pages.review.provenance import provenance
from pages.review.sample_display import STATE_COLOURS, STATE_ICONS, finding_badges, length_text
from pages.review.sample_history import judge_scores
from pages.review.session import ReviewSession, current_sample, go_to, open_panel
from pages.shared.cell_words import cell_words, unknown_style
from pages.shared.difference import changes_html, turn_title
from pages.shared.frame import report_errors
from pages.shared.review_parts import check_changed, progress_line, show_outcome, undo_buttons
from pages.shared.text import badge, plain
from tianji_core import cleaning, review
from tianji_core.cleaning import FIXABLE_RULES
from tianji_core.i18n import _
from tianji_core.store import findings, samples
from tianji_core.store.samples import ACCEPTED, PENDING, STATE_TITLES, Sample, SampleFilter

_OUTPUT_STYLE = "font-size:1.45rem;line-height:1.75;padding:.4rem 0 .2rem 0;white-space:pre-wrap"
_EARLIER_STYLE = "font-size:.875rem;line-height:1.6;opacity:.7;white-space:pre-wrap"


@st.fragment
@report_errors()
def card_view(session: ReviewSession) -> None:
    """Draws the steps of a cleaning, the progress and the current sample, or what to do when no sample
    matches."""
    session = replace(session, keys=review.load_keys(session.workspace, session.who))
    engine = session.workspace.engine
    check_changed(session.workspace, session.recipe.key)
    funnel(session)
    with st.container(key="outcome"):  # what follows keeps its place, with a notice and without
        show_outcome()
    counts = samples.state_counts(engine, SampleFilter(session.recipe.key))
    sample = current_sample(session)
    if sample is not None:
        _card(session, sample, counts)
        return
    progress_line(counts)
    undo_buttons(session.workspace, session.recipe.key, session.who, session.keys, go_to)
    no_match(counts, session.filter)


def no_match(counts: Mapping[str, int], sample_filter: SampleFilter) -> None:
    """Draws what to do when no sample matches the filters; ``counts`` are the samples per state."""
    if sample_filter == SampleFilter(sample_filter.recipe, states=(PENDING,)) and not counts[PENDING]:
        st.success(_("全部审完了，采用了 {n} 条。", n=counts[ACCEPTED]), icon="🎉")
        st.page_link("pages/dataset/page.py", label=_("去冻结数据集"), icon="📦")
        return
    st.info(_("没有符合这些筛选条件的样本"), icon="🔍")
    if st.button(_("清除筛选"), key="clear_filters", on_click=clear_filters):
        st.rerun()  # the filters stand outside this fragment


def _card(session: ReviewSession, sample: Sample, counts: Mapping[str, int]) -> None:
    """Draws input, output, findings and proposed fix on the left, what is known about them on the right, and
    the actions in a bar that stays at the foot of the window."""
    engine = session.workspace.engine
    after = samples.page(engine, session.filter, after_id=sample.id, limit=1, order=session.order)
    proposal = cleaning.propose(sample, session.context, FIXABLE_RULES)
    card = ReviewCard(session, sample, after[0].id if after else None, proposal)
    with st.container(key="keys_panel"):
        help_panel(session)
    left, right = st.columns([3, 1.15], gap="medium")
    with left:
        with st.container(border=True, key="reading"):
            with st.container(key="reading_now"):
                heading(sample)
                conversation(sample)
                if open_panel() != "edit":
                    output_text(sample)
                    st.markdown(length_text(sample.length, sample, session.context))
                with st.container(key="sample_panel"):
                    sample_panel(card)
                found = findings.of(engine, [sample.id])[sample.id]
                finding_badges(found, cleaning.doubt_of_turns(sample, session.context))
                if proposal is not None:
                    st.caption(_("建议的修正（{key}）", key=session.keys["fix"].upper()))
                    changes_html(proposal.changes)
            show_ahead(card, counts)
        decision_bar(card)
        _neighbours(review.neighbours(session.workspace, sample))
    with right:
        progress_line(counts)
        _position(session, sample)
        more_actions(card)
        judge_scores(session.workspace, sample)
        provenance(session.workspace, sample)


def heading(sample: Sample, blind: bool = False) -> None:
    """Draws name, scene and style of a sample; ``blind`` hides its review state."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if not blind:
            st.badge(
                _(STATE_TITLES[sample.state]),
                color=STATE_COLOURS[sample.state],
                icon=STATE_ICONS[sample.state],
            )
        st.markdown(badge(cell_words(sample), "blue"))
        st.markdown(badge(sample.style or unknown_style(), "violet"))
        st.markdown(f":gray[#{sample.id}]")


def conversation(sample: Sample) -> None:
    """Draws the earlier turns of the conversation and the input."""
    for number, (question, answer) in enumerate(sample.history, 1):
        st.caption(f"{turn_title(number)}  \n👤 {plain(question)}")
        text = html.escape(answer) if answer.strip() else _("（空的回答）")
        st.html(f'<div style="{_EARLIER_STYLE}">🏮 {text}</div>')
    st.markdown(f":gray[👤 {plain(sample.input)}]")


def output_text(sample: Sample) -> None:
    """Draws the output in large type."""
    st.html(f'<div style="{_OUTPUT_STYLE}">{html.escape(sample.output)}</div>')


def _neighbours(neighbours: Sequence[review.Neighbour]) -> None:
    """Draws the most similar samples of the same cell."""
    if not neighbours:
        return
    st.caption(_("同一格子里最像的几条"))
    lines = []
    for neighbour in neighbours:
        sample = neighbour.sample
        similarity = f"{STATE_ICONS[sample.state]} {neighbour.similarity:.0%}"
        text = html.escape(sample.output)
        lines.append(
            '<div style="display:flex;gap:.8rem;padding:.15rem 0">'
            f'<span style="white-space:nowrap;opacity:.6">#{sample.id} {similarity}</span>'
            f"<span>{text}</span></div>"
        )
    st.html("".join(lines))


def _position(session: ReviewSession, sample: Sample) -> None:
    before, after = samples.count_beside(
        session.workspace.engine, session.filter, sample.id, sample.id, session.order
    )
    stars = f" · {'★' * sample.rating}" if sample.rating else ""
    place = _("符合筛选的第 {place} 条，共 {total} 条", place=before + 1, total=before + 1 + after)
    st.caption(f"{place}{stars}")
