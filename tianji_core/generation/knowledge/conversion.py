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
from pathlib import Path

from tianji_core.generation.knowledge.web_pages import text_of_page

MEMORY = 1024**3
"""Bytes that the conversion may take beside the libraries."""
SECONDS = 300
"""Seconds of processor time: about 2,000 pages of a PDF."""
UNPACKED = 256 * 1024**2
"""Bytes of all members of a docx file together after decompression; they include its pictures."""
TEXT = 10_000_000
"""Characters of the text."""
_OUTPUT = 6 * TEXT + 10_000
TOO_LARGE, OUT_OF_MEMORY = "too large", "out of memory"
"""Reasons of a failure that the parent puts into words; any other reason is what a library said."""


def convert(suffix: str, data: bytes) -> str:
    """Returns the text of a docx, pdf or html file. The libraries raise their own errors.

    Raises:
        ValueError: it is larger than the limits, with :data:`TOO_LARGE`.
    """
    if suffix == ".docx":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED:
                raise ValueError(TOO_LARGE)
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
    if len(text) > TEXT:
        raise ValueError(TOO_LARGE)
    return text


def _limit_memory() -> None:
    """Limits the address space to what the libraries occupy now and :data:`MEMORY`."""
    with contextlib.suppress(OSError, ValueError):  # a system without /proc, or a lower limit already
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


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
    try:
        answer = {"text": convert(suffix, data)}
    except MemoryError:
        answer = {"error": OUT_OF_MEMORY}
    except Exception as error:  # each format's library raises its own classes
        said = str(error).strip()[:4000].splitlines()
        answer = {"error": said[0][:500] if said else type(error).__name__}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
