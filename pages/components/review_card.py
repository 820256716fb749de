"""One sample, large, with everything a person needs to decide on it."""

import hashlib
import html
import socket

import streamlit as st

from pages.components.review import (
    STATE_COLOURS,
    STATE_ICONS,
    attempt,
    diff_html,
    finding_badges,
    length_text,
)
from pages.components.review_history import copy_form, history, judged
from pages.components.text import plain
from tianji_core import cleaning
from tianji_core.cleaning import FIXABLE_RULES, Context
from tianji_core.i18n import _, _c
from tianji_core.store import findings, knowledge, leases, samples, steps
from tianji_core.store.samples import ACCEPTED, REJECTED, STATE_TITLES, Sample, SampleFilter
from tianji_core.workspace import Workspace

_OUTPUT = '<div style="font-size:1.45rem;line-height:1.75;padding:.4rem 0 .2rem 0;white-space:pre-wrap">{text}</div>'


def current_sample(workspace: Workspace, wanted: SampleFilter, order: str) -> Sample | None:
    """The sample in the address, or the first matching one after its place, or the first one of all. Those that other
    people are looking at come only when there is nothing else."""
    start = int(value) if (value := st.query_params.get("id", "")).isdecimal() and len(value) < 16 else None
    me = _me(workspace)
    held = leases.others(workspace.engine, me)
    limit = 2 * len(held) + 3  # some more, for those that are taken this very moment
    found = samples.page(workspace.engine, wanted, from_id=start, limit=limit, order=order) if start else []
    if not any(sample.id not in held for sample in found):
        found += samples.page(workspace.engine, wanted, limit=limit, order=order)
    for sample in found:
        if sample.id not in held and leases.take(workspace.engine, sample.id, me):
            return sample
    return found[0] if found else None


def _me(workspace: Workspace) -> str:
    """Who looks at a sample: the reviewer at this studio. Not the tab: after a refresh the same sample is to be there."""
    place = f"{workspace.settings().reviewer}|{socket.gethostname()}|{workspace.home}"
    return hashlib.sha256(place.encode()).hexdigest()[:32]


def card(
    workspace: Workspace, sample: Sample, wanted: SampleFilter, order: str, context: Context, who: str
) -> None:
    """Input, output, findings and the proposed fix on the left; where it came from on the right."""
    after = samples.page(workspace.engine, wanted, after_id=sample.id, limit=1, order=order)
    following = after[0].id if after else None
    found = findings.of(workspace.engine, [sample.id])[sample.id]
    proposal = cleaning.propose(sample, context, FIXABLE_RULES)
    _buttons(workspace, sample, wanted, order, following, proposal.after if proposal else None, who)
    left, right = st.columns([3, 1.3], gap="medium")
    with left, st.container(border=True):
        _heading(sample)
        for asked, answered in sample.history:
            st.caption(f"👤 {plain(asked)}")
            st.caption(f"🏮 {plain(answered)}")
        st.markdown(f":gray[👤 {plain(sample.input)}]")
        if st.session_state.get("editing") == sample.id:
            _editor(workspace, sample, context, who, following)
        else:
            st.html(_OUTPUT.format(text=html.escape(sample.output)))
            st.markdown(length_text(sample.length, sample, context))
        finding_badges(found)
        if proposal is not None:
            st.caption(_("建议的修正（F）"))
            st.html(diff_html(sample.output, proposal.after))
    with right:
        _place(workspace, sample, wanted, order)
        _stars(workspace, sample, who)
        judged(workspace, sample)
        _provenance(workspace, sample)
        copy_form(workspace, sample, context)
        history(workspace, sample)


def _heading(sample: Sample) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(
            _(STATE_TITLES[sample.state]), color=STATE_COLOURS[sample.state], icon=STATE_ICONS[sample.state]
        )
        st.badge(plain(f"{sample.name or _('称谓不明')} × {sample.scene or _('场景不明')}"), color="blue")
        st.badge(plain(sample.style or _("风格不明")), color="violet")
        st.markdown(f":gray[#{sample.id}]")


def _editor(workspace: Workspace, sample: Sample, context: Context, who: str, following: int | None) -> None:
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
            args=(workspace, sample, key, who, state, following),
        )
    row[2].button(_("不改了"), key="cancel_edit", width="stretch", on_click=_edit, args=(None,))


def _edit(sample_id: int | None) -> None:
    st.session_state["editing"] = sample_id


def _save(
    workspace: Workspace, sample: Sample, key: str, who: str, state: str | None, following: int | None
) -> None:
    text = (st.session_state.get(key) or "").strip()
    saved = attempt(
        lambda: steps.edit(workspace.engine, sample.recipe, sample.id, sample.version, text, who, state),
        nothing=_("没有改动"),
    )
    if saved:
        _edit(None)
        go_to(following if state else sample.id)
    else:
        st.session_state["_review_typed"] = text


def go_to(sample_id: int | None) -> None:
    """Callback: show this sample, or the first one after its place; None: the first one of all."""
    if sample_id is not None:
        st.query_params["id"] = str(sample_id)
    elif "id" in st.query_params:
        del st.query_params["id"]


def _decide(workspace: Workspace, sample: Sample, state: str, who: str, following: int | None) -> None:
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    versions = {sample.id: sample.version}
    if attempt(lambda: steps.set_state(workspace.engine, wanted, state, who, versions)):
        go_to(following)


def _fix(workspace: Workspace, sample: Sample, after: str, who: str) -> None:
    title = _("修正样本 {id}", id=sample.id)
    texts = {sample.id: (sample.version, after)}
    attempt(lambda: steps.retext(workspace.engine, sample.recipe, texts, steps.FIX, title, who))
    go_to(sample.id)


def _previous(workspace: Workspace, sample: Sample, wanted: SampleFilter, order: str) -> None:
    found = samples.page(workspace.engine, wanted, before_id=sample.id, limit=1, order=order)
    if found:
        go_to(found[0].id)


def _rate(workspace: Workspace, sample: Sample, rating: int, who: str) -> None:
    stars = None if sample.rating == rating else rating
    wanted = SampleFilter(sample.recipe, ids=(sample.id,))
    attempt(lambda: steps.rate(workspace.engine, wanted, stars, who, {sample.id: sample.version}))
    go_to(sample.id)


def _stars(workspace: Workspace, sample: Sample, who: str) -> None:
    """Five stars with the keys 1 to 5; the star that is set takes it away again."""
    with st.container(horizontal=True, gap="small"):
        for rating in range(1, 6):
            st.button(
                "★" if rating <= (sample.rating or 0) else "☆",
                key=f"rate_{rating}",
                shortcut=str(rating),
                type="tertiary",
                help=_("打 {n} 星（按键 {n}）", n=rating),
                on_click=_rate,
                args=(workspace, sample, rating, who),
            )


def _buttons(
    workspace: Workspace,
    sample: Sample,
    wanted: SampleFilter,
    order: str,
    following: int | None,
    after: str | None,
    who: str,
) -> None:
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
        args=(workspace, sample, ACCEPTED, who, following),
    )
    row[1].button(
        _c("button", "弃用"),
        key="reject",
        icon="🚫",
        shortcut="x",
        width="stretch",
        on_click=_decide,
        args=(workspace, sample, REJECTED, who, following),
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
        args=(workspace, sample, wanted, order),
    )
    row[5].button(_("后一条"), key="next", shortcut="n", width="stretch", on_click=go_to, args=(following,))


def _place(workspace: Workspace, sample: Sample, wanted: SampleFilter, order: str) -> None:
    total = samples.count(workspace.engine, wanted)
    place = samples.count(workspace.engine, wanted, up_to_id=sample.id, order=order)
    st.caption(_("符合筛选的第 {place} 条，共 {total} 条", place=place, total=total))


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
