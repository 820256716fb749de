"""实验: the form of several trainings that differ in a few settings."""

import streamlit as st
from pydantic import ValidationError

from pages.shared.after_start import after_start, keep_after_start
from pages.shared.frame import remember_notice
from pages.shared.kept import kept, kept_at
from pages.shared.usable import any_text, switch, within
from pages.train.choice import FORM
from tianji_core.errors import InputError
from tianji_core.evaluation.experiment import ExperimentPlan, grid, read_values, start_experiment
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset, TrainingSettings
from tianji_core.training.settings import field_title
from tianji_core.workspace import Workspace

OFFERED = ("learning_rate", "lora_r", "lora_alpha", "epochs", "samples")
"""The settings that the form offers; the verb takes more."""


def experiment_form(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, version: DatasetVersion
) -> None:
    """Draws the values of each setting, the budget and the button that starts the experiment."""
    with st.expander(_("实验：同一份数据，几种设置各训一次再比"), icon="🧪"):
        st.caption(
            _("每项写几个值，用逗号分开，空着就用上面的设置；各种组合排队逐个训练，用同样的留出问题比。")
        )
        names = [
            name for name in OFFERED if name in chosen.fields or (name == "samples" and not settings.pairs)
        ]
        axes = {}
        for column, name in zip(st.columns(len(names)), names, strict=True):
            own = kept_at(FORM, f"experiment_{name}", any_text, "", f"experiment_{name}")
            text = column.text_input(
                field_title(name), placeholder=f"{getattr(settings, name):g}", max_chars=200, **own
            )
            if values := read_values(str(text)):
                axes[name] = values
        line = st.columns([2, 3, 2], vertical_alignment="bottom")
        own = kept_at(FORM, "experiment_hours", within(0.0, 10_000.0), 0.0, "experiment_hours")
        hours = line[0].number_input(_("最多训练几小时（0 不限）"), 0.0, 10_000.0, 0.0, 0.5, **own)
        early = line[1].checkbox(
            _("验证损失明显比别的差就提前结束"),
            True,
            **kept(FORM, "experiment_early", switch, True),
            help=_("同一步连续两次比最好的高出一成。变样本数、序列长度或微批时不比；没有验证集也不比。"),
        )
        number = len(grid(axes)) if axes else 0
        pressed = line[2].button(
            _("开始实验（{n} 个训练）", n=number),
            key="experiment_start",
            icon="🧪",
            width="stretch",
            disabled=number < 2,
        )
        follows = after_start("experiment")
        if pressed:
            plan = _plan(chosen, settings, version, axes, float(hours), early)
            made, job = start_experiment(workspace, plan)
            keep_after_start(workspace, "experiment", job.id, follows)
            remember_notice(_("已开始：{title}", title=made.title))
            st.query_params.from_dict({"experiment": str(made.number)})
            st.rerun()


def _plan(
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    axes: dict[str, list[float]],
    hours: float,
    early: bool,
) -> ExperimentPlan:
    try:
        return ExperimentPlan(
            preset=chosen.key,
            version_id=version.id,
            settings=settings,
            variants=grid(axes),
            hours=hours or None,
            end_early=early,
        )
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error
