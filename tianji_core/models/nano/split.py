"""Which cells of a recipe are held out from the nano base; training and evaluation share this rule."""

import hashlib
from collections.abc import Iterable

Cell = tuple[str, str]
HELD_OUT_SHARE = 25
"""Percentage of cells that are held out for evaluation."""


def held_out(name: str, scene: str) -> bool:
    """Returns whether the cell (name, scene) is held out. It depends on the two texts alone, so it is the
    same on every machine and when a list grows."""
    digest = hashlib.sha256(f"{name}|{scene}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_SHARE


def split_cells(cells: Iterable[Cell]) -> tuple[list[Cell], list[Cell]]:
    """Returns (training cells, held-out cells), each in the given order."""
    learnt: list[Cell] = []
    kept: list[Cell] = []
    for cell in cells:
        (kept if held_out(*cell) else learnt).append(cell)
    return learnt, kept
