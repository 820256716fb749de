"""Documents that expand to gigabytes or never end: each is one sentence, and this process stays small."""

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import psutil
import pytest

from tests.generation.test_knowledge import docx, pdf
from tianji_core.errors import InputError
from tianji_core.generation.knowledge import conversion, read_document
from tianji_core.generation.knowledge.documents import LARGEST_FILE

MB = 1024**2
ROOT = Path(__file__).resolve().parents[2]


def docx_of(member: bytes, name: str = "word/document.xml", times: int = 1) -> bytes:
    """A docx file in which one member repeats ``member``."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx("腊八"))) as whole,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for other in set(whole.namelist()) - {name}:
            archive.writestr(other, whole.read(other))
        with archive.open(name, "w", force_zip64=True) as file:
            for _number in range(times):
                file.write(member)
    return target.getvalue()


def pdf_of(stream: bytes) -> bytes:
    """A page whose content is ``stream``, compressed."""
    plain = pdf("x")
    begin, end = plain.index(b"<</Length"), plain.index(b"\nendstream")
    body = b"<</Length %d/Filter/FlateDecode>>stream\n%s" % (len(stream), stream)
    return plain[:begin] + body + plain[end:]


def deflated(piece: bytes, times: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(piece) for _number in range(times)) + packer.flush()


BOMBS = {
    "a docx of 257 MB": ("a.docx", lambda: docx_of(b"\0" * MB, times=257), "展开后太大"),
    "a docx with a large picture": (
        "a.docx",
        lambda: docx_of(b"\0" * MB, "word/media/a.png", 257),
        "展开后太大",
    ),
    "a docx of 200 MB of tags": (
        "a.docx",
        lambda: docx_of(b"<w:p>" * (4 * MB), times=10),
        "内存超过|坏了",
    ),
    "a page of a pdf of 1.2 GB": (
        "a.pdf",
        lambda: pdf_of(deflated(b" " * (20 * MB), 60)),
        "内存超过|没有文字",
    ),
    "a file of 65 MB": ("a.html", lambda: b"a" * (LARGEST_FILE + 1), "最多 64 MB"),
    "a text of 11 million characters": ("a.txt", lambda: b"a" * 11_000_000, "展开后太大"),
}


READING = """
import json, resource, sys
from pathlib import Path
import psutil
from tianji_core.errors import InputError
from tianji_core.generation.knowledge import read_document
path = Path(sys.argv[1])
content, sentence = path.read_bytes(), ""
before = psutil.Process().memory_info().rss
try:
    read_document(path.name, content)
except InputError as error:
    sentence = str(error)
grown = psutil.Process().memory_info().rss - before
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps({"sentence": sentence, "grown": grown, "child": child}))
"""
"""A process of its own: the largest child of the test's process may have been another test's."""


@pytest.mark.parametrize(("name", "data", "sentence"), BOMBS.values(), ids=BOMBS)
def test_a_document_that_would_fill_the_memory_is_one_sentence(tmp_path, name, data, sentence):
    (tmp_path / name).write_bytes(data())
    answer = subprocess.run(
        [sys.executable, "-c", READING, str(tmp_path / name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(answer.stdout)
    assert re.search(sentence, told["sentence"]), told["sentence"]
    assert "\n" not in told["sentence"] and len(told["sentence"]) < 300
    assert told["grown"] < 60 * MB
    assert told["child"] < conversion.MEMORY + 400 * MB


def test_deep_html_is_read():
    assert read_document("a.html", b"<div>" * 20_000 + b"x").text == "x"


def test_a_conversion_that_does_not_end_is_killed_with_its_group(tmp_path, monkeypatch):
    """A child that computes for longer than the limit of processor time."""
    endless = tmp_path / "endless.py"
    endless.write_text(
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "executable", str(_launcher(tmp_path, endless)))
    before = set(psutil.Process().children(recursive=True))  # other tests' children
    with pytest.raises(InputError, match="秒还没有读完"):
        read_document("a.pdf", pdf("x"))
    assert set(psutil.Process().children(recursive=True)) <= before


def _launcher(folder, script):
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return launcher
