"""Recognises the encoding of a text file: UTF-8, UTF-16, GB18030 (with GBK) or Big5. Bytes that are no
character of it are kept as lone surrogates, so that only the items that contain them are lost."""

import codecs
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from tianji_core.errors import ImportFileError
from tianji_core.gate.chinese_codecs import clear_chinese_codec
from tianji_core.i18n import _

ENCODINGS = ("utf-8", "gb18030", "big5hkscs", "utf-16")
"""Encodings that a person may name."""
KEEPING = "surrogateescape"
"""The error handler under which a byte that is no character becomes a lone surrogate."""
_CHUNK = 1024 * 1024
_SAMPLE = 128 * 1024
_BAD_SHARE = 0.02
"""Share of undecodable bytes among the characters beyond ASCII up to which an encoding is believed."""
_BAD_FEW = 3
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1d\ufffe\uffff]")
_LEGACY = ("gb18030", "big5hkscs")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-8": "utf-8-sig",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
}

_TITLES = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "gb18030": "GBK / GB18030",
    "big5hkscs": "Big5",
    "parquet": "Parquet",
}


def encoding_title(codec: str) -> str:
    """Returns the name of a codec as a person knows it."""
    return _TITLES.get(codec, codec)


Opened = Callable[[], BinaryIO]


def text_encoding(opened: Opened, name: str, asked: str = "") -> str:
    """Returns the codec of a text file; ``asked`` is the one that a person names, '' to recognise it.

    Raises:
        ImportFileError: the file is no text, or its encoding cannot be told.
    """
    if asked:
        return _checked(opened, name, asked)
    with opened() as file:
        start = file.read(4)
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    if marked is not None:
        if _believed(opened, marked):
            return marked
    elif (codec := _unmarked(opened)) is not None:
        return codec
    raise ImportFileError(
        _(
            "{file} 的编码认不出来：不像 UTF-8、GB18030 或 Big5 的文本；请另存为 UTF-8，或者指明它的编码",
            file=name,
        )
    )


def _checked(opened: Opened, name: str, asked: str) -> str:
    plain = asked.strip().lower().replace("_", "-")
    codec = _NAMES.get(plain, plain)
    if codec not in (*_NAMES.values(), *ENCODINGS):
        known = _("、").join(ENCODINGS)
        raise ImportFileError(_("不认识编码 {encoding}，可以的是：{known}", encoding=asked, known=known))
    if not _believed(opened, codec):
        raise ImportFileError(_("{file} 不是 {encoding} 编码的文本", file=name, encoding=asked))
    return codec


def _unmarked(opened: Opened) -> str | None:
    with opened() as file:
        if any(b"\x00" in chunk for chunk in iter(partial(file.read, _CHUNK), b"")):
            return _unmarked_wide(opened)
    if _believed(opened, "utf-8"):
        return "utf-8-sig"
    fitting = [codec for codec in _LEGACY if _believed(opened, codec)]
    return _more_likely(opened, fitting) if fitting else None


def _unmarked_wide(opened: Opened) -> str | None:
    """Returns the codec of UTF-16 without a byte order mark, in which ASCII has its NULs on one side."""
    with opened() as file:
        sample = file.read(_SAMPLE)
    codec = "utf-16-be" if sample[::2].count(0) > sample[1::2].count(0) else "utf-16-le"
    if _CONTROL.search(sample.decode(codec, "replace")):
        return None
    return codec if _believed(opened, codec) else None


def _more_likely(opened: Opened, fitting: list[str]) -> str | None:
    """Returns the codec under which the file reads as language, None if none does."""
    from charset_normalizer import from_bytes

    with opened() as file:
        clear = clear_chinese_codec(file.read(_SAMPLE))
    if clear in fitting:
        return clear
    for codec in fitting:
        lines = list(_clean_lines(opened, codec))
        best = from_bytes(b"\n".join(lines), cp_isolation=["gb18030", "big5", "big5hkscs"]).best()
        if best is not None:
            return "gb18030" if best.encoding == "gb18030" else "big5hkscs"
    return None


def _clean_lines(opened: Opened, codec: str) -> Iterator[bytes]:
    """Yields the lines with characters beyond ASCII that the codec decodes, up to the size of a sample."""
    size = 0
    with opened() as file:
        for line in iter(partial(file.readline, _SAMPLE), b""):
            if not line.isascii() and _decodes(line, codec):
                size += len(line)
                yield line
            if size > _SAMPLE:
                return


def _decodes(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _believed(opened: Opened, codec: str) -> bool:
    """Returns whether almost all bytes beyond ASCII are characters of ``codec`` and none is NUL."""
    exact = _counted(opened, codec, "strict")
    if exact is None and codec in ("utf-8", "utf-8-sig", *_LEGACY):
        exact = _counted(opened, codec, KEEPING)
    if exact is None:
        return False
    good, bad = exact
    return bad <= _BAD_SHARE * good or (bad <= _BAD_FEW and good >= 2 * bad)


def _counted(opened: Opened, codec: str, errors: str) -> tuple[int, int] | None:
    """Returns the number of characters beyond ASCII and of undecodable bytes; None for what is no text."""
    decoder = codecs.getincrementaldecoder(codec)(errors)
    good = bad = 0
    with opened() as file:
        try:
            for chunk in iter(partial(file.read, _CHUNK), b""):
                text = decoder.decode(chunk)
                if "\x00" in text:
                    return None
                if errors == KEEPING and not text.isascii():
                    spoiled = sum("\udc80" <= character <= "\udcff" for character in text)
                    bad += spoiled
                    good += sum(character > "\x7f" for character in text) - spoiled
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
    return good, bad
