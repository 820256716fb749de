"""The difference of two texts, character by character."""

from difflib import SequenceMatcher
from typing import NamedTuple


class DiffSegment(NamedTuple):
    """A run of characters: ``kind`` is same, removed or added."""

    kind: str
    text: str


def compare(before: str, after: str) -> list[DiffSegment]:
    """Returns the removed, added and equal characters in reading order."""
    pieces: list[DiffSegment] = []
    for operation, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(DiffSegment("same", before[a:b]))
            continue
        if b > a:
            pieces.append(DiffSegment("removed", before[a:b]))
        if d > c:
            pieces.append(DiffSegment("added", after[c:d]))
    return pieces
