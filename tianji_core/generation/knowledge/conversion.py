"""The child process that converts one document to text:
``python -m tianji_core.generation.knowledge.conversion SUFFIX`` reads the file on standard
input and writes the text, or the reason of a failure, as JSON.

The libraries of these formats expand what a file contains without a limit, so the child has limits of its
own.
"""

import contextlib
import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tianji_core.generation.knowledge.chats import chat_in_json, chat_in_table, chat_in_text, chat_text
from tianji_core.generation.knowledge.decoding import decoded
from tianji_core.generation.knowledge.letters import text_of_letters
from tianji_core.generation.knowledge.office_files import text_of_book, text_of_slides, text_of_tables
from tianji_core.generation.knowledge.pictures import TOO_LARGE, reader, text_of_picture, text_of_scan
from tianji_core.generation.knowledge.subtitles import words_of_bilibili, words_of_cues, words_of_dialogue
from tianji_core.generation.knowledge.web_pages import text_of_page

MEMORY = 1024**3
"""Bytes that the conversion may take beside the libraries."""
SECONDS = 300
"""Seconds of processor time: about 2,000 pages of a PDF."""
UNPACKED = 256 * 1024**2
"""Bytes of all members of a docx, pptx, xlsx or epub file together after decompression; they include
its pictures."""
TEXT = 10_000_000
"""Characters of the text."""
_OUTPUT = 6 * TEXT + 10_000
SIGHT_MEMORY = 4 * 1024**3
"""Bytes that the reading of pictures may take beside the libraries."""
OUT_OF_MEMORY = "out of memory"
NO_MESSAGES, NO_ENCODING = "no messages", "no encoding"
"""Reasons of a failure that the parent puts into words; any other reason is what a library said."""
PAGES_READ = r"(?m)^pages (\d{1,6}) of (\d{1,6})$"
"""What the lines on standard error look like that tell of the pages of a scan."""


_ARCHIVES = (".docx", ".pptx", ".xlsx", ".epub")
_CUES = (".srt", ".vtt", ".ass", ".ssa")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
PLAIN = (".txt", ".md")
_LETTERS = (".eml", ".mbox")
_TABLES = (".csv", ".json")
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory")
"""What libraries in C++ say in errors of their own where memory is short."""


class Converted(NamedTuple):
    """The text of a document; ``private``: it is of letters or a chat, and people in it have signs."""

    text: str
    private: bool = False


def convert(suffix: str, data: bytes) -> Converted:
    """Returns the text of a document. The libraries raise their own errors.

    Raises:
        ValueError: it is larger than the limits, with :data:`TOO_LARGE`, or holds neither chat nor subtitles,
            with :data:`NO_MESSAGES`; or with :data:`~pictures.NO_OCR`.
    """
    if suffix in _ARCHIVES:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED:
                raise ValueError(TOO_LARGE)
    if suffix in PICTURES:
        found = Converted(_read_by_sight(lambda read: text_of_picture(read, data)))
    elif suffix in (*_CUES, *PLAIN, *_LETTERS, *_TABLES):
        _limit_memory()
        found = text_of_lines(suffix, data)
    elif suffix in (".pptx", ".xlsx", ".epub"):
        _limit_memory()
        read = {".pptx": text_of_slides, ".xlsx": text_of_tables, ".epub": text_of_book}[suffix]
        found = Converted(read(data))
    else:
        found = _by_markitdown(suffix, data)
        if suffix == ".pdf" and not found.text.strip():
            found = Converted(_read_by_sight(lambda read: text_of_scan(read, data, _tell)))
    if len(found.text) > TEXT:
        raise ValueError(TOO_LARGE)
    return found


def _read_by_sight(look: Callable[[Any], str]) -> str:
    read = reader()
    _limit_memory(SIGHT_MEMORY)
    return look(read)


def text_of_lines(suffix: str, data: bytes) -> Converted:
    """Returns the words of plain texts, subtitles, letters and chats.

    Raises:
        ValueError: :data:`NO_ENCODING`, :data:`TOO_LARGE`, :data:`NO_MESSAGES` or what a library says.
    """
    if suffix in _LETTERS:
        return Converted(text_of_letters(data), private=True)
    text = decoded(data)
    if text is None:
        raise ValueError(NO_ENCODING)
    if suffix in PLAIN:
        return _chat_or_text(text)
    if suffix in _CUES:
        return Converted(words_of_dialogue(text) if suffix in (".ass", ".ssa") else words_of_cues(text))
    value = json.loads(text) if suffix == ".json" else None
    if (words := words_of_bilibili(value)) is not None:
        return Converted(words)
    messages = chat_in_json(value) if suffix == ".json" else chat_in_table(text)
    if messages is None:
        raise ValueError(NO_MESSAGES)
    return Converted(chat_text(messages), private=True)


def _chat_or_text(text: str) -> Converted:
    if len(text) > TEXT:
        raise ValueError(TOO_LARGE)
    chat = chat_in_text(text)
    return Converted(text) if chat is None else Converted(chat_text(chat), private=True)


def _by_markitdown(suffix: str, data: bytes) -> Converted:
    import markitdown
    from bs4 import BeautifulSoup
    from markitdown import converters

    converter = {
        ".docx": converters.DocxConverter,
        ".pdf": converters.PdfConverter,
        ".html": converters.HtmlConverter,
        ".htm": converters.HtmlConverter,
    }[suffix]
    _limit_memory()
    info = markitdown.StreamInfo(extension=suffix)
    if suffix in (".html", ".htm"):
        page = text_of_page(BeautifulSoup(data, "html.parser"))
        data, info = page.encode("utf-8"), markitdown.StreamInfo(extension=suffix, charset="utf-8")
    # Without MarkItDown itself, which would take a broken file for plain text.
    text = converter().convert(io.BytesIO(data), info).text_content
    return _chat_or_text(text) if suffix in (".html", ".htm") else Converted(text)


def _tell(done: int, total: int) -> None:
    print(f"pages {done} of {total}", file=sys.stderr, flush=True)


def _limit_memory(more: int = MEMORY) -> None:
    """Limits the address space to what the libraries occupy now and ``more`` bytes; a later call may raise
    the limit again."""
    with contextlib.suppress(OSError, ValueError):  # a system without /proc, or a lower limit already
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main(suffix: str) -> int:
    """Converts standard input; returns the exit code."""
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, SECONDS, SECONDS + 10),  # at the soft limit comes a signal that tells why
        (resource.RLIMIT_FSIZE, _OUTPUT, _OUTPUT),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))
    data = sys.stdin.buffer.read()
    answer: dict[str, str | bool]
    try:
        answer = dict(convert(suffix, data)._asdict())
    except MemoryError:
        answer = {"error": OUT_OF_MEMORY}
    except Exception as error:  # each format's library raises its own classes
        said = str(error).strip()[:4000].splitlines()
        answer = {"error": said[0][:500] if said else type(error).__name__}
        if any(words in str(error) for words in _NO_MEMORY):
            answer = {"error": OUT_OF_MEMORY}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
