"""Which cells of a recipe the nano base never sees: training and evaluation share this one rule."""

import hashlib
from collections.abc import Iterable

Cell = tuple[str, str]
HELD_OUT_SHARE = 25
"""Cells in a hundred that are kept for evaluation."""


def held_out(name: str, scene: str) -> bool:
    """Whether the cell (name, scene) is kept for evaluation. It depends on the two texts alone, so it stays the same
    when a list grows, on every machine."""
    digest = hashlib.sha256(f"{name}|{scene}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_SHARE


def split_cells(cells: Iterable[Cell]) -> tuple[list[Cell], list[Cell]]:
    """(cells to learn from, cells held out), each in the given order."""
    learnt: list[Cell] = []
    kept: list[Cell] = []
    for cell in cells:
        (kept if held_out(*cell) else learnt).append(cell)
    return learnt, kept
