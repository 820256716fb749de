"""The text of slides, tables and books: pptx, xlsx, epub. Called in the child process of a conversion, whose
limits bound what these files expand to."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tianji_core.generation.knowledge.web_pages import text_of_page
from tianji_core.spreadsheet import MOST_COLUMNS, sheet_rows

_SLIDE_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}sldId"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def text_of_slides(data: bytes) -> str:
    """Returns the paragraphs of a presentation, slide by slide in the order in which they are shown."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        targets = _relations(archive, "ppt/_rels/presentation.xml.rels")
        shown = _xml(archive, "ppt/presentation.xml").iter(_SLIDES)
        slides = [_within("ppt", targets[each.get(_RELATION)]) for each in shown]
        texts = ["\n".join(_paragraphs(_xml(archive, slide))) for slide in slides]
    return "\n\n".join(filter(None, texts))


def _without_alternatives(slide: Any) -> None:
    """Leaves one of the ways in which a slide holds the same content for programs of several ages: the first
    that has words."""
    for content in list(slide.iter(_ALTERNATIVES)):
        ways = list(content)
        kept = next((way for way in ways if next(way.iter(f"{_SLIDE_TEXT}t"), None) is not None), None)
        for way in ways:
            if way is not kept:
                content.remove(way)


def _paragraphs(slide: Any) -> Iterator[str]:
    _without_alternatives(slide)
    for paragraph in slide.iter(f"{_SLIDE_TEXT}p"):
        parts = (
            "\n" if each.tag == f"{_SLIDE_TEXT}br" else each.text or ""
            for each in paragraph.iter()
            if each.tag in (f"{_SLIDE_TEXT}t", f"{_SLIDE_TEXT}br")
        )
        if text := "".join(parts).strip():
            yield text


def text_of_tables(data: bytes) -> str:
    """Returns the rows of a workbook's sheets, cells divided by tabs, as they were last calculated."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    parts = []
    for sheet in book.worksheets:
        rows = ("\t".join(_cells(row)) for row in sheet_rows(sheet, MOST_COLUMNS))
        if text := "\n".join(filter(None, rows)):
            parts.append(f"{sheet.title}\n{text}")
    return "\n\n".join(parts)


def _cells(row: tuple[Any, ...]) -> Iterator[str]:
    for value in row:
        if value is not None and (text := " ".join(str(value).split())):
            yield text


def text_of_book(data: bytes) -> str:
    """Returns the chapters of an epub in reading order."""
    from bs4 import BeautifulSoup

    chapters = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        container = _xml(archive, "META-INF/container.xml")
        package = next(each.get("full-path") for each in container.iter() if each.tag.endswith("}rootfile"))
        book = list(_xml(archive, package).iter())
        files = {each.get("id"): each.get("href") for each in book if each.tag.endswith("}item")}
        folder = posixpath.dirname(package)
        for each in book:
            href = files.get(each.get("idref")) if each.tag.endswith("}itemref") else None
            if href:
                page = BeautifulSoup(archive.read(_within(folder, unquote(href))), "html.parser")
                chapters.append(_lines(text_of_page(page)))
    return "\n\n".join(filter(None, chapters))


def _lines(page: Any) -> str:
    """Returns the text of a page with a line for each block."""
    body = page.body or page
    for block in body.find_all(["p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br", "tr"]):
        block.append("\n")
    lines = (" ".join(line.split()) for line in body.get_text().splitlines())
    return "\n".join(filter(None, lines))


def _relations(archive: zipfile.ZipFile, name: str) -> dict[str | None, str]:
    return {each.get("Id"): each.get("Target", "") for each in _xml(archive, name)}


def _within(folder: str, target: str) -> str:
    """Returns the name of a member that another one in ``folder`` refers to."""
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _xml(archive: zipfile.ZipFile, name: str) -> Any:
    """Returns the root of an XML member; entities are refused.

    Raises:
        ValueError: it declares entities.
    """
    from defusedxml.ElementTree import fromstring

    return fromstring(archive.read(name))
