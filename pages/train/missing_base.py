"""The base of a preset that is not on this machine: a button that downloads it."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.text import plain
from tianji_core import jobs, models
from tianji_core.i18n import _
from tianji_core.models.download import DownloadSubject
from tianji_core.training import Preset, TrainingSettings
from tianji_core.workspace import Workspace


def missing_base(workspace: Workspace, chosen: Preset, settings: TrainingSettings) -> None:
    """Draws the button that downloads the base of the preset, or how far the download is; nothing where the
    base is there, or is not the preset's own."""
    if not chosen.model_id or settings.base_folder.exists():
        return
    known = {base.modelscope: base for base in models.known_bases()}
    for job in jobs.listed(workspace, kind="download", active=True):
        subject = jobs.subject_of(job, DownloadSubject)
        if subject is not None and subject.model_id == chosen.model_id:
            follow_job(workspace, job.id, "train_stop_download")
            return
    base = known.get(chosen.model_id)
    label = _("下载基座 {id}", id=plain(chosen.model_id))
    if base is not None:
        label = _("下载基座 {id}（{n} GB）", id=plain(chosen.model_id), n=f"{base.size_gb:g}")
    brings_code = base is not None and base.code
    trusted = False
    if brings_code:
        trusted = st.checkbox(
            _("允许运行 {id} 自带的 Python 代码", id=plain(chosen.model_id)),
            key="train_trust_base",
            help=_("没有它这个模型不能加载。代码能读写这台机器上的文件，只对信得过的来源打开。"),
        )
    if st.button(
        label,
        key="train_download",
        icon="⬇️",
        type="primary",
    ):
        with report_errors():
            job = models.start_download(workspace, chosen.model_id, trust_remote_code=trusted)
            remember_notice(_("已开始：{title}", title=job.title))
            st.rerun()
