"""Takes documents and reads them: short texts at once, others in a job that the page follows, recordings
once a person has said where they may be sent."""

import re
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.generate.transcribing import offer_transcription
from pages.shared.frame import report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import kept
from pages.shared.kept_files import OfferedFile, kept_files
from pages.shared.teacher_numbers import FORM
from pages.shared.text import plain
from pages.shared.usable import any_text
from tianji_core.errors import InputError
from tianji_core.generation.knowledge import (
    AT_ONCE,
    LARGEST_FILE,
    SUFFIXES,
    Document,
    document_key,
    forget_readings,
    is_recording,
    keys_of,
    read_document,
    read_so_far,
    reading_file,
    reading_job,
    reads_at_once,
    start_reading,
    without_names,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.workspace import Workspace


def document_files() -> Sequence[OfferedFile]:
    """Draws the field for documents; returns those that are offered."""
    label = _("资料：文档、幻灯片、表格、书、字幕、图片和扫描件、邮件、聊天记录、录音")
    largest = LARGEST_FILE // 1024**2
    return kept_files(label, SUFFIXES, "documents", several=True, largest=largest)


def names_replaced(documents: list[Document], told: str) -> list[Document]:
    """Draws the field for names that the documents are to lose, with what is ``told`` of it; returns the
    documents without them."""
    if not documents:
        return documents
    names = st.text_input(
        _("还要换掉的名字"),
        "",
        **kept(FORM, "knowledge_names", any_text),
        placeholder=_("用逗号隔开，例如 小明，星光幼儿园"),
        help=told,
        max_chars=2000,
    )
    listed = [name for name in re.split(r"[,，、;；\n]", names) if name.strip()]
    return [without_names(document, listed) for document in documents]


@st.cache_data(max_entries=32, show_spinner=False)
def _short_text(name: str, data: bytes) -> Document | InputError:
    """A short text, or why it or a file of another kind cannot be read: it is not tried again with every
    click."""
    try:
        return read_document(name, data)
    except InputError as error:
        return error


@st.cache_data(max_entries=32, show_spinner=False)
def _key(name: str, file_id: str, _file: OfferedFile) -> str:
    return document_key(name, _file.getvalue())


@st.cache_data(max_entries=32, show_spinner=False)
def _read_in_job(_workspace: Workspace, path: str, written_ns: int) -> Document | InputError | None:
    return read_so_far(_workspace, Path(path).stem)


def documents_read(workspace: Workspace, files: Sequence[OfferedFile]) -> list[Document] | None:
    """Returns the documents that can be read, and draws the error of each other file. Where files need a job,
    draws that and returns None until it has read them; so it does while there are recordings that were not
    written down."""
    documents: list[Document] = []
    unread: list[OfferedFile] = []
    keys: list[str] = []
    for file in files:
        read = _known(workspace, file, keys)
        if read is None:
            unread.append(file)
        elif isinstance(read, InputError):
            with report_errors():
                raise read
            if is_recording(file.name) and _size(file) <= LARGEST_FILE:
                unread.append(file)  # it can be sent again, also elsewhere
        else:
            documents.append(read)
    forget_readings(workspace, keys)
    texts = [file for file in unread if not is_recording(file.name)]
    if texts:
        _reading(workspace, texts)
    elif unread:
        offer_transcription(workspace, unread, {_key(file.name, file.file_id, file) for file in unread})
    return None if unread else documents


def _known(workspace: Workspace, file: OfferedFile, keys: list[str]) -> Document | InputError | None:
    """Returns what is known of a file, None where nothing is yet; adds the key of one that takes a job."""
    if _size(file) <= AT_ONCE or _size(file) > LARGEST_FILE:
        data = file.getvalue()
        if reads_at_once(file.name, data):
            return _short_text(file.name, data)
    key = _key(file.name, file.file_id, file)
    keys.append(key)
    path = reading_file(workspace, key)
    return _read_in_job(workspace, str(path), path.stat().st_mtime_ns) if path.exists() else None


def _size(file: OfferedFile) -> int:
    return getattr(file, "size", None) or len(file.getvalue())


def _reading(workspace: Workspace, unread: Sequence[OfferedFile]) -> None:
    """Draws the job that reads files, which begins by itself where none has begun with them."""
    job = reading_job(workspace)
    left = {_key(file.name, file.file_id, file) for file in unread}
    active = job is not None and job.active
    if not active and (job is None or not left & keys_of(job)):
        job, active = _start_reading(workspace, unread), True
    if job is not None and active:
        follow_job(workspace, job.id, "stop_reading")
        st.caption(_("扫描件和图片要认字，一页几秒；读的时候可以做别的，关掉页面也不会停。"))
    elif job is not None:
        text = plain(job.note) or _("停下了，还有 {n} 个文件没有读", n=len(unread))
        st.warning(text, icon="⏹️")
        if st.button(_("接着读"), key="read_on", icon="▶️", type="primary"):
            _start_reading(workspace, unread)
            st.rerun()


def _start_reading(workspace: Workspace, unread: Sequence[OfferedFile]) -> Job:
    return start_reading(workspace, [(file.name, file.getvalue()) for file in unread])
