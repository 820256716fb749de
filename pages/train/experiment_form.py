"""实验: the form of several trainings that differ in a few settings."""

from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from pages.shared.after_start import after_start, keep_after_start
from pages.shared.frame import remember_notice
from pages.shared.kept import kept, kept_at, kept_limit
from pages.shared.usable import any_text, some_of, some_texts, switch
from pages.train.choice import FORM
from tianji_core.errors import InputError
from tianji_core.evaluation.experiment import (
    MIXED,
    ExperimentPlan,
    grid,
    read_shares,
    read_values,
    start_experiment,
)
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset, TrainingSettings
from tianji_core.training.mix_parts import MOST_PARTS
from tianji_core.training.settings import field_title
from tianji_core.workspace import Workspace

OFFERED = ("learning_rate", "lora_r", "lora_alpha", "epochs")
"""The settings that the form offers beside the number of samples; the verb takes more."""
_ALL = "0"
"""The number of samples that stands for all of them."""
_FEWEST = 20
"""The smallest part of a version that is offered."""
_MOST_HOURS = 10_000


def experiment_form(
    workspace: Workspace,
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    versions: Sequence[DatasetVersion],
) -> None:
    """Draws the values of each setting, the shares of the other ``versions``, the budget and the button that
    starts the experiment."""
    with st.expander(_("实验：同一份数据，几种设置各训一次再比"), icon="🧪"):
        st.caption(
            _("每项写几个值，用逗号分开，空着就用上面的设置；各种组合排队逐个训练，用同样的留出问题比。")
        )
        names = [name for name in OFFERED if name in chosen.fields]
        axes = {}
        for column, name in zip(st.columns(len(names)), names, strict=True):
            own = kept_at(FORM, f"experiment_{name}", any_text, "", f"experiment_{name}")
            text = column.text_input(
                field_title(name), placeholder=f"{getattr(settings, name):g}", max_chars=200, **own
            )
            if values := read_values(str(text)):
                axes[name] = values
        if not settings.pairs and (counts := _counts(version)):
            axes["samples"] = counts
        axes |= {} if settings.pairs else _shares(version, versions)
        line = st.columns([2, 5], vertical_alignment="bottom")
        hours = line[0].number_input(
            _("最多训练几小时"),
            1,
            _MOST_HOURS,
            None,
            1,
            placeholder=_("不限"),
            **kept_limit(FORM, "experiment_hours", _MOST_HOURS, None),
        )
        early = line[1].checkbox(
            _("验证损失明显比别的差就提前结束"),
            True,
            **kept(FORM, "experiment_early", switch, True),
            help=_("同一步连续两次比最好的高出一成。变样本数、序列长度或微批时不比；没有验证集也不比。"),
        )
        number = len(grid(axes)) if axes else 0
        row = st.container(horizontal=True, vertical_alignment="center")
        label = _("开始实验（{n} 个训练）", n=number) if number > 1 else _("开始实验")
        pressed = row.button(label, key="experiment_start", icon="🧪", disabled=number < 2)
        with row:
            follows = after_start("experiment")
        if number < 2:
            row.caption(_("给至少一项写两个值，例如学习率 0.002, 0.001"))
        if pressed:
            plan = _plan(chosen, settings, version, axes, hours, early)
            made, job = start_experiment(workspace, plan)
            keep_after_start(workspace, "experiment", job.id, follows)
            remember_notice(_("已开始：{title}", title=made.title))
            st.query_params.from_dict({"experiment": str(made.number)})
            st.rerun()


def _counts(version: DatasetVersion) -> list[float]:
    """Draws the choice of how many samples of the version are tried and returns it, 0 for all of them."""
    offered = [str(version.count // part) for part in (8, 4, 2) if version.count >= _FEWEST * part]
    own = kept_at(FORM, "experiment_samples", some_texts, [], "experiment_samples")
    typed = [count for count in st.session_state["experiment_samples"] if count not in (_ALL, *offered)]
    chosen = st.multiselect(
        _("用多少条样本"),
        [_ALL, *offered, *typed],
        format_func=lambda count: _("全部 {n} 条", n=version.count) if count == _ALL else count,
        accept_new_options=True,
        placeholder=_("全部；选几种就都试，也可以写一个数"),
        **own,
    )
    return read_values(",".join(chosen))


def _shares(version: DatasetVersion, versions: Sequence[DatasetVersion]) -> dict[str, list[float]]:
    """Draws the choice of versions whose share is varied and a field for the shares of each; returns the
    shares by axis."""
    others = [each.name for each in versions if each.id != version.id]
    if not others:
        return {}
    chosen_column, *columns = st.columns([2, 3])
    own = kept_at(FORM, "experiment_mix", some_of(others), [], "experiment_mix")
    st.session_state["experiment_mix"] = [n for n in st.session_state["experiment_mix"] if n in others]
    chosen = chosen_column.multiselect(
        _("混入哪些版本，份额各试几个"), others, max_selections=MOST_PARTS, placeholder=_("不试"), **own
    )
    axes = {}
    for name in chosen:
        key = f"experiment_mix_{name}"
        text = columns[0].text_input(
            _("“{name}”的份额", name=name),
            placeholder="0, 10%, 20%",
            max_chars=200,
            help=_("占全部训练样本的几成，用逗号分开：0 是不混入，all 是全部样本都要。"),
            **kept_at(FORM, key, any_text, "", key),
        )
        if shares := read_shares(name, str(text)):
            axes[f"{MIXED}{name}"] = shares
    return axes


def _plan(
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    axes: dict[str, list[float]],
    hours: float | None,
    early: bool,
) -> ExperimentPlan:
    try:
        return ExperimentPlan(
            preset=chosen.key,
            version_id=version.id,
            settings=settings,
            variants=grid(axes),
            hours=hours,
            end_early=early,
        )
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error
