"""The encoding of a plain text, as people's programs have written it."""

import codecs
import contextlib

from tianji_core.gate.chinese_codecs import clear_chinese_codec, is_gbk_after_all

_SAMPLE = 64 * 1024
"""Bytes by which the encoding is recognised."""


def decoded(data: bytes) -> str | None:
    """Returns a text in UTF-8, UTF-16 with its mark, GB18030 or Big5; None where it is none of them."""
    encodings = ["utf-16"] if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8-sig"]
    if is_gbk_after_all(data[:_SAMPLE]):
        encodings.insert(0, "gb18030")
    if b"\x00" not in data:
        encodings += _legacy_encodings(data)
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _legacy_encodings(data: bytes) -> list[str]:
    """Returns GB18030 and Big5, the one under which the text reads as language first."""
    from charset_normalizer import from_bytes

    sample = data[:_SAMPLE]
    if (clear := clear_chinese_codec(sample)) is not None:
        return [clear, "gb18030" if clear == "big5hkscs" else "big5hkscs"]
    with contextlib.suppress(UnicodeDecodeError):  # not Big5; in Big5 the sample may end in a character
        codecs.getincrementaldecoder("big5hkscs")().decode(sample)
        sample = sample[: len(sample) - _cut_off(sample)]
    best = from_bytes(sample, cp_isolation=["gb18030", "big5", "big5hkscs"]).best()
    big5 = best is not None and best.encoding.startswith("big5")
    return ["big5hkscs", "gb18030"] if big5 else ["gb18030", "big5hkscs"]


def _cut_off(sample: bytes) -> int:
    """Returns the bytes at the end of Big5 that are a part of a character."""
    try:
        sample.decode("big5hkscs")
    except UnicodeDecodeError as error:
        return len(sample) - error.start
    return 0
