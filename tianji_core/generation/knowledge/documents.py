"""Reads the text of uploaded files and splits it into chunks that end where sentences end."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import IO

from tianji_core.errors import InputError
from tianji_core.gate import clean_sentence, standard_characters
from tianji_core.generation.knowledge.conversion import (
    MEMORY,
    NO_ENCODING,
    NO_MESSAGES,
    OUT_OF_MEMORY,
    PAGES_READ,
    PICTURES,
    PLAIN,
    SECONDS,
    SIGHT_MEMORY,
    Converted,
    text_of_lines,
)
from tianji_core.generation.knowledge.line_wraps import without_line_wraps
from tianji_core.generation.knowledge.page_margins import without_margins
from tianji_core.generation.knowledge.people import without_words
from tianji_core.generation.knowledge.pictures import NO_OCR, TOO_LARGE
from tianji_core.i18n import _
from tianji_core.jobs.environment import child_environment
from tianji_core.jobs.processes import end_group
from tianji_core.project import PROJECT, ocr_command

RECORDINGS = ("wav", "mp3", "m4a", "ogg", "flac", "webm")
"""Files that a server has to write down first (:mod:`tianji_core.generation.knowledge.recordings`)."""
SUFFIXES = (
    *("txt", "md", "docx", "pdf", "html", "htm", "pptx", "xlsx", "epub", "srt", "vtt", "ass", "ssa"),
    *("eml", "mbox", "csv", "json", "png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff"),
    *RECORDINGS,
)
_SEPARATORS = [r"\n\n+", r"\n", r"(?<=[。！？!?…])", r"(?<=[；;])", r"(?<=[，,、])", r""]
"""Where a text may be split, best first: paragraphs, lines, sentence ends, clauses, anywhere."""
LARGEST_FILE = 64 * 1024**2
"""Bytes of a file."""
AT_ONCE = 256 * 1024
"""Bytes of a plain text that is read here, without a process of its own."""
_PRIVATE = "往来文字-"
"""What the made names of letters and chats begin with."""
SMALLEST, LARGEST = 100, 8000
"""The limits of the chunk size, in characters."""


@dataclass(frozen=True)
class Document:
    """A file's name, the SHA-256 of its bytes, and its text. Files of letters and chats, which are mostly
    named after somebody, have a made name instead of their own."""

    name: str
    sha256: str
    text: str

    @property
    def private(self) -> bool:
        """Whether it is of letters or a chat."""
        return self.name.startswith(_PRIVATE)


@dataclass(frozen=True)
class DocumentChunk:
    """A part of a document; ``number`` counts from 1 in it."""

    file: str
    sha256: str
    number: int
    text: str


Heard = Callable[[int, int], None]
"""Is told how many of how many pages of a scan have been read."""


def is_recording(name: str) -> bool:
    """Returns whether a file is a recording, by its name."""
    return PurePath(name).suffix.lower().lstrip(".") in RECORDINGS


def check_size(name: str, data: bytes) -> None:
    """Raises:
    InputError: a file is larger than :data:`LARGEST_FILE`."""
    if len(data) > LARGEST_FILE:
        raise InputError(
            _("{file} 太大了（最多 {mb} MB），请拆成几个文件", file=name, mb=LARGEST_FILE // 1024**2)
        )


def reads_at_once(name: str, data: bytes) -> bool:
    """Returns whether :func:`read_document` needs no process of its own for a file: a short plain text, or
    one that is refused."""
    suffix = PurePath(name).suffix.lower()
    refused = len(data) > LARGEST_FILE or suffix.lstrip(".") not in SUFFIXES
    return refused or (suffix in PLAIN and len(data) <= AT_ONCE)


def read_document(
    name: str, data: bytes, most_seconds: int = 2 * SECONDS, heard: Heard | None = None
) -> Document:
    """Returns the text of a file: a document, slides, a table, a book, subtitles, a picture or a scan,
    letters or a chat. All but short plain texts are converted in a child process with limits of memory and
    time: ``most_seconds`` on the clock. ``heard`` is told of a scan's pages. In letters and chats the
    names of people, numbers and addresses are replaced, and so is the name of the file.

    Raises:
        InputError: another kind of file, a recording, one that is too large or cannot be read, or one without
            text.
    """
    suffix = PurePath(name).suffix.lower()
    check_size(name, data)
    if is_recording(name):
        raise InputError(_("{file} 是录音，要先选一个服务商转写成文字", file=name))
    if suffix.lstrip(".") not in SUFFIXES:
        raise InputError(_("不认识 {file} 的格式，可以用的是：{known}", file=name, known="、".join(SUFFIXES)))
    if reads_at_once(name, data):
        text, private = _plain(name, suffix, data)
    else:
        text, private = _converted(name, suffix, data, most_seconds, heard)
    if suffix == ".pdf":
        text = without_margins(text)
    text = re.sub(r"[ \t]+\n", "\n", standard_characters(text.replace("\r\n", "\n"))).strip()
    if suffix == ".pdf":
        text = without_line_wraps(text)
    if not text:
        raise InputError(_("{file} 里没有文字；是图片的话，请换一张清楚、横平竖直的", file=name))
    sha256 = hashlib.sha256(data).hexdigest()
    return Document(f"{_PRIVATE}{sha256[:6]}{suffix}" if private else PurePath(name).name, sha256, text)


def _plain(name: str, suffix: str, data: bytes) -> Converted:
    try:
        return text_of_lines(suffix, data)
    except ValueError as error:
        raise _refusal(name, str(error)) from None


def _converted(name: str, suffix: str, data: bytes, most_seconds: int, heard: Heard | None) -> Converted:
    """Returns the text that the child process reads from a file.

    Raises:
        InputError: it is broken, or needs more memory or time than a document may.
    """
    command = [sys.executable, "-m", "tianji_core.generation.knowledge.conversion", suffix]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each takes address space
    with (
        tempfile.TemporaryFile() as content,  # a pipe that is waited for in steps would lose the rest
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as said,
    ):
        content.write(data)
        content.seek(0)
        child = subprocess.Popen(
            command,
            stdin=content,
            stdout=output,
            stderr=said,
            cwd=PROJECT,
            env={**child_environment(), **one_thread},
            start_new_session=True,
        )
        try:
            _wait(child, most_seconds, said, heard)
        finally:
            in_time = child.poll() is not None
            end_group(child.pid, grace=1.0)
            child.wait()
        if not in_time or child.returncode == -signal.SIGXCPU:
            raise InputError(
                _(
                    "{file} 读了 {n} 秒还没有读完，已经停掉；请拆小，或另存为 txt",
                    file=name,
                    n=min(SECONDS, most_seconds),
                )
            )
        if child.returncode == -signal.SIGXFSZ:
            raise _too_much(name)
        output.seek(0)
        answer = json.load(output) if child.returncode == 0 else {"error": OUT_OF_MEMORY}
    if "text" in answer:
        return Converted(str(answer["text"]), bool(answer["private"]))
    raise _refusal(name, answer["error"])


def _wait(child: "subprocess.Popen[bytes]", most_seconds: int, said: IO[bytes], heard: Heard | None) -> None:
    """Waits for the end of the child, at most ``most_seconds``: it may sleep, or the machine be busy; the
    limit of processor time ends the others. Tells ``heard`` what the child says of its pages."""
    deadline = time.monotonic() + most_seconds
    ended = False
    while not ended and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(min(left, 1.0))
            ended = True
        if heard is None:
            continue
        size = os.fstat(said.fileno()).st_size
        tail = os.pread(said.fileno(), 4096, max(0, size - 4096)).decode("utf-8", "replace")
        if pages := re.findall(PAGES_READ, tail):
            heard(int(pages[-1][0]), int(pages[-1][1]))


def _refusal(name: str, reason: str) -> InputError:
    if reason == TOO_LARGE:
        return _too_much(name)
    if reason == OUT_OF_MEMORY:
        sight = PurePath(name).suffix.lower() in PICTURES
        limit = f"{(SIGHT_MEMORY if sight else MEMORY) / 1024**3:g}"
        return InputError(
            _("读 {file} 要的内存超过 {gb} GB，已经停掉；请拆小，或另存为 txt", file=name, gb=limit)
        )
    if reason == NO_ENCODING:
        return InputError(_("{file} 的编码读不懂，请另存为 UTF-8", file=name))
    if reason == NO_MESSAGES:
        return InputError(
            _(
                "{file} 里没有聊天记录（要有发送者和内容两栏），也不是哔哩哔哩的字幕；样本请到数据集页导入",
                file=name,
            )
        )
    if reason == NO_OCR:
        return InputError(_("{file} 是图片，认字要先装文字识别：{command}", file=name, command=ocr_command()))
    detail = clean_sentence(reason)
    return InputError(_("读不了 {file}，文件可能坏了或有密码：{detail}", file=name, detail=detail))


def _too_much(name: str) -> InputError:
    return InputError(_("{file} 展开后太大了，请拆成几个文件，或只留下要用的部分", file=name))


def without_names(document: Document, names: Iterable[str]) -> Document:
    """Returns a document in which each of ``names`` stands as 某某, also in its file's name."""
    hidden = list(names)
    return replace(
        document, name=without_words(document.name, hidden), text=without_words(document.text, hidden)
    )


def split_document(document: Document, size: int = 600, overlap: int = 60) -> list[DocumentChunk]:
    """Returns chunks of at most ``size`` characters, split at paragraphs or sentence ends where possible;
    each repeats up to ``overlap`` characters from the end of the one before.

    Raises:
        InputError: a size out of range, or an overlap that is not smaller than half of it.
    """
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    if not SMALLEST <= size <= LARGEST:
        raise InputError(
            _("每块的字数应当在 {least} 到 {most} 之间，现在是 {n}", least=SMALLEST, most=LARGEST, n=size)
        )
    if not 0 <= overlap <= size // 2:
        raise InputError(
            _("重叠的字数应当在 0 到每块的一半（{most}）之间，现在是 {n}", most=size // 2, n=overlap)
        )
    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=size,
        chunk_overlap=overlap,
    )
    texts = [text for text in splitter.split_text(document.text) if text.strip()]
    return [
        DocumentChunk(document.name, document.sha256, number, text.strip())
        for number, text in enumerate(texts, start=1)
    ]
