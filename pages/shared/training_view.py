"""A training on a page: state and figures, signs of overfitting, trial answers, log."""

from statistics import mean

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.kept import kept_text
from pages.shared.text import plain
from tianji_core import jobs, training
from tianji_core.i18n import N_, _
from tianji_core.model_folders.manifest import size_text
from tianji_core.training import TrainingState
from tianji_core.training.overfitting import memorised, signs, training_outputs
from tianji_core.workspace import Workspace

_ICONS = {
    "succeeded": "✅",
    "failed": "❌",
    "stopped": "⏹️",
    "lost": "❓",
    "running": "🏃",
    "starting": "🏃",
    "waiting": "⏳",
    "outside": "🖥️",
}
_WITHOUT_JOB = {"missing": N_("没有启动"), "outside": N_("在工坊外训练")}
_SIGNS = {"diverged": "💥", "fell": "🛑", "turned": "📈", "memorised": "🦜", "passes": "🔁"}
SHOWN_LOG = 200
"""Most lines of the log that are shown."""
READ_LOG = 4_000_000
"""Bytes at the end of the log that are searched."""


def state_text(state: TrainingState) -> str:
    """The state of a training with its icon."""
    if state.state == "waiting":
        title = _("排队中")
    elif state.state in _WITHOUT_JOB:
        title = _(_WITHOUT_JOB[state.state])
    elif state.orphaned:
        return "🏃 " + _("在训练，但监管进程没有了")
    else:
        title = jobs.state_title(state.state)
    return f"{_ICONS.get(state.state, '▫️')} {title}"


def show_figures(state: TrainingState) -> None:
    """Draws the few figures by which one sees how a training goes, and how far it is while it runs."""
    validated = [check.loss for check in state.validations]
    place = st.container(key="train_now").columns(4 if validated else 3)
    total = "?" if state.total is None else str(state.total)
    place[0].metric(_("步"), f"{state.iteration} / {total}")
    losses = [point.loss for point in state.points if point.loss is not None]
    delta = None if state.loss is None or len(losses) < 2 else f"{state.loss - losses[0]:+.3f}"
    place[1].metric(_("损失"), _number(state.loss, ".3f"), delta, delta_color="inverse")
    if state.active and state.state != "waiting":
        place[2].metric(_("预计还需"), _clock(state.eta))
    else:
        place[2].metric(_("用时"), _clock(state.spent))
    if validated:
        place[3].metric(
            _("验证损失"),
            f"{validated[-1]:.3f}",
            help=_("在没有参加训练的样本上算的；它开始上升就是过拟合。冻结数据集时留出验证集才有"),
        )
    if state.active and state.total:
        st.progress(min(1.0, state.iteration / state.total))
    elif state.active and state.state != "waiting":
        st.progress(0.0, text=_("正在加载模型和数据，通常要十几秒"))


def show_more_figures(state: TrainingState) -> None:
    """Draws what is seldom asked for: learning rate, gradient norm, speed, load and passes, folded."""
    with st.expander(_("更多数字：学习率、速度、内存"), key="train_figures"):
        place = [*st.columns(3), *st.columns(3)]
        newest = state.points[-1] if state.points else None
        place[0].metric(_("学习率"), _number(newest.learning_rate if newest else None, ".2e"))
        place[1].metric(_("梯度范数"), _number(newest.gradient if newest else None, ".3f"))
        place[2].metric(
            _("速度（token/秒）"),
            _number(state.tokens_per_second, ",.0f"),
            help=_("打包后的序列长度 × 微批 × 进程数 ÷ 每步用时"),
        )
        _load_figures(state, place[3], place[4])
        place[5].metric(_("学过几遍"), "—" if state.epoch is None else f"{state.epoch:.2f}")


def _load_figures(state: TrainingState, memory: DeltaGenerator, processor: DeltaGenerator) -> None:
    """Draws memory and load now; for an ended training the highest memory and the mean load."""
    loads = state.loads[-1:] if state.active or state.orphaned else state.loads
    if loads and loads[-1].cards:
        used = max(sum(card.used for card in load.cards) for load in loads)
        total = sum(card.total for card in loads[-1].cards)
        memory.metric(_("显存"), f"{size_text(used)} / {size_text(total)}")
        busy = mean(mean(card.load for card in load.cards) for load in loads if load.cards)
        processor.metric(_("显卡负载"), f"{busy:.0f}%")
        return
    resident = max((load.memory for load in loads), default=None)
    memory.metric(_("内存"), "—" if resident is None else size_text(resident))
    share = f"{mean(load.processor for load in loads):.0f}%" if loads else "—"
    processor.metric("CPU", share, help=_("一个核是 100%"))


def _clock(seconds: float | None) -> str:
    """A duration as 3:21 or 2:10:05, short enough for a figure."""
    if seconds is None:
        return "—"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _number(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)


def show_signs(workspace: Workspace, state: TrainingState) -> None:
    """Draws the signs of overfitting or divergence."""
    for sign in signs(workspace, state):
        if sign.key == "diverged" and not state.active:
            continue  # the reason of the failure says the same
        show = {"passes": st.info, "diverged": st.error}.get(sign.key, st.warning)
        show(plain(sign.text), icon=_SIGNS[sign.key])


def show_newest_trials(workspace: Workspace, state: TrainingState) -> None:
    """Draws the newest trial answer to each prompt; answers equal to a training sample are marked."""
    newest = max(trial.iteration for trial in state.trials)
    when = _("训练前") if newest == 0 else _("第 {n} 步", n=newest)
    st.markdown(_("**试写** · {when}", when=when))
    copied = set(memorised(state.trials, training_outputs(workspace, state.run)))
    for trial in state.trials:
        if trial.iteration == newest:
            with st.container(gap=None):
                st.caption(plain(trial.prompt))
                st.text(("🦜 " if trial in copied else "") + trial.answer)


def show_trials(workspace: Workspace, state: TrainingState) -> None:
    """Draws the trial answers, a row per step and a column per prompt; answers equal to a training sample
    are marked."""
    if not state.trials:
        return
    prompts = list(dict.fromkeys(trial.prompt for trial in state.trials))
    answers = {(trial.iteration, trial.prompt): trial for trial in state.trials}
    copied = set(memorised(state.trials, training_outputs(workspace, state.run)))
    table = []
    for step in sorted({trial.iteration for trial in state.trials}, reverse=True):
        row = {_("步"): _("训练前") if step == 0 else str(step)}
        for prompt in prompts:
            trial = answers.get((step, prompt))
            mark = "🦜 " if trial in copied else ""
            row[prompt] = "" if trial is None else mark + trial.answer
        table.append(row)
    width = max(240, 780 // len(prompts))  # three fit beside each other on a small screen
    columns = {prompt: st.column_config.TextColumn(prompt, width=width) for prompt in prompts}
    with st.expander(_("每一步的试写"), key="train_trials_all"):
        st.dataframe(
            table,
            hide_index=True,
            row_height=74,
            column_config={_("步"): st.column_config.TextColumn(width="small", pinned=True), **columns},
            key="train_trials",
        )
    if copied:
        st.caption(_("🦜 和某条训练样本一字不差"))


def show_log(workspace: Workspace, state: TrainingState) -> None:
    """Draws the output of the job, or the log of the trainer, with a search."""
    with st.expander(_("日志"), expanded=state.state in ("failed", "lost")):
        searched = st.text_input(
            _("在日志里搜索"),
            placeholder=_("例如 loss、Error、第几步；不分大小写"),
            **kept_text("train_log_search"),
        )
        size = READ_LOG if searched else 60_000
        text = (
            jobs.log_tail(workspace, state.job.id, size)
            if state.job
            else training.log_tail(workspace, state.run, size)
        )
        lines = text.splitlines()
        if searched:
            lines = [text for text in lines if searched.casefold() in text.casefold()]
            st.caption(_("找到 {n} 行，显示最后 {shown} 行", n=len(lines), shown=min(len(lines), SHOWN_LOG)))
        st.code("\n".join(lines[-SHOWN_LOG:]) or _("（没有内容）"), language=None, height=320)
        if state.job is not None and jobs.log_path(workspace, state.job.id).exists():
            number = state.job.id
            st.download_button(
                _("下载完整日志"),
                lambda: jobs.log_bytes(workspace, number),
                jobs.log_path(workspace, number).name,
                key="train_log_file",
                on_click="ignore",
            )
