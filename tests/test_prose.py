"""The English prose has no known misspelling, and every link of the documents has a form one can follow."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
OUTSIDE_THE_MANUAL = [path for path in DOCUMENTS if not path.is_relative_to(GUIDE)]
PROSE = [
    "*.md",
    "docs/*.md",
    "docs/guide/en/**/*.md",
    "locale/en/LC_MESSAGES/*.po",
    ".github/**/*.md",
    "pins.toml",
]
NAMES_ONLY = ROOT / "docs" / "licences.md"
"""A list of packages."""
HOST = r"([a-z0-9-]+\.)+[a-z]{2,}"
LOCAL = {"127.0.0.1", "localhost"}


def spelt(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sysconfig.get_path("scripts")) / "typos", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_english_prose_has_no_known_misspelling(tmp_path: Path) -> None:
    files = sorted({str(path) for pattern in PROSE for path in ROOT.glob(pattern)} - {str(NAMES_ONLY)})
    assert len(files) > 40
    said = spelt(*files)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "certifi" in spelt(str(NAMES_ONLY)).stdout, "nothing is wrong there; check it like the others"
    wrong = tmp_path / "wrong.md"
    wrong.write_text("A wrong " + "seperate" + " word.\n")
    assert "separate" in spelt(str(wrong)).stdout


def links(path: Path) -> Iterator[str]:
    """The targets of links and pictures in a document."""
    for block in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        for token in block.children or ():
            if target := token.attrs.get("href") or token.attrs.get("src"):
                yield str(target)


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub names them."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_elsewhere_can_be_followed(path: Path) -> None:
    for target in links(path):
        address = urlsplit(target)
        if not address.scheme:
            continue
        assert address.scheme in ("https", "http", "mailto"), target
        if address.scheme != "mailto":
            assert address.scheme == "https" or address.hostname in LOCAL, f"{target}: https"
            assert address.hostname in LOCAL or re.fullmatch(HOST, address.hostname), target
            assert not re.search(r"[\s<>，。；）]|[.,;]$", target), target


@pytest.mark.parametrize("path", OUTSIDE_THE_MANUAL, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_have_their_files_and_headings(path: Path) -> None:
    """Those of the manual are MkDocs' to find."""
    for target in links(path):
        address = urlsplit(target)
        if address.scheme:
            continue
        file = (path.parent / address.path).resolve() if address.path else path
        assert file.exists() and file.is_relative_to(ROOT), f"{path.name}: {target}"
        if address.fragment and file.suffix == ".md":
            assert address.fragment in anchors(file), f"{path.name}: {target}"


def test_the_manual_is_built_with_every_missing_page_and_anchor_a_warning() -> None:
    settings = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["validation"]
    assert set(settings["links"].values()) == {"warn"} and "anchors" in settings["links"]
    assert set(settings["nav"].values()) == {"warn"}
    assert "strict=True" in (ROOT / "scripts" / "manual.py").read_text(encoding="utf-8")
