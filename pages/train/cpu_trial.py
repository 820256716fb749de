"""Trying a preset of a card on the CPU with two layers of its base."""

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.text import plain
from tianji_core import training
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset, TrainingSettings
from tianji_core.workspace import Workspace


def show_cpu_trial(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, version: DatasetVersion
) -> None:
    """Draws the button that tries a preset of a card on the CPU, the progress of the trial, and what came
    out; nothing for a preset of the CPU, and for one that learns from pairs."""
    if chosen.device == "cpu" or chosen.from_pairs:
        return
    if (job := training.cpu_trial_job(workspace)) is not None:
        follow_job(workspace, job.id, "train_stop_cpu_trial")
        return
    if (trial := training.kept_cpu_trial(workspace, chosen.key, settings, version)) is not None:
        st.info(plain(trial.sentence), icon="🧪")
    help_text = _("截取基座的前 2 层，在 CPU 上训练几步，看数据和设置能不能用；试完就删，不会留下模型")
    if st.button(_("在 CPU 上用 2 层试训"), key="train_cpu_trial", icon="🧪", help=help_text):
        with report_errors():
            training.start_cpu_trial(workspace, chosen.key, settings, version)
            st.rerun()
