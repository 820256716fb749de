"""How samples share the sequences that a training reads. Pure."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")
_OPEN = 64
"""Sequences that a sample is tried in, the newest ones; bounds the work for large training files."""


def order(samples: Sequence[T], seed: int) -> list[T]:
    """The samples in the order in which they are packed."""
    shuffled = list(samples)
    Random(f"pack|{seed}").shuffle(shuffled)
    return shuffled


def whole_packs(lengths: Sequence[int], room: int) -> list[list[int]]:
    """The places of the samples in each sequence of at most ``room`` tokens: a sample goes into the first
    open sequence with room for all of it, else into a new one. ``lengths`` are in tokens; a sample longer
    than ``room`` has a sequence of its own."""
    packs: list[list[int]] = []
    left: list[int] = []
    for place, length in enumerate(lengths):
        start = max(0, len(packs) - _OPEN)
        fits = next((at for at in range(start, len(packs)) if left[at] >= length), None)
        if fits is None:
            packs.append([place])
            left.append(room - length)
        else:
            packs[fits].append(place)
            left[fits] -= length
    return packs
