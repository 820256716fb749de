"""Importing data: from uploaded files, from a path or from a hub, and the report of each import."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.dataset.import_preview import bad_items, notices, show_previews
from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import TYPED, forget_typed, kept, kept_at, kept_number, kept_text
from pages.shared.kept_files import OfferedFile, forget_files, kept_files
from pages.shared.text import plain
from pages.shared.usable import among, switch
from tianji_core import dataset, jobs
from tianji_core.dataset import ImportReport
from tianji_core.dataset.conversation_version import MOST_KEPT
from tianji_core.dataset.encodings import ENCODINGS, encoding_title
from tianji_core.dataset.hub import EXAMPLE, REVISIONS, hub_of
from tianji_core.dataset.hub_bounds import GIGABYTES, HUB_TITLES, checked_bounds
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store.datasets import Import
from tianji_core.store.samples import ACCEPTED, PENDING
from tianji_core.workspace import Workspace


def import_part(workspace: Workspace, recipe_key: str) -> None:
    """Draws the forms of the sources or the running import, and the earlier imports."""
    job = dataset.import_job(workspace, recipe_key)
    if job is not None and job.active:
        follow_job(workspace, job.id, "stop_import")
    else:
        left, right = st.columns(2, gap="large", vertical_alignment="bottom")
        trusted = left.checkbox(
            _("这些数据已经审过，导入后直接采用"), **kept(TYPED, "import_accepted", switch, False)
        )
        state = ACCEPTED if trusted else PENDING
        version = right.text_input(
            _("存成单独的数据集版本（可不填）"),
            placeholder=_("例如 闲聊"),
            max_chars=60,
            help=_(
                "给普通对话用：原样存成一个版本，多轮都留着，不进审核和清洗；训练页“高级”里可以按份额混入"
            ),
            **kept_text("import_version"),
        ).strip()
        files, hub = st.tabs([_("文件和文件夹"), _("按名字从网上")])
        with files:
            _from_files(workspace, recipe_key, state, version)
        with hub:
            _from_hub(workspace, recipe_key, state, version, job)
        if job is not None:
            _last_job(workspace, job)
    past = datasets.listed_imports(workspace.engine, recipe_key)
    if past:
        st.subheader(_("以前的导入"))
        _imports_table(past)


def _from_files(workspace: Workspace, recipe_key: str, state: str, version: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        types = ["json", "jsonl", "ndjson", "csv", "tsv", "xlsx", "parquet"]
        uploads = kept_files(_("选择文件"), types, "import_files", several=True)
    path = right.text_input(
        _("或者填这台机器上的文件或文件夹路径"), placeholder="/data/wishes", **kept_text("import_path")
    ).strip()
    right.caption(_("文件夹里的文件会一个一个导入；大的在后台导入，可以关掉页面。"))
    encoding = right.selectbox(
        _("文字编码"),
        ["", *ENCODINGS],
        format_func=lambda codec: encoding_title(codec) or _("自动识别"),
        key="import_encoding",
        help=_("预览里的字不对时再选"),
    )
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


def _from_hub(workspace: Workspace, recipe_key: str, state: str, version: str, last: jobs.Job | None) -> None:
    before = jobs.subject_of(last, dataset.ImportSubject) if last is not None else None
    first = before.dataset_id if before is not None and before.dataset_id else EXAMPLE
    hub = st.segmented_control(
        _("从哪里"),
        list(HUB_TITLES),
        required=True,
        format_func=HUB_TITLES.__getitem__,
        **kept_at(TYPED, "hub_source", among(HUB_TITLES), before.hub if before else "huggingface"),
    )
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
        _("版本"), placeholder=REVISIONS[hub], help=_("分支、标签或提交"), **kept_text("hub_revision")
    )
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
