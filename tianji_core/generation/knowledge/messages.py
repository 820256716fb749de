"""What people have written to each other in a document: the messages of a chat, the paragraphs of letters,
the lines or paragraphs of any other text. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tianji_core.generation.knowledge.documents import Document
from tianji_core.generation.knowledge.people import spoken_by

_LETTERS = (".eml", ".mbox")
_SENTENCE_MARK = re.compile(r"[，。！？～~…：:,!?]")
_CELLS = re.compile(r"\t+")


class WrittenMessage(NamedTuple):
    """A text and the sign of who wrote it, '' where nothing says so. It has several lines where it was
    written in several. ``private``: it is of a letter or a chat, and signs stand for the people in it."""

    text: str
    by: str = ""
    private: bool = False


def messages_of(document: Document, several_lines: bool = False) -> list[WrittenMessage]:
    """Returns the messages of a document in its order. A message of a chat and a paragraph of a letter stays
    whole; of any other text each line is one, or with ``several_lines`` each paragraph."""
    if document.private and not document.name.lower().endswith(_LETTERS):
        return list(_of_chat(document.text))
    paragraphs = (part.strip() for part in re.split(r"\n[ \t]*\n", document.text) if part.strip())
    if document.private:
        return [message for part in paragraphs for message in _of_letter(part)]
    if several_lines:
        return [WrittenMessage(part) for part in paragraphs]
    lines = (line for part in paragraphs for line in part.split("\n"))
    return [WrittenMessage(cell.strip()) for line in lines for cell in _CELLS.split(line) if cell.strip()]


def _of_chat(text: str) -> Iterator[WrittenMessage]:
    """Yields the messages of a chat; what stands before the first is a line each."""
    by, lines = "", list[str]()
    for line in text.split("\n"):
        begins = spoken_by(line)
        if begins is None and by:
            lines.append(line)
            continue
        if lines:
            yield WrittenMessage("\n".join(lines).strip(), by, private=True)
        by, first = begins or ("", line)
        lines = [first] if first.strip() else []
    if lines:
        yield WrittenMessage("\n".join(lines).strip(), by, private=True)


def _of_letter(paragraph: str) -> Iterator[WrittenMessage]:
    """Yields a paragraph, and before it the subject of the letter where it begins with one."""
    first, _break, rest = paragraph.partition("\n")
    if rest and _SENTENCE_MARK.search(first) is None:
        yield WrittenMessage(first.strip(), private=True)
        paragraph = rest
    yield WrittenMessage(paragraph.strip(), private=True)
