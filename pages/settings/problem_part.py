"""The part of the settings that packs a report about a problem."""

import time

import streamlit as st

from tianji_core import jobs
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.problems import prepare_report
from tianji_core.workspace import Workspace

LISTED = 30


def problem_part(workspace: Workspace) -> None:
    """Draws what goes into the report, then its list, each file to look at, and the button that saves it."""
    st.caption(
        _(
            "打包给帮忙的人看：版本、系统、设置、数量、最近的任务、出错的经过、选中的日志。从不含密钥；不打勾就不含人和模型写的话。"
        )
    )
    listed = {job.id: job for job in jobs.listed(workspace, limit=LISTED)}
    failed = [number for number, job in listed.items() if job.state in ("failed", "lost")]
    chosen = st.multiselect(
        _("放进哪些任务的日志"),
        list(listed),
        default=failed[:1],
        format_func=lambda number: (
            f"{number} · {jobs.state_title(listed[number].state)} · {listed[number].title}"
        ),
        key="problem_jobs",
        placeholder=_("不放日志"),
    )
    texts = st.checkbox(_("日志里留着人和模型写的话"), key="problem_texts")
    if not st.toggle(_("列出报告里有什么"), key="problem_list"):
        return
    report = prepare_report(workspace, chosen, texts)
    files = {file.name: file for file in report.files}
    st.dataframe(
        {
            _("文件"): [file.name for file in report.files],
            _("大小"): [size_text(len(file.content.encode())) for file in report.files],
            _("里面是什么"): [file.about for file in report.files],
        },
        hide_index=True,
        width="stretch",
    )
    name = st.selectbox(_("看看这个文件"), list(files), key="problem_file")
    st.code(files[name].content[-20_000:] or _("（没有内容）"), language=None, height=260)
    st.download_button(
        _("保存报告"),
        report.packed,
        f"tianji-problem-{time.strftime('%Y%m%d-%H%M%S')}.zip",
        "application/zip",
        key="problem_save",
        type="primary",
        on_click="ignore",
    )
