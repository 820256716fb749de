"""训练: set up a fine-tuning, check it, start it, and follow it."""

import streamlit as st

from pages.components.frame import asked_number, page_header, remember_notice, report_errors
from pages.components.text import plain
from pages.components.training_actions import show_actions
from pages.components.training_curves import overlay_choice, show_curves
from pages.components.training_expert import NEXT, expert_view
from pages.components.training_form import settings_form
from pages.components.training_history import show_history
from pages.components.training_preflight import show_preflight
from pages.components.training_target import fill_form, show_commands, target_form
from pages.components.training_view import (
    local_time,
    show_figures,
    show_log,
    show_outcome,
    show_signs,
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
    if (copied := asked_number("clone")) is not None:
        fill_form(workspace, rows.get(workspace.engine, copied))
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
    presets = {each.key: each for each in training.presets(workspace)}
    if (wanted := st.session_state.pop(NEXT, None)) in presets:
        st.session_state["train_preset"] = wanted
    if st.session_state.get("train_preset") not in presets:  # an own one that was deleted
        st.session_state.pop("train_preset", None)
    with right:
        key = st.selectbox(
            _("预设"),
            list(presets),
            format_func=lambda each: (
                f"🛠️ {presets[each].title}" if presets[each].own else _(presets[each].title)
            ),
            key="train_preset",
        )
    chosen, version = presets[key], by_id[version_id]
    st.caption(_(chosen.summary))
    settings = settings_form(workspace, chosen, version.recipe)
    target = target_form(chosen)
    title = st.text_input(
        _("名字（可不填）"),
        key="train_title",
        max_chars=80,
        placeholder=f"{_(chosen.title)} · {version.name}",
    )
    st.subheader(_("开训前检查"))
    checked = training.preflight(workspace, chosen, settings, version, target)
    show_preflight(workspace, checked)
    if st.button(_("开始训练"), key="train_start", type="primary", icon="🏋️", disabled=not checked.ok):
        with report_errors():
            run = training.start_training(workspace, key, settings, version, title, target)
            remember_notice(_("训练已开始：{title}", title=run.title))
            st.query_params.from_dict({"run": str(run.id)})
            st.rerun()
    with st.expander(_("将要写出的 xtuner 配置")):
        file = dataset.training_file(workspace, version)
        text = training.rendered_config(chosen, checked.settings, file, checked.runs_code)
        st.code(text, language="python", height=420)
    expert_view(workspace, chosen, settings)


def one_training(run_id: int) -> None:
    """A training, waiting, running or ended."""
    run = rows.get(workspace.engine, run_id)
    state = training.training_state(workspace, run)
    version = training.version_of(workspace, run)
    st.subheader(plain(run.title))
    learnt = version.name if version is not None else "—"
    st.caption(_("训练 {n}", n=run.id) + f" · {plain(learnt)} · {run.preset} · {local_time(run.created_at)}")
    show_actions(workspace, state)
    show_outcome(state)
    over = overlay_choice(workspace, state) if state.state != "waiting" else []
    if state.active or state.orphaned or state.state in ("missing", "outside"):
        following(run_id, over, state.state)
    else:
        details(run_id, over)
    show_commands(workspace, state)
    with st.expander(_("这次训练的 xtuner 配置")):
        config = training.work_folder(workspace, run) / "config.py"
        text = config.read_text(encoding="utf-8") if config.exists() else _("（配置文件不见了）")
        st.code(text, language="python", height=420)


def details(run_id: int, over: list[int]) -> str:
    """Figures, curves, answers and log; returns the state it is in."""
    state = training.training_state(workspace, rows.get(workspace.engine, run_id))
    st.markdown(state_text(state))
    if state.state == "waiting":
        ahead = _("前面还有 {n} 个训练", n=state.ahead) if state.ahead else _("下一个就是它")
        st.info(_("排队中：{ahead}。轮到时自动开始，关掉页面或工坊都不影响。", ahead=ahead), icon="⏳")
    elif state.points or state.active or state.orphaned or state.state == "outside":
        show_figures(state)
        show_signs(workspace, state)
        show_curves(workspace, state, over)
        show_trials(workspace, state)
    show_log(workspace, state)
    return state.state


@st.fragment(run_every=2.0)
def following(run_id: int, over: list[int], before: str) -> None:
    """The details, drawn again while it runs; the whole page once its state is another one."""
    with report_errors():
        if details(run_id, over) != before:
            st.rerun()


asked = asked_number("run")
with report_errors():
    if asked is not None:
        one_training(asked)
    else:
        new_training()
with report_errors():
    show_history(workspace, asked)
