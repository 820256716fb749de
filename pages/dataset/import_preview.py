"""What an import would store, before it is stored: the recognised form, the first items, what is refused."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.shared.frame import report_errors, spoken
from pages.shared.kept_files import OfferedFile
from pages.shared.text import plain
from tianji_core import dataset
from tianji_core.dataset import ImportPreview
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

_LISTED = 500
"""The number of invalid items that are listed."""
_FILES = 10
"""The number of files of a folder that are previewed."""


def show_previews(
    workspace: Workspace,
    recipe_key: str,
    chosen: Sequence[OfferedFile | Path],
    encoding: str,
    called: str = "",
) -> bool:
    """Draws a preview of each chosen file or folder; returns whether there is anything to import. ``called``
    precedes the names of the files of a folder."""
    usable = False
    for source in chosen:
        with report_errors(), st.spinner(_("正在看文件")):
            for preview in _previews(workspace, recipe_key, source, encoding, called)[:_FILES]:
                _preview(preview)
                usable = usable or preview.good > 0 or not preview.whole
    return usable


def _previews(
    workspace: Workspace, recipe_key: str, source: OfferedFile | Path, encoding: str, called: str
) -> list[ImportPreview]:
    """Returns the previews of a file, which stay the same from one run of the page to the next."""
    kept = st.session_state.setdefault("import_previews", {})
    if isinstance(source, Path):
        files = (file.stat() for file in dataset.files_under(source))
        stamp = tuple((file.st_mtime_ns, file.st_size) for file in files)
        key = (recipe_key, str(source), stamp, encoding)
        if key not in kept:
            kept[key] = dataset.preview_path(workspace, recipe_key, source, encoding=encoding, called=called)
    else:
        key = (recipe_key, source.file_id, (), encoding)
        if key not in kept:
            content = source.getvalue()
            kept[key] = [
                dataset.preview_bytes(workspace, recipe_key, content, source.name, encoding=encoding)
            ]
    return list(kept[key])


def _preview(preview: ImportPreview) -> None:
    title = _(dataset.FORM_TITLES.get(preview.form, preview.form)) or _("认不出格式")
    st.markdown(
        _(
            "**{file}**（{form}，{encoding}）：可以导入 {good} 条，有问题 {bad} 条",
            file=plain(preview.file),
            form=title,
            encoding=preview.encoding,
            good=f"{preview.good:,}",
            bad=f"{len(preview.bad):,}",
        )
    )
    if not preview.whole:
        st.caption(_("只看了前 {n} 项，后面的在导入时再看", n=f"{preview.looked:,}"))
    if preview.samples:
        words = spoken()
        table = [
            {
                _("第几项"): number,
                _("输入"): sample.input,
                _("内容"): sample.output,
                words.name: sample.name,
                words.scene: sample.scene,
                words.style: sample.style,
                _("前面几轮"): len(sample.history),
                _("系统提示词"): sample.system,
            }
            for number, sample in preview.samples
        ]
        st.dataframe(table, hide_index=True, width="stretch", height="content")
    if preview.good and preview.unplaced:
        st.caption(
            _("其中 {n} 条认不出是哪个格子，适配度和人称规则不会检查它们。", n=f"{preview.unplaced:,}")
        )
    notices(preview.notices)
    bad_items(preview.bad)


def notices(told: Sequence[str]) -> None:
    """Draws what was mended in the good items, or cannot be kept."""
    for notice in told:
        st.caption(f"ℹ️ {plain(notice)}")


def bad_items(bad: Sequence[tuple[int, str]]) -> None:
    """Draws the items that are refused, by their number from 1."""
    if bad:
        table = [{_("第几项"): number, _("原因"): reason} for number, reason in bad[:_LISTED]]
        st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 320)
        if len(bad) > _LISTED:
            st.caption(_("上面是前 {n} 条的样子", n=_LISTED))
