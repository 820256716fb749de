"""The cards and lines of the models page: checkpoints, adapters, merged models and bases with their
actions."""

from functools import partial
from typing import Literal

import streamlit as st

from pages.models.gguf import gguf_form, ollama_command
from pages.models.merge import MergeOptions
from pages.models.starting import start
from pages.shared.clock import local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import log_view, stop_button
from pages.shared.linked_model import chat_button
from pages.shared.push_form import push_popover, push_state
from pages.shared.text import plain, signed
from pages.shared.training_view import state_text
from tianji_core import jobs, models, training
from tianji_core.i18n import _
from tianji_core.models import Artefact, size_text
from tianji_core.models.launch import KINDS
from tianji_core.models.merged import SHARD_GB
from tianji_core.training import TrainingState
from tianji_core.workspace import Workspace


def model_jobs(workspace: Workspace, active: bool) -> list[jobs.Job]:
    """The newest conversions, merges and downloads, running (``active``) or ended."""
    return [job for job in jobs.listed(workspace, active=active, limit=30) if job.kind in KINDS]


@st.fragment(run_every=1.0)
@report_errors()
def running_jobs(workspace: Workspace, shown: list[int]) -> None:
    """Draws what each of these jobs does with a button that stops it, and the whole page again when one
    starts or ends; how far they are stands in the head of the page."""
    running = model_jobs(workspace, active=True)
    if [job.id for job in running] != shown:
        st.rerun()
    for job in running:
        progress = jobs.read_progress(workspace, job.id)
        said = progress.message if progress is not None and progress.message else job.title
        if progress is not None and progress.total > 10_000:  # bytes of a download
            said += f" · {size_text(progress.done)} / {size_text(progress.total)}"
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.caption(plain(said))
            stop_button(workspace, job, key=f"stop_job_{job.id}")


def last_failure(workspace: Workspace) -> None:
    """Draws why the newest of these jobs failed, if it did."""
    ended = model_jobs(workspace, active=False)
    if ended and ended[0].state in ("failed", "lost"):
        job = ended[0]
        reason = job.note or jobs.state_title(job.state)
        st.error(_("{title}：{reason}", title=plain(job.title), reason=plain(reason)), icon="❌")
        with st.expander(_("日志")):
            log_view(workspace, job)


def checkpoint_rows(workspace: Workspace, state: TrainingState, options: MergeOptions, urged: bool) -> None:
    """Draws the checkpoints of one training with the best loss marked; ``urged`` makes merging the last one
    what the page asks for."""
    run = state.run
    with st.container(border=True):
        st.markdown(f"**{plain(run.title)}**")
        dataset = training.record_of(run).dataset_name or "—"
        made = signed(local_time(run.created_at), run.who)
        st.caption(plain(f"{run.preset} · {dataset} · {made} · {state_text(state)}"))
        if state.state == "failed":
            st.caption(plain(state.reason))
        losses = [checkpoint.loss for checkpoint in state.checkpoints if checkpoint.loss is not None]
        for checkpoint in reversed(state.checkpoints):
            number = checkpoint.iteration
            last = _("（最终）") if number == state.total else ""
            best = state.state != "failed" and len(losses) > 1 and checkpoint.loss == min(losses)
            loss = "—" if checkpoint.loss is None else f"{checkpoint.loss:.3f}"
            facts = (
                _("第 {n} 步", n=number) + last,
                _("损失 {loss}", loss=loss) + (" ⭐" if best else ""),
                size_text(checkpoint.size),
            )
            row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
            row.markdown(" · ".join(facts), width="stretch")
            if row.button(_("转换"), key=f"convert_{run.id}_{number}"):
                start(partial(models.start_convert, workspace, run, number))
            if row.button(
                _("转换并合并"),
                key=f"convert_merge_{run.id}_{number}",
                type="primary" if urged and number == state.total else "secondary",
            ):
                start(partial(models.start_convert_and_merge, workspace, run, number, *options))
            if row.button(_("删除"), key=f"delete_checkpoint_{run.id}_{number}", type="tertiary"):
                with report_errors():
                    training.delete_checkpoint(workspace, run, number)
                    remember_notice(_("检查点已删除，在回收站里可以恢复"))
                    st.rerun()


def code_label() -> str:
    """The label of the choice that lets a model run its own code."""
    return _("允许运行模型自带的 Python 代码")


def code_help() -> str:
    """The explanation of that choice."""
    return _("InternLM2 等模型要靠自带的代码才能加载。代码能读写这台机器上的文件，只对信得过的来源打开。")


def _permission(workspace: Workspace, artefact: Artefact) -> None:
    changed = _("它自带的 Python 代码在允许之后变了，要重新允许。") if artefact.trust_remote_code else ""
    st.warning((changed or _("它自带 Python 代码，允许之前不能加载。")) + code_help(), icon="🔒")
    if st.button(code_label(), key=f"trust_{artefact.name}"):
        with report_errors():
            models.allow_code(workspace, artefact.name)
            st.rerun()


def artefact_card(
    workspace: Workspace,
    artefact: Artefact,
    options: MergeOptions | None = None,
    called: str = "",
    talk: Literal["primary", "secondary"] = "secondary",
) -> None:
    """Draws one model with its origin and its actions. ``called`` is what people call it where that is not
    its title and kind; ``talk`` is how loud the button is that opens the chat with it."""
    icon = {"base": "🧱", "adapter": "🪄", "merged": "📦", "gguf": "🦙"}[artefact.kind]
    with st.container(border=True):
        left, right = st.columns([5, 2], vertical_alignment="center")
        right = right.container(key=f"card_actions_{artefact.name}")
        with left:
            known = f"**{plain(artefact.title)}** · {models.kind_title(artefact.kind)}"
            st.markdown(f"{icon} **{plain(called)}**" if called else f"{icon} {known}")
            st.caption(plain(" · ".join(_facts(artefact))))
            if artefact.sample:
                asked = next(iter(artefact.samples), models.PROMPTS[0])
                st.markdown(_("试答“{asked}”：{answer}", asked=plain(asked), answer=plain(artefact.sample)))
            if artefact.kind == "gguf":
                st.code(ollama_command(artefact), language="bash", wrap_lines=True)
            if artefact.kind != "base":
                push_state(workspace, "model", artefact.name)
            if models.asks_for_code(artefact):
                _permission(workspace, artefact)
        if artefact.kind != "gguf":
            with right:
                chat_button(workspace, artefact.name, _("对话"), f"talk_{artefact.name}", talk)
        merges = artefact.kind == "adapter" and right.button(
            _("合并"), key=f"merge_{artefact.name}", icon="🔗", width="stretch"
        )
        if artefact.kind == "merged":
            with right.popover(_("导出"), icon="🦙", width="stretch"):
                gguf_form(workspace, artefact)
        if artefact.kind != "base":
            with right:
                push_popover(workspace, "model", artefact.name, artefact)
        with right.popover(_("详情"), width="stretch"):
            deletes = _details(artefact)
        if merges:
            device, shard_gb, dtype = options or MergeOptions("cpu", SHARD_GB, "auto")
            start(
                lambda: models.start_merge(workspace, artefact, device=device, shard_gb=shard_gb, dtype=dtype)
            )
        if deletes:
            with report_errors():
                models.delete(workspace, artefact.name)
                remember_notice(_("已删除“{name}”，可以在回收站恢复", name=artefact.name))
                st.rerun()


def _facts(artefact: Artefact) -> list[str]:
    facts = [artefact.name]
    if artefact.base is not None:
        facts.append(_("基座 {name}", name=artefact.base.name))
    facts += models.learnt_from(artefact)
    if artefact.checkpoint is not None:
        facts.append(_("第 {n} 步", n=artefact.checkpoint))
    if "loss" in artefact.figures:
        facts.append(_("损失 {loss}", loss=f"{artefact.figures['loss']:.3f}"))
    if "val_loss" in artefact.figures:
        facts.append(_("验证损失 {loss}", loss=f"{artefact.figures['val_loss']:.3f}"))
    if "agreement" in artefact.figures:
        share = f"{artefact.figures['agreement'] * 100:.0f}"
        same = _("和合并模型 {share}% 一致", share=share)
        facts.append(same if artefact.kind == "gguf" else _("和适配器 {share}% 一致", share=share))
    if "bytes" in artefact.figures:
        facts.append(size_text(artefact.figures["bytes"]))
    if artefact.source:
        facts.append(artefact.source)
    if artefact.who:
        facts.append(artefact.who)
    return facts


def _details(artefact: Artefact) -> bool:
    """Draws where a model is and what it was made from, its model card, and the button that deletes it;
    returns whether that is pressed."""
    lines = {
        _("文件夹"): str(artefact.path),
        _("对话模板"): artefact.template,
        _("系统提示词"): artefact.system,
        _("适配器"): artefact.adapter,
        _("基座"): str(artefact.base or ""),
        _("数据集校验"): artefact.dataset_sha256[:16],
        **{_("{name} 的校验", name=part.version): part.sha256[:16] for part in artefact.mix[1:]},
        **{_("偏好对 {name} 的校验", name=pairs.version): pairs.sha256[:16] for pairs in artefact.pairs},
    }
    if artefact.removable:
        lines[_("创建时间")] = signed(local_time(artefact.created_at), artefact.who)
    for title, value in lines.items():
        if value:
            st.text(_("{title}：{reason}", title=title, reason=value))
    if card := models.read_card(artefact):
        with st.expander(_("模型卡")):
            st.code(card, language="markdown", wrap_lines=True)
    return artefact.removable and st.button(_("删除"), key=f"delete_{artefact.name}", icon="🗑️")
