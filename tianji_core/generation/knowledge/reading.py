"""Reads offered documents in a background job: a scan, a book or a recording takes minutes, and the page goes
on.

An offered file and what was read of it lie in the workspace until a run holds its chunks or nobody wants it:
``drafts/documents/<key>`` and ``<key>.json``. The stored job names files by their keys alone, since the file
of a chat is mostly named after somebody.
"""

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tianji_core import jobs, ownership
from tianji_core.errors import InputError, JobError
from tianji_core.files import storable, write_bytes, write_json
from tianji_core.generation.knowledge.documents import Document, read_document
from tianji_core.generation.knowledge.recordings import transcribe
from tianji_core.i18n import _, shown, stored
from tianji_core.jobs import Job, JobSubject, PartReporter, Reporter, worker_of
from tianji_core.teachers import TeacherChoice, key_variables, transcription_server
from tianji_core.workspace import Workspace

KIND = "read"
MOST_SECONDS = 1800
"""Seconds on the clock for one file; the limit of processor time, five minutes, mostly comes first."""
_LINGERS = 3600
"""Seconds for which what was read of a file stays that another tab may offer."""


class ReadingSubject(JobSubject):
    """The keys of the files to read, and the server that writes them down where they are recordings."""

    worker = "tianji_core.generation.knowledge.reading:read_offered"

    keys: tuple[str, ...]
    transcriber: TeacherChoice | None = None


def document_key(name: str, data: bytes) -> str:
    """Returns the key of an offered file: of its name and its content."""
    return hashlib.sha256(name.encode("utf-8", "replace") + b"\0" + data).hexdigest()


def reading_file(workspace: Workspace, key: str) -> Path:
    """Returns the path of what was read of a file; it is there once the file has been read."""
    return _folder(workspace) / f"{key}.json"


def read_so_far(workspace: Workspace, key: str) -> Document | InputError | None:
    """Returns the document of an offered file, why it cannot be read, or None while it has not been read."""
    try:
        told: dict[str, Any] = json.loads(reading_file(workspace, key).read_bytes())
        if "error" in told:
            return InputError(shown(told["error"]))
        return Document(str(told["name"]), str(told["sha256"]), str(told["text"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def start_reading(
    workspace: Workspace, files: Sequence[tuple[str, bytes]], transcriber: TeacherChoice | None = None
) -> Job:
    """Reads files, each a name and its content, in the background; :func:`read_so_far` tells of each. One
    that could not be read is tried again. With ``transcriber`` they are recordings, which are sent there.

    Raises:
        JobError: other files are being read. StudioError: they cannot be stored.
        SettingsError, TeacherAuthError: the transcriber is not usable.
    """
    if transcriber is not None:
        transcription_server(workspace, transcriber)
    running = reading_job(workspace)
    if running is not None and running.active:
        raise JobError(_("“{title}”已经在做了", title=running.title))
    keys = []
    for name, data in files:
        key = document_key(name, data)
        write_json(_folder(workspace) / f"{key}.name", storable(name))
        write_bytes(_folder(workspace) / key, data)
        if isinstance(read_so_far(workspace, key), InputError):
            ownership.discard(reading_file(workspace, key))
        keys.append(key)
    subject = ReadingSubject(keys=tuple(keys), transcriber=transcriber)
    if transcriber is None:
        return jobs.start_worker(workspace, KIND, _("读资料：{n} 个文件", n=len(keys)), subject)
    title, variables = _("转写录音：{n} 个文件", n=len(keys)), key_variables(workspace, [transcriber])
    return jobs.start_worker(workspace, KIND, title, subject, variables)


def reading_job(workspace: Workspace) -> Job | None:
    """Returns the newest of these jobs, None where there is none."""
    return next(iter(jobs.listed(workspace, kind=KIND, limit=1)), None)


def keys_of(job: Job) -> frozenset[str]:
    """Returns the keys of the files of a job."""
    subject = jobs.subject_of(job, ReadingSubject)
    return frozenset(subject.keys) if subject is not None else frozenset()


def forget_readings(workspace: Workspace, but: Collection[str] = ()) -> None:
    """Removes the stored files and what was read of them, without those whose keys are in ``but``. Beside
    such, and while files are being read, only what is older than an hour goes. Transcripts that are kept
    against a second sending stay."""
    unwanted = [path for path in _folder(workspace).glob("*") if path.name.partition(".")[0] not in but]
    if not unwanted:
        return
    running = reading_job(workspace)
    busy = bool(but) or (running is not None and running.active)
    oldest = time.time() - _LINGERS if busy else float("inf")
    for path in unwanted:
        if _written(path) < oldest:
            ownership.discard(path)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")  # another tab has removed it


@worker_of(ReadingSubject)
def read_offered(workspace: Workspace, subject: ReadingSubject, reporter: Reporter) -> int:
    """Reads the files that have not been read yet; returns the exit code."""
    folder = _folder(workspace)
    reporter.begin(len(subject.keys), _("个"))
    unreadable = 0
    for number, key in enumerate(subject.keys):
        reporter.update(number)
        if read_so_far(workspace, key) is not None:
            continue
        part = PartReporter(reporter, begins=number, share=1)
        try:
            name = str(json.loads((folder / f"{key}.name").read_bytes()))
            data = (folder / key).read_bytes()
        except (OSError, ValueError):
            continue  # nobody wants it any more
        try:
            if subject.transcriber is not None:
                read = transcribe(workspace, subject.transcriber, name, data)
            else:
                read = read_document(name, data, MOST_SECONDS, part.update)
            told = {"name": read.name, "sha256": read.sha256, "text": read.text}
        except InputError as error:
            told = {"error": stored(str(error))}
            unreadable += 1
        write_json(reading_file(workspace, key), told, indent=None)
        ownership.discard(folder / key)
    reporter.update(len(subject.keys))
    print(
        _("读完 {n} 个文件，其中 {bad} 个读不了", n=len(subject.keys), bad=unreadable),
        flush=True,
    )
    return 0


def forget_reading(workspace: Workspace, keys: Collection[str]) -> None:
    """Removes the stored files with these keys and what was read of them, whose purpose is served."""
    for key in keys:
        for path in (_folder(workspace) / key, *_folder(workspace).glob(f"{key}.*")):
            ownership.discard(path)


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "drafts" / "documents"
