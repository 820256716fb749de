"""Upload fields whose files are kept in the workspace until they are used, as :mod:`pages.shared.kept` keeps
the values of other widgets."""

from collections.abc import Sequence
from typing import Protocol

import streamlit as st

from pages.shared.frame import current_workspace, report_errors
from pages.shared.kept import held
from pages.shared.text import plain
from tianji_core.drafts import MOST_KEPT, chosen_files, keep_files
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text

_NAMED = 3
"""The number of stored files whose names are shown."""


class OfferedFile(Protocol):
    """A file that has just been uploaded, or one that is stored."""

    @property
    def name(self) -> str: ...

    @property
    def file_id(self) -> str: ...

    def getvalue(self) -> bytes: ...


def kept_files(
    label: str,
    types: Sequence[str],
    key: str,
    *,
    form: str = "",
    several: bool = False,
    largest: int | None = None,
) -> Sequence[OfferedFile]:
    """Draws an upload field; returns its files, or the stored ones where nothing is uploaded in this tab.

    They are stored under ``form``, the ``key`` of the widget where it is ''. ``largest`` is the size of a
    file in MiB.
    """
    form = form or key
    uploads = st.file_uploader(
        label,
        list(types),
        accept_multiple_files=several,
        key=key,
        max_upload_size=largest,
        on_change=_note,
        args=(form, key),
    )
    stored = chosen_files(current_workspace(), form)
    if uploads:
        offered: Sequence[OfferedFile] = uploads if isinstance(uploads, list) else [uploads]
        if lost := {file.name for file in offered} - {file.name for file in stored}:
            st.caption(
                "📎 "
                + _(
                    "离开这一页后要重选：{names}（一共只记住 {size}，用完就不占了）",
                    names=plain(_named(sorted(lost))),
                    size=size_text(MOST_KEPT),
                )
            )
        return offered
    if stored:
        names = _named([file.name for file in stored])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("📎 " + _("上次选的：{names}", names=plain(names)), width="content")
            st.button(_("不要了"), key=f"forget_{key}", type="tertiary", on_click=forget_files, args=(form,))
    return stored


def _named(names: Sequence[str]) -> str:
    more = _(" 等 {n} 个", n=len(names)) if len(names) > _NAMED else ""
    return _("、").join(names[:_NAMED]) + more


def forget_files(form: str) -> None:
    """Removes the stored files of a form, whose purpose is served."""
    with report_errors():
        keep_files(current_workspace(), form, [])


def _note(form: str, key: str) -> None:
    if not held(key):
        return
    uploads = st.session_state[key] or []
    files = uploads if isinstance(uploads, list) else [uploads]
    with report_errors():
        keep_files(current_workspace(), form, [(file.name, file.getvalue()) for file in files])
