"""The findings of the checks before a training, and a histogram of the sample lengths."""

from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.text import plain
from tianji_core import jobs, training
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.training import Check, Preflight, Preset
from tianji_core.workspace import Workspace

_SIGNS = {"pass": "✅", "warn": "⚠️", "stop": "⛔"}


def show_stops(workspace: Workspace, checked: Preflight) -> None:
    """Draws what blocks the training, and the button that tries the base."""
    for check in checked.checks:
        if check.level == "stop":
            _finding(workspace, check)
    if checked.tryable:
        _trial(workspace, checked.settings.base_folder, checked.settings.template)


def show_warnings(workspace: Workspace, checked: Preflight) -> None:
    """Draws the warnings, in one box those that need no button; what is set right already is a detail."""
    for check in checked.checks:
        if check.level == "warn" and check.job_id is not None:
            _finding(workspace, check)
    told = [check for check in checked.checks if check.level == "warn" and check.job_id is None]
    if open_ones := [_sentence(check) for check in told if not check.fixed]:
        st.warning("  \n".join(open_ones), icon=_SIGNS["warn"])


def show_cost(chosen: Preset, checked: Preflight, seconds: float | None) -> None:
    """Draws what the training takes: ``seconds`` (None where it was never timed), memory, steps."""
    if checked.estimate is None:
        return
    guess, need = checked.estimate, checked.need
    facts = [
        _("**约 {time}**", time=jobs.duration_text(max(60.0, seconds)))
        if seconds is not None
        else _("用时要训过一次才知道")
    ]
    if chosen.device == "cpu" or need is None:
        facts.append(chosen.memory_text)
    else:
        facts.append(_("每块卡的显存约 **{n} GB**", n=need.card_gb))
    facts.append(_("{n} 条样本", n=guess.samples))
    facts.append(_("约 {n} 步", n=guess.iterations))
    if need is not None:
        facts.append(_("检查点每个 {size}", size=size_text(need.checkpoint)))
    st.markdown("⏱️ " + " · ".join(facts))


def show_details(checked: Preflight, config: str) -> None:
    """Draws, folded, the checks that passed or were set right, the lengths of the samples, and the ``config``
    that the training writes."""
    passed = [check for check in checked.checks if check.level == "pass"]
    fixed = [check for check in checked.checks if check.level == "warn" and check.fixed]
    title = _("检查通过 {n} 项", n=len(passed))
    if fixed:
        title += _(" · 自动调好 {n} 项", n=len(fixed))
    with st.expander(_("{checks} · 样本长度 · 配置", checks=title), icon="✅", key="train_details"):
        checks, lengths, written = st.tabs([_("检查"), _("样本长度"), _("将要写出的 xtuner 配置")])
        with checks:
            for check in fixed:
                st.caption(f"🔧 **{plain(check.title)}** {plain(check.detail)}")
            for check in passed:
                st.markdown(f"**{plain(check.title)}** {plain(check.detail)}")
        with lengths:
            if checked.estimate is not None:
                _lengths(checked.estimate.lengths, checked.settings.max_length)
        written.code(config, language="python", height=420)


def _trial(workspace: Workspace, base: Path, template: str) -> None:
    """Draws the button that tries the base, or the progress of the trial."""
    if (job := training.trial_job(workspace, base, template)) is not None:
        follow_job(workspace, job.id, "train_stop_trial")
        return
    help_text = _("在 CPU 上照训练的方式加载这个基座，算一步、生成两个 token；通常不到一分钟")
    if st.button(_("试跑基座"), key="train_try_base", icon="🧪", help=help_text):
        with report_errors():
            training.start_trial(workspace, base, template)
            st.rerun()


def _sentence(check: Check) -> str:
    return f"**{check.title}** {plain(check.detail)}"


def _finding(workspace: Workspace, check: Check) -> None:
    show = st.error if check.level == "stop" else st.warning
    if check.job_id is None:
        show(_sentence(check), icon=_SIGNS[check.level])
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        show(_sentence(check), icon=_SIGNS[check.level])
    if right.button(_("停掉它"), key=f"train_stop_job_{check.job_id}", icon="⏹️", width="stretch"):
        with report_errors():
            jobs.stop(workspace, check.job_id)
            remember_notice(_("已请求停止"))
            st.rerun()


def _lengths(lengths: tuple[int, ...], limit: int) -> None:
    if not lengths:
        return
    figure = go.Figure(go.Histogram(x=lengths, nbinsx=40, marker={"color": "#2874a6"}))
    widest = max(lengths)
    if limit <= widest * 1.5:
        figure.add_vline(
            x=limit, line={"color": "#c0392b", "dash": "dash"}, annotation_text=_("序列长度 {n}", n=limit)
        )
    figure.update_layout(
        height=240,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        xaxis_title="token",
        yaxis_title=_("样本数"),
        bargap=0.05,
    )
    st.plotly_chart(figure, key="train_lengths", config={"displayModeBar": False})
    ordered = sorted(lengths)
    st.caption(
        _(
            "看了 {n} 条：中位 {middle}，九成不超过 {most}，最长 {longest}；打包把多条拼成 {limit} 个 token 的一条",
            n=len(ordered),
            middle=ordered[len(ordered) // 2],
            most=ordered[int(len(ordered) * 0.9)],
            longest=ordered[-1],
            limit=limit,
        )
    )
