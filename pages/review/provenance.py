"""Where a sample comes from, and what became of it since."""

import streamlit as st

from pages.review.filter_address import source_title
from pages.review.sample_history import event_lines, shown_events
from pages.shared.difference import diff_html
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.store import imitation, knowledge, samples
from tianji_core.store.imitation import ImitationOrigin
from tianji_core.store.knowledge import ChunkOrigin
from tianji_core.store.samples import Sample, SampleProvenance
from tianji_core.workspace import Workspace


def provenance(workspace: Workspace, sample: Sample) -> None:
    """Draws where the sample comes from in a few lines; folded below them, what was asked for it, what it was
    written from, and every step that changed it."""
    origin = samples.provenance(workspace.engine, sample.id)
    document = knowledge.origin(workspace.engine, sample.id)
    copied = imitation.origin(workspace.engine, sample.id)
    st.caption("  \n".join(_lines(sample, origin, document, copied)))
    if sample.fact:
        st.caption(_("要用上的细节：{fact}", fact=plain(sample.fact)))
    if sample.original != sample.output:
        st.caption(_("和最初相比的改动"))
        st.html(diff_html(sample.original, sample.output))
    events = shown_events(workspace, sample)
    sources = (document, copied, origin.examples, origin.prompt, origin.reasoning)
    if not (any(sources) or events):
        return
    with st.expander(_("怎么来的"), icon=":material/history:", key="sample_origin"):
        _sources(document, copied)
        _requests(workspace, sample, origin)
        if events:
            st.markdown(_("**历史（{n} 步）**", n=len(events)))
            event_lines(events)


def _lines(
    sample: Sample, origin: SampleProvenance, document: ChunkOrigin | None, copied: ImitationOrigin | None
) -> list[str]:
    lines = [_("来源：{source}", source=source_title(sample.source))]
    if sample.run_id is not None:
        lines.append(_("生成批次：{id}", id=sample.run_id))
    if document is not None:
        lines.append(_("资料：{file} 第 {n} 块", file=plain(document.file), n=document.number))
    if copied is not None:
        likeness = _(
            "照着写批次 {id}：和最像的一条，措辞 {wording}、结构 {structure} 一样",
            id=copied.run_id,
            wording=f"{copied.wording:.0%}",
            structure=f"{copied.structure:.0%}",
        )
        lines.append(likeness)
    if origin.model:
        lines.append(_("模型：{model}", model=plain(origin.model)))
    if origin.completion_tokens:
        lines.append(_("用量：{a} + {b} token", a=origin.prompt_tokens or 0, b=origin.completion_tokens))
    if origin.latency:
        lines.append(_("用时：{n} 秒", n=f"{origin.latency:.1f}"))
    return lines


def _sources(document: ChunkOrigin | None, copied: ImitationOrigin | None) -> None:
    if document is not None:
        st.markdown(_("**它依据的那一块资料**"))
        st.code(document.text, language=None, wrap_lines=True)
    if copied is not None:
        st.markdown(_("**它照着写的那一段**"))
        st.code(copied.imitated, language=None, wrap_lines=True)


def _requests(workspace: Workspace, sample: Sample, origin: SampleProvenance) -> None:
    if origin.examples:
        st.markdown(_("**请求里的示例（{n} 条）**", n=len(origin.examples)))
        st.markdown("\n".join(f"- {plain(example)}" for example in origin.examples))
    if origin.prompt:
        st.markdown(_("**给造数模型的提示词**"))
        revision = samples.prompt_revision(workspace.engine, sample.id)
        version = _("配方第 {n} 版", n=revision) if revision else _("配方的内置版本")
        st.caption(_("照{version}的提示词写的", version=version))
        st.code(origin.prompt, language=None, wrap_lines=True)
    if origin.reasoning:
        st.markdown(_("**模型的思考过程**"))
        st.code(origin.reasoning, language=None, wrap_lines=True)
