"""训练: setting up a fine-tuning, checking it, starting it and following it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from pages.shared.after_start import after_start, keep_after_start
from pages.shared.clock import local_time
from pages.shared.frame import asked_number, current_recipe, remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.kept import kept_at, store_value
from pages.shared.text import plain, signed
from pages.shared.training_part import training_part
from pages.shared.training_view import (
    show_figures,
    show_log,
    show_more_figures,
    show_newest_trials,
    show_signs,
    show_trials,
    state_text,
)
from pages.shared.usable import any_text
from pages.train.choice import FORM, dataset_choice, pairs_choice, preset_choice
from pages.train.controls import show_controls, show_followers
from pages.train.cpu_trial import show_cpu_trial
from pages.train.curves import overlay_choice, show_curves, show_side_curves
from pages.train.expectation_line import expectation_line
from pages.train.experiment_form import experiment_form
from pages.train.experiment_view import experiment_list, one_experiment
from pages.train.expert import expert_view
from pages.train.form import settings_form
from pages.train.missing_base import missing_base
from pages.train.mix import mix_fields
from pages.train.outcome import show_end, show_result
from pages.train.past_trainings import show_history
from pages.train.place_choice import place_choice, show_elsewhere
from pages.train.preflight import show_cost, show_details, show_stops, show_warnings
from pages.train.target import fill_form, show_commands, target_form
from tianji_core import dataset, training
from tianji_core.evaluation.expectation import keep_expectation
from tianji_core.evaluation.experiment import load_experiment
from tianji_core.evaluation.sweep import AFTER_TRAINING
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store import training as training_runs
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset, Target, TrainingSettings
from tianji_core.training.duration import expected_seconds
from tianji_core.training.learnt_pairs import PAIRS
from tianji_core.training.places.profile import Place
from tianji_core.training.places.sending import start_elsewhere

workspace = page_header("train", _("训练"), _("选数据集和预设，检查通过就开训；关掉页面也不会停。"))
training_part(workspace)


def new_training() -> None:
    """Draws the form of a new training with its checks. The typed values are kept in the workspace."""
    in_use = current_recipe().recipe.key
    versions = sorted(
        datasets.listed(workspace.engine), key=lambda each: (each.conversations, each.recipe != in_use)
    )
    if not versions:
        st.info(_("还没有数据集版本。审核好样本后，到数据集页冻结一个版本，就可以训练了。"), icon="📦")
        st.page_link("pages/dataset/page.py", label=_("去冻结数据集版本"), icon="📦")
        return
    presets = {preset.key: preset for preset in training.presets(workspace)}
    if (copied := asked_number("clone")) is not None:
        fill_form(workspace, training_runs.get(workspace.engine, copied), presets)
        del st.query_params["clone"]  # filled once: a refresh shows what was typed since
    left, right = st.columns(2)
    with right:
        chosen = preset_choice(presets)
    with left:
        if chosen.from_pairs:
            version, pairs = versions[0], pairs_choice(workspace)
        else:
            version, pairs = dataset_choice({version.id: version for version in versions}), ""
    st.caption(plain(_(chosen.summary)))
    start = st.container()
    more = st.expander(_("高级：混入、基座、超参数、在哪里训练、名字、配置文件"), icon="🎛️", key="train_more")
    settings: TrainingSettings | None = None
    target: Target | None = None
    place: Place | None = None
    with more:
        mixed = [] if chosen.from_pairs else mix_fields(version, versions)
    with start, report_errors(), more:  # a value that does not fit is named where the button would be
        settings = settings_form(workspace, chosen, version.recipe, mixed).model_copy(update={"pairs": pairs})
        if chosen.from_pairs:
            version = training.version_of_base(workspace, settings.base_folder) or version
    with start, report_errors(), more:
        place = place_choice(workspace)
        target = target_form(chosen)
    with more:
        title = st.text_input(
            _("名字（可不填）"),
            max_chars=80,
            placeholder=f"{_(chosen.title)} · {pairs or version.name}",
            **kept_at(FORM, "train_title", any_text, "", "title"),
        )
        expert_view(workspace, chosen, settings)
        if settings is not None:
            with report_errors():
                experiment_form(workspace, chosen, settings, version, versions)
    if settings is not None and target is not None:
        with start, report_errors():
            check_and_start(chosen, settings, version, target, title, place)


def check_and_start(
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    target: Target,
    title: str,
    place: Place | None,
) -> None:
    """Draws the findings of the checks, the button that starts the training here or elsewhere, and folded the
    rest."""
    checked = training.preflight(workspace, chosen, settings, version, target, elsewhere=place is not None)
    if checked.estimate is not None:
        iterations = checked.estimate.iterations
        show_cost(chosen, checked, expected_seconds(workspace, chosen, checked.settings, iterations))
    told = expectation_line(workspace, chosen, settings, version) if checked.ok else None
    show_stops(workspace, checked)
    missing_base(workspace, chosen, settings)
    row = st.container(horizontal=True)
    pressed = row.button(_("开始训练"), key="train_start", type="primary", icon="🏋️", disabled=not checked.ok)
    with row:
        follows = after_start("train")
    if pressed:
        with report_errors():
            wanted = (workspace, chosen.key, settings, version)
            if place is None:
                run = training.start_training(*wanted, title, target, AFTER_TRAINING)
            else:
                run = start_elsewhere(*wanted, place, title, target, AFTER_TRAINING)
            keep_after_start(workspace, "train", run.job_id, follows)
            keep_expectation(workspace, run, told)
            store_value(FORM, "title", None)
            remember_notice(_("训练已提交：{title}", title=run.title))
            st.query_params.from_dict({"run": str(run.id)})
            st.rerun()
    show_warnings(workspace, checked)
    show_cpu_trial(workspace, chosen, settings, version)
    file = Path(PAIRS) if chosen.from_pairs else dataset.training_file(workspace, version)
    show_details(checked, training.rendered_config(chosen, checked.settings, file, checked.runs_code))


def one_training(run_id: int) -> None:
    """Draws a training that is waiting, running or ended."""
    run = training_runs.get(workspace.engine, run_id)
    state = training.training_state(workspace, run)
    version = training.version_of(workspace, run)
    st.subheader(plain(run.title))
    learnt = training.record_of(run).settings.pairs or (version.name if version is not None else "—")
    ended = not _goes_on(state)
    st.caption(
        _("训练 {n}", n=run.id)
        + f" · {plain(learnt)} · {plain(run.preset)} · {plain(signed(local_time(run.created_at), run.who))}"
        + (f" · {state_text(state)}" if ended else "")
    )
    if (mixed := training.record_of(run).mixed) is not None:
        st.caption("🥣 " + plain(_("混合 {n} 条：{parts}", n=f"{mixed.count:,}", parts=mixed.sentence)))
    show_controls(workspace, state)
    show_end(state)
    show_result(workspace, state)
    shown = st.container()
    over = overlay_choice(workspace, state) if state.state != "waiting" else []
    with shown:
        if not ended:
            following(run_id, over, state.state)
        else:
            details(run_id, over)
    show_followers(workspace, state)
    if not training.record_of(run).place:
        show_commands(workspace, state)
    with st.expander(_("这次训练的 xtuner 配置")):
        text = training.written_config(workspace, run) or _("（配置文件不见了）")
        st.code(text, language="python", height=420)


def _goes_on(state: training.TrainingState) -> bool:
    """Whether a training may still change, or nothing tells that it has ended."""
    return state.active or state.orphaned or state.state in ("missing", "outside")


def details(run_id: int, over: list[int]) -> str:
    """Draws figures, curves, trial answers and log; returns the state of the training. An ended one's stands
    below its name."""
    state = training.training_state(workspace, training_runs.get(workspace.engine, run_id))
    if _goes_on(state):
        st.markdown(state_text(state))
    show_elsewhere(workspace, state.run)
    if state.state == "waiting":
        ahead = _("前面还有 {n} 个训练", n=state.ahead) if state.ahead else _("下一个就是它")
        st.info(_("排队中：{ahead}。轮到时自动开始，关掉页面或工坊都不影响。", ahead=ahead), icon="⏳")
    elif state.points or state.active or state.orphaned or state.state == "outside":
        show_figures(state)
        show_signs(workspace, state)
        if state.trials:
            curve, answers = st.columns([5, 4], gap="medium")
            with answers:
                show_newest_trials(workspace, state)
        else:
            curve = st.container()
        with curve:
            show_curves(workspace, state, over)
        show_trials(workspace, state)
        show_more_figures(state)
        show_side_curves(state)
    show_log(workspace, state)
    return state.state


@st.fragment(run_every=2.0)
def following(run_id: int, over: list[int], before: str) -> None:
    """Draws the details every two seconds, and the whole page when the state is no longer ``before``."""
    with report_errors():
        if details(run_id, over) != before:
            st.rerun()


asked, tried = asked_number("run"), asked_number("experiment")
content: Callable[[], None] = new_training  # also below the error of a number that there is not
with report_errors():
    if tried is not None:
        load_experiment(workspace, tried)
        content = partial(one_experiment, workspace, tried)
    elif asked is not None:
        training_runs.get(workspace.engine, asked)
        content = partial(one_training, asked)
with report_errors():
    content()
with report_errors():
    experiment_list(workspace, tried)
    show_history(workspace, asked)
