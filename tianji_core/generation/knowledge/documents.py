"""Reads the text of uploaded files and splits it into chunks that end where sentences end."""

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import PurePath

from tianji_core.errors import InputError
from tianji_core.i18n import _

SUFFIXES = ("txt", "md", "docx", "pdf", "html", "htm")
_PLAIN = (".txt", ".md")
_SEPARATORS = [r"\n\n+", r"\n", r"(?<=[。！？!?…])", r"(?<=[；;])", r"(?<=[，,、])", r""]
"""Where a text may be split, best first: paragraphs, lines, sentence ends, clauses, anywhere."""
SMALLEST, LARGEST = 100, 8000
"""The limits of the chunk size, in characters."""


@dataclass(frozen=True)
class Document:
    """A file's name, the SHA-256 of its bytes, and its text."""

    name: str
    sha256: str
    text: str


@dataclass(frozen=True)
class DocumentChunk:
    """A part of a document; ``number`` counts from 1 in it."""

    file: str
    sha256: str
    number: int
    text: str


def read_document(name: str, data: bytes) -> Document:
    """Returns the text of a txt, md, docx, pdf or html file.

    Raises:
        InputError: another kind of file, one that cannot be read, or one without text.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix.lstrip(".") not in SUFFIXES:
        raise InputError(_("不认识 {file} 的格式，可以用的是：{known}", file=name, known="、".join(SUFFIXES)))
    text = _decoded(name, data) if suffix in _PLAIN else _converted(name, suffix, data)
    text = re.sub(r"[ \t]+\n", "\n", text.replace("\r\n", "\n").replace("\x00", "")).strip()
    if not text:
        raise InputError(_("{file} 里没有文字；扫描的图片要先做文字识别", file=name))
    return Document(PurePath(name).name, hashlib.sha256(data).hexdigest(), text)


def _decoded(name: str, data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(_("{file} 的编码读不懂，请另存为 UTF-8", file=name))


def _converted(name: str, suffix: str, data: bytes) -> str:
    import markitdown
    from markitdown import converters

    converter = {
        ".docx": converters.DocxConverter,
        ".pdf": converters.PdfConverter,
        ".html": converters.HtmlConverter,
        ".htm": converters.HtmlConverter,
    }[suffix]
    try:
        # Without MarkItDown itself, which would take a broken file for plain text.
        return converter().convert(io.BytesIO(data), markitdown.StreamInfo(extension=suffix)).text_content
    except Exception as error:  # each format's library raises its own classes
        detail = str(error).strip().splitlines()
        raise InputError(
            _(
                "读不了 {file}，文件可能坏了或有密码：{detail}",
                file=name,
                detail=(detail or [type(error).__name__])[0][:200],
            )
        ) from error


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
