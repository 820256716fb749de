"""Documents that take long are read in a job: what it has read stays, it can be stopped, and it keeps no
name."""

import io
import zipfile
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from tests.generation.test_pictures import scan
from tests.processes import until
from tianji_core import jobs
from tianji_core.errors import InputError, JobError
from tianji_core.generation.knowledge import (
    Document,
    document_key,
    forget_readings,
    keys_of,
    read_document,
    read_so_far,
    reading_job,
    reads_at_once,
    start_reading,
)
from tianji_core.jobs.progress import read_progress
from tianji_core.workspace import Workspace

LETTER = "From: 王阿姨 <w@example.com>\nSubject: 端午\n\n粽子香".encode()


def subtitles() -> bytes:
    return "1\n00:00:01,000 --> 00:00:02,000\n腊八喝粥\n".encode()


def folder(workspace: Workspace) -> list[Path]:
    return sorted((workspace.home / "drafts" / "documents").glob("*"))


def test_only_short_texts_and_refused_files_need_no_process():
    assert reads_at_once("a.txt", "腊八".encode()) and reads_at_once("a.exe", b"")
    assert not reads_at_once("a.txt", b"a" * 300_000) and not reads_at_once("a.docx", b"a")


def test_each_file_is_read_or_refused_and_a_job_tells_of_all(workspace: Workspace):
    files = [("字幕.srt", subtitles()), ("坏.pdf", b"%PDF broken"), ("与王阿姨.eml", LETTER)]
    keys = [document_key(name, data) for name, data in files]
    assert [read_so_far(workspace, key) for key in keys] == [None, None, None]
    job = start_reading(workspace, files)
    assert keys_of(job) == set(keys) and "王阿姨" not in repr(job)
    with pytest.raises(JobError, match="已经在做了"):
        start_reading(workspace, files)
    job = jobs.wait(workspace, job.id, timeout=180)
    assert job.state == "succeeded"
    progress = read_progress(workspace, job.id)
    assert progress is not None and progress.share == 1
    first, second, third = (read_so_far(workspace, key) for key in keys)
    assert first == read_document(*files[0])
    assert isinstance(second, InputError) and "坏.pdf" in str(second)
    assert isinstance(third, Document) and "王阿姨" not in third.name + third.text
    with workspace.engine.connect() as connection:
        stored = connection.execute(text("select * from jobs")).all()
    assert "王阿姨" not in repr(stored)
    assert "王阿姨" not in jobs.log_tail(workspace, job.id)
    assert LETTER not in [path.read_bytes() for path in folder(workspace)]


def test_what_is_offered_stays_and_nothing_else(workspace: Workspace):
    files = [("a.srt", subtitles()), ("b.srt", subtitles())]
    kept = document_key(*files[0])
    jobs.wait(workspace, start_reading(workspace, files).id, timeout=180)
    forget_readings(workspace, [kept])
    assert len({path.name.partition(".")[0] for path in folder(workspace)}) == 2  # another tab may offer b
    forget_readings(workspace)
    assert folder(workspace) == [] and read_so_far(workspace, kept) is None


def test_a_stopped_job_leaves_nothing_running_and_the_rest_is_read_on(workspace: Workspace):
    files = [("scan.pdf", scan(12)), ("字幕.srt", subtitles())]
    job = start_reading(workspace, files)
    until(lambda: jobs.get(workspace, job.id).pid or not jobs.get(workspace, job.id).active)
    running = jobs.get(workspace, job.id).pid
    assert running is not None
    until(lambda: psutil.Process(running).children() or not jobs.get(workspace, job.id).active, 120)
    reader = psutil.Process(running).children()[0]  # it recognises text, which takes longer than this
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
    assert not reader.is_running() or reader.status() == psutil.STATUS_ZOMBIE
    assert [read_so_far(workspace, document_key(*file)) for file in files] == [None, None]
    stopped = reading_job(workspace)
    assert stopped is not None and stopped.id == job.id
    again = jobs.wait(workspace, start_reading(workspace, files[1:]).id, timeout=180)
    assert again.state == "succeeded"
    assert isinstance(read_so_far(workspace, document_key(*files[1])), Document)


def test_an_archive_that_is_none_is_refused_in_words(workspace: Workspace):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/nothing.xml", "")
    file = ("a.docx", target.getvalue())
    jobs.wait(workspace, start_reading(workspace, [file]).id, timeout=180)
    refused = read_so_far(workspace, document_key(*file))
    assert isinstance(refused, InputError) and "a.docx" in str(refused)
