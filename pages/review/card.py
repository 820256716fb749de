"""One sample, large, with everything a person needs to decide on it. Drawn as a fragment: a key press draws nothing else
of the page again."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from pages.review.actions import Hand, buttons, stars
from pages.review.desk import Desk, current_sample, open_panel
from pages.review.filters import clear_filters
from pages.review.marks import (
    STATE_COLOURS,
    STATE_ICONS,
    diff_html,
    finding_badges,
    length_text,
)
from pages.review.panels import help_button, help_panel, panel
from pages.review.sample_history import history, judged
from pages.shared.frame import report_errors
from pages.shared.review_parts import check_changed, progress_line, show_outcome, undo_buttons
from pages.shared.text import plain
from tianji_core import cleaning, review
from tianji_core.cleaning import FIXABLE_RULES
from tianji_core.i18n import _
from tianji_core.store import findings, knowledge, samples
from tianji_core.store.samples import ACCEPTED, PENDING, STATE_TITLES, Sample, SampleFilter
from tianji_core.workspace import Workspace

OUTPUT = '<div style="font-size:1.45rem;line-height:1.75;padding:.4rem 0 .2rem 0;white-space:pre-wrap">{text}</div>'


@st.fragment
@report_errors()
def card_view(desk: Desk) -> None:
    """The progress, and the sample whose turn it is."""
    desk = replace(desk, keys=review.load_keys(desk.workspace, desk.who))
    engine = desk.workspace.engine
    check_changed(desk.workspace, desk.recipe.key)
    show_outcome()
    counts = samples.state_counts(engine, SampleFilter(desk.recipe.key))
    top = st.columns([2, 3], vertical_alignment="bottom")
    with top[0]:
        progress_line(counts)
    with top[1]:
        beside = undo_buttons(desk.workspace, desk.recipe.key, desk.who, desk.keys)
    with beside:
        help_button(desk)
    help_panel(desk)
    sample = current_sample(desk)
    if sample is None:
        no_match(counts, desk.wanted)
    else:
        _card(desk, sample)


def no_match(counts: Mapping[str, int], wanted: SampleFilter) -> None:
    """What to do when the filters leave nothing."""
    if wanted == SampleFilter(wanted.recipe, states=(PENDING,)) and not counts[PENDING]:
        st.success(_("全部审完了，采用了 {n} 条。", n=counts[ACCEPTED]), icon="🎉")
        st.page_link("pages/dataset/page.py", label=_("去冻结数据集"), icon="📦")
        return
    st.info(_("没有符合这些筛选条件的样本"), icon="🔍")
    if st.button(_("清除筛选"), key="clear_filters", on_click=clear_filters):
        st.rerun()  # the filters stand outside this fragment


def _card(desk: Desk, sample: Sample) -> None:
    """Input, output, findings and the proposed fix on the left; where it came from on the right."""
    engine = desk.workspace.engine
    after = samples.page(engine, desk.wanted, after_id=sample.id, limit=1, order=desk.order)
    found = findings.of(engine, [sample.id])[sample.id]
    proposal = cleaning.propose(sample, desk.context, FIXABLE_RULES)
    hand = Hand(desk, sample, after[0].id if after else None, proposal.after if proposal else None)
    buttons(hand)
    left, right = st.columns([3, 1.3], gap="medium")
    with left:
        with st.container(border=True):
            heading(sample)
            asked(sample)
            if open_panel() != "edit":
                st.html(OUTPUT.format(text=html.escape(sample.output)))
                st.markdown(length_text(sample.length, sample, desk.context))
            panel(hand)
            finding_badges(found)
            if proposal is not None:
                st.caption(_("建议的修正（{key}）", key=desk.keys["fix"].upper()))
                st.html(diff_html(sample.output, proposal.after))
        _neighbours(review.neighbours(desk.workspace, sample))
    with right:
        _place(desk, sample)
        stars(hand)
        judged(desk.workspace, sample)
        _provenance(desk.workspace, sample)
        history(desk.workspace, sample)


def heading(sample: Sample, blind: bool = False) -> None:
    """What the sample is meant to be, and, unless the reader must not know, what was decided."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if not blind:
            st.badge(
                _(STATE_TITLES[sample.state]),
                color=STATE_COLOURS[sample.state],
                icon=STATE_ICONS[sample.state],
            )
        st.badge(plain(f"{sample.name or _('称谓不明')} × {sample.scene or _('场景不明')}"), color="blue")
        st.badge(plain(sample.style or _("风格不明")), color="violet")
        st.markdown(f":gray[#{sample.id}]")


def asked(sample: Sample) -> None:
    """The earlier turns and the input."""
    for question, answer in sample.history:
        st.caption(f"👤 {plain(question)}")
        st.caption(f"🏮 {plain(answer)}")
    st.markdown(f":gray[👤 {plain(sample.input)}]")


def _neighbours(near: Sequence[review.Neighbour]) -> None:
    """What else was written for the same cell."""
    if not near:
        return
    st.caption(_("同一格子里最像的几条"))
    rows = []
    for each in near:
        mark = f"{STATE_ICONS[each.sample.state]} {each.similarity:.0%}"
        text = html.escape(each.sample.output)
        rows.append(
            f'<div style="display:flex;gap:.8rem;padding:.15rem 0"><span style="white-space:nowrap;opacity:.6">'
            f"#{each.sample.id} {mark}</span><span>{text}</span></div>"
        )
    st.html("".join(rows))


def _place(desk: Desk, sample: Sample) -> None:
    before, after = samples.count_beside(desk.workspace.engine, desk.wanted, sample.id, sample.id, desk.order)
    st.caption(_("符合筛选的第 {place} 条，共 {total} 条", place=before + 1, total=before + 1 + after))


def _provenance(workspace: Workspace, sample: Sample) -> None:
    origin = samples.provenance(workspace.engine, sample.id)
    lines = [_("来源：{source}", source=_(samples.SOURCE_TITLES.get(sample.source, sample.source)))]
    if sample.run_id is not None:
        lines.append(_("生成批次：{id}", id=sample.run_id))
    if (document := knowledge.origin(workspace.engine, sample.id)) is not None:
        lines.append(_("资料：{file} 第 {n} 块", file=plain(document.file), n=document.number))
    if origin.model:
        lines.append(_("模型：{model}", model=plain(origin.model)))
    if origin.completion_tokens:
        lines.append(_("用量：{a} + {b} token", a=origin.prompt_tokens or 0, b=origin.completion_tokens))
    if origin.latency:
        lines.append(_("用时：{n} 秒", n=f"{origin.latency:.1f}"))
    st.caption("  \n".join(lines))
    if sample.original != sample.output:
        st.caption(_("和最初相比的改动"))
        st.html(diff_html(sample.original, sample.output))
    if origin.prompt:
        with st.expander(_("给造数模型的提示词")):
            st.code(origin.prompt, language=None, wrap_lines=True)
    if origin.reasoning:
        with st.expander(_("模型的思考过程")):
            st.code(origin.reasoning, language=None, wrap_lines=True)
