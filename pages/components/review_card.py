"""One sample, large, with everything a person needs to decide on it."""

import html

import streamlit as st

from pages.components.review import (
    STATE_COLOURS,
    STATE_ICONS,
    attempt,
    diff_html,
    finding_badges,
    length_text,
)
from pages.components.text import plain
from tianji_core import cleaning
from tianji_core.cleaning import FIXABLE_RULES, Context
from tianji_core.i18n import _, _c
from tianji_core.store import findings, samples, steps
from tianji_core.store.samples import ACCEPTED, REJECTED, STATE_TITLES, Sample, SampleFilter
from tianji_core.workspace import Workspace

_OUTPUT = '<div style="font-size:1.45rem;line-height:1.75;padding:.4rem 0 .2rem 0;white-space:pre-wrap">{text}</div>'


def current_sample(workspace: Workspace, wanted: SampleFilter) -> Sample | None:
    """The first matching sample at or after the number in the address, or the first one of all."""
    value = st.query_params.get("id", "")
    start = int(value) if value.isdecimal() and len(value) < 16 else 0
    found = samples.page(workspace.engine, wanted, after_id=start - 1, limit=1) if start else []
    found = found or samples.page(workspace.engine, wanted, limit=1)
    return found[0] if found else None


def card(workspace: Workspace, sample: Sample, wanted: SampleFilter, context: Context, who: str) -> None:
    """Input, output, findings and the proposed fix on the left; where it came from on the right."""
    found = findings.of(workspace.engine, [sample.id])[sample.id]
    proposal = cleaning.propose(sample, context, FIXABLE_RULES)
    _buttons(workspace, sample, wanted, proposal.after if proposal else None, who)
    left, right = st.columns([3, 1.3], gap="medium")
    with left, st.container(border=True):
        _heading(sample)
        for asked, answered in sample.history:
            st.caption(f"👤 {plain(asked)}")
            st.caption(f"🏮 {plain(answered)}")
        st.markdown(f":gray[👤 {plain(sample.input)}]")
        if st.session_state.get("editing") == sample.id:
            _editor(workspace, sample, context, who)
        else:
            st.html(_OUTPUT.format(text=html.escape(sample.output)))
            st.markdown(length_text(sample.length, sample, context))
        finding_badges(found)
        if proposal is not None:
            st.caption(_("建议的修正（F）"))
            st.html(diff_html(sample.output, proposal.after))
    with right:
        _place(workspace, sample, wanted)
        _provenance(workspace, sample, who)


def _heading(sample: Sample) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(
            _(STATE_TITLES[sample.state]), color=STATE_COLOURS[sample.state], icon=STATE_ICONS[sample.state]
        )
        st.badge(plain(f"{sample.name or _('称谓不明')} × {sample.scene or _('场景不明')}"), color="blue")
        st.badge(plain(sample.style or _("风格不明")), color="violet")
        st.markdown(f":gray[#{sample.id}]")


def _editor(workspace: Workspace, sample: Sample, context: Context, who: str) -> None:
    key = f"text_{sample.id}_{sample.version}"
    _low, high = context.limits.get(sample.style, (0, 4000))
    st.text_area(
        _("内容"),
        value=sample.output,
        key=key,
        height=160,
        max_chars=max(high, sample.length),
        label_visibility="collapsed",
    )
    st.markdown(length_text(len(st.session_state.get(key) or ""), sample, context))
    row = st.columns([1, 1, 1, 2])
    for column, name, label, state in (
        (row[0], "save_accept", _("保存并采用"), ACCEPTED),
        (row[1], "save_edit", _("保存"), None),
    ):
        column.button(
            label,
            key=name,
            type="primary" if state else "secondary",
            width="stretch",
            on_click=_save,
            args=(workspace, sample, key, who, state),
        )
    row[2].button(_("不改了"), key="cancel_edit", width="stretch", on_click=_edit, args=(None,))


def _edit(sample_id: int | None) -> None:
    st.session_state["editing"] = sample_id


def _save(workspace: Workspace, sample: Sample, key: str, who: str, state: str | None) -> None:
    text = (st.session_state.get(key) or "").strip()
    saved = attempt(
        lambda: steps.edit(workspace.engine, sample.recipe, sample.id, sample.version, text, who, state),
        nothing=_("没有改动"),
    )
    if saved:
        _edit(None)
        go_to(sample.id + 1 if state else sample.id)
    else:
        st.session_state["_review_typed"] = text


def go_to(sample_id: int) -> None:
    """Callback: show the first matching sample at or after this number."""
    st.query_params["id"] = str(sample_id)


def _decide(workspace: Workspace, sample: Sample, state: str, who: str) -> None:
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    if attempt(lambda: steps.set_state(workspace.engine, wanted, state, who, versions)):
        go_to(sample.id + 1)


def _fix(workspace: Workspace, sample: Sample, after: str, who: str) -> None:
    title = _("修正样本 {id}", id=sample.id)
    texts = {sample.id: (sample.version, after)}
    attempt(lambda: steps.retext(workspace.engine, sample.recipe, texts, steps.FIX, title, who))
    go_to(sample.id)


def _previous(workspace: Workspace, sample: Sample, wanted: SampleFilter) -> None:
    found = samples.page(workspace.engine, wanted, before_id=sample.id, limit=1)
    if found:
        go_to(found[0].id)


def _rate(workspace: Workspace, sample: Sample, key: str, who: str) -> None:
    stars = st.session_state.get(key)
    rating = None if stars is None else stars + 1
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    attempt(lambda: steps.rate(workspace.engine, wanted, rating, who, {sample.id: sample.version}))
    go_to(sample.id)


def _buttons(workspace: Workspace, sample: Sample, wanted: SampleFilter, after: str | None, who: str) -> None:
    """What can be done with the sample. They stand above it, so that they never move."""
    row = st.columns([1.5, 1.5, 1.1, 1.1, 1, 1])
    row[0].button(
        _c("button", "采用"),
        key="accept",
        type="primary",
        icon="✅",
        shortcut="a",
        width="stretch",
        on_click=_decide,
        args=(workspace, sample, ACCEPTED, who),
    )
    row[1].button(
        _c("button", "弃用"),
        key="reject",
        icon="🚫",
        shortcut="x",
        width="stretch",
        on_click=_decide,
        args=(workspace, sample, REJECTED, who),
    )
    row[2].button(
        _("修正"),
        key="fix",
        icon="🪄",
        shortcut="f",
        disabled=after is None,
        width="stretch",
        on_click=_fix,
        args=(workspace, sample, after or "", who),
    )
    row[3].button(
        _("修改"), key="edit", icon="✏️", shortcut="e", width="stretch", on_click=_edit, args=(sample.id,)
    )
    row[4].button(
        _("前一条"),
        key="previous",
        shortcut="p",
        width="stretch",
        on_click=_previous,
        args=(workspace, sample, wanted),
    )
    row[5].button(
        _("后一条"), key="next", shortcut="n", width="stretch", on_click=go_to, args=(sample.id + 1,)
    )


def _place(workspace: Workspace, sample: Sample, wanted: SampleFilter) -> None:
    total = samples.count(workspace.engine, wanted)
    place = samples.count(workspace.engine, wanted, up_to_id=sample.id)
    st.caption(_("符合筛选的第 {place} 条，共 {total} 条", place=place, total=total))


def _provenance(workspace: Workspace, sample: Sample, who: str) -> None:
    key = f"stars_{sample.id}_{sample.version}"
    st.feedback(
        "stars",
        key=key,
        default=None if sample.rating is None else sample.rating - 1,
        on_change=_rate,
        args=(workspace, sample, key, who),
    )
    origin = samples.provenance(workspace.engine, sample.id)
    lines = [_("来源：{source}", source=_(samples.SOURCE_TITLES.get(sample.source, sample.source)))]
    if sample.run_id is not None:
        lines.append(_("生成批次：{id}", id=sample.run_id))
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
