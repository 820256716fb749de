"""Importing data: from uploaded files, from a path or from a hub, and the report of each import."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.dataset.hub_import import from_hub
from pages.dataset.import_choices import kept_as
from pages.dataset.import_preview import bad_items, notices, show_previews
from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import TYPED, forget_typed, kept_at, kept_text
from pages.shared.kept_files import OfferedFile, forget_files, kept_files
from pages.shared.text import plain
from pages.shared.usable import among
from tianji_core import dataset, jobs
from tianji_core.dataset import ImportReport
from tianji_core.dataset.hub_bounds import HUB_TITLES, Hub
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store.datasets import Import
from tianji_core.workspace import Workspace

FILES = "files"
"""The source of data beside the hubs."""


def import_part(workspace: Workspace, recipe_key: str) -> None:
    """Draws the forms of the sources or the running import, and the earlier imports."""
    job = dataset.import_job(workspace, recipe_key)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_import")
    else:
        hub = _source(job)
        if hub is None:
            _from_files(workspace, recipe_key)
        else:
            from_hub(workspace, recipe_key, hub, job)
        if job is not None:
            _last_job(workspace, job)
    past = datasets.listed_imports(workspace.engine, recipe_key)
    if past:
        st.subheader(_("以前的导入"))
        _imports_table(past)


def _source(last: jobs.Job | None) -> Hub | None:
    """Draws the choice where the data comes from and returns the hub, None for files."""
    before = jobs.subject_of(last, dataset.ImportSubject) if last is not None else None
    first = before.hub if before is not None and before.dataset_id else FILES
    titles = {FILES: _("文件和文件夹")} | {str(hub): title for hub, title in HUB_TITLES.items()}
    source = st.segmented_control(
        _("从哪里"),
        list(titles),
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        **kept_at(TYPED, "hub_source", among(titles), first),
    )
    return next((hub for hub in HUB_TITLES if hub == source), None)


def _from_files(workspace: Workspace, recipe_key: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        types = ["json", "jsonl", "ndjson", "csv", "tsv", "xlsx", "parquet"]
        uploads = kept_files(_("选择文件"), types, "import_files", several=True)
    path = right.text_input(
        _("或者填这台机器上的文件或文件夹路径"), placeholder="/data/wishes", **kept_text("import_path")
    ).strip()
    right.caption(_("文件夹里的文件会一个一个导入；大的在后台导入，可以关掉页面。"))
    state, version, encoding = kept_as(files=True)
    chosen: list[OfferedFile | Path] = [*uploads, *([Path(path).expanduser()] if path else [])]
    can_import = show_previews(workspace, recipe_key, chosen, encoding)
    pressed = st.button(_("导入"), key="import", type="primary", icon="📥", disabled=not can_import)
    st.caption(
        _(
            "认得的格式：教程的原始文件和训练文件（conversation）、Alpaca、ShareGPT、messages、各种一问一答；JSON、JSONL、"
            "Parquet，或者有“输入”“输出”两列的 CSV、Excel（xlsx）；UTF-8、GBK 或 Big5。已经有的样本不会重复添加。"
        )
    )
    if pressed and version:
        with report_errors(), st.spinner(_("正在导入")):
            _as_version(workspace, recipe_key, version, chosen, encoding)
    elif pressed:
        imported = 0
        with st.spinner(_("正在导入")):
            for source in chosen:
                with report_errors():
                    _import_one(workspace, recipe_key, source, state, encoding)
                    imported += 1
        if imported == len(chosen):
            forget_files("import_files")


def _as_version(
    workspace: Workspace, recipe_key: str, name: str, chosen: Sequence[OfferedFile | Path], encoding: str
) -> None:
    """Makes one version of all files; of a large path, in the background."""
    for path in chosen:
        if isinstance(path, Path) and len(chosen) == 1 and dataset.is_large(path):
            dataset.start_path_import(workspace, recipe_key, path, encoding=encoding, version=name)
            forget_typed("import_version")
            st.rerun()
    sources = [
        source
        for one in chosen
        for source in (
            dataset.sources_of(one, encoding=encoding)
            if isinstance(one, Path)
            else [dataset.bytes_source(one.getvalue(), one.name, encoding)]
        )
    ]
    made = dataset.freeze_conversations(workspace, recipe_key, name, sources)
    forget_typed("import_version")
    forget_files("import_files")
    remember_notice(_("已存成版本“{name}”，{n} 条对话", name=made.name, n=f"{made.count:,}"))
    st.session_state["_next_part"] = "versions"
    st.rerun()


def _import_one(
    workspace: Workspace, recipe_key: str, source: OfferedFile | Path, state: str, encoding: str
) -> None:
    if not isinstance(source, Path):
        content, name = source.getvalue(), source.name
        _import_report(dataset.import_bytes(workspace, recipe_key, content, name, state, encoding))
        return
    if dataset.is_large(source):
        dataset.start_path_import(workspace, recipe_key, source, state, encoding)
        st.rerun()
    for report in dataset.import_path(workspace, recipe_key, source, state, encoding=encoding):
        _import_report(report)


def _last_job(workspace: Workspace, job: jobs.Job) -> None:
    """Draws how the newest import in the background ended."""
    subject = jobs.subject_of(job, dataset.ImportSubject)
    if job.state == "succeeded" and subject is not None and subject.version:
        st.success(_("已存成数据集版本“{name}”", name=plain(subject.version)), icon="🥣")
    elif job.state == "succeeded":
        for done in dataset.imports_of(workspace, job):
            _counts_line(done.file, done.form, done.added, done.known, len(done.bad))
            _review_link(done.id, done.added)
    elif job.state == "stopped":
        st.info(_("“{title}”停下了，没有导入完的文件一条也没有留下", title=plain(job.title)), icon="⏹️")
    else:
        st.error(plain(job.note or _("“{title}”没有完成，日志在后台任务页", title=job.title)), icon="⚠️")


def _import_report(report: ImportReport) -> None:
    """Draws the report of one file."""
    _counts_line(report.file, report.form, report.added, report.known, len(report.bad), report.encoding)
    if report.added and report.unplaced:
        st.caption(_("其中 {n} 条认不出是哪个格子，适配度和人称规则不会检查它们。", n=report.unplaced))
    notices(report.notices)
    bad_items(report.bad)
    _review_link(report.import_id, report.added)


def _counts_line(file: str, form: str, added: int, known: int, bad: int, encoding: str = "") -> None:
    title = _(dataset.FORM_TITLES.get(form, form)) or _("认不出格式")
    text = _(
        "{file}（{form}）：新增 {added} 条，已有 {known} 条，有问题 {bad} 条",
        file=plain(file),
        form=plain(f"{title}，{encoding}" if encoding else title),
        added=f"{added:,}",
        known=f"{known:,}",
        bad=f"{bad:,}",
    )
    (st.warning if bad or not added else st.success)(text)


def _review_link(import_id: int, added: int) -> None:
    if added:
        st.page_link(
            "pages/review/page.py",
            label=_("去审核这次导入的样本"),
            icon="🔎",
            query_params={"import": str(import_id), "state": _("全部")},
        )


def _imports_table(past: Sequence[Import]) -> None:
    """Draws the earlier imports, newest first; a chosen one shows the items that were not imported."""
    signed_ones = any(imported.who for imported in past)
    chosen = st.dataframe(
        [
            {
                _("文件"): imported.file,
                _("格式"): _(dataset.FORM_TITLES.get(imported.form, imported.form)),
                _("新增"): imported.added,
                _("已有"): imported.known,
                _("有问题"): len(imported.bad),
                _("时间"): local_time(imported.created_at, MINUTE),
                **({_("谁"): imported.who} if signed_ones else {}),
            }
            for imported in past
        ],
        hide_index=True,
        width="stretch",
        height="content" if len(past) < 10 else 360,
        selection_mode="single-row",
        on_select="rerun",
        key="past_imports",
    )
    for row in chosen.selection.rows[:1]:
        selected = past[row]
        if selected.bad:
            st.caption(_("{file} 里没有导入的：", file=plain(selected.file)))
            bad_items(selected.bad)
        else:
            st.caption(_("{file} 里没有有问题的", file=plain(selected.file)))
        _review_link(selected.id, selected.added)
