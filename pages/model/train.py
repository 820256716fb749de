"""训练: set up a fine-tuning, check it, start it, and follow it."""

import streamlit as st

from pages.components.frame import asked_number, page_header, remember_notice, report_errors, stop_button
from pages.components.text import plain
from pages.components.training_form import settings_form, show_preflight
from pages.components.training_view import (
    local_time,
    show_curves,
    show_figures,
    show_log,
    show_outcome,
    show_trials,
    state_text,
)
from tianji_core import dataset, training
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store import training as rows

workspace = page_header(_("训练"), _("选数据集和预设，检查通过就开训；关掉页面也不会停。"))


def new_training() -> None:
    """The form of a new training with its checks."""
    versions = datasets.listed(workspace.engine)
    if not versions:
        st.info(_("还没有数据集版本。审核好样本后，到数据集页冻结一个版本，就可以训练了。"), icon="📦")
        st.page_link("pages/data/dataset.py", label=_("去冻结数据集版本"), icon="📦")
        return
    left, right = st.columns(2)
    by_id = {version.id: version for version in versions}
    linked = st.query_params.get("dataset", "")
    with left:
        version_id = st.selectbox(
            _("数据集版本"),
            list(by_id),
            index=next((n for n, version in enumerate(versions) if version.name == linked), 0),
            format_func=lambda key: _("{name}（{n} 条）", name=by_id[key].name, n=by_id[key].count),
            key="train_dataset",
        )
    presets = {each.key: each for each in training.presets()}
    with right:
        key = st.selectbox(
            _("预设"), list(presets), format_func=lambda each: _(presets[each].title), key="train_preset"
        )
    chosen, version = presets[key], by_id[version_id]
    st.caption(_(chosen.summary))
    settings = settings_form(workspace, chosen)
    title = st.text_input(
        _("名字（可不填）"),
        key="train_title",
        max_chars=80,
        placeholder=f"{_(chosen.title)} · {version.name}",
    )
    st.subheader(_("开训前检查"))
    checked = training.preflight(workspace, chosen, settings, version)
    show_preflight(checked)
    if st.button(_("开始训练"), key="train_start", type="primary", icon="🏋️", disabled=not checked.ok):
        with report_errors():
            run = training.start_training(workspace, key, settings, version, title)
            remember_notice(_("训练已开始：{title}", title=run.title))
            st.query_params["run"] = str(run.id)
            st.rerun()
    with st.expander(_("将要写出的 xtuner 配置")):
        file = dataset.training_file(workspace, version)
        text = training.rendered_config(chosen, checked.settings, file, checked.runs_code)
        st.code(text, language="python", height=420)


def one_training(run_id: int) -> None:
    """A training, running or ended."""
    run = rows.get(workspace.engine, run_id)
    state = training.training_state(workspace, run)
    version = training.version_of(workspace, run)
    head, actions = st.columns([4, 1], vertical_alignment="center")
    head.subheader(plain(run.title))
    learnt = version.name if version is not None else "—"
    head.caption(f"{plain(learnt)} · {run.preset} · {local_time(run.created_at)}")
    with actions:
        if state.active and state.job is not None:
            stop_button(workspace, state.job, key="train_stop")
        resumable = bool(state.checkpoints) and not state.finished and not state.active
        if resumable and st.button(_("接着训练"), key="train_resume", icon="▶️", width="stretch"):
            with report_errors():
                training.resume_training(workspace, run)
                st.rerun()
        if st.button(_("新建训练"), key="train_new", icon="➕", width="stretch"):
            del st.query_params["run"]
            st.rerun()
    show_outcome(workspace, state)
    if state.active:
        following(run_id)
    else:
        details(run_id)
    with st.expander(_("这次训练的 xtuner 配置")):
        config = training.work_folder(workspace, run) / "config.py"
        text = config.read_text(encoding="utf-8") if config.exists() else _("（配置文件不见了）")
        st.code(text, language="python", height=420)


def details(run_id: int) -> bool:
    """Figures, curves, answers and log; returns whether it still runs."""
    state = training.training_state(workspace, rows.get(workspace.engine, run_id))
    st.markdown(state_text(state.state))
    show_figures(state)
    show_curves(state.points)
    show_trials(state.trials)
    show_log(workspace, state)
    return state.active


@st.fragment(run_every=2.0)
def following(run_id: int) -> None:
    """The details, drawn again while it runs; the whole page once it has ended."""
    with report_errors():
        if not details(run_id):
            st.rerun()


def history(current: int | None) -> None:
    """The trainings so far, each with a way to open it."""
    others = [run for run in rows.listed(workspace.engine, limit=20) if run.id != current]
    if not others:
        return
    st.subheader(_("以前的训练") if current is None else _("其他训练"))
    for run in others:
        state = training.training_state(workspace, run)
        columns = st.columns([5, 2, 2, 1], vertical_alignment="center")
        columns[0].markdown(f"**{plain(run.title)}**")
        columns[0].caption(f"{run.preset} · {local_time(run.created_at)}")
        columns[1].markdown(state_text(state.state))
        columns[2].markdown("—" if state.loss is None else _("损失 {loss}", loss=f"{state.loss:.3f}"))
        if columns[3].button(_("打开"), key=f"train_open_{run.id}", width="stretch"):
            st.query_params["run"] = str(run.id)
            st.rerun()


asked = asked_number("run")
with report_errors():
    if asked is not None:
        one_training(asked)
    else:
        new_training()
st.divider()
with report_errors():
    history(asked)
