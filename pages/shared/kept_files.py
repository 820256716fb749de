"""Upload fields whose files are kept in the workspace until they are used, as :mod:`pages.shared.kept` keeps
the values of other widgets."""

from collections.abc import Sequence
from typing import Protocol

import streamlit as st

from pages.shared.frame import current_workspace, report_errors
from pages.shared.text import plain
from tianji_core.drafts import chosen_files, keep_files
from tianji_core.i18n import _

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
    if uploads:
        return uploads if isinstance(uploads, list) else [uploads]
    stored = chosen_files(current_workspace(), form)
    if stored:
        names = _("、").join(file.name for file in stored[:_NAMED])
        more = _(" 等 {n} 个", n=len(stored)) if len(stored) > _NAMED else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("📎 " + _("上次选的：{names}", names=plain(names)) + more, width="content")
            st.button(_("不要了"), key=f"forget_{key}", type="tertiary", on_click=forget_files, args=(form,))
    return stored


def forget_files(form: str) -> None:
    """Removes the stored files of a form, whose purpose is served."""
    with report_errors():
        keep_files(current_workspace(), form, [])


def _note(form: str, key: str) -> None:
    uploads = st.session_state.get(key) or []
    files = uploads if isinstance(uploads, list) else [uploads]
    with report_errors():
        keep_files(current_workspace(), form, [(file.name, file.getvalue()) for file in files])
