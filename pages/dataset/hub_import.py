"""Importing data from a hub: fetched in the background, previewed, then imported."""

import streamlit as st

from pages.dataset.import_choices import kept_as
from pages.dataset.import_preview import show_previews
from pages.shared.frame import report_errors
from pages.shared.kept import forget_typed, kept_number, kept_text
from tianji_core import dataset, jobs
from tianji_core.dataset.conversation_version import MOST_KEPT
from tianji_core.dataset.hub import EXAMPLE, REVISIONS, hub_of
from tianji_core.dataset.hub_bounds import GIGABYTES, Hub, checked_bounds
from tianji_core.i18n import _, _c
from tianji_core.workspace import Workspace


def from_hub(workspace: Workspace, recipe_key: str, hub: Hub, last: jobs.Job | None) -> None:
    """Draws the form that fetches a dataset from ``hub``, and the preview of what the job ``last`` has
    fetched."""
    before = jobs.subject_of(last, dataset.ImportSubject) if last is not None else None
    first = before.dataset_id if before is not None and before.dataset_id else EXAMPLE
    left, middle, right = st.columns([3, 3, 1.5])
    name = left.text_input(_("数据集名（组织/名字）"), first, **kept_text("hub_dataset", first))
    hub = hub_of(name, hub)  # of a pasted address, whatever is chosen above
    mirror = before.endpoint if before is not None and before.hub == hub else ""
    # One field for each hub: the key of a hub must not go to a mirror that was typed for the other.
    endpoint = middle.text_input(
        _("镜像地址"),
        mirror,
        placeholder="https://hf-mirror.com" if hub == "huggingface" else "https://modelscope.cn",
        help=_(
            "连不上时填；空着就用环境变量 HF_ENDPOINT 或 MODELSCOPE_ENDPOINT，没有就直接连 Hugging Face 或 ModelScope"
        ),
        **kept_text(f"hub_endpoint_{hub}", mirror),
    )
    revision = right.text_input(
        _c("hub", "版本"), placeholder=REVISIONS[hub], help=_("分支、标签或提交"), **kept_text("hub_revision")
    )
    state, version, _encoding = kept_as(files=False)
    patterns, gigabytes, rows = _bounds(version)
    icon = "🤗" if hub == "huggingface" else "🪄"
    pressed = st.button(_("下载并预览"), key="fetch_hub", type="primary", icon=icon, width="content")
    st.caption(
        _(
            "在后台下载，可以关掉页面，停下后再下会接着来；看过预览再导入。不公开的数据集要在 .env 里写 HF_TOKEN 或 MODELSCOPE_API_TOKEN。"
        )
    )
    if pressed:
        with report_errors():
            bounds = checked_bounds(files=patterns, gigabytes=gigabytes, rows=rows)
            dataset.start_hub_fetch(workspace, recipe_key, name, endpoint, revision, hub, bounds)
            st.rerun()
    if last is not None:
        _fetched(workspace, recipe_key, state, version, last, rows)


def _bounds(version: str) -> tuple[tuple[str, ...], float, int]:
    """Draws which files are fetched and how much of them is kept; returns the patterns of the files, the most
    gigabytes and the most rows."""
    with st.expander(_("只要一部分：哪些文件、最多多少"), icon="✂️"):
        patterns = st.text_input(
            _("只要这些文件（可不填）"),
            placeholder="zh/*.jsonl, data/train-*.parquet",
            max_chars=1000,
            help=_("文件名，或带 * 的写法，几个用逗号分开；大的数据集往往有几个子集"),
            **kept_text("hub_files"),
        )
        left, right = st.columns(2)
        most = kept_number("hub_gigabytes", 0.1, 200.0, GIGABYTES)
        gigabytes = left.number_input(_("最多下载（GB）"), 0.1, 200.0, GIGABYTES, 1.0, **most)
        kept_rows = kept_number("hub_rows", 1, MOST_KEPT, MOST_KEPT)
        rows = right.number_input(
            _("存成版本时最多抽多少条"), 1, MOST_KEPT, MOST_KEPT, disabled=not version, **kept_rows
        )
    files = tuple(part.strip() for part in patterns.replace("，", ",").split(",") if part.strip())
    return files, float(gigabytes), int(rows)


def _fetched(
    workspace: Workspace, recipe_key: str, state: str, version: str, job: jobs.Job, rows: int
) -> None:
    """Draws the preview of a dataset that the newest job has downloaded, and the button that imports it, as a
    version of at most ``rows``."""
    folder = dataset.fetched_folder(workspace, job)
    subject = jobs.subject_of(job, dataset.ImportSubject)
    if folder is None or subject is None:
        return
    usable = show_previews(workspace, recipe_key, [folder], "", subject.dataset_id)
    pressed = st.button(_("导入"), key="import_fetched", type="primary", icon="📥", disabled=not usable)
    if pressed:
        with report_errors():
            dataset.start_fetched_import(workspace, recipe_key, job, state, version, rows)
            forget_typed("import_version")
            st.rerun()
